"""Asks a broker for its topics and access rules, and changes what a plan says."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewPartitions, NewTopic

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerRefused, BrokerUnavailable, TopicMissing
from anpr_engine.kafka.access_rules import AccessRule
from anpr_engine.kafka.client_settings import NO_SECURITY, Security, common
from anpr_engine.kafka.errors import error_of, translate, translated
from anpr_engine.kafka.topics import ExistingTopic, Step
from anpr_engine.kafka.watch import ATTEMPT_S, ClientWatch

T = TypeVar("T")

ANSWER_S = 30.0
START_S = 15.0

_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional-id": ResourceType.TRANSACTIONAL_ID,
}


class TopicAdmin:
    """One administrator's connection."""

    def __init__(
        self, bootstrap: str, security: Security = NO_SECURITY, *, start_s: float = START_S
    ) -> None:
        """Prepare a client; nothing is asked yet.

        Args:
            bootstrap: `host:port[,host:port…]`.
            security: how to prove who we are.
            start_s: how long a broker may take to answer the first time.

        """
        self._where = bootstrap
        self._start_s = start_s
        self._watch = ClientWatch(bootstrap)
        with translated(bootstrap):
            # The library's types leave out callbacks, which it takes all the same.
            properties: dict[str, Any] = common(bootstrap, security, self._watch.hear)
            self._admin = AdminClient(properties)

    def existing(self, names: Iterable[str]) -> dict[str, ExistingTopic]:
        """Ask for those of the topics that exist.

        Raises:
            BrokerError: nobody answers, or we are refused.

        """
        known = self._reach()
        found = {name: known[name] for name in names if name in known}
        settings = self._settings(found)
        return {
            name: ExistingTopic(len(replicas), replicas[0], settings[name])
            for name, replicas in found.items()
            if name in settings
        }

    def settings(self, names: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Ask for the settings of those of the topics that exist; the right to that is enough.

        Raises:
            BrokerError: nobody answers, or we are refused.

        """
        self._reach()
        return self._settings(names)

    def _settings(self, names: Iterable[str]) -> dict[str, Mapping[str, str]]:
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        settings: dict[str, Mapping[str, str]] = {}
        if resources:
            for resource, answer in self._admin.describe_configs(resources).items():
                with suppress(TopicMissing):
                    entries = self._await(answer)
                    settings[resource.name] = {key: str(e.value) for key, e in entries.items()}
        return settings

    def apply(self, steps: Sequence[Step]) -> None:
        """Do what a plan says, except what it leaves, and wait until the broker shows it.

        Raises:
            BrokerError: the broker refuses a step, or does not answer.

        """
        for step in steps:
            name = step.topic.name
            if step.kind == "create":
                new = NewTopic(
                    name,
                    step.topic.partitions,
                    step.topic.replication,
                    config=dict(step.settings),
                )
                self._await_new(self._admin.create_topics([new])[name])
            elif step.kind == "grow":
                grown = self._admin.create_partitions([NewPartitions(name, step.topic.partitions)])
                self._await(grown[name])
            elif step.kind == "set":
                self._set(step)

        self._await_seen(steps)

    def apply_rules(self, rules: Sequence[AccessRule]) -> None:
        """Put access rules in force; those in force already stay.

        Raises:
            BrokerRefused: the broker keeps no access rules, or we may not change them.

        """
        for answer in self._admin.create_acls([_binding(rule) for rule in rules]).values():
            try:
                answer.result(ANSWER_S)
            except KafkaException as exception:
                error = error_of(exception)
                if error.code() == KafkaError.SECURITY_DISABLED:
                    what = f"Kafka at {self._where} keeps no access rules."
                    raise BrokerRefused(what, "Set its authorizer, or leave --acls out.") from None
                raise translate(error, self._where) from None

    def _reach(self) -> dict[str, list[int]]:
        """Give, by topic, the number of copies of each partition."""
        clock = SystemClock()
        deadline_s = clock.monotonic_s() + self._start_s
        while True:
            try:
                topics = self._admin.list_topics(timeout=ATTEMPT_S).topics
            except KafkaException as exception:
                self._admin.poll(0)
                self._watch.check()
                if clock.monotonic_s() >= deadline_s:
                    error = self._watch.latest or error_of(exception)
                    raise translate(error, self._where) from exception
            else:
                return {
                    name: [len(part.replicas) for part in topic.partitions.values()]
                    for name, topic in topics.items()
                    if topic.partitions
                }

    def _await_seen(self, steps: Sequence[Step]) -> None:
        """Wait until every topic made or grown is told to whoever asks."""
        made = {s.topic.name: s.topic.partitions for s in steps if s.kind in {"create", "grow"}}
        clock = SystemClock()
        deadline_s = clock.monotonic_s() + ANSWER_S
        while made:
            seen = self._reach()
            made = {name: count for name, count in made.items() if len(seen.get(name, ())) < count}
            if made and clock.monotonic_s() > deadline_s:
                what = f"Kafka at {self._where} does not show {', '.join(sorted(made))}."
                raise BrokerUnavailable(what, "Run `anpr topics plan` in a moment.")

    def _set(self, step: Step) -> None:
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in step.settings
        ]
        resource = ConfigResource(
            ConfigResource.Type.TOPIC, step.topic.name, incremental_configs=entries
        )
        for answer in self._admin.incremental_alter_configs([resource]).values():
            self._await(answer)

    def _await_new(self, answer: Future[None]) -> None:
        """Wait for a topic; one that another made in the meantime is as good."""
        try:
            answer.result(ANSWER_S)
        except KafkaException as exception:
            error = error_of(exception)
            if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise translate(error, self._where) from exception

    def _await(self, answer: Future[T]) -> T:
        with translated(self._where):
            return answer.result(ANSWER_S)


def _binding(rule: AccessRule) -> AclBinding:
    return AclBinding(
        _RESOURCES[rule.resource],
        rule.name,
        ResourcePatternType.PREFIXED if rule.prefixed else ResourcePatternType.LITERAL,
        rule.principal,
        "*",
        AclOperation[rule.operation],
        AclPermissionType.ALLOW,
    )

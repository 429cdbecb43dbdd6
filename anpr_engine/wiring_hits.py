"""Puts together what is beside an engine: how long things are kept, handled hits; who signs.

Why these keys are read by name: they need the package cryptography, which a site that neither
signs nor checks does without.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

from anpr_engine.audit.jws import Signer
from anpr_engine.audit.key_modules import pinned_keys, secret_signer
from anpr_engine.audit.message_proof import Doubt, MessageChecker
from anpr_engine.audit.odd_use import OddUseLimits
from anpr_engine.errors import ConfigError
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.handled_book import Heeds, handled_entries
from anpr_engine.kafka.kept_watch import kept_watched
from anpr_engine.kafka.oldest import oldest_read_watched
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.kafka.told_book import told_today
from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import FEEDBACK_UNPROVED, Metrics
from anpr_engine.pipeline.run import EnginePorts
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.wiring_odd_use import odd_use_watched

_WHAT = "Signing and checking what services answer"


class HeedRules(Protocol):
    """Whose signatures count."""

    @property
    def keys(self) -> Sequence[str]:
        """Files of public Ed25519 keys, each with the site that alone may use it."""
        ...

    @property
    def signed_only(self) -> bool:
        """Whether what nobody signed counts for nothing."""
        ...


class Beside(NamedTuple):
    """What a site has set for what stands beside its engine.

    arrangements: a file; where there is one, the engine knows what went abroad today, too.
    heeds: which events of handling count. odd: from when on people's acts are odd.
    policies: the rules of law in force, which its topics are held against.
    """

    arrangements: str
    heeds: HeedRules
    odd: OddUseLimits
    policies: Callable[[], PolicySet]


@contextmanager
def ports_watched(
    site: str, kafka: StreamSettings, metrics: Metrics, ports: EnginePorts, about: Beside
) -> Iterator[EnginePorts]:
    """Let an engine know what was done about its entries; watch its topics and the record.

    Args:
        site: whose engine it is.
        kafka: how the engine reaches its broker.
        metrics: the engine's.
        ports: the engine's others.
        about: what the site has set.

    Raises:
        AnprError: a key cannot be used, or a topic cannot be read.

    """
    with ExitStack() as beside:
        beside.enter_context(oldest_read_watched(kafka, metrics, ports.clock))
        beside.enter_context(kept_watched(site, kafka, about.policies, (metrics, ports.clock)))
        beside.enter_context(odd_use_watched(site, kafka, metrics, ports.clock, about.odd))
        gate = event_gate(site, about.heeds, metrics)
        kept = handled_entries(site, kafka, ports.clock, heeds=gate)
        handled = beside.enter_context(kept).of
        day = told_today(site, kafka, ports.clock)
        told = beside.enter_context(day) if about.arrangements else None
        yield replace(ports, handled=handled, told=told)


def event_gate(site: str, rules: HeedRules, metrics: Metrics) -> Heeds:
    """Give what decides which events on a site's topic count, and counts the others.

    Raises:
        AnprError: as `message_checker`.

    """
    checker = message_checker(rules, partial(_note, metrics))

    def counts(event: HandlingEvent, record: TailedRecord) -> bool:
        return checker.heeds(event, site, record)

    return counts


def message_checker(rules: HeedRules, tell: Callable[[Doubt], None]) -> MessageChecker:
    """Give what decides which messages count.

    Args:
        rules: whose signatures count.
        tell: hears of each forged or unsigned record once.

    Raises:
        ConfigError: a key has no site, or signatures are asked for and no key is given.
        UsageError: a package is missing.
        InputFileError: a file holds no public key.

    """
    if rules.signed_only and not rules.keys:
        what = "feedback.signed_only is set without feedback.keys, so nothing would ever count."
        raise ConfigError(what, "Name the keys, or leave it out.")
    for given in rules.keys:
        if not all(given.partition("=")):
            what = f"feedback.keys = {given!r} names no site - allowed is SITE=FILE."
            raise ConfigError(what, "Write such as be=/etc/anpr/be.key.pub.")
    return MessageChecker(pinned_keys(rules.keys, _WHAT), rules.signed_only, tell)


def message_signer(signing_key: str) -> Signer | None:
    """Give the site's secret key; None where it has none.

    Args:
        signing_key: file of the Ed25519 key that signs the site's alerts, too; or empty.

    Raises:
        UsageError: a package is missing, or others may read the file.
        InputFileError: it holds no secret key.

    """
    return secret_signer(signing_key, _WHAT)


def _note(metrics: Metrics, doubt: Doubt) -> None:
    state = doubt.proof.state
    first = not metrics.value(FEEDBACK_UNPROVED.name, state=state)
    metrics.add(FEEDBACK_UNPROVED, 1, state)
    flaw = doubt.proof.flaw
    # Where others do not sign yet, all is unsigned: said once, counted always.
    if flaw is not None or first:
        get_logger().warning(
            "feedback_unproved",
            topic=doubt.topic,
            partition=doubt.partition,
            offset=doubt.offset,
            state=state,
            flaw=flaw.value if flaw is not None else "",
            heeded=doubt.heeded,
        )

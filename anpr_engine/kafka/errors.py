"""Kafka's error codes in the project's words: one table, one way through it.

A code that is not in the table becomes a plain `BrokerError` with the code's name.
"""

# ruff: noqa: SLF001 - the client library names its own codes with a leading underscore

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException

from anpr_engine.errors import (
    BrokerError,
    BrokerRefused,
    BrokerUnavailable,
    EngineReplaced,
    TopicMissing,
)


class Cause(NamedTuple):
    """What a code means: the error class, what happened, and what to do."""

    error: type[BrokerError]
    what: str
    remedy: str


_DOCTOR = "Run `anpr doctor`."
_AWAY = Cause(
    BrokerUnavailable,
    "no broker answers",
    # One that does not trust a certificate hangs up without a word.
    "Check the address, the network and, with TLS, the certificate and security_protocol under "
    f"[kafka_client]. {_DOCTOR}",
)
_SLOW = Cause(BrokerUnavailable, "the broker does not answer in time", _DOCTOR)
_SECRET = Cause(
    BrokerRefused,
    "the broker does not accept who we say we are",
    "Check user, password and certificate under [kafka_client].",
)
_TLS = Cause(
    BrokerRefused,
    "no secure connection can be made",
    "Check ssl_ca_location, the certificate and security_protocol under [kafka_client].",
)
_RULE = Cause(
    BrokerRefused,
    "an access rule does not permit it",
    "`anpr topics plan` lists the access rules a site needs.",
)
_NO_TOPIC = Cause(TopicMissing, "the topic does not exist", "Run `anpr topics apply`.")
_REPLACED = Cause(
    EngineReplaced,
    "another engine runs under the same site and slot",
    "Give each engine its own ANPR_SLOT, or stop one.",
)
_TOO_BIG = Cause(
    BrokerError,
    "a record is larger than the topic takes",
    "Compare max.message.bytes with `anpr topics plan`.",
)
_TIMEOUT_RANGE = Cause(
    BrokerError,
    "the broker does not permit this transaction or session timeout",
    "Lower it under [kafka_client], or raise the broker's limit.",
)

ERRORS: dict[int, Cause] = {
    KafkaError._ALL_BROKERS_DOWN: _AWAY,
    KafkaError._TRANSPORT: _AWAY,
    KafkaError._RESOLVE: _AWAY,
    KafkaError._TIMED_OUT: _SLOW,
    KafkaError._TIMED_OUT_QUEUE: _SLOW,
    KafkaError._MSG_TIMED_OUT: _SLOW,
    KafkaError.REQUEST_TIMED_OUT: _SLOW,
    KafkaError.COORDINATOR_NOT_AVAILABLE: _SLOW,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS: _SLOW,
    KafkaError._AUTHENTICATION: _SECRET,
    KafkaError.SASL_AUTHENTICATION_FAILED: _SECRET,
    KafkaError.UNSUPPORTED_SASL_MECHANISM: _SECRET,
    KafkaError.ILLEGAL_SASL_STATE: _SECRET,
    KafkaError._SSL: _TLS,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _RULE,
    KafkaError.GROUP_AUTHORIZATION_FAILED: _RULE,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _RULE,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: _RULE,
    KafkaError.DELEGATION_TOKEN_AUTHORIZATION_FAILED: _RULE,
    KafkaError.UNKNOWN_TOPIC_OR_PART: _NO_TOPIC,
    KafkaError.UNKNOWN_TOPIC_ID: _NO_TOPIC,
    KafkaError._UNKNOWN_TOPIC: _NO_TOPIC,
    KafkaError._UNKNOWN_PARTITION: _NO_TOPIC,
    KafkaError._FENCED: _REPLACED,
    KafkaError.PRODUCER_FENCED: _REPLACED,
    KafkaError.INVALID_PRODUCER_EPOCH: _REPLACED,
    KafkaError.FENCED_INSTANCE_ID: _REPLACED,
    KafkaError.UNRELEASED_INSTANCE_ID: _REPLACED,
    KafkaError.MSG_SIZE_TOO_LARGE: _TOO_BIG,
    KafkaError.RECORD_LIST_TOO_LARGE: _TOO_BIG,
    KafkaError.INVALID_TRANSACTION_TIMEOUT: _TIMEOUT_RANGE,
    KafkaError.INVALID_SESSION_TIMEOUT: _TIMEOUT_RANGE,
    KafkaError._MAX_POLL_EXCEEDED: Cause(
        BrokerError,
        "the engine asked for no reads for minutes, and its cameras went to another engine",
        "Start it again; if it happens twice, look for a stalled disk or a paused machine.",
    ),
}

FENCED = frozenset(code for code, cause in ERRORS.items() if cause is _REPLACED)
"""Codes that say: another one took this name (or our own transaction ran out of time)."""

REFUSED = frozenset(code for code, cause in ERRORS.items() if cause is _SECRET)
"""Codes that no waiting mends."""

DAMAGED = frozenset(
    {
        KafkaError._BAD_MSG,
        KafkaError._BAD_COMPRESSION,
        KafkaError._UNDERFLOW,
        KafkaError._NOT_IMPLEMENTED,
        KafkaError._UNSUPPORTED_FEATURE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_RECORD,
    }
)
"""Codes of a partition that say: what is stored here cannot be read."""

OFFSET_UNKNOWN = frozenset(
    {KafkaError._AUTO_OFFSET_RESET, KafkaError._NO_OFFSET, KafkaError.OFFSET_OUT_OF_RANGE}
)
"""Codes of a partition that say: where to read on is not known, or no longer there."""

PASSING = frozenset(
    {
        KafkaError._PARTITION_EOF,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
"""Codes that the client library mends by itself."""

SETTLING = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError._WAIT_CACHE,
    }
)
"""Codes of a topic that was just made, or whose leader just changed."""


def translate(error: KafkaError, where: str) -> BrokerError:
    """Put a Kafka error into the project's words.

    Args:
        error: what the client library reported.
        where: the broker's address, with the topic where that helps.

    """
    cause = ERRORS.get(error.code())
    if error.code() == KafkaError._FATAL and "group.instance.id" in error.str():
        # A consumer tells the reason of its end in words only.
        cause = _REPLACED
    if cause is None:
        return BrokerError(f"Kafka at {where}: {error.str()} ({error.name()}).", _DOCTOR)
    return cause.error(f"Kafka at {where}: {cause.what} ({error.name()}).", cause.remedy)


def error_of(exception: KafkaException) -> KafkaError:
    """Take the Kafka error out of the client library's exception."""
    found = exception.args[0] if exception.args else None
    if isinstance(found, KafkaError):
        return found
    return KafkaError(KafkaError._FAIL, str(exception))


def loses_place(error: KafkaError, where: str) -> bool:
    """Say whether a partition's error means that its place is lost; false if it mends itself.

    Raises:
        BrokerError: the error does not mend.

    """
    code = error.code()
    if code in OFFSET_UNKNOWN:
        return True
    mends = code in DAMAGED or code in PASSING or error.retriable()
    if error.fatal() or not mends:
        raise translate(error, where)
    return False


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the client library's exceptions into the project's.

    Raises:
        BrokerError: or the subclass that fits the cause.

    """
    try:
        yield
    except KafkaException as exception:
        raise translate(error_of(exception), where) from exception

"""Kafka's error codes in the project's words."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from anpr_engine import errors
from anpr_engine.kafka.errors import DAMAGED, ERRORS, OFFSET_UNKNOWN, PASSING, translate, translated

CODES = {name: code for name, code in vars(KafkaError).items() if isinstance(code, int)}


def codes_named(*words: str) -> list[str]:
    """Give the library's codes whose name holds one of the words."""
    return sorted(name for name in CODES if any(word in name for word in words))


@pytest.mark.parametrize("name", codes_named("AUTHORIZATION_FAILED", "AUTHENTICATION"))
def test_every_refusal_is_a_refusal(name: str) -> None:
    """Whatever the library calls an authorisation or authentication failure is `BrokerRefused`."""
    assert ERRORS[CODES[name]].error is errors.BrokerRefused


@pytest.mark.parametrize("name", ["_FENCED", "PRODUCER_FENCED", "FENCED_INSTANCE_ID"])
def test_every_fencing_is_a_replacement(name: str) -> None:
    """Whatever says that another took this slot is `EngineReplaced`."""
    assert ERRORS[CODES[name]].error is errors.EngineReplaced


@pytest.mark.parametrize("name", codes_named("UNKNOWN_TOPIC"))
def test_every_unknown_topic_is_a_missing_one(name: str) -> None:
    """Whatever says that a topic is unknown is `TopicMissing`."""
    assert ERRORS[CODES[name]].error is errors.TopicMissing


def test_every_named_code_exists_and_says_what_to_do() -> None:
    """The tables name codes of the library only, and each cause has a remedy."""
    known = set(CODES.values())
    assert ERRORS.keys() | DAMAGED | OFFSET_UNKNOWN | PASSING <= known
    assert all(cause.what and cause.remedy for cause in ERRORS.values())


def test_every_kind_of_broker_error_is_reached() -> None:
    """No class of broker errors stands in the tree without a code that leads to it."""
    named = {cause.error for cause in ERRORS.values()}
    assert named == {errors.BrokerError, *errors.BrokerError.__subclasses__()}


def test_a_code_without_words_keeps_its_name() -> None:
    """A code outside the table becomes a plain broker error that names it."""
    error = translate(KafkaError(KafkaError.INVALID_PARTITIONS), "here:1")
    assert type(error) is errors.BrokerError
    assert "INVALID_PARTITIONS" in error.what
    assert "here:1" in error.what


def test_exceptions_of_the_library_are_translated() -> None:
    """What leaves the context manager is the project's, with the library's as its cause."""
    with pytest.raises(errors.BrokerUnavailable, match="here:1") as caught, translated("here:1"):
        raise KafkaException(KafkaError(CODES["_TRANSPORT"]))
    assert isinstance(caught.value.__cause__, KafkaException)

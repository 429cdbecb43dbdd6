"""Which client is taken, why, and what is said of it."""

import pytest
import structlog

from anpr_engine.errors import BrokerError
from anpr_engine.kafka import client_choice, native_library, native_test_record
from anpr_engine.kafka.client_choice import choose_client
from anpr_engine.kafka.native_library import Library, load_library
from anpr_engine.kafka.native_test_record import trusted_library
from anpr_engine.metrics.table import NATIVE_DRAIN, Metrics


def test_the_library_here_is_known_and_trusted() -> None:
    """The library that is installed passes its test record, so the native client is taken."""
    metrics = Metrics()
    assert isinstance(choose_client("auto", metrics), Library)
    assert metrics.value(NATIVE_DRAIN.name) == 1


def test_plain_is_taken_when_asked_for() -> None:
    """The ordinary client on request needs no line in the log."""
    metrics = Metrics()
    with structlog.testing.capture_logs() as lines:
        assert choose_client("plain", metrics) is None
    assert lines == []
    assert metrics.value(NATIVE_DRAIN.name) == 0


def test_an_unusable_library_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its library `auto` takes the ordinary client and says why in one line."""
    monkeypatch.setattr(client_choice, "trusted_library", lambda: "not found: here")
    with structlog.testing.capture_logs() as lines:
        assert choose_client("auto", Metrics()) is None
    assert [line["event"] for line in lines] == ["kafka_native_client_unavailable"]
    assert lines[0]["reason"] == "not found: here"


def test_an_unusable_library_that_was_asked_for_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever insists on the native client is told why there is none and what to set."""
    monkeypatch.setattr(client_choice, "trusted_library", lambda: "not found: here")
    with pytest.raises(BrokerError, match="not found: here") as caught:
        choose_client("native", Metrics())
    assert "auto" in caught.value.remedy


@pytest.mark.parametrize("known", [(0, 0x010E0000), (0x7F000000, 0x7FFFFFFF)])
def test_an_unknown_version_is_not_used(
    monkeypatch: pytest.MonkeyPatch, known: tuple[int, int]
) -> None:
    """A library older or newer than those known is named and left alone."""
    monkeypatch.setattr(native_library, "VERSIONS_KNOWN", known)
    found = load_library.__wrapped__()
    assert isinstance(found, str)
    assert "is not known" in found


def test_a_library_without_a_function_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that lacks part of the interface counts as not found."""
    lacking = {**native_library.PROTOTYPES, "no_such_function": (None,)}
    monkeypatch.setattr(native_library, "PROTOTYPES", lacking)
    found = load_library.__wrapped__()
    assert isinstance(found, str)
    assert "no_such_function" in found


@pytest.mark.parametrize(
    ("name", "value"), [("VALUE", b"another value"), ("PARTITION_SENT", 4), ("PURGED", -1)]
)
def test_a_test_record_that_comes_back_changed_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    """One part of the record that is not what was sent, and the library is not used."""
    sent = dict(vars(native_test_record))

    def expect_other(library: Library) -> object:
        seen = sent["_returned"](library)
        monkeypatch.setattr(native_test_record, name, value)
        return seen

    monkeypatch.setattr(native_test_record, "_returned", expect_other)
    found = trusted_library.__wrapped__()
    assert isinstance(found, str)
    assert "unknown way" in found


def test_a_list_that_reads_back_changed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of places that is not what was put in, and the library is not used."""
    monkeypatch.setattr(native_test_record, "OFFSET_INVALID", 7)
    found = trusted_library.__wrapped__()
    assert isinstance(found, str)
    assert "unknown way" in found


def test_a_test_record_that_does_not_come_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No report of the record, no native client."""
    monkeypatch.setattr(native_test_record, "_returned", lambda _library: None)
    found = trusted_library.__wrapped__()
    assert isinstance(found, str)
    assert "no test record" in found

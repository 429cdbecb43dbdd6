"""A terminal shows no alert that may be kept no longer, and trusts only a signed word on that."""

from datetime import UTC, datetime, timedelta

import pytest

from anpr_engine.audit.alert_guard import AlertSealer
from anpr_engine.audit.check_alerts import AlertChecker, PinnedKey
from anpr_engine.audit.signing import SecretKey
from anpr_engine.cli.alert_proof import ProofView
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.records.alert import Alert
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LAST = NOW + timedelta(days=365)
KEY = SecretKey.new()


def signed() -> TailedRecord:
    """Make an alert by the engine's own way, on an entry of its site, as it lies on a topic."""
    entry = WatchlistEntry(entry_id="e", list_id="l", plate="1-ABC-123")
    read = b'{"read_id":"r","camera_id":"c","captured_at":"2026-11-22T08:59:59Z","plate":"1ABC123"}'
    where = Circumstances("be", int(NOW.timestamp() * 1e6), 0, watchlist_stale=False)
    made = step([read], snapshot_of([entry]), StepRules(), where).alerts[0].alert
    ((value, headers),) = AlertSealer(KEY).guarded([made])
    return TailedRecord("anpr.alerts.be", 0, 7, -1, b"", headers, value)


def shown(record: TailedRecord, now: datetime) -> tuple[bool, int]:
    """Show a record at a moment: whether it counts as shown, and how many were forged."""
    checker = AlertChecker("be", {KEY.key_id: PinnedKey(KEY.public, "be")})
    view = ProofView(checker, None, now.timestamp, as_json=True)
    return view.show(Alert.model_validate_json(record.value), record), view.forged


def test_an_alert_is_shown_to_the_end_of_its_period(capsys: pytest.CaptureFixture[str]) -> None:
    """To the last second; then only its place is told."""
    assert shown(signed(), LAST - timedelta(seconds=1)) == (True, 0)
    assert "1ABC123" in capsys.readouterr().out
    assert shown(signed(), LAST) == (False, 0)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "anpr: the alert at anpr.alerts.be/0/7 may be kept no longer: not shown\n"


def test_who_shortens_a_period_is_told_as_forged() -> None:
    """Nobody can make an alert vanish, and its forging with it, by a date in it."""
    record = signed()
    value = record.value.replace(b"2027-11-22T", b"2020-11-22T")
    assert value != record.value
    assert shown(record._replace(value=value), NOW) == (True, 1)

"""What a control room reads in a terminal."""

from datetime import UTC, datetime

import pytest

from anpr_engine.cli.alert_proof import ProofView
from anpr_engine.cli.alert_text import ASKED, alert_block
from anpr_engine.cli.recall_view import RecallView
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.plates.alignment import marked
from anpr_engine.records.alert import Alert
from anpr_engine.records.fields import Action
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def alert(*, stale: bool = False, action: str = "arrest", plate: str = "1-ABC-123") -> Alert:
    """Make an alert by the engine's own way."""
    entry = WatchlistEntry.model_validate(
        {
            "entry_id": "e1",
            "list_id": "be-drugs",
            "plate": plate,
            "country": "BE",
            "action": action,
            "category": "drug-smuggling",
            "vehicle_make": "Volvo",
        }
    )
    read = (
        b'{"read_id":"r","camera_id":"be-e19-014a","captured_at":"2026-11-22T08:59:58Z",'
        b'"plate":"1abc123","country":"BE","lane":2,"direction":"north","speed_kmh":101.4,'
        b'"vehicle":{"make":"BMW","colour":"grey"}}'
    )
    where = Circumstances("be", int(NOW.timestamp() * 1e6), 31_500, watchlist_stale=stale)
    return step([read], snapshot_of([entry]), StepRules(), where).alerts[0].alert


@pytest.mark.parametrize(
    ("read", "listed", "left", "right"),
    [
        ("1-ABC-123", "1ABC123", "1ABC123", "1ABC123"),
        ("1-A8C-123", "1-ABC-123", "1A[8]C123", "1A[B]C123"),
        ("1-ABC-12", "1-ABC-123", "1ABC12[]", "1ABC12[3]"),
    ],
)
def test_differing_characters_are_marked(read: str, listed: str, left: str, right: str) -> None:
    """Separators never count as a difference; each run that differs stands in brackets."""
    assert marked(read, listed) == (left, right)


def test_the_block_says_what_is_needed_to_doubt_it() -> None:
    """Both plates, place, time, what is asked, both vehicles, probability, age of the list."""
    text = alert_block(alert())
    for part in (
        "DRUG-SMUGGLING",
        "unverified",
        "as read: 1abc123",
        "2026-11-22 08:59:58 UTC at be-e19-014a, lane 2, going north, 101 km/h",
        ASKED["arrest"],
        "seen grey BMW; listed Volvo",
        "confirmed 31.5 s ago",
        "2000 ms after capture",
    ):
        assert part in text
    assert "STALE" not in text


def test_unknown_characters_of_an_entry_are_shown() -> None:
    """A plate listed with `?` is shown with it, and nothing is marked as a difference."""
    text = alert_block(alert(plate="1-AB?-123"))
    assert "BE 1AB?123 " in text
    assert "? is any character" in text
    assert "[" not in text.splitlines()[2]


def test_a_stale_list_is_shouted() -> None:
    """A person must confirm before anything happens."""
    assert "STALE LIST: confirm" in alert_block(alert(stale=True))


def test_every_action_has_its_words() -> None:
    """No action reaches an officer as a bare code."""
    assert set(ASKED) == {action.value for action in Action}


def test_the_block_warns_of_danger_doubt_and_a_poor_source() -> None:
    """What waits for a look, what to beware of and how good the source is stand on top."""
    plain = alert()
    for word in ("REVIEW", "DANGER", "reliability"):
        assert word not in alert_block(plain)
    entry = plain.entry.model_copy(update={"danger": "armed", "reliability": "C4"})
    lines = alert_block(plain.model_copy(update={"state": "review", "entry": entry})).splitlines()
    assert lines[0].endswith("review")
    assert [line.split()[0] for line in lines[1:4]] == ["REVIEW", "DANGER", "reliability"]
    assert "armed" in lines[2]
    assert "C4: the source was mostly wrong so far; heard by the source" in lines[3]


def test_an_alert_that_comes_after_its_recall_is_marked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Topics keep no order between them; nobody acts on an alert that fell before it came."""
    view = RecallView(
        "be", ProofView(None, None, float, as_json=False), reasons={alert().alert_id: "withdrawn"}
    )
    view.note(alert())
    assert "RECALLED already: its entry was withdrawn" in capsys.readouterr().out
    view.note(alert().model_copy(update={"alert_id": "0c" * 16}))
    assert capsys.readouterr().out == ""

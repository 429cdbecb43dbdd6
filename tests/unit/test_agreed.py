"""Arrangements and joint actions in the engine's own decisions, and their files while it runs."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clocks import FixedClock
from structlog.testing import capture_logs

from anpr_engine.metrics.table import AGREED_REFUSED, Metrics
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepResult, StepRules, step
from anpr_engine.policy.agreed import OFF, Agreed
from anpr_engine.policy.agreed_files import AgreedFileError
from anpr_engine.policy.agreed_following import AgreedFiles
from anpr_engine.policy.following import CHECK_S
from anpr_engine.records.fields import Category
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
CAMERA, OTHER = "be-1", "be-9"
ENTRY = WatchlistEntry(
    entry_id="e1",
    list_id="nl-joint",
    plate="AB-123-C",
    country="NL",
    provider="nl",
    owner="unit north",
    sharing="be,nl",
    priority=40,
    category=Category.BURGLARY,
    valid_until=datetime(2026, 12, 1, tzinfo=UTC),
    max_actions=3,
)
ARRANGEMENT = """
[[arrangement]]
list_id = "nl-joint"
provider = "nl"
receiver = "be"
cameras = ["be-1", "be-2"]
from = 2026-11-01T00:00:00Z
until = 2026-12-01T00:00:00Z
frequency = "each-working-day"
hits_per_day_max = 20
contact = [
  { site = "nl", way = "national", service = "contact point", address = "desk 1" },
  { site = "be", way = "national", service = "contact point", address = "desk 2" },
]
signed = [
  { site = "nl", service = "unit north", at = 2026-10-20T10:00:00Z },
  { site = "be", service = "unit south", at = 2026-10-21T10:00:00Z },
]
"""
ACTION = """
[[action]]
action_id = "chase-1"
kind = "pursuit"
article = "21"
from = 2026-11-22T08:00:00Z
until = 2026-11-22T09:30:00Z
lists = ["nl-joint"]
cameras = ["be-1"]
unit = [{ site = "be", name = "unit south" }, { site = "nl", name = "unit north" }]
vehicle = { list_id = "nl-joint", entry_id = "e1" }

[[action.person]]
person = "n-100"
site = "nl"
authorisation = "A-1"
expires = 2026-11-22T11:00:00Z
rights = ["see-hits"]
"""


def written(folder: Path, arrangements: str = "", actions: str = "") -> tuple[str, str]:
    """Write the files that there are; gives their names."""
    names = []
    for name, text in (("arrangements.toml", arrangements), ("actions.toml", actions)):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        names.append(str(path) if text else "")
    return names[0], names[1]


def followed(folder: Path, **texts: str) -> Callable[[], Agreed]:
    """Follow files of these texts."""
    return AgreedFiles(written(folder, **texts), lambda: {"nl-joint"}, FixedClock(NOW), Metrics())


def stepped(agreed: Callable[[], Agreed], camera: str, at: str = "08:59:00") -> StepResult:
    """Match one read of the entry."""
    read = {
        "read_id": "r1",
        "camera_id": camera,
        "captured_at": f"2026-11-22T{at}Z",
        "plate": "AB123C",
        "country": "NL",
        "confidence": 0.99,
    }
    here = Circumstances("be", int(NOW.timestamp() * 1e6), 0, watchlist_stale=False)
    rules = StepRules(agreed=agreed)
    return step([json.dumps(read).encode()], snapshot_of([ENTRY]), rules, here)


def test_a_list_is_used_as_arranged(tmp_path: Path) -> None:
    """On the cameras that were agreed on there is an alert, elsewhere the reason why not."""
    agreed = followed(tmp_path, arrangements=ARRANGEMENT)
    (alert,) = stepped(agreed, CAMERA).alerts
    assert "arrangement.given" in alert.alert.reasons
    elsewhere = stepped(agreed, OTHER)
    assert [one.rule for one in elsewhere.refused] == ["arrangement.out-of-area"]


def test_a_list_without_arrangement_is_used_by_the_rules_alone(tmp_path: Path) -> None:
    """An arrangement for another list changes nothing."""
    text = ARRANGEMENT.replace("nl-joint", "nl-other")
    agreed = AgreedFiles(
        written(tmp_path, arrangements=text), lambda: {"nl-other"}, FixedClock(NOW), Metrics()
    )
    (alert,) = stepped(agreed, OTHER).alerts
    assert not [reason for reason in alert.alert.reasons if reason.startswith("arrangement")]


def test_a_list_is_switched_on_with_its_action(tmp_path: Path) -> None:
    """Within the action's time and area there are alerts; before, after and beside it none."""
    agreed = followed(tmp_path, actions=ACTION)
    (alert,) = stepped(agreed, CAMERA).alerts
    assert "joint-action:chase-1" in alert.alert.reasons
    for camera, at in ((OTHER, "08:59:00"), (CAMERA, "07:59:59")):
        assert [one.rule for one in stepped(agreed, camera, at).refused] == [OFF]


def test_a_pursued_vehicle_is_hot(tmp_path: Path) -> None:
    """The most urgent of all, and every side of the pursuit is told, with the action's id."""
    (alert,) = stepped(followed(tmp_path, actions=ACTION), CAMERA).alerts
    assert alert.alert.priority == 100
    assert set(alert.alert.recipients) == {"be", "nl"}
    assert "pursuit:chase-1" in alert.alert.reasons
    cold = ACTION.replace('entry_id = "e1"', 'entry_id = "e2"')
    (alert,) = stepped(followed(tmp_path, actions=cold), CAMERA).alerts
    assert alert.alert.priority == ENTRY.priority


def test_a_wrong_file_is_refused_at_the_start(tmp_path: Path) -> None:
    """A list that does not exist: file, line, what is allowed."""
    with pytest.raises(AgreedFileError, match=r"arrangements\.toml:3: .*nl-other"):
        followed(tmp_path, arrangements=ARRANGEMENT.replace("nl-joint", "nl-other"))


def test_a_wrong_change_leaves_what_was_agreed(tmp_path: Path) -> None:
    """The metric stands and the log names file and line until the file is put right."""
    clock, metrics = FixedClock(NOW), Metrics()
    names = written(tmp_path, actions=ACTION)
    agreed = AgreedFiles(names, lambda: {"nl-joint"}, clock, metrics)
    before = agreed()
    Path(names[1]).write_text(ACTION.replace('"pursuit"', '"parade"'), encoding="utf-8")
    clock.pass_s(CHECK_S)
    with capture_logs() as told:
        assert agreed() is before
    assert [line["event"] for line in told] == ["agreed_files_refused"]
    assert f"{AGREED_REFUSED.name} 1.0" in metrics.page().decode()
    Path(names[1]).write_text(ACTION.replace("chase-1", "chase-2"), encoding="utf-8")
    clock.pass_s(CHECK_S)
    assert [one.action_id for one in agreed().actions] == ["chase-2"]
    assert f"{AGREED_REFUSED.name} 0.0" in metrics.page().decode()


def test_what_is_over_is_no_error(tmp_path: Path) -> None:
    """An engine that starts after an action ended starts, with the list off."""
    over = ACTION.replace("T09:30:00Z", "T08:30:00Z")
    agreed = followed(tmp_path, actions=over)
    assert [one.rule for one in stepped(agreed, CAMERA).refused] == [OFF]

"""Joint actions: rights that begin and end with them, hot vehicles, and files refused whole."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.policy.agreed_files import AgreedFileError
from anpr_engine.policy.case import Circumstances
from anpr_engine.policy.joint_action import (
    HotVehicle,
    JointAction,
    Kind,
    Right,
    Rights,
    Where,
    circumstances_at,
    grants_at,
    heat_at,
    may,
    rights_at,
)
from anpr_engine.policy.joint_action_files import load_joint_actions
from anpr_engine.records.polygon import inside

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LISTS = ("nl-joint", "be-joint", "nl-other")
HERE, ELSEWHERE = Where("be-1"), Where("be-9")
CHECK = """[[action]]
action_id = "check-1"
kind = "joint-check"
article = "20"
from = 2026-11-22T08:00:00Z
until = 2026-11-22T12:00:00Z
lists = ["nl-joint"]
cameras = ["be-1", "be-2"]

[[action.unit]]
site = "be"
name = "unit south"

[[action.unit]]
site = "nl"
name = "unit north"

[[action.person]]
person = "n-100"
site = "nl"
authorisation = "A-2026-1"
expires = 2026-11-22T11:00:00Z
rights = ["see-hits", "see-entries"]
"""
PATROL = (
    CHECK.replace("check-1", "patrol-1")
    .replace("joint-check", "joint-patrol")
    .replace('"nl-joint"', '"be-joint"')
    .replace('"see-hits", "see-entries"', '"validate"')
    .replace("expires = 2026-11-22T11", "expires = 2026-11-22T13")
    .replace('cameras = ["be-1", "be-2"]', "polygon = [[51, 4], [52, 4], [52, 5], [51, 5]]")
)
PURSUIT = (
    CHECK.replace("check-1", "pursuit-1")
    .replace("joint-check", "pursuit")
    .replace('"20"', '"21"')
    .replace(', "see-entries"', "")
    .replace("cameras", 'vehicle = { list_id = "nl-joint", entry_id = "e-1" }\ncameras')
)
HOT = HotVehicle("nl-joint", "e-1")


def loaded(folder: Path, text: str) -> tuple[JointAction, ...]:
    """Write a file and read it."""
    path = folder / "actions.toml"
    path.write_text(text, encoding="utf-8")
    return load_joint_actions(path, LISTS, NOW)


def test_rights_hold_in_time_and_place_for_those_named(tmp_path: Path) -> None:
    """Who is named has the rights on the lists of the action, and nobody else has any."""
    actions = loaded(tmp_path, CHECK)
    assert rights_at(actions, "n-100", NOW, HERE) == Rights(
        frozenset({Right.SEE_HITS, Right.SEE_ENTRIES}), frozenset({"nl-joint"}), ("check-1",)
    )
    assert rights_at(actions, "n-101", NOW, HERE) == Rights()
    assert rights_at(actions, "n-100", NOW, ELSEWHERE) == Rights()
    assert actions[0].sites == frozenset({"be", "nl"})


def test_rights_begin_and_end_at_the_second(tmp_path: Path) -> None:
    """From the first instant up to the end of the authorisation or the action, not beyond."""
    actions = loaded(tmp_path, CHECK)
    starts, expires = NOW.replace(hour=8), NOW.replace(hour=11)
    for at, has in (
        (starts - SECOND, False),
        (starts, True),
        (expires - SECOND, True),
        (expires, False),
    ):
        assert bool(rights_at(actions, "n-100", at, HERE).rights) is has
    longer = loaded(tmp_path, CHECK.replace("expires = 2026-11-22T11", "expires = 2026-11-22T18"))
    ends = NOW.replace(hour=12)
    assert rights_at(longer, "n-100", ends - SECOND, HERE).rights
    assert rights_at(longer, "n-100", ends, HERE) == Rights()


def test_overlapping_actions_add_up_each_on_its_own_lists(tmp_path: Path) -> None:
    """A right of one action is not lent to the list of another."""
    actions = loaded(tmp_path, CHECK + PATROL)
    place = Where("be-1", (51.5, 4.5))
    both = rights_at(actions, "n-100", NOW, place)
    assert both.rights == frozenset({Right.SEE_HITS, Right.SEE_ENTRIES, Right.VALIDATE})
    assert both.lists == frozenset({"nl-joint", "be-joint"})
    assert both.actions == ("check-1", "patrol-1")
    grants = grants_at(actions, "n-100", NOW, place)
    found = may(grants, Right.VALIDATE, "be-joint")
    assert found is not None
    assert (found.action_id, found.authorisation) == ("patrol-1", "A-2026-1")
    assert may(grants, Right.VALIDATE, "nl-joint") is None
    late = rights_at(actions, "n-100", NOW.replace(hour=11), place)
    assert late.actions == ("patrol-1",)


@pytest.mark.parametrize(
    ("text", "list_id", "place", "expected"),
    [
        (CHECK, "nl-joint", HERE, Circumstances(urgent=False, joint_action=True)),
        (CHECK, "nl-other", HERE, Circumstances(urgent=False)),
        (CHECK, "nl-joint", ELSEWHERE, Circumstances(urgent=False)),
        (PURSUIT, "nl-joint", HERE, Circumstances(urgent=True)),
        (CHECK + PURSUIT, "nl-joint", HERE, Circumstances(urgent=True, joint_action=True)),
    ],
)
def test_an_action_changes_the_circumstances_of_a_hit(
    text: str, list_id: str, place: Where, expected: Circumstances, tmp_path: Path
) -> None:
    """Patrols and checks are joint action; a pursuit, which is not named there, is urgent."""
    around = Circumstances(urgent=False)
    assert circumstances_at(loaded(tmp_path, text), list_id, NOW, place, around) == expected


def test_a_pursued_vehicle_is_hot_inside_the_action_only(tmp_path: Path) -> None:
    """The highest priority, and all taking part are told; outside, as before."""
    actions = loaded(tmp_path, PURSUIT)
    hot = heat_at(actions, HOT, 40, NOW, HERE)
    assert (hot.priority, hot.sites, hot.actions) == (
        100,
        frozenset({"be", "nl"}),
        ("pursuit-1",),
    )
    assert heat_at(actions, HotVehicle("nl-joint", "e-2"), 40, NOW, HERE).priority == 40
    assert heat_at(actions, HOT, 40, NOW, ELSEWHERE).sites == frozenset()
    assert heat_at(actions, HOT, 40, NOW.replace(hour=12), HERE).priority == 40


def test_a_polygon_with_a_dent() -> None:
    """Even-odd: what lies in the dent is outside."""
    corners = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0))
    assert inside((3.5, 2.0), corners)
    assert inside((1.0, 0.5), corners)
    assert not inside((2.0, 3.0), corners)
    assert not inside((5.0, 0.5), corners)
    assert not inside((1.0, 1.0), ())


@given(lat=st.floats(-3, 3), lon=st.floats(-3, 3), turn=st.integers(0, 3))
def test_a_rectangle_is_what_lies_between_its_sides(lat: float, lon: float, turn: int) -> None:
    """Whatever corner is named first; points on a side belong to one side only."""
    corners = ((-1.0, -2.0), (1.0, -2.0), (1.0, 2.0), (-1.0, 2.0))
    found = inside((lat, lon), (*corners[turn:], *corners[:turn]))
    if abs(lat) != 1 and abs(lon) != 2:
        assert found == (abs(lat) < 1 and abs(lon) < 2)


BAD = {
    "unknown key": (CHECK, "lists", "colour = 1\nlists", 7, "unknown key `colour`"),
    "kind": (CHECK, "joint-check", "raid", 3, "kind = `raid`"),
    "article": (CHECK, '"20"', '"22"', 4, "article = `22`"),
    "article of a pursuit": (PURSUIT, '"21"', '"20"', 4, "article = `20`"),
    "missing list": (CHECK, '["nl-joint"]', '["gone"]', 7, "lists = ['gone']"),
    "no list": (CHECK, '["nl-joint"]', "[]", 7, "no list"),
    "over": (CHECK, "T12:00:00Z", "T09:00:00Z", 6, "an action over"),
    "backwards": (CHECK, "T12:00:00Z", "T07:00:00Z", 6, "an end that is not after"),
    "no start": (CHECK, "from = 2026-11-22T08:00:00Z", "", 1, "no from"),
    "no area": (CHECK, 'cameras = ["be-1", "be-2"]', "", 1, "neither cameras nor polygon"),
    "two areas": (PATROL, "polygon", 'cameras = ["a"]\npolygon', 9, "both cameras and polygon"),
    "two corners": (PATROL, ", [52, 5], [51, 5]", "", 8, "no polygon"),
    "corner off the earth": (PATROL, "[52, 5]", "[152, 5]", 8, "no polygon"),
    "corner no point": (PATROL, "[52, 5]", "[52]", 8, "no polygon"),
    "corner no number": (PATROL, "[52, 5]", "[52, 'e']", 8, "no polygon"),
    "polygon no list": (PATROL, "[[51, 4], [52, 4], [52, 5], [51, 5]]", "7", 8, "no polygon"),
    "one country": (CHECK, 'site = "nl"\nname', 'site = "be"\nname', 10, "units of fewer"),
    "stranger": (CHECK, 'site = "nl"\nauth', 'site = "lu"\nauth', 20, "a person of lu"),
    "nobody": (CHECK, 'person = "n-100"', 'person = ""', 19, "person = ``"),
    "no authorisation": (CHECK, 'authorisation = "A-2026-1"', "", 18, "no authorisation"),
    "no expiry": (CHECK, "expires = 2026-11-22T11:00:00Z", "", 18, "no expires"),
    "unknown right": (CHECK, '"see-hits"', '"arrest"', 23, "rights = ['arrest', 'see-entries']"),
    "no right": (CHECK, '["see-hits", "see-entries"]', "[]", 23, "no right"),
    "lists in a pursuit": (PURSUIT, '["see-hits"]', '["see-entries"]', 24, "rights = ['see-"),
    "pursuit of nobody": (PURSUIT, "vehicle", "vehicles", 1, "a pursuit of no vehicle"),
    "vehicle in a check": (
        CHECK,
        "lists",
        'vehicle = { list_id = "nl-joint", entry_id = "e-1" }\nlists',
        7,
        "a vehicle in a joint-check",
    ),
    "vehicle no table": (
        PURSUIT,
        '{ list_id = "nl-joint", entry_id = "e-1" }',
        '"e-1"',
        8,
        "no entry of the action's lists",
    ),
    "vehicle of no list": (PURSUIT, '{ list_id = "nl-joint"', '{ list_id = "x"', 8, "no entry"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    """What is wrong stands at its line, and no right comes of any action in the file."""
    text, old, new, line, found = BAD[name]
    assert old in text
    with pytest.raises(AgreedFileError) as error:
        loaded(tmp_path, text.replace(old, new, 1))
    about = [one.line for one in error.value.problems if one.found.startswith(found)]
    assert about == [line], error.value.problems


def test_two_actions_with_one_id_are_refused(tmp_path: Path) -> None:
    """The record must know which one a look was under."""
    with pytest.raises(AgreedFileError, match="an id that another action has"):
        loaded(tmp_path, CHECK + CHECK)
    assert [one.kind for one in loaded(tmp_path, CHECK + PURSUIT)] == [Kind.CHECK, Kind.PURSUIT]

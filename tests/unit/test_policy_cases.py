"""Cases by hand: whole verdicts, what absent values mean, and lines that are no case."""

import json
from typing import Any

import msgspec
import pytest
from oracle_policy import ORDER, example

from anpr_engine.policy.case import NoCase, read_case
from anpr_engine.policy.decide import decide
from anpr_engine.policy.policy_set import shipped_policies


def verdict_of(changes: dict[str, object]) -> dict[str, Any]:
    """Decide the example case after some changes."""
    case = read_case(json.dumps(example(changes)).encode())
    verdict: dict[str, Any] = msgspec.to_builtins(decide(case, shipped_policies()))
    return verdict


def test_an_action_done_is_reported() -> None:
    """Message A, in the order of the article, straight to the unit when it is urgent."""
    known = dict.fromkeys(ORDER, "x") | {"vin": None, "driver": None}
    changes: dict[str, object] = {"state.acted": True, "circumstances.urgent": True}
    assert verdict_of(changes | {"facts": known, "entry.case_ref": "A-1"}) == {
        "case_id": "example",
        "entry_accepted": True,
        "usable": True,
        "action": "seize",
        "procedure": "art13",
        "report": "A",
        "validation_required": False,
        "via": "direct",
        "notify_national_now": True,
        "fields": [
            "plate",
            "country",
            "reference",
            "vehicle_category",
            "make",
            "place_time",
            "circumstances",
            "unit_contact",
            "result",
            "colour",
            "plate_photo",
            "passengers",
        ],
        "missing": ["driver"],
        "rules": [
            "art13.1-parties",
            "treaty.13.3-comparison",
            "treaty.13.3-keep-hits",
            "art13.17.2-procedure",
            "art13.17.2a-acted",
            "art13.18.1-acted",
            "art13.18.1-reference",
            "art13.19.3a-urgent",
            "art13.19.4-notice",
            "be.keep-logs",
        ],
        "kept": {"hit_days": 31.0, "log_days": 3660.0, "read_hours": None},
        "further_use": None,
    }


def test_an_action_not_done_is_reported_without_people() -> None:
    """Message B holds no driver, no passengers and no unmasked photo, whatever is known."""
    found = verdict_of({"state.acted": False})
    assert (found["report"], found["validation_required"], found["via"]) == ("B", True, "national")
    assert found["fields"] == [
        "plate",
        "country",
        "reference",
        "vehicle_category",
        "make",
        "place_time",
        "not_acted_reason",
        "colour",
        "plate_photo",
        "vehicle_photo_masked",
    ]
    later = {"state.acted": False, "state.first_reported": True, "state.later_wanted": True}
    assert verdict_of(dict(later))["validation_required"] is False


@pytest.mark.parametrize(
    "change",
    [
        {"list.received_at": "2026-11-17T08:59:30Z"},
        {"entry.valid_until": "2026-11-22T08:59:30Z"},
        {"state.actions_done": 2},
    ],
)
def test_what_comes_after_the_hit_leaves_the_report_due(change: dict[str, object]) -> None:
    """A list grown too old, an entry run out, the last action done: still told, by the treaty."""
    found = verdict_of({"state.acted": True} | change)
    assert (found["usable"], found["procedure"], found["report"]) == (False, "art13", "A")


@pytest.mark.parametrize(
    "change",
    [
        {"list.received_at": "2026-11-17T08:58:59Z"},
        {"entry.valid_until": "2026-11-22T08:59:00Z"},
        {"list.superseded": True},
        {"hit.captured_at": None},
        {"hit.captured_at": "2025-12-11T23:59:59Z"},
    ],
)
def test_an_unlawful_hit_is_not_reported(change: dict[str, object]) -> None:
    """What was not allowed when the hit was made gives nothing to pass on."""
    assert verdict_of({"state.acted": True} | change)["report"] is None


@pytest.mark.parametrize(
    ("changes", "action", "procedure"),
    [
        ({"entry.sis_action": "arrest"}, "arrest", "sis"),
        ({"entry.sis_action": "seize"}, "seize", "sis"),
        ({"entry.sis_action": "arrest", "list.superseded": True}, "arrest", None),
        ({"entry.sis_action": "arrest", "provider": "lu"}, "arrest", None),
        ({"entry.sis_action": "arrest", "site": "xx"}, "arrest", None),
        ({"provider": "be"}, "seize", None),
        ({"provider": "be", "entry.sis_action": "arrest"}, "arrest", "sis"),
        ({"entry.action": " "}, None, None),
        ({"entry": None}, None, None),
    ],
)
def test_action_and_procedure(
    changes: dict[str, object], action: str | None, procedure: str | None
) -> None:
    """The action is named even where nothing may be used; a SIS alert has its own procedure."""
    found = verdict_of(changes)
    assert (found["action"], found["procedure"]) == (action, procedure)


def test_a_case_may_say_next_to_nothing() -> None:
    """Only four values are needed; what is not said permits nothing."""
    line = b'{"case_id":"c","now":"2026-11-22T10:00:00+01:00","site":"be","provider":"nl"}'
    found = decide(read_case(line), shipped_policies())
    assert (found.entry_accepted, found.usable, found.report, found.fields) == (
        False,
        False,
        None,
        [],
    )


def test_sites_may_come_as_a_list() -> None:
    """`sharing` is read as a text or as a list of sites."""
    for sharing, usable in ((["be"], True), (["nl"], False), ([], True), ("own", False)):
        assert verdict_of({"entry.sharing": sharing})["usable"] is usable


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"case_id": ""}, "$.case_id: Expected `str` of length >= 1"),
        ({"now": "2026-11-22T09:00:00"}, "$.now: Expected `datetime` with a timezone"),
        ({"now": 5}, "allowed: an RFC 3339 time"),
        ({"list.kind": "weekly"}, "allowed: structural, ad_hoc or null"),
        ({"circumstances.agreed_contact": "pub"}, "allowed: regional, joint-centre or null"),
        ({"state.acted": "yes"}, "$.state.acted: Expected `bool | null`, got `str`"),
        ({"entry.max_actions": -1}, "$.entry.max_actions: Expected `float` >= 0"),
        ({"entry.area": {}}, "$.entry.area: Object missing required field `cameras`"),
        ({"facts": 7}, "$.facts: Expected"),
        ({"further_use": {"use": "sale"}}, "allowed: evidence, onward or inform"),
        ({"further_use": {}}, "$.further_use: Object missing required field `use`"),
        (
            {"further_use": {"use": "inform", "consent": "oral"}},
            "allowed: none, expired, unsigned, signed or null",
        ),
    ],
)
def test_a_wrong_value_makes_it_no_case(changes: dict[str, object], says: str) -> None:
    """The place, what was found and what is allowed are told."""
    with pytest.raises(NoCase) as refused:
        read_case(json.dumps(example(changes)).encode())
    assert says in str(refused.value)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_times_at_the_ends_of_the_calendar(time: str) -> None:
    """An offset that leads out of the calendar breaks nothing."""
    for path in ("now", "hit.captured_at", "list.received_at", "entry.valid_from"):
        assert verdict_of({path: time, "state.acted": True})["case_id"] == "example"


def test_what_is_nested_too_deeply_is_no_case() -> None:
    """A line that nobody needs to understand does not stop the others."""
    with pytest.raises(NoCase):
        read_case(b'{"case_id":"c","x":' + b"[" * 100_000)


@pytest.mark.parametrize("line", [b"{", b"[]", b'"\xff"', b"{}", b'{"case_id":"c"}'])
def test_what_is_no_object_is_no_case(line: bytes) -> None:
    """Broken JSON, other JSON and missing values are refused with what is needed."""
    with pytest.raises(NoCase, match="case_id, now, site and provider"):
        read_case(line)

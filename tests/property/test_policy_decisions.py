"""The rule files and a second, plain reading of the articles answer every case alike."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_policy import ACTIONS, ORDER, REASONS, answers, example

from anpr_engine.policy.case import read_case
from anpr_engine.policy.decide import decide
from anpr_engine.policy.policy_set import shipped_policies

HOUR = 3600
SQUARE = [[1, 1], [1, 3], [3, 3], [3, 1]]
START = datetime(2025, 12, 12, tzinfo=UTC)
USUAL = datetime(2026, 11, 22, 9, tzinfo=UTC)
NOWS = (USUAL, USUAL, START, START + timedelta(hours=5), START - timedelta(seconds=1))
USES = st.sampled_from(["evidence", "onward", "inform"])
CONSENTS = st.sampled_from(["none", "expired", "unsigned", "signed", None])
EDGES_S = (0, 1, 60, HOUR, 48 * HOUR, 120 * HOUR, 240 * HOUR)


def spans() -> st.SearchStrategy[timedelta]:
    """Draw a span of time at, just under or just over a limit of the law, or any other."""
    edges = st.sampled_from(
        [sign * edge + by for edge in EDGES_S for sign in (1, -1) for by in (-1, 0, 1)]
    )
    return st.builds(
        timedelta,
        seconds=edges | st.integers(-300 * HOUR, 300 * HOUR),
        microseconds=st.sampled_from([0, 0, 0, 1, -1]),
    )


def ages() -> st.SearchStrategy[timedelta]:
    """Draw the age of a list: fresh, or within some minutes of 48 hours or five days."""
    near = st.sampled_from([-3600, -1, 0, 1, 30, 3599])
    limits = st.sampled_from([48 * HOUR, 120 * HOUR])
    old = st.builds(lambda limit, by: timedelta(seconds=limit + by), limits, near)
    return st.integers(1, 9).map(lambda hours: timedelta(hours=hours)) | old


def edges(now: datetime) -> list[str]:
    """Give moments about the one of the case and that of its hit."""
    return [(now + timedelta(minutes=minutes)).isoformat() for minutes in (-9, -4, -1, 0, 1)]


def drawn(now: datetime) -> dict[str, st.SearchStrategy[Any]]:
    """Give what each value of a case may be, lawful or not, by its path."""
    times = spans().map(lambda span: (now + span).isoformat())
    doubts = st.sampled_from([False, True, None])
    return {
        "site": st.sampled_from(["be", "nl", "lu", "fr", "xx"]),
        "provider": st.sampled_from(["be", "nl", "lu", "de", "xx"]),
        "list": st.none(),
        "list.kind": st.sampled_from(["structural", "ad_hoc", None]),
        "list.received_at": times | st.none(),
        "list.superseded": doubts,
        "list.sis_derived": doubts,
        "entry": st.none(),
        "entry.plate": st.sampled_from([None, "", "  "]),
        "entry.country": st.sampled_from([None, ""]),
        "entry.category": st.sampled_from([*REASONS.split(), "parking", "", None]),
        "entry.action": st.sampled_from([*ACTIONS.split(), "wave", "", None]),
        "entry.owner": st.sampled_from([None, ""]),
        "entry.case_ref": st.sampled_from(["A-1", "", None]),
        "entry.sharing": st.sampled_from([None, "be", "nl", "be,nl", "lu, be", "own", ""]),
        "entry.valid_from": times | st.none(),
        "entry.valid_until": times | st.none(),
        "entry.sis_action": st.sampled_from([None, "arrest", "seize", "discreet-check", ""]),
        "entry.area": st.sampled_from(
            [{"cameras": ["be-1", "c2"]}, {"cameras": []}, {"cameras": [], "polygon": SQUARE}]
        ),
        "entry.border_area_only": doubts,
        "entry.max_actions": st.sampled_from([0, 1, 2, None]),
        "entry.hours_utc": st.sampled_from(
            ["", None, "08:55-09:00", "09:00-08:55", "23:00-00:00", "09:00-09:00", "08:00-08:58"]
        ),
        "entry.direction": st.sampled_from(["North", "south", " ", None]),
        "hit.direction": st.sampled_from(["north", "SOUTH", "", None]),
        "hit.tier": st.sampled_from(["exact", "fuzzy", "guess", None]),
        "hit": st.none(),
        "hit.captured_at": times | st.none(),
        "hit.position": st.sampled_from([None, [2, 2], [2, 4]]),
        "hit.camera_id": st.sampled_from(["c2", "c3", None]),
        "state": st.none(),
        "circumstances": st.none(),
        "facts": st.none(),
    }


def changed(case: dict[str, Any], path: str, value: object, *, absent: bool) -> None:
    """Set a value, or leave it out; a part that is null or absent stays so."""
    part, _, name = path.rpartition(".")
    inside = case.get(part) if part else case
    if inside is None:
        return
    inside[name] = value
    if absent and value is None:
        del inside[name]


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a lawful case, then change some of it, from nothing to nearly all."""
    now = draw(st.sampled_from(NOWS))
    case = example({"now": now.isoformat(), "case_id": draw(st.text(min_size=1, max_size=5))})
    case["site"], case["provider"] = draw(st.sampled_from([("be", "nl"), ("nl", "be")]))
    case["provider"] = draw(st.sampled_from([case["provider"]] * 3 + [case["site"]]))
    case["list"]["received_at"] = (now - draw(ages())).isoformat()
    case["hit"]["captured_at"] = (now - timedelta(minutes=draw(st.integers(0, 9)))).isoformat()
    case["entry"]["valid_from"] = draw(st.sampled_from([None, None, None, *edges(now)]))
    later = (now + timedelta(days=9)).isoformat()
    case["entry"]["valid_until"] = draw(st.sampled_from([later, later, later, *edges(now)]))
    doubts = st.sampled_from([False, True, None])
    case["list"]["kind"] = draw(st.sampled_from(["structural", "ad_hoc"]))
    case["entry"]["border_area_only"] = draw(doubts)
    case["entry"]["case_ref"] = draw(st.sampled_from(["A-1", "", None]))
    case["state"] = {
        "validated": draw(doubts),
        "acted": draw(st.sampled_from([False, False, True, None])),
        "first_reported": draw(doubts),
        "later_wanted": draw(doubts),
        "actions_done": draw(st.sampled_from([0, 0, 1, 2, 3, None])),
    }
    case["circumstances"] = {
        "urgent": draw(st.sampled_from([False, False, True])),
        "joint_action": draw(st.sampled_from([False, False, True])),
        "agreed_contact": draw(st.sampled_from(["regional", "joint-centre", None])),
    }
    case["facts"] = draw(
        st.lists(st.sampled_from([*ORDER, "rumour"]), unique=True)
        | st.dictionaries(st.sampled_from(ORDER), st.sampled_from(["x", 1, None]))
    )
    may = drawn(now)
    count = draw(st.sampled_from([0, 1, 1, 2, 2, 3, 5, 12]))
    asked = st.fixed_dictionaries({"use": USES, "consent": CONSENTS})
    case["further_use"] = draw(st.none() | asked)
    paths = st.lists(st.sampled_from(sorted(may)), min_size=count, max_size=count, unique=True)
    for path in draw(paths):
        changed(case, path, draw(may[path]), absent=draw(st.booleans()))
    return case


def agree(case: dict[str, Any]) -> list[str]:
    """Hold both answers to a case against each other, and give the rules that decided."""
    verdict = msgspec.to_builtins(decide(read_case(json.dumps(case).encode()), shipped_policies()))
    rules: list[str] = verdict.pop("rules")
    assert verdict == answers(case)
    return rules


@settings(max_examples=500)
@given(cases())
def test_rules_and_plain_reading_agree(case: dict[str, Any]) -> None:
    """Every answer is the same, and every rule named is one that a reader can look up."""
    rules = agree(case)
    assert rules == sorted(set(rules), key=list(shipped_policies().rules).index)


def test_rules_and_plain_reading_agree_at_every_limit() -> None:
    """On, one second before and one second after each limit, both for now and for the hit."""
    seconds = [edge + by for edge in (0, 48 * HOUR, 120 * HOUR) for by in (-61, -60, -59, -1, 0, 1)]
    about = [(USUAL + timedelta(seconds=by)).isoformat() for by in (-60, -59, 0, 1)]
    choices: dict[str, list[Any]] = {
        "list.kind": ["structural", "ad_hoc"],
        "list.received_at": [(USUAL - timedelta(seconds=age)).isoformat() for age in seconds],
        "entry.valid_from": [None, *about],
        "entry.valid_until": [(USUAL + timedelta(days=1)).isoformat(), *about],
        "state.acted": [True, False],
        "state.actions_done": [1, 2],
        "provider": ["nl", "be"],
    }
    for values in itertools.product(*choices.values()):
        agree(example(dict(zip(choices, values, strict=True))))


def test_rules_and_plain_reading_agree_round_the_clock() -> None:
    """Every quarter of an hour and the minutes beside it, for hours by day, by night, for all."""
    start = datetime(2026, 11, 21, tzinfo=UTC)
    minutes = [quarter * 15 + by for quarter in range(1, 96) for by in (-1, 0, 1)]
    for hours in ("06:00-22:00", "22:00-06:00", "23:45-00:15", "12:00-12:00"):
        for minute in minutes:
            seen = start + timedelta(minutes=minute)
            agree(
                example(
                    {
                        "provider": "be",
                        "entry.hours_utc": hours,
                        "hit.captured_at": seen.isoformat(),
                    }
                )
            )


@given(cases())
def test_nobody_is_shown_who_was_not_stopped(case: dict[str, Any]) -> None:
    """A report of an action not done holds no driver, no passenger and no unmasked photo."""
    verdict = decide(read_case(json.dumps(case).encode()), shipped_policies())
    if verdict.report == "B":
        assert not {"driver", "passengers", "vehicle_photo"} & set(verdict.fields)
    assert "vehicle_photo" not in verdict.fields
    assert verdict.report or not verdict.fields


@given(cases())
def test_a_case_alone_decides(case: dict[str, Any]) -> None:
    """The same case gives the same verdict again, with no clock but its own."""
    line = json.dumps(case).encode()
    first, again = (decide(read_case(line), shipped_policies()) for _ in range(2))
    assert first == again

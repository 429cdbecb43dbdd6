"""What is told of a hit to the country whose entry it is of: when, what, and which way."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from handling_worlds import (
    CONTACT,
    DELIVERY,
    ENGINE,
    ENTRY,
    FACTS,
    HITS,
    NINE,
    Events,
    after,
    situation,
    subject,
)

from anpr_engine.policy.case import Circumstances
from anpr_engine.policy.handled import Subject
from anpr_engine.policy.handling import apply, replay
from anpr_engine.policy.handling_events import Actor, Illegal, IllegalStep, Role
from anpr_engine.policy.handling_reports import (
    Situation,
    all_due,
    compose,
    due,
    message_id_of,
    told,
    usable_now,
)
from anpr_engine.policy.joint_action import Area, JointAction, Kind, Where, circumstances_at
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.records.messages import ReportA, ReportB

POLICIES = shipped_policies()


def obstacle(state: Subject, number: int = 0) -> Illegal | None:
    """Name what keeps a hit from being told."""
    return due(state, HITS[number], situation(), POLICIES).obstacle


def message(state: Subject, number: int = 0, now: Situation | None = None) -> ReportA | ReportB:
    """Make the message on a hit."""
    now = now or situation()
    return compose(state, due(state, HITS[number], now, POLICIES), now, POLICIES)


def test_an_ended_or_used_up_entry_is_not_usable() -> None:
    """After the wanted number of actions, after the end or with an old list: no more matching."""
    events = Events()
    state = replay(subject(), events.told("delivered hit:0 hit:1 acted:0"))
    assert usable_now(state, NINE, POLICIES)
    assert not usable_now(apply(state, events.acted(1)), NINE, POLICIES)
    assert not usable_now(apply(state, events.withdrawn()), NINE, POLICIES)
    assert not usable_now(state, NINE + timedelta(days=6), POLICIES)
    assert not usable_now(subject(), NINE, POLICIES)


def test_the_first_hit_not_acted_on_is_told_once_it_is_validated() -> None:
    """An officer looks first; then it goes, and asks whether later hits are wanted."""
    events = Events()
    state = replay(subject(), events.told("delivered hit:0 hit:1 not-acted:1 not-acted:0"))
    assert obstacle(state, 0) == Illegal.NOT_VALIDATED
    assert obstacle(state, 1) == Illegal.EARLIER_FIRST
    state = apply(state, events.validated(0))
    report = message(state)
    assert isinstance(report, ReportB)
    assert (report.asks_for_later, report.via) == (True, "national")
    state = apply(state, told(report, state, "told-1", CONTACT))
    assert state.first_reported
    assert obstacle(state, 0) == Illegal.REPORTED


def test_later_hits_go_when_the_provider_wants_them() -> None:
    """Without an answer nothing more is told; a wanted one needs no validation."""
    first = "delivered hit:0 hit:1 validated:0 not-acted:0 not-acted:1 reported:0"
    assert obstacle(after(first), 1) == Illegal.NOT_DUE
    assert list(all_due(after(first), situation(), POLICIES)) == []
    assert obstacle(after(f"{first} not-wanted"), 1) == Illegal.NOT_DUE
    state = after(f"{first} wanted")
    (later,) = all_due(state, situation(), POLICIES)
    assert (later.hit_id, later.obstacle) == (HITS[1], None)
    report = message(state, 1)
    assert isinstance(report, ReportB)
    assert not report.asks_for_later


def test_a_dismissed_hit_makes_way_for_the_next() -> None:
    """What an officer saw to be another vehicle was no first hit."""
    state = after("delivered hit:0 hit:1 not-acted:0 not-acted:1 validated:1 dismissed:0")
    assert obstacle(state, 0) == Illegal.DISMISSED
    assert obstacle(state, 1) is None


def test_a_recalled_hit_is_not_told_an_action_done_is() -> None:
    """What happened before the recall has to be told all the same."""
    state = after("delivered hit:0 hit:1 acted:0 not-acted:1 withdrawn")
    assert obstacle(state, 0) is None
    assert obstacle(state, 1) == Illegal.RECALLED


def test_report_a_holds_what_the_policy_lets_go() -> None:
    """The driver is named, a picture with faces stays; urgent ones go straight."""
    state = after("delivered hit acted")
    report = message(state, now=situation(circumstances=Circumstances(urgent=True)))
    assert isinstance(report, ReportA)
    assert report.facts.driver.name == "Canary Driver"
    assert (report.via, report.notify_national_now) == ("direct", True)
    assert report.message_id == message_id_of(state, HITS[0], "A")
    assert "canary-face" not in report.model_dump_json()
    assert told(report, state, "told", ENGINE).report == "A"


def test_a_hit_in_joint_action_goes_straight_to_the_unit() -> None:
    """A running check that has the list switched on changes the way of the report."""
    area = Area(frozenset({"be-1"}), ())
    ends = NINE + timedelta(hours=3)
    check = JointAction(
        *("check-1", Kind.CHECK, "20", NINE, ends, area),
        *((), (), frozenset({"nl-joint"}), None),
    )
    around = circumstances_at([check], "nl-joint", NINE, Where("be-1"), Circumstances())
    report = message(after("delivered hit acted"), now=situation(circumstances=around))
    assert (report.via, report.notify_national_now) == ("direct", True)
    assert "art13.19.3b-joint-action" in report.rules


def test_report_b_holds_nobody() -> None:
    """No driver, passenger or face among the facts gets into the message."""
    report = message(after("delivered hit validated not-acted"))
    assert isinstance(report, ReportB)
    assert "anary" not in report.model_dump_json()


def test_a_missing_or_misshapen_fact_is_named_without_its_value() -> None:
    """What is mandatory must be known, and in the form of the schema."""
    state = after("delivered hit acted")
    lacking = situation({name: value for name, value in FACTS.items() if name != "driver"})
    with pytest.raises(IllegalStep) as error:
        message(state, now=lacking)
    assert error.value.illegal == Illegal.FACTS_MISSING
    wrong = situation({**FACTS, "driver": {"surname": "Canary Driver"}})
    with pytest.raises(IllegalStep, match=r"driver\.name, driver\.surname") as error:
        message(state, now=wrong)
    assert "Canary" not in str(error.value)
    assert error.value.__context__ is None or error.value.__suppress_context__


def test_a_hit_is_told_by_the_entry_it_was_made_with() -> None:
    """A list that was replaced since takes nothing from the duty to report."""
    events = Events()
    fresh = msgspec.structs.replace(DELIVERY, received_at=NINE + timedelta(minutes=30))
    story = [*events.told("delivered hit acted"), events.delivered(ENTRY, fresh)]
    assert obstacle(replay(subject(), story)) is None


def test_what_the_sis_asks_for_is_told_by_its_procedure() -> None:
    """Nothing is due under this agreement for a vehicle that is in the SIS."""
    events = Events()
    in_sis = msgspec.structs.replace(ENTRY, sis_action="arrest")
    state = replay(subject(), [events.delivered(in_sis), *events.told("hit acted")])
    found = due(state, HITS[0], situation(), POLICIES)
    assert (found.obstacle, found.verdict.procedure) == (Illegal.NOT_DUE, "sis")


def test_nothing_is_due_to_oneself() -> None:
    """A hit on a site's own entry is nobody else's."""
    roles = (Role.ENGINE, Role.ENGINE, Role.OFFICER)
    story = [
        msgspec.structs.replace(event, by=Actor("nl", role, "x"))
        for event, role in zip(Events().told("delivered hit acted"), roles, strict=True)
    ]
    assert obstacle(replay(replace(subject(), site="nl"), story)) == Illegal.NOT_DUE


def test_nothing_is_due_on_a_hit_that_nobody_knows() -> None:
    """Asking about another entry's hit is refused."""
    with pytest.raises(IllegalStep) as error:
        obstacle(subject())
    assert error.value.illegal == Illegal.NO_SUCH_HIT

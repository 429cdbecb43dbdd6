"""The life of a hit of another country's list, step by step: what may happen, and who may do it."""

from datetime import timedelta

import msgspec
import pytest
from handling_worlds import DELIVERY, ENTRY, HITS, NINE, OTHER_PLATE, Events, after, subject

from anpr_engine.errors import AnprError
from anpr_engine.policy.handled import HitState, Subject
from anpr_engine.policy.handling import apply, replay
from anpr_engine.policy.handling_events import (
    MAY,
    Actor,
    Event,
    Illegal,
    IllegalStep,
    Role,
    SubjectId,
)

STEPS = (
    "delivered hit validated dismissed acted not-acted reported wanted corrected withdrawn refused"
)


def refused(state: Subject, event: Event) -> Illegal:
    """Take in an event that must be refused, and name why."""
    with pytest.raises(IllegalStep) as error:
        apply(state, event)
    assert isinstance(error.value, AnprError)
    assert error.value.exit_code == 4
    return error.value.illegal


def test_a_hit_is_validated_and_acted_on() -> None:
    """Its states follow each other, and the action counts once."""
    assert after("delivered hit").hits[HITS[0]].state == HitState.UNVERIFIED
    assert after("delivered hit validated").hits[HITS[0]].state == HitState.VALIDATED
    state = after("delivered hit validated acted")
    assert state.in_state(HitState.ACTED) == (HITS[0],)
    assert state.actions_done == 1


def test_an_event_counts_once() -> None:
    """The same event again changes nothing, wherever in the story it comes back."""
    story = Events().told("delivered hit validated acted")
    state = replay(subject(), story)
    assert replay(state, reversed(story)) is state


def test_another_event_under_a_known_id_is_refused() -> None:
    """An id names one event for ever."""
    events = Events()
    state = replay(subject(), events.told("delivered hit"))
    forged = msgspec.structs.replace(events.acted(), event_id="ev-1")
    assert refused(state, forged) == Illegal.EVENT_REUSED


ILLEGAL = {
    "hit before delivery": ("", "hit", Illegal.NOT_DELIVERED),
    "correction before delivery": ("", "corrected", Illegal.NOT_DELIVERED),
    "withdrawal before delivery": ("", "withdrawn", Illegal.NOT_DELIVERED),
    "hit twice": ("delivered hit", "hit", Illegal.HIT_KNOWN),
    "unknown hit": ("delivered", "validated", Illegal.NO_SUCH_HIT),
    "validated twice": ("delivered hit validated", "validated", Illegal.VALIDATED),
    "two outcomes": ("delivered hit not-acted", "acted", Illegal.SETTLED),
    "dismissed after the action": ("delivered hit acted", "dismissed", Illegal.SETTLED),
    "dismissed after the report": (
        "delivered hit not-acted reported",
        "dismissed",
        Illegal.SETTLED,
    ),
    "acted on another vehicle": ("delivered hit dismissed", "acted", Illegal.DISMISSED),
    "near match acted on unseen": ("delivered hit:0:fuzzy", "acted", Illegal.NO_PERSON),
    "repaired plate unseen": ("delivered hit:0:repaired", "not-acted", Illegal.NO_PERSON),
    "wildcard unseen": ("delivered hit:0:wildcard", "acted", Illegal.NO_PERSON),
    "report without outcome": ("delivered hit", "reported", Illegal.NO_OUTCOME),
    "report of the other outcome": ("delivered hit acted", "reported", Illegal.NO_OUTCOME),
    "report twice": ("delivered hit acted reported:0:A", "reported:0:A", Illegal.REPORTED),
    "answer unasked": ("delivered hit acted reported:0:A", "wanted", Illegal.NOTHING_ASKED),
    "hit after withdrawal": ("delivered withdrawn", "hit", Illegal.ENDED),
    "delivery after refusal": ("delivered refused", "delivered", Illegal.ENDED),
    "withdrawn after refusal": ("delivered refused", "withdrawn", Illegal.ENDED),
    "validated after recall": ("delivered hit withdrawn", "validated", Illegal.RECALLED),
    "dismissed after recall": ("delivered hit withdrawn", "dismissed", Illegal.RECALLED),
    "acted after recall": ("delivered hit withdrawn", "acted", Illegal.RECALLED),
    "acted on a replaced plate": ("delivered hit replaced", "acted", Illegal.RECALLED),
    "reported after recall": ("delivered hit not-acted refused", "reported", Illegal.RECALLED),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_an_illegal_step_is_refused_by_name(name: str) -> None:
    """The state stays as it was, and the reason holds nothing of the vehicle."""
    story, step, why = ILLEGAL[name]
    events = Events()
    state = replay(subject(), events.told(story))
    assert refused(state, events.step(step)) == why
    assert "XX123X" not in why.value


@pytest.mark.parametrize("received_at", [NINE - timedelta(hours=4), None])
def test_an_older_version_does_not_come_back(received_at: object) -> None:
    """The newest version received is the one in use (agreement, article 14)."""
    events = Events()
    state = replay(subject(), events.told("delivered"))
    older = msgspec.structs.replace(DELIVERY, received_at=received_at)
    assert refused(state, events.delivered(ENTRY, older)) == Illegal.OLDER
    newer = msgspec.structs.replace(DELIVERY, received_at=NINE)
    assert apply(state, events.delivered(ENTRY, newer)).delivery == newer


def test_a_step_dated_before_its_hit_is_refused() -> None:
    """Clocks that disagree by more than the truth are noticed."""
    events = Events()
    state = replay(subject(), events.told("delivered hit"))
    early = msgspec.structs.replace(events.acted(), at=NINE - timedelta(seconds=1))
    assert refused(state, early) == Illegal.BEFORE_THE_HIT


def test_an_event_of_another_entry_is_refused() -> None:
    """Each entry has a life of its own."""
    other = SubjectId("nl", "nl-joint", "e-2")
    event = msgspec.structs.replace(Events().delivered(), subject=other)
    assert refused(subject(), event) == Illegal.OTHER_SUBJECT


@pytest.mark.parametrize("word", STEPS.split())
def test_who_may_do_what(word: str) -> None:
    """The other side's services, and those in another capacity, are refused."""
    event = Events().step(word)
    side, roles = MAY[type(event)]
    own, other = ("be", "nl") if side == "receiver" else ("nl", "be")
    for role in Role:
        foreign = msgspec.structs.replace(event, by=Actor(other, role, "x"))
        assert refused(subject(), foreign) == Illegal.OTHER_SIDE
        if role not in roles:
            unfit = msgspec.structs.replace(event, by=Actor(own, role, "x"))
            assert refused(subject(), unfit) == Illegal.OTHER_ROLE


def test_no_machine_sees_acts_or_refuses() -> None:
    """Only taking in, sending and correcting happen without a person."""
    machine = {kind.__name__ for kind, (_, roles) in MAY.items() if Role.ENGINE in roles}
    assert machine == {"Delivered", "HitMade", "Reported", "Corrected", "Withdrawn"}
    assert {type(event) for event in Events().told(STEPS)} == set(MAY)


def test_a_recall_takes_what_is_open_and_leaves_what_was_done() -> None:
    """Withdrawal reaches open hits; an action done and a report sent remain facts."""
    state = after("delivered hit:0 hit:1 hit:2 acted:0 not-acted:1 withdrawn")
    assert state.in_state(HitState.RECALLED) == (HITS[1], HITS[2])
    assert state.in_state(HitState.ACTED) == (HITS[0],)


def test_an_action_under_way_at_the_recall_was_done() -> None:
    """The word of it comes later, but it is dated before: it counts."""
    first, second, done, recall = Events().told("delivered hit acted withdrawn")
    state = replay(subject(), [first, second, recall, done])
    assert state.in_state(HitState.ACTED) == (HITS[0],)
    assert state.actions_done == 1


def test_a_corrected_plate_recalls_and_a_corrected_reference_does_not() -> None:
    """Hits of what turned out to be another vehicle are recalled; others go on."""
    assert after("delivered hit corrected").in_state(HitState.UNVERIFIED) == (HITS[0],)
    state = after("delivered hit corrected replaced")
    assert state.in_state(HitState.RECALLED) == (HITS[0],)
    assert state.entry == OTHER_PLATE


def test_the_answer_of_the_provider_may_change() -> None:
    """The last word counts."""
    asked = "delivered hit validated not-acted reported"
    assert after(asked).later_wanted is None
    assert after(f"{asked} wanted").later_wanted is True
    assert after(f"{asked} wanted not-wanted").later_wanted is False


def test_events_survive_json() -> None:
    """What is kept as JSON gives the same events when it is read again."""
    story = Events().told(STEPS)
    assert msgspec.json.decode(msgspec.json.encode(story), type=list[Event]) == story

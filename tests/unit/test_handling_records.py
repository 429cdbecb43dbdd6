"""Events of handling as records: what they tell, what is void, and what the engine keeps."""

import json
from datetime import timedelta
from typing import Any

import pytest
from handling_worlds import FACTS, HITS, NINE, SUBJECT

from anpr_engine.policy.case import Circumstances
from anpr_engine.policy.handled import NOTHING_DONE, HitState, Progress
from anpr_engine.policy.handling_book import HandledBook
from anpr_engine.policy.handling_events import Illegal, IllegalStep, SubjectId
from anpr_engine.policy.handling_records import event_of, fold, hits_of, newest_alerts, read_event
from anpr_engine.policy.handling_reports import Situation
from anpr_engine.policy.handling_steps import Reporting, step_and_report, taken
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.records.alert import Alert
from anpr_engine.records.handling_event import HandlingEvent


def record(number: int, event: str, **more: object) -> HandlingEvent:
    """Make a record, a minute after the one before."""
    told = {
        "event_id": f"{number:032x}",
        "occurred_at": (NINE + timedelta(minutes=number)).isoformat(),
        "event": event,
        "site": "be",
        "role": "officer",
        "unit": "unit west",
        "provider": SUBJECT.provider,
        "list_id": SUBJECT.list_id,
        "entry_id": SUBJECT.entry_id,
        "category": "burglary",
        "alert_id": HITS[0],
    }
    return HandlingEvent.model_validate_json(json.dumps(told | more))


def alert(number: int = 0, **fields: Any) -> Alert:  # noqa: ANN401 - JSON values
    """Make the alert on a hit; hits follow each other by a second."""
    seen = NINE + timedelta(seconds=number)
    entry = {"entry_id": SUBJECT.entry_id, "list_id": SUBJECT.list_id, "plate": "XX123X"}
    more = {"provider": "nl", "country": "NL", "owner": "unit 7", "case_ref": "NL-17"}
    told = {
        "alert_id": HITS[number],
        "created_at": (seen + timedelta(seconds=1)).isoformat(),
        "site": "be",
        "recipients": ["be", "nl"],
        "read": {"read_id": f"r{number}", "camera_id": "be-1", "captured_at": seen.isoformat()},
        "entry": entry | more | {"valid_until": (NINE + timedelta(days=9)).isoformat()},
        "category": "burglary",
        "priority": 1,
        "action": "seize",
        "probability": 0.9,
        "tier": "exact",
        "edits": 0,
        "reasons": ["sharing.provider"],
        "legal_basis": "",
        "handling_code": "",
        "watchlist_version": 1,
        "watchlist_age_ms": 50,
        "policy_version": "1",
        "lateness_ms": 0,
    }
    return Alert.model_validate_json(json.dumps(told | fields))


def book_of(*records: HandlingEvent) -> HandledBook:
    """Give the engine's book after some records."""
    book = HandledBook("be")
    for each in records:
        book.take(each)
    return book


def test_alerts_and_events_give_the_state() -> None:
    """Hits come from alerts, in any order; events bring them on; a second one is void."""
    start = hits_of([alert(1), alert(0), alert(1)], SUBJECT, "be", border=False)
    assert list(start.hits) == list(HITS[:2])
    story = [
        record(1, "validated"),
        record(2, "acted"),
        record(3, "not-acted", reason="unsafe"),
        record(2, "acted"),
    ]
    found = fold(start, story)
    assert found.subject.in_state(HitState.ACTED) == (HITS[0],)
    assert found.subject.actions_done == 1
    assert [why for _, why in found.void] == [Illegal.SETTLED]


def test_an_event_without_what_it_needs_is_none() -> None:
    """A `not-acted` without its reason is refused by the desk and void for readers."""
    lacking = record(1, "not-acted")
    start = hits_of([alert()], SUBJECT, "be", border=False)
    assert event_of(lacking) is None
    assert [why for _, why in fold(start, [lacking]).void] == [Illegal.NO_OUTCOME]
    with pytest.raises(IllegalStep):
        taken(start, lacking)


def test_the_newest_form_of_an_alert_counts() -> None:
    """One that was looked at goes out again under its id."""
    later = (NINE + timedelta(hours=1)).isoformat()
    forms = [alert(0, created_at=later, state="validated"), alert(0, state="review")]
    assert newest_alerts(forms)[HITS[0]].state == "validated"


@pytest.mark.parametrize("value", [b"", b"no JSON", b"[]", b'{"event":1}', b'{"verdict":"x"}'])
def test_what_is_no_event_is_passed_over(value: bytes) -> None:
    """Verdicts, and whatever else stands on the topic."""
    assert read_event(value) is None


def test_the_book_counts_actions_once_a_hit() -> None:
    """The same event twice, and a second outcome of a hit, count for nothing."""
    first, again = record(1, "acted"), record(2, "acted")
    other = record(3, "acted", alert_id=HITS[1])
    assert book_of(first, first, again).of(SUBJECT) == Progress(1)
    assert book_of(first, other).of(SUBJECT).actions_done == 2
    assert book_of(record(1, "dismissed"), again).of(SUBJECT).actions_done == 0
    assert book_of(first).of(SubjectId("nl", "nl-joint", "e-2")) == NOTHING_DONE


def test_the_book_hears_only_those_who_may_say_it() -> None:
    """An act told by the other country, or an answer by our own, changes nothing."""
    asked = record(1, "reported", report="B", message_id=HITS[2])
    yes = record(2, "answered", site="nl", later_wanted=True)
    assert book_of(record(1, "acted", site="nl")).of(SUBJECT) == NOTHING_DONE
    assert book_of(asked, record(2, "answered", later_wanted=True)).of(SUBJECT).later_wanted is None
    assert book_of(yes).of(SUBJECT).later_wanted is None
    assert book_of(asked, yes).of(SUBJECT) == Progress(0, first_reported=True, later_wanted=True)
    assert book_of(record(1, "refused", refusal=["own-law"])).of(SUBJECT).ended


def test_the_book_is_bounded() -> None:
    """The entry of which nothing was heard for longest is forgotten first."""
    book = HandledBook("be", entries_max=2)
    for number, name in enumerate(("e-1", "e-2", "e-1", "e-3")):
        told = record(number, "acted", entry_id=name, alert_id=f"{number:032x}")
        book.take(told)
    done = [book.of(SubjectId("nl", "nl-joint", name)).actions_done for name in ("e-1", "e-2")]
    assert (len(book), done) == (2, [2, 0])


def reporting(around: Circumstances | None = None) -> Reporting:
    """Give what a report is made by, an hour later."""
    return Reporting(Situation(NINE + timedelta(hours=1), FACTS, around), shipped_policies())


def test_a_step_brings_the_report_that_is_due() -> None:
    """Report and event name each other; the report goes with the rules that let it go."""
    start = hits_of([alert()], SUBJECT, "be", border=False)
    found = step_and_report(start, [record(1, "acted")], record(2, "reported"), reporting())
    assert found.report is not None
    assert [each.event for each in found.records] == ["acted", "reported"]
    assert found.records[-1].message_id == found.report.message_id
    assert "art13.18.1-acted" in found.report.rules


def test_a_report_in_border_area_goes_by_the_agreed_contact() -> None:
    """Article 19(2), only where the entry is used in the border area."""
    by = reporting(Circumstances(agreed_contact="joint-centre"))
    ways = []
    for border in (False, True):
        start = hits_of([alert()], SUBJECT, "be", border=border)
        found = step_and_report(start, [record(1, "acted")], record(2, "reported"), by)
        ways.append(None if found.report is None else found.report.via)
    assert ways == ["national", "joint-centre"]


def test_a_hit_told_by_the_sis_is_not_told_twice() -> None:
    """Where the alert says that the procedure of the SIS applies, no report goes."""
    told = alert(0, reasons=["art13.17.1-sis"])
    start = hits_of([told], SUBJECT, "be", border=False)
    found = step_and_report(start, [record(1, "acted")], record(2, "reported"), reporting())
    assert found.report is None
    assert found.due is not None
    assert (found.due.obstacle, found.due.verdict.procedure) == (Illegal.NOT_DUE, "sis")

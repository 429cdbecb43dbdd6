"""What is told of odd use by itself: each thing once, of late alone, with no plate."""

from datetime import timedelta

import pytest
from audit_worlds import START, event

from anpr_engine.audit.odd_alarms import OddAlarms, alarm_id
from anpr_engine.audit.odd_use import OddRule
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.wire import json_bytes


def look(number: int, **fields: object) -> AuditEvent:
    """Make a look-up that nobody would ask about, an hour after the one before."""
    given: dict[str, object] = {
        "action": AuditAction.DATA_LOOKED_UP,
        "actor": "officer.7",
        "case_ref": f"BE-{number}",
        "occurred_at": START + timedelta(minutes=number),
        "on_duty": True,
    }
    return event(number, **{**given, **fields})


def alarms(days: float = 0.0) -> OddAlarms:
    """Give the alarms of a site, some days after the first act."""
    return OddAlarms("be", lambda: START + timedelta(days=days, hours=1))


def rules(of: OddAlarms, *events: AuditEvent) -> list[OddRule]:
    """Take events in; gives what is due."""
    for each in events:
        of.take(json_bytes(each))
    return [odd.rule for odd in of.due()]


def test_each_rule_gives_an_alarm() -> None:
    """All four are told of; ordinary acts and the engine's are not."""
    found = alarms()
    assert rules(found, look(1), event(2)) == []
    assert rules(found, look(3, case_ref="")) == [OddRule.NO_CASE]
    found.told([alarm_id(odd) for odd in found.due()])
    assert rules(found, look(4, on_duty=False)) == [OddRule.OFF_DUTY]
    found.told([alarm_id(odd) for odd in found.due()])
    assert rules(found, look(5, rows=5_000)) == [OddRule.MASS]
    found.told([alarm_id(odd) for odd in found.due()])
    again = [look(n, entry_id="e7") for n in (6, 7, 8)]
    assert rules(found, *again) == [OddRule.SAME_TARGET]


def test_what_is_not_told_stays_due_and_what_is_told_does_not() -> None:
    """Until it is known to be in the record it is given again; then never."""
    found = alarms()
    assert rules(found, look(1, case_ref="")) == [OddRule.NO_CASE]
    assert rules(found) == [OddRule.NO_CASE]
    (odd,) = found.due()
    found.told([alarm_id(odd)])
    assert rules(found) == []
    assert rules(found, look(1, case_ref="")) == []


def test_the_record_says_what_was_told() -> None:
    """Another engine that reads the line tells nothing of the same act, in whatever order."""
    one = alarms()
    one.take(json_bytes(look(1, case_ref="")))
    (odd,) = one.due()
    line = json_bytes(one.event(odd))
    for lines in (
        [line, json_bytes(look(1, case_ref=""))],
        [json_bytes(look(1, case_ref="")), line],
    ):
        other = alarms()
        for each in lines:
            other.take(each)
        assert other.due() == []


def test_a_line_names_rule_person_and_act() -> None:
    """It is an audit event of the site, with an id that follows from rule and act."""
    found = alarms()
    found.take(json_bytes(look(1, case_ref="")))
    (odd,) = found.due()
    told = found.event(odd)
    assert (told.action, told.reasons) == (AuditAction.ODD_USE_FOUND, ["no-case"])
    assert told.event_id == alarm_id(odd) != odd.event_id
    assert told.subject == f"{odd.event_id}: officer.7 data-looked-up without a case"


def test_old_acts_count_and_are_not_told_of_any_more() -> None:
    """An engine that was away tells of the last week; a target of weeks ago still counts."""
    assert rules(alarms(8), look(1, case_ref="")) == []
    old = [look(n, entry_id="e7") for n in (1, 2)]
    new = look(3, entry_id="e7", occurred_at=START + timedelta(days=20))
    assert rules(alarms(20), *old, new) == [OddRule.SAME_TARGET]
    assert alarms().days == pytest.approx(37)


def test_an_engine_s_lines_and_what_is_no_event_are_passed_over() -> None:
    """Most of the record is that, and nothing in it is somebody's use."""
    found = alarms()
    text = json_bytes(look(1, case_ref=""))
    found.take(b'{"chain":"be/engine-0",' + text[1:])
    found.take(b'{"action":"data-looked-up"}')
    assert found.due() == []
    found.take(b'{"chain":"be/desk",' + text[1:])
    assert len(found.due()) == 1

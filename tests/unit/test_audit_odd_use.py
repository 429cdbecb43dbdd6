"""Odd use of the record: each rule fires where it should, and where it should not it is silent."""

from datetime import timedelta

from audit_worlds import START, event

from anpr_engine.audit.odd_use import OddRule, OddUseLimits, odd_use
from anpr_engine.records.audit_event import AuditAction, AuditEvent

TARGET = "a" * 32


def look(minutes: float, **fields: object) -> AuditEvent:
    """Make one look-up by a person, some minutes after the start."""
    given: dict[str, object] = {
        "event_id": f"{abs(round(minutes * 60)):032x}",
        "occurred_at": START + timedelta(minutes=minutes),
        "action": AuditAction.DATA_LOOKED_UP,
        "actor": "officer.7",
        "case_ref": "EX-2026-0042",
        "entry_id": "",
    }
    return event(0, **{**given, **fields})


def rules(*events: AuditEvent, limits: OddUseLimits | None = None) -> list[str]:
    """Name the rules that fire."""
    return [odd.rule for odd in odd_use(events, limits)]


def test_ordinary_work_is_not_odd() -> None:
    """A few look-ups of different targets in a case, on duty, raise nothing."""
    assert rules(*(look(n, target=f"{n:032x}", on_duty=True) for n in range(10))) == []


def test_the_same_target_again_is_odd() -> None:
    """The third look-up of one target by one person within a month, whatever the case says."""
    again = [look(n * 1440, target=TARGET, case_ref=f"c{n}") for n in range(3)]
    assert rules(*again) == [OddRule.SAME_TARGET]
    assert "3 times in 30 days, under 3 cases" in odd_use(again)[0].sentence
    assert rules(*(look(n * 20 * 1440, target=TARGET) for n in range(3))) == []
    others = [look(n, target=TARGET, actor=f"officer.{n}") for n in range(3)]
    assert rules(*others) == []


def test_off_duty_is_odd() -> None:
    """By the roster where it is known, by the hour where it is not."""
    assert rules(look(0, on_duty=False)) == [OddRule.OFF_DUTY]
    assert rules(look(-181)) == [OddRule.OFF_DUTY]
    assert odd_use([look(-181)])[0].sentence == "data-looked-up on sun 05:59, Europe/Brussels"
    assert rules(look(-180)) == []
    assert rules(look(-181, on_duty=True)) == []


def test_no_case_is_odd() -> None:
    """Nothing, blanks, or a word that fits everything is no case."""
    cases = ["", "  ", "inv", "Case", "EX-2026-1"]
    assert rules(*(look(n, case_ref=case) for n, case in enumerate(cases))) == [OddRule.NO_CASE] * 4


def test_mass_look_ups_are_odd() -> None:
    """More than a hundred within an hour are told once; so is a very large answer."""
    fast = [look(n / 4, target=f"{n:032x}") for n in range(150)]
    assert rules(*fast) == [OddRule.MASS]
    assert rules(look(0, rows=1000)) == [OddRule.MASS]
    assert rules(look(0, rows=999)) == []


def test_what_the_engine_does_is_no_use() -> None:
    """Alerts without a case at night are nobody's doing."""
    assert rules(event(0, occurred_at=START - timedelta(hours=6))) == []

"""Working hours by a site's own clock: nights, days of rest, and the nights in which it is set."""

from datetime import UTC, datetime, timedelta

import pytest

from anpr_engine.audit.work_times import WorkTimes, checked_hours, checked_zone

NIGHT = WorkTimes("22:00-06:00", frozenset({"fri"}))


def utc(text: str) -> datetime:
    """Read a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "at"),
    [
        # Summer time, winter time, the day on which it ends, the day on which it begins.
        ("2026-07-01T03:59:59", "2026-07-01T04:00"),
        ("2026-12-01T04:59:59", "2026-12-01T05:00"),
        ("2026-10-25T04:59:59", "2026-10-25T05:00"),
        ("2026-03-29T03:59:59", "2026-03-29T04:00"),
    ],
)
def test_hours_begin_by_the_clock_on_the_wall(before: str, at: str) -> None:
    """Six in the morning is another time of UTC in summer, in winter, and from one day on."""
    assert not WorkTimes().hold(utc(before))
    assert WorkTimes().hold(utc(at))
    assert WorkTimes().hold(utc(at) + timedelta(hours=16, seconds=-1))
    assert not WorkTimes().hold(utc(at) + timedelta(hours=16))


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    """Friday's night lasts until Saturday morning; the nights beside it do not count."""
    assert not NIGHT.hold(utc("2026-11-27T20:59:59"))
    assert NIGHT.hold(utc("2026-11-27T21:00"))
    assert NIGHT.hold(utc("2026-11-28T04:59:59"))
    assert not NIGHT.hold(utc("2026-11-28T05:00"))
    assert not NIGHT.hold(utc("2026-11-28T21:00"))
    assert not NIGHT.hold(utc("2026-11-27T04:00"))


def test_a_night_is_as_long_as_the_clock_makes_it() -> None:
    """From ten to six are nine hours when summer time ends, and seven when it begins."""
    every = WorkTimes("22:00-06:00")
    for begin, hours in (("2026-10-24T20:00", 9), ("2026-03-28T21:00", 7), ("2026-03-27T21:00", 8)):
        minutes = range(-30, 60 * 10)
        worked = [every.hold(utc(begin) + timedelta(minutes=minute)) for minute in minutes]
        assert worked == [0 <= minute < hours * 60 for minute in minutes]


def test_an_hour_that_comes_twice_counts_as_work_without_a_gap() -> None:
    """What ends at half past two ends with the second, what begins then with the first."""
    ends, begins = WorkTimes("22:00-02:30"), WorkTimes("02:30-10:00")
    for minute in range(15, 90, 15):
        assert ends.hold(utc("2026-10-25T00:00") + timedelta(minutes=minute))
    assert not ends.hold(utc("2026-10-25T01:30"))
    assert not begins.hold(utc("2026-10-25T00:29"))
    assert begins.hold(utc("2026-10-25T00:30"))
    assert begins.hold(utc("2026-10-25T01:15"))


def test_an_hour_that_never_comes_neither_ends_nor_begins_too_early() -> None:
    """There is no half past two that night: what would begin or end then is work in doubt."""
    ends, begins = WorkTimes("22:00-02:30"), WorkTimes("02:30-10:00")
    assert ends.hold(utc("2026-03-29T01:29"))
    assert not ends.hold(utc("2026-03-29T01:30"))
    assert begins.hold(utc("2026-03-29T00:30"))
    assert not begins.hold(utc("2026-03-29T00:29"))


def test_the_whole_day_and_days_of_rest() -> None:
    """Midnight to midnight leaves no moment out; on a day of rest nobody works at any hour."""
    week = WorkTimes("00:00-24:00", frozenset({"mon", "tue", "wed", "thu", "fri"}))
    assert week.hold(utc("2026-11-22T23:00"))
    assert week.hold(utc("2026-11-27T22:59:59"))
    assert not week.hold(utc("2026-11-27T23:00"))
    assert not week.hold(utc("2026-11-29T12:00"))


@pytest.mark.parametrize(
    "hours", ["06:00", "6-22", "06:00-24:30", "25:00-06:00", "08:00-08:00", ""]
)
def test_hours_that_cannot_be_read_are_refused(hours: str) -> None:
    """Each with what is allowed."""
    with pytest.raises(ValueError, match="allowed is HH:MM-HH:MM"):
        checked_hours(hours)


@pytest.mark.parametrize("zone", ["Europe/Brussel", "Europe", "", "../etc/passwd", "/etc/passwd"])
def test_zones_that_nobody_knows_are_refused(zone: str) -> None:
    """Names, folders and paths that are none."""
    with pytest.raises(ValueError, match="such as Europe/Brussels"):
        checked_zone(zone)

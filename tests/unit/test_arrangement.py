"""Arrangements for a list: what fits them, and files that are refused whole, with every problem."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from anpr_engine.errors import ConfigError
from anpr_engine.policy.agreed_files import AgreedFileError
from anpr_engine.policy.arrangement import Arrangement, Permission, load_arrangements, permits

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LISTS = ("nl-joint", "nl-other")
GOOD = """[[arrangement]]
list_id = "nl-joint"
provider = "nl"
receiver = "be"
cameras = ["be-1", "be-2"]
from = 2026-11-01T00:00:00Z
until = 2026-12-01T00:00:00Z
frequency = "each-working-day"
hits_per_day_max = 3

[[arrangement.contact]]
site = "nl"
way = "national"
service = "national contact point"
address = "desk 1"

[[arrangement.contact]]
site = "be"
way = "regional"
service = "regional contact point"
address = "desk 2"

[[arrangement.signed]]
site = "nl"
service = "unit north"
at = 2026-10-20T10:00:00Z

[[arrangement.signed]]
site = "be"
service = "unit south"
at = 2026-10-21T10:00:00Z
"""


def loaded(folder: Path, text: str) -> tuple[Arrangement, ...]:
    """Write a file and read it."""
    path = folder / "lists.toml"
    path.write_text(text, encoding="utf-8")
    return load_arrangements(path, LISTS, NOW)


def refused(folder: Path, text: str) -> list[tuple[int, str]]:
    """Read a file that must be refused: the line and the find of each problem."""
    with pytest.raises(AgreedFileError) as error:
        loaded(folder, text)
    assert isinstance(error.value, ConfigError)
    for problem in error.value.problems:
        assert str(problem) in str(error.value)
    return [(one.line, one.found) for one in error.value.problems]


def test_a_good_file_is_taken(tmp_path: Path) -> None:
    """Both sides signed, both can be reached, the list exists, and it is not over."""
    (one,) = loaded(tmp_path, GOOD)
    assert (one.list_id, one.provider, one.receiver) == ("nl-joint", "nl", "be")
    assert one.cameras == frozenset({"be-1", "be-2"})
    assert [contact.way for contact in one.contacts] == ["national", "regional"]
    assert [signature.service for signature in one.signatures] == ["unit north", "unit south"]


HOURS = "hours_utc = [22:00:00, 06:00:00]\nfrequency"
CASES = {
    "within": ("nl-joint", NOW, "be-1", 2, Permission.GIVEN),
    "other list": ("nl-other", NOW, "be-1", 0, Permission.OTHER_LIST),
    "too early": ("nl-joint", datetime(2026, 10, 31, tzinfo=UTC), "be-1", 0, Permission.BEFORE),
    "at its start": ("nl-joint", datetime(2026, 11, 1, tzinfo=UTC), "be-1", 0, Permission.GIVEN),
    "at its end": ("nl-joint", datetime(2026, 12, 1, tzinfo=UTC), "be-1", 0, Permission.AFTER),
    "elsewhere": ("nl-joint", NOW, "be-3", 0, Permission.OUT_OF_AREA),
    "full": ("nl-joint", NOW, "be-1", 3, Permission.CAPACITY_USED),
}


@pytest.mark.parametrize("name", CASES)
def test_a_hit_fits_or_does_not(name: str, tmp_path: Path) -> None:
    """Each limit is told by its own name, and only what fits is true."""
    list_id, at, camera, reported_today, expected = CASES[name]
    found = permits(loaded(tmp_path, GOOD)[0], list_id, at, camera, reported_today)
    assert found is expected
    assert bool(found) is (expected is Permission.GIVEN)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(21, False), (22, True), (23, True), (0, True), (5, True), (6, False), (12, False)],
)
def test_hours_may_run_over_midnight(hour: int, *, expected: bool, tmp_path: Path) -> None:
    """They are those of UTC, whatever the offset of the read."""
    (one,) = loaded(tmp_path, GOOD.replace("frequency", HOURS))
    at = NOW.replace(hour=hour)
    east = at.astimezone(timezone(timedelta(hours=2)))
    assert bool(permits(one, "nl-joint", at, "be-1", 0)) is expected
    assert bool(permits(one, "nl-joint", east, "be-1", 0)) is expected


@pytest.mark.parametrize(("hour", "expected"), [(5, False), (6, True), (21, True), (22, False)])
def test_hours_of_a_day(hour: int, *, expected: bool, tmp_path: Path) -> None:
    """From the first up to the second, which is no longer part of them."""
    hours = "hours_utc = [06:00:00, 22:00:00]\nfrequency"
    (one,) = loaded(tmp_path, GOOD.replace("frequency", hours))
    at = NOW.replace(hour=hour)
    assert bool(permits(one, "nl-joint", at, "be-1", 0)) is expected


def test_the_whole_country(tmp_path: Path) -> None:
    """Without cameras it holds on every one."""
    (one,) = loaded(tmp_path, GOOD.replace('cameras = ["be-1", "be-2"]', 'area = "national"'))
    assert permits(one, "nl-joint", NOW, "anywhere", 0)


BAD = {
    "unknown key": ("frequency", "colour = 1\nfrequency", 8, "unknown key `colour`"),
    "missing list": ('"nl-joint"', '"nl-gone"', 2, "list `nl-gone`, which does not exist"),
    "no list": ('list_id = "nl-joint"', "", 1, "no list_id"),
    "one site": ('receiver = "be"', 'receiver = "nl"', 4, "one site on both sides"),
    "site no text": ('provider = "nl"', "provider = 7", 3, "provider = 7"),
    "over": ("2026-12-01T00:00:00Z", "2026-11-22T09:00:00Z", 7, "a period that is over"),
    "backwards": ("2026-12-01T00:00:00Z", "2026-10-01T00:00:00Z", 7, "an end that is not after"),
    "no offset": ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00", 7, "until = datetime"),
    "no capacity": ("hits_per_day_max = 3", "hits_per_day_max = 0", 9, "hits_per_day_max = 0"),
    "capacity no number": ("_max = 3", "_max = true", 9, "hits_per_day_max = True"),
    "frequency": ("each-working-day", "hourly", 8, "frequency = `hourly`"),
    "two areas": ("frequency", 'area = "national"\nfrequency', 5, "both cameras and area"),
    "no area": ('cameras = ["be-1", "be-2"]', "", 1, "neither cameras nor area"),
    "cameras no names": ('"be-2"', "2", 5, "cameras = ['be-1', 2]"),
    "cameras no list": ('["be-1", "be-2"]', "7", 5, "cameras = 7"),
    "hours": ("frequency", "hours_utc = [06:00:00]\nfrequency", 8, "no two times"),
    "hours alike": ("frequency", "hours_utc = [06:00:00, 06:00:00]\nfrequency", 8, "no two times"),
    "contact of a stranger": ('site = "be"\nway', 'site = "lu"\nway', 18, "site = `lu`"),
    "contact way": ('way = "regional"', 'way = "pigeon"', 19, "way = `pigeon`"),
    "signed by one": ('site = "be"\nservice', 'site = "nl"\nservice', 23, "no signed of be"),
    "signed later": ("2026-10-21T10:00:00Z", "2026-11-23T10:00:00Z", 31, "a signature of later"),
    "nobody signed": ('service = "unit south"', 'service = " "', 30, "service = ` `"),
    "no table": ("[[arrangement]]", "[arrangement]", 1, "arrangement is no list of tables"),
    "unknown table": ("[[arrangement]]", "[[rule]]\n[[arrangement]]", 1, "unknown key `rule`"),
    "no TOML": ('receiver = "be"', "receiver =", 4, "no TOML"),
    "contact no table": ("[[arrangement.contact]]", "[arrangement.contact]", 11, "contact = {"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    """What is wrong stands at its line, and nothing of the file is used."""
    old, new, line, found = BAD[name]
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if name == "contact no table":
        text = GOOD.replace(old, new, 1).replace("[[arrangement.contact]]", "[arrangement.other]")
    problems = refused(tmp_path, text)
    about = [at for at, what in problems if what.startswith(found)]
    assert about == [line], problems


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Three mistakes in two arrangements are three problems, each in its own table."""
    second = GOOD.replace('"nl-joint"', '"nl-gone"').replace("_max = 3", "_max = 0")
    problems = refused(tmp_path, GOOD.replace("each-working-day", "hourly") + second)
    lines = GOOD.count("\n")
    assert [line for line, _ in problems] == [8, lines + 2, lines + 9]


def test_tables_written_in_one_line_are_read_too(tmp_path: Path) -> None:
    """A problem in one of them stands at that line."""
    head, _, _ = GOOD.partition("\n[[arrangement.signed]]")
    signed = '{ site = "SITE", service = "unit", at = 2026-10-20T10:00:00Z }'
    both = [signed.replace("SITE", site) for site in ("nl", "be")]
    good = head.replace("frequency", f"signed = [{', '.join(both)}]\nfrequency")
    assert len(loaded(tmp_path, good)[0].signatures) == 2
    problems = refused(tmp_path, good.replace('"be", service = "unit"', '"be", service = ""'))
    assert problems == [(8, "service = ``")]


def test_two_arrangements_for_one_time_are_refused(tmp_path: Path) -> None:
    """Which of the two holds would depend on their order."""
    problems = refused(tmp_path, GOOD + GOOD)
    assert [found for _, found in problems] == ["a second arrangement for the same time"]
    later = GOOD.replace("from = 2026-11", "from = 2026-12").replace(
        "until = 2026-12-01", "until = 2026-12-31"
    )
    assert len(loaded(tmp_path, GOOD + later)) == 2


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    """Missing, empty, too long, or no UTF-8: one problem each."""
    with pytest.raises(AgreedFileError, match="No such file"):
        load_arrangements(tmp_path / "gone.toml", LISTS, NOW)
    assert refused(tmp_path, "") == [(1, "no arrangement")]
    assert refused(tmp_path, "#" * ((1 << 20) + 1)) == [(1, "a longer file")]
    path = tmp_path / "latin.toml"
    path.write_bytes(b'a = "\xe9"')
    with pytest.raises(AgreedFileError, match="no TOML"):
        load_arrangements(path, LISTS, NOW)

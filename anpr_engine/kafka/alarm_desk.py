"""Writes alarms into the record, each once, whichever of a site's engines does it.

Why under a name of their own: the name fences off another engine that would write the same, and
what lies in the record is looked at only once the name is ours.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from anpr_engine.errors import BrokerError
from anpr_engine.kafka.audit_desk import ChainOf, Deed, DeskSettings, written_within
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.repeating import repeated
from anpr_engine.ports import Clock
from anpr_engine.wire import Header

EVERY_S = 5.0
TRIES = 4
CLOCKS_APART_US = 300_000_000
"""The broker's clock is another than that of whoever acted."""


class Alarm(NamedTuple):
    """What is to be recorded once.

    event_id: of its line. since_us: nobody can have written it earlier, microseconds since 1970.
    line: the event in JSON, and the record's headers. rule, about: what the log tells of it.
    """

    event_id: str
    since_us: int
    line: tuple[bytes, tuple[Header, ...]]
    rule: str
    about: str


def alarm_transactional_id(site: str) -> str:
    """Name the writer of a site's alarms; engines may write under it."""
    return f"anpr.engine.{site}.alarms"


def recorded_once(
    settings: DeskSettings, chain_of: ChainOf, due: Sequence[Alarm], clock: Clock
) -> list[Alarm]:
    """Write alarms that are not in the record yet; gives those that were written here.

    Raises:
        BrokerError: they cannot be written.

    """
    written: list[Alarm] = []

    def plan() -> Deed | None:
        known = _known(settings, due)
        written[:] = [alarm for alarm in due if alarm.event_id not in known]
        if not written:
            return None
        first, *others = written
        return Deed((), first.line, [alarm.line for alarm in others])

    if not written_within(TRIES, settings, chain_of, plan, clock):
        what = f"Kafka at {settings.log.bootstrap}, topic {settings.log.topic}: alarms were "
        raise BrokerError(f"{what}refused {TRIES} times.", "Run `anpr doctor`.")
    return written


def _known(settings: DeskSettings, due: Sequence[Alarm]) -> set[str]:
    since_us = min(alarm.since_us for alarm in due) - CLOCKS_APART_US
    marks = {alarm.event_id: f'"event_id":"{alarm.event_id}"'.encode() for alarm in due}
    found = set[str]()
    for _, _, line in committed_lines(settings.log, lambda: False, between_us=(since_us, None)):
        found.update(event_id for event_id, mark in marks.items() if mark in line)
    return found


@contextmanager
def alarms_recorded(
    once: Callable[[Sequence[Alarm]], Sequence[Alarm]],
    due: Callable[[], Sequence[Alarm]],
    tell: Callable[[Sequence[Alarm], Sequence[Alarm]], None],
    every_s: float = EVERY_S,
) -> Iterator[None]:
    """Look for alarms and record them, in a thread of its own, as long as this lasts.

    Args:
        once: records some, and gives those that it wrote.
        due: gives those that are not known to be recorded.
        tell: hears of all that are recorded now, and of those that were written here.
        every_s: how often to look.

    """

    def look() -> None:
        if found := due():
            tell(found, once(found))

    with repeated(look, every_s, "alarms", "alarms_unrecorded"):
        yield

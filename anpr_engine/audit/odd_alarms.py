"""Odd use told by itself: what the rules find in a record as it grows, each once.

An alarm is a line of the record whose id follows from the rule and the act it is about. So whoever
reads the record knows what was told, and nothing is told twice, whichever engine does it.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from anpr_engine.audit.odd_use import ASKING, OddUse, OddUseLimits, odd_use
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.wire import told_apart

TOLD_DAYS_MAX = 7.0
"""Acts older than this are for `anpr audit show --odd` alone: an engine that was away for long
would tell of what nobody can ask about any more."""

_PERSON = b"anpr.odd-use.v1"
_MARKS = tuple(f'"action":"{each}"'.encode() for each in (*ASKING, AuditAction.ODD_USE_FOUND))


def alarm_id(odd: OddUse) -> str:
    """Give the id of the line that tells of something odd."""
    text = told_apart((odd.rule.value, odd.event_id))
    return hashlib.blake2b(text, digest_size=16, person=_PERSON).hexdigest()


class OddAlarms:
    """Knows people's acts of late and what was told of them; any thread may call."""

    def __init__(
        self,
        site: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        limits: OddUseLimits | None = None,
    ) -> None:
        """Begin without any act; `now` tells the time."""
        self._site, self._now, self._limits = site, now, limits or OddUseLimits()
        self._engines = f'{{"chain":"{site}/engine-'.encode()
        self._lock = threading.Lock()
        self._acts: dict[str, AuditEvent] = {}
        self._told: dict[str, datetime] = {}
        self._news = False

    @property
    def days(self) -> float:
        """How far back acts matter: a rule counts over days, up to acts that are still told of."""
        return self._limits.same_target_days + TOLD_DAYS_MAX

    def take(self, line: bytes) -> None:
        """Take a line of the record in, which may come again; most are an engine's own."""
        if line.startswith(self._engines) or not any(mark in line for mark in _MARKS):
            return
        try:
            event = AuditEvent.model_validate_json(line)
        except ValidationError:
            return
        with self._lock:
            if event.action is AuditAction.ODD_USE_FOUND:
                self._told[event.event_id] = event.occurred_at
            elif event.action in ASKING and event.event_id not in self._acts:
                self._acts[event.event_id] = event
                self._news = True

    def due(self) -> list[OddUse]:
        """Give what was found and not told yet, in order of time; empty unless acts came."""
        now = self._now()
        with self._lock:
            if not self._news:
                return []
            self._forget(now - timedelta(days=self.days))
            since = now - timedelta(days=TOLD_DAYS_MAX)
            found = odd_use(self._acts.values(), self._limits)
            due = [
                odd for odd in found if odd.occurred_at >= since and alarm_id(odd) not in self._told
            ]
            self._news = bool(due)
            return due

    def event(self, odd: OddUse) -> AuditEvent:
        """Make the line that tells of something odd: the rule, whose act, and which."""
        return AuditEvent(
            event_id=alarm_id(odd),
            occurred_at=self._now(),
            site=self._site,
            actor="engine",
            action=AuditAction.ODD_USE_FOUND,
            reasons=[odd.rule.value],
            subject=f"{odd.event_id}: {odd.actor} {odd.sentence}"[:256],
        )

    def told(self, ids: Iterable[str]) -> None:
        """Note which lines are in the record, by their ids."""
        with self._lock:
            self._told |= dict.fromkeys(ids, self._now())

    def _forget(self, before: datetime) -> None:
        self._acts = {id_: act for id_, act in self._acts.items() if act.occurred_at >= before}
        self._told = {id_: at for id_, at in self._told.items() if at >= before}

"""How much a partner may still ask today: a counter without clock or storage.

Why: whoever may ask about every plate of a country, one by one, has the list in the end, however
well each question is veiled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import msgspec

from anpr_engine.errors import PolicyRefused, UsageError


class LimitReached(PolicyRefused):
    """The partner has asked as much as was agreed for a day."""


@dataclass(frozen=True, slots=True)
class DailyLimit:
    """What was asked so far on the last day on which something was; days are those of UTC."""

    per_day: int
    day: date | None = None
    asked: Mapping[str, int] = field(default_factory=dict)

    def left(self, partner: str, at: datetime) -> int:
        """Say how much a partner may still ask on the day of an instant."""
        asked = self.asked.get(partner, 0) if self.day == at.astimezone(UTC).date() else 0
        return self.per_day - asked

    def taken(self, partner: str, count: int, at: datetime) -> "DailyLimit":
        """Count a batch of questions; it is taken whole or not at all.

        Raises:
            LimitReached: the batch is larger than what is left.
            UsageError: it is empty.

        """
        if count < 1:
            raise UsageError("A batch holds one question at least.", "Ask something.")
        day = at.astimezone(UTC).date()
        left = self.left(partner, at)
        if self.day is not None and day < self.day:
            raise LimitReached("The day of the question is over.", "Set the clock right.")
        if count > left:
            what = f"{count} questions were asked, and {left} of {self.per_day} are left today."
            raise LimitReached(what, "Ask fewer, or tomorrow.")
        so_far = dict(self.asked) if day == self.day else {}
        so_far[partner] = self.per_day - left + count
        return DailyLimit(self.per_day, day, so_far)


class _Kept(msgspec.Struct, frozen=True):
    day: date
    asked: dict[str, int]


def kept_text(limit: DailyLimit) -> bytes:
    """Write what was asked, for `limit_of`; the limit itself is set elsewhere."""
    return msgspec.json.encode(_Kept(limit.day or date.min, dict(limit.asked)))


def limit_of(text: bytes | None, per_day: int) -> DailyLimit:
    """Read what was asked so far; None: nothing ever was.

    Raises:
        PolicyRefused: it cannot be read, and then nothing may be asked.

    """
    if text is None:
        return DailyLimit(per_day)
    try:
        kept = msgspec.json.decode(text, type=_Kept)
    except msgspec.MsgspecError:
        what = "What was asked today cannot be read, so nothing more is answered."
        raise PolicyRefused(what, "Restore it, or remove it after asking why.") from None
    return DailyLimit(per_day, kept.day, kept.asked)

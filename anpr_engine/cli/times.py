"""Times and spans of time as options take them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from pydantic import TypeAdapter, ValidationError

from anpr_engine.records.fields import Timestamp

_SPAN = re.compile(r"(\d{1,9})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIME = TypeAdapter(Timestamp)


@dataclass(frozen=True, slots=True)
class When:
    """A time as it was given: an instant, or so long before the command first began."""

    text: str
    at_us: int = 0
    before_us: int | None = None


def us_of(when: When | None, begun_us: int) -> int | None:
    """Give a time in microseconds since 1970, by when the command first began; None for none."""
    if when is None:
        return None
    return when.at_us if when.before_us is None else begun_us - when.before_us


class TimeType(click.ParamType[When]):
    """An RFC 3339 time, or a span before now such as -2h."""

    name = "time"

    def convert(
        self, value: str | When, param: click.Parameter | None, ctx: click.Context | None
    ) -> When:
        """Read a time."""
        if isinstance(value, When):
            return value
        if value.startswith("-") and (span := _SPAN.fullmatch(value[1:])):
            return When(value, before_us=_microseconds(span))
        try:
            at: datetime = _TIME.validate_python(value)
        except ValidationError:
            allowed = (
                "a time such as 2026-11-22T08:00:00Z, or one before now such as -90m, -2h, -7d"
            )
            return self.fail(f"{value!r} is not {allowed}.", param, ctx)
        return When(value, round(at.astimezone(UTC).timestamp() * 1e6))


class SpanType(click.ParamType[int]):
    """A span of time such as 24h, in microseconds."""

    name = "span"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read a span."""
        if isinstance(value, int):
            return value
        span = _SPAN.fullmatch(value)
        if span is None:
            return self.fail(f"{value!r} is not a span such as 90m, 24h or 7d.", param, ctx)
        return _microseconds(span)


def _microseconds(span: re.Match[str]) -> int:
    return int(span[1]) * _SECONDS[span[2]] * 1_000_000

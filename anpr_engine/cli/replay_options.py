"""What `anpr replay` can be asked: its options, times among them, and which go together."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from anpr_engine.cli.audit_source import reason_options
from anpr_engine.cli.leave import leave_option
from anpr_engine.cli.times import SpanType, TimeType, When
from anpr_engine.errors import UsageError
from anpr_engine.replay.sources import STDIN

Command = TypeVar("Command", bound=Callable[..., Any])
WORKERS_MAX = 256
_OFFSET = re.compile(r"(\d{1,9}):(\d{1,18})")


def _offsets(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> dict[int, int]:
    found: dict[int, int] = {}
    for text in given:
        pair = _OFFSET.fullmatch(text)
        if pair is None:
            message = f"{text!r} is not PARTITION:OFFSET, such as 0:1200."
            raise click.BadParameter(message)
        found[int(pair[1])] = int(pair[2])
    return found


def _workers(_ctx: click.Context, _param: click.Parameter, text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= WORKERS_MAX:
        message = f"{text!r} is not a number from 1 to {WORKERS_MAX}, or auto."
        raise click.BadParameter(message)
    return int(text)


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What was asked for; the fields are the command's options."""

    config: Path | None
    site: str | None
    kafka: str | None
    redis_url: str | None
    reads: tuple[str, ...]
    more: tuple[str, ...]
    since: When | None
    until: When | None
    from_offset: Mapping[int, int]
    to_offset: Mapping[int, int]
    late: int
    watchlist: str | None
    as_of: When | None
    out: str
    min_probability: float | None
    traffic_share: float | None
    cameras: str | None
    misread_share: float | None
    workers: int | None
    restart: bool
    as_json: bool
    purpose: str | None
    case_ref: str | None
    actor: str | None
    leave: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The files of reads; none for Kafka."""
        return (*self.reads, *self.more)

    @property
    def resumable(self) -> bool:
        """Whether what is done can be kept: not of a stream, and not for one."""
        return STDIN not in (*self.files, self.out)

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            UsageError: says what to give instead.

        """
        by_offset = bool(self.from_offset or self.to_offset)
        if self.files and by_offset:
            raise UsageError("Offsets are of Kafka, and --reads names files.", "Give one of them.")
        if not self.files and not by_offset and self.since is None:
            raise UsageError(
                "It is not said which reads to replay.",
                "Give --reads FILE for files, or --from TIME for the site's reads on Kafka.",
            )

    def as_asked(self) -> dict[str, str]:
        """Give what decides on the result, by option, to compare with an earlier call."""
        times = {"--from": self.since, "--to": self.until, "--as-of": self.as_of}
        asked = {name: when.text for name, when in times.items() if when is not None}
        if self.leave:
            # So that a replay that was interrupted goes on by the leave that it used up.
            asked["--leave"] = self.leave
        if not self.files:
            asked["--late"] = f"{self.late // 1_000_000} s"
        for name, offsets in (("--from-offset", self.from_offset), ("--to-offset", self.to_offset)):
            if offsets:
                asked[name] = " ".join(f"{at}:{offsets[at]}" for at in sorted(offsets))
        return asked


_DEFAULT = "default: the site's setting where Kafka, Redis or --config is used, else "
OPTIONS = (
    click.argument("more", nargs=-1, metavar="[READS]..."),
    click.option(
        "--reads",
        multiple=True,
        metavar="PATH",
        help="Parquet or JSONL files: paths, patterns, folders, - for JSONL on stdin; several.",
    ),
    click.option(
        "--from",
        "since",
        type=TimeType(),
        help="Reads captured from this time on (RFC 3339, or -2h for two hours ago). Without "
        "files: of the site's reads on Kafka, where records are fetched from then on, less what "
        "a camera's clock may be ahead.",
    ),
    click.option("--to", "until", type=TimeType(), help="Reads captured before this time."),
    click.option(
        "--late",
        type=SpanType(),
        default="24h",
        show_default=True,
        help="From Kafka: how long after --to records are fetched, for reads that came in late.",
    ),
    click.option(
        "--from-offset",
        multiple=True,
        callback=_offsets,
        metavar="P:N",
        help="From Kafka: partition P from offset N on; several.",
    ),
    click.option(
        "--to-offset",
        multiple=True,
        callback=_offsets,
        metavar="P:N",
        help="From Kafka: partition P up to, not including, offset N; several.",
    ),
    click.option("--watchlist", help="CSV or JSONL file of entries; default: the lists in Redis."),
    click.option("--as-of", type=TimeType(), help="Only entries that were in force at this time."),
    click.option("--out", required=True, help=".jsonl or .parquet file, - for JSONL on stdout."),
    click.option(
        "--min-probability",
        type=click.FloatRange(0, 1),
        help=f"Leave out hits that are less likely; {_DEFAULT}as for anpr match.",
    ),
    click.option(
        "--traffic-share",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        help=f"Assumed share of reads that are of any listed vehicle; {_DEFAULT}0.0001.",
    ),
    click.option("--cameras", help="What each camera usually sees: a file of `anpr cameras fit`."),
    click.option(
        "--misread-share",
        type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
        help="Share of reads with an error in them.",
    ),
    click.option(
        "--workers",
        metavar="N|auto",
        default="auto",
        show_default=True,
        callback=_workers,
        help="How many work side by side; auto: as many as there are processors.",
    ),
    click.option("--restart", is_flag=True, help="Forget what an interrupted replay has done."),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Close with one JSON line, on stderr where the hits go to stdout.",
    ),
)


def replay_options(command: Command) -> Command:
    """Add the options to the command."""
    command = leave_option(reason_options(command))
    for option in reversed(OPTIONS):
        command = option(command)
    return command

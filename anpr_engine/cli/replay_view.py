"""What `anpr replay` says on the way and at its end."""

import sys
from types import TracebackType
from typing import Any, Self

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from anpr_engine.ports import Clock
from anpr_engine.replay.replay import Outcome
from anpr_engine.replay.units import BYTES, Plan
from anpr_engine.replay.work import Done

SHOW_AFTER_S = 1.0
_MIB = 1 << 20


class ReplayView:
    """A bar with rate and time left, on a terminal, for what takes over a second."""

    def __init__(self, plan: Plan, before: Done, clock: Clock, *, shown: bool) -> None:
        """Start the time; nothing is shown yet.

        Args:
            plan: tells the whole and what it is measured in.
            before: what an earlier run has done.
            clock: tells the time.
            shown: whether stderr is a terminal.

        """
        self._plan, self._before, self._clock, self._shown = plan, before, clock, shown
        self._start_s = clock.monotonic_s()
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        """Give the view itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic_s() - self._start_s

    def __call__(self, done: Done) -> None:
        """Show what is done."""
        if not self._shown or self.elapsed_s < SHOW_AFTER_S:
            return
        if self._progress is None:
            columns: list[Any] = [BarColumn(), TextColumn("{task.description}")]
            console = Console(stderr=True)
            self._progress = Progress(*columns, console=console, transient=True)
            self._task = self._progress.add_task("", total=self._plan.weight or None)
            self._progress.start()
        text = self.text(done)
        self._progress.update(self._task, completed=done.weight, description=text)

    def text(self, done: Done) -> str:
        """Say how far it is: done of all, reads a second, time left, hits."""
        elapsed_s = max(self.elapsed_s, 1e-9)
        rate = (done.reads - self._before.reads) / elapsed_s
        words = [f"{rate:,.0f} reads/s", f"{done.hits:,} hits"]
        whole, moved = self._plan.weight, done.weight - self._before.weight
        if whole:
            words.insert(0, _share(done.weight, whole, self._plan.measure))
        else:
            words.insert(0, f"{done.reads:,} reads")
        if whole and moved > 0:
            words.append(f"{_clock_text((whole - done.weight) * elapsed_s / moved)} left")
        return ", ".join(words)


def _share(done: int, whole: int, measure: str) -> str:
    if measure == BYTES:
        return f"{done / _MIB:,.0f} of {whole / _MIB:,.0f} MiB"
    return f"{done:,} of {whole:,} {measure}"


def _clock_text(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def closing_line(outcome: Outcome, entries: int, seconds: float) -> str:
    """Write what was done as one line of JSON; rate and seconds are of this run."""
    tally = outcome.tally
    return msgspec.json.encode(
        {
            "reads": tally.reads,
            "outside": tally.outside,
            "rejected": tally.rejected,
            "by_reason": tally.by_reason,
            "hits": tally.hits,
            "digest": tally.digest,
            "entries": entries,
            "units_before": outcome.units_before,
            "seconds": round(seconds, 3),
            "reads_per_second": round(outcome.reads_now / max(seconds, 1e-9), 1),
        }
    ).decode()


def summary(outcome: Outcome, entries: int, seconds: float) -> None:
    """Say on stderr what was done, and which reads were refused."""
    for text in outcome.rejects:
        click.echo(text, err=True)
    tally = outcome.tally
    words = [f"{tally.reads:,} reads", f"{tally.hits:,} hits", f"{entries:,} entries"]
    if tally.outside:
        words.append(f"{tally.outside:,} reads of another time")
    if tally.rejected:
        reasons = ", ".join(f"{count} {name}" for name, count in sorted(tally.by_reason.items()))
        words.append(f"{tally.rejected:,} no reads ({reasons})")
    click.echo(f"{', '.join(words)}; {seconds:.1f} s; digest {tally.digest}", err=True)


def stderr_is_terminal() -> bool:
    """Say whether somebody may be looking."""
    return sys.stderr.isatty()

"""What commands that go through many reads say on the way: progress, and reads refused."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from anpr_engine.records.columns import Reject

REJECTS_SHOWN_MAX = 20
EXIT_REJECTED = 3

Batch = TypeVar("Batch")


def show_rejects(rejects: Sequence[Reject], room: int, first: int = 0) -> int:
    """Name refused reads on stderr, while there is room; gives how many were named.

    Args:
        rejects: of one batch.
        room: how many may still be named.
        first: the number of reads before theirs.

    """
    shown = rejects[: max(0, room)]
    for reject in shown:
        row = first + reject.row + 1
        click.echo(f"read {row}: {reject.reason} ({reject.detail})", err=True)
    return len(shown)


def with_progress(batches: Iterator[Batch], doing: str, told: Callable[[], str]) -> Iterator[Batch]:
    """Give batch after batch, and say on a terminal how far it is.

    Args:
        batches: what is worked on.
        doing: said until the first is done.
        told: gives what to say then.

    """
    if not sys.stderr.isatty():
        yield from batches
        return
    columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=None)
        for batch in batches:
            yield batch
            progress.update(task, description=told())

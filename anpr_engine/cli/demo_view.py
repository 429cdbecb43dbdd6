"""The demo's live table, or plain lines where there is no terminal."""

from contextlib import AbstractContextManager, nullcontext

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from anpr_engine.cli.demo_watch import AlertWatch
from anpr_engine.cli.demo_world import DemoWorld

PLAIN_EVERY_S = 5.0


class DemoView:
    """Shows how it goes, on stderr: stdout is for the closing line."""

    def __init__(self, world: DemoWorld, watch: AlertWatch, *, live: bool) -> None:
        """Show a table when `live`, else a line every five seconds."""
        self._world = world
        self._watch = watch
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=4) if live else None
        self._due_s = PLAIN_EVERY_S

    def shown(self) -> AbstractContextManager[object]:
        """Keep the table on the screen for a block."""
        return self._live or nullcontext()

    def refresh(self, elapsed_s: float) -> None:
        """Show the present state, as often as makes sense."""
        if self._live is not None:
            self._live.update(Group(self._counters(elapsed_s), self._alerts()))
        elif elapsed_s >= self._due_s:
            self._due_s += PLAIN_EVERY_S
            click.echo(self._line(elapsed_s), err=True)

    def _line(self, elapsed_s: float) -> str:
        with self._watch.lock:
            seen = self._watch.seen
            reads = sum(seen.reads.values())
            latency = seen.latency_ms()
            return (
                f"{elapsed_s:5.1f} s  {reads} reads  {seen.alerts} alerts "
                f"({seen.cross_border} cross-border)  p50 {latency['p50']} ms  "
                f"p99 {latency['p99']} ms"
            )

    def _counters(self, elapsed_s: float) -> Table:
        table = Table(title=f"anpr demo, {elapsed_s:.0f} s", title_justify="left")
        for name in (
            "site",
            "reads sent",
            "reads done",
            "rejected",
            "hits",
            "alerts for it",
            "lag",
        ):
            table.add_column(name, justify="left" if name == "site" else "right")
        for engine in self._world.engines:
            totals = engine.totals()
            with self._watch.lock:
                sent = self._watch.seen.reads.get(engine.site, 0)
                told = self._watch.seen.told.get(engine.site, 0)
            done = int(totals.get("anpr_reads_total", 0))
            cells = [
                sent,
                done,
                int(totals.get("anpr_reads_rejected_total", 0)),
                int(totals.get("anpr_hits_total", 0)),
                told,
                max(0, sent - done),
            ]
            table.add_row(engine.site, *map(str, cells))
        return table

    def _alerts(self) -> Table:
        with self._watch.lock:
            recent = list(self._watch.seen.recent)
            latency = self._watch.seen.latency_ms()
        title = f"newest alerts; latency p50 {latency['p50']} ms, p99 {latency['p99']} ms"
        table = Table(title=title, title_justify="left")
        for name in ("seen", "camera", "category", "read", "listed", "asked", "told", "P"):
            table.add_column(name)
        for alert in reversed(recent):
            table.add_row(
                f"{alert.read.captured_at:%H:%M:%S}",
                alert.read.camera_id,
                alert.category.value,
                f"{alert.read.country or '??'} {alert.read.plate}",
                f"{alert.entry.country or '??'} {alert.entry.plate}",
                alert.action.value,
                "+".join(alert.recipients),
                f"{alert.probability:.3f}",
            )
        return table

"""What `anpr errors` prints for people: rates in per cent, tables where there are many."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from anpr_engine.cli.text_console import echo_console, text_console
from anpr_engine.plates.error_report import (
    STATE_NAMES,
    BandErrors,
    FitReport,
    ModelSummary,
    TokenRate,
)

TOP_CONFUSIONS = 10
_IN_A_ROW = 5


def _percent(share: float) -> str:
    return f"{share:.2%}" if share >= 0.0001 or share == 0 else f"{share:.4%}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _in_rows(rates: Sequence[TokenRate]) -> Iterable[str]:
    words = [
        f"{rate.printed} as {rate.read} {_percent(rate.rate)}"
        if rate.read
        else f"{rate.printed} {_percent(rate.rate)}"
        for rate in rates
    ]
    for first in range(0, len(words), _IN_A_ROW):
        yield "  " + "".join(f"{word:<19}" for word in words[first : first + _IN_A_ROW]).rstrip()


def show_report(report: FitReport, readers: Mapping[str, int], reader: str | None) -> None:
    """Print what came of fitting."""
    console = text_console()
    model = report.model
    console.print(f"Model {model.name!r}, fitted on {model.fitted_on}.")
    console.print(
        f"{report.pairs} pairs used, {report.left_out} left out (nothing read, or too long), "
        f"{_percent(report.right_share)} of them read without any error."
    )
    kinds = ", ".join(f"{kind}: {count}" for kind, count in sorted(readers.items()))
    console.print(f"Kinds of reader: {kinds}." + (f" Used: {reader}." if reader else ""))
    if report.log_likelihood is None:
        console.print("No pair was held out, so the model was not judged.")
    else:
        console.print(
            f"Mean log likelihood of {report.held_out} pairs held out: "
            f"{report.log_likelihood:.4f}; by the model that comes with the engine "
            f"{report.log_likelihood_shipped:.4f}. More is better."
        )
        if report.log_likelihood_pairs is not None:
            console.print(f"Without the verdicts it was {report.log_likelihood_pairs:.4f}.")
        console.print("\nShare of wrong reads among the pairs held out:")
        console.print(_band_table(report.bands))
    _show_rates(console, model)
    console.print("Most frequent confusions, of all reads of the character:")
    for line in _in_rows(model.confusions[:TOP_CONFUSIONS]):
        console.print(line)
    echo_console(console)


def _band_table(bands: Sequence[BandErrors]) -> Table:
    columns = ("confidence", "pairs", "wrong: expected", "by the shipped", "seen")
    rows = [
        (
            band.band,
            str(band.pairs),
            _percent(band.expected),
            _percent(band.expected_shipped),
            _percent(band.seen),
        )
        for band in bands
    ]
    return _table(columns, rows)


def _show_rates(console: Console, model: ModelSummary) -> None:
    console.print(
        f"\nOf all characters printed, {_percent(model.substituted)} are taken for another one; "
        f"{_percent(model.lost_inside)} are lost inside a plate and "
        f"{_percent(model.lost_at_edge)} at its edges.\nOf all gaps between characters, "
        f"{_percent(model.added_inside)} get one more inside a plate and "
        f"{_percent(model.added_at_edge)} at its edges.\n"
    )


def show_model(model: ModelSummary) -> None:
    """Print what a model says: states of quality, when they occur, confusions."""
    console = text_console()
    console.print(f"Model {model.name!r}, fitted on {model.fitted_on}.")
    _show_rates(console, model)
    columns = ("state", "share", "taken", "lost", "lost at edge", "gap lost", "added", "at edge")
    rows = [
        (
            state.state,
            *map(
                _percent,
                (
                    state.share,
                    state.substituted,
                    state.lost_inside,
                    state.lost_at_edge,
                    state.gap_lost,
                    state.added_inside,
                    state.added_at_edge,
                ),
            ),
        )
        for state in model.states
    ]
    console.print("States of reading quality, and how a character fares:")
    console.print(_table(columns, rows))
    bands = [(band.band, *map(_percent, band.states)) for band in model.bands]
    console.print("\nHow likely each state is, by confidence:")
    console.print(_table(("confidence", *STATE_NAMES), bands))
    console.print("\nStrongest confusions, of all reads of the character:")
    for line in _in_rows(model.confusions):
        console.print(line)
    console.print("\nMost easily lost inside a plate:")
    for line in _in_rows(model.most_lost):
        console.print(line)
    echo_console(console)

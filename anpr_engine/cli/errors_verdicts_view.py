"""What `anpr errors` prints of verdicts: said against confirmed, by band and by tier."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from anpr_engine.cli.text_console import echo_console, text_console
from anpr_engine.plates.error_calibration import CalibrationReport, JudgedBand
from anpr_engine.plates.error_fit import Pairs
from anpr_engine.plates.error_report import is_right

_COLUMNS = ("alerts", "confirmed", "said", "true", "at least", "at most", "")


def show_verdicts(verdicts: Pairs | None, found: CalibrationReport) -> None:
    """Print what fitting took from verdicts, and what they say of probabilities."""
    console = text_console()
    if verdicts is None:
        console.print("\nNo verdict told the plate on the picture: none corrected the model.")
    else:
        wrong = int((~is_right(verdicts)).sum())
        console.print(
            f"\n{len(verdicts)} verdicts told the plate on the picture; {wrong} of those plates "
            "were misread.\nThey corrected which characters are confused, not how often: alerts "
            "are no fair\nsample of reads."
        )
    _show(console, found)
    echo_console(console)


def show_calibration(found: CalibrationReport) -> None:
    """Print what verdicts say of probabilities."""
    console = text_console()
    _show(console, found)
    echo_console(console)


def _show(console: Console, found: CalibrationReport) -> None:
    console.print(
        f"Verdicts on {found.alerts} alerts: {found.judged} judged, {found.unreadable} of "
        f"pictures that nobody can read;\n{found.repeated} more were replaced by a later verdict."
    )
    if found.error is None:
        console.print("No alert was judged, so nothing is known of the probabilities.")
        return
    if found.read_right:
        console.print(
            f"{found.read_right} were other vehicles that were read without error: look-alikes of "
            "listed plates;\nwhere the hit was exact, plates of another country, or copied ones."
        )
    console.print(f"\nSaid and true differ by {found.error:.3f} on average. By probability:")
    console.print(_table("probability", found.bands))
    console.print("\nBy how plate and entry came together:")
    console.print(_table("tier", found.tiers))
    console.print(
        "\nThe true share lies between `at least` and `at most` nineteen times of twenty."
    )


def _table(first: str, bands: Sequence[JudgedBand]) -> Table:
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate((first, *_COLUMNS)):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    for band in bands:
        shares = (band.said, band.share, band.low, band.high)
        verdict = "" if band.trusted else "not as said"
        counts = (str(band.alerts), str(band.confirmed))
        table.add_row(band.band, *counts, *(f"{share:.3f}" for share in shares), verdict)
    return table

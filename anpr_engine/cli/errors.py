"""`anpr errors`: learn how readers misread from pairs of plates and reads, and show what is known.

Why the saved model is fitted to all pairs, and judged by another one fitted to a part of them:
pairs are dear, and the part held out would be lost to the model that is used.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any

import click
import msgspec

from anpr_engine.cli.errors_view import show_model, show_report
from anpr_engine.errors import AnprError, InputFileError
from anpr_engine.plates.error_fit import pairs_of
from anpr_engine.plates.error_model import load_error_model, save_error_model
from anpr_engine.plates.error_report import (
    FitReport,
    fit_and_report,
    held_out_rows,
    summary_of,
)

STDIN = "-"
ROWS_SHOWN_MAX = 20
EXIT_REJECTED = 3
NO_READER = "not named"
_NOTHING = AnprError(
    "No pair can be used.", "Each row needs the plate as `truth` and what was `read` of it."
)


class _Row(msgspec.Struct):
    truth: Annotated[str, msgspec.Meta(min_length=1)]
    read: str
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    reader: str | None = None


_ROWS = msgspec.json.Decoder(_Row)


@dataclass(slots=True)
class PairRows:
    """What a file of pairs holds: the rows, how many each kind of reader has, and bad rows."""

    rows: list[_Row] = field(default_factory=list)
    readers: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, str]] = field(default_factory=list)

    def take(self, number: int, line: bytes, reader: str | None) -> None:
        """Add a line, unless it is of another kind of reader."""
        try:
            row = _ROWS.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.bad.append((number, str(error)))
            return
        self.readers[row.reader or NO_READER] += 1
        if reader is None or row.reader == reader:
            self.rows.append(row)


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        what = f"The pairs {path} cannot be read: {error.strerror}."
        raise InputFileError(what, "Give another file with --pairs.") from None
    with file:
        yield file


def _read_pairs(path: str, reader: str | None) -> PairRows:
    found = PairRows()
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                found.take(number, line, reader)
    return found


@click.group(name="errors", epilog="Example:  anpr errors show")
def command() -> None:
    """Learn how readers misread, and show what is known of it."""


@command.command(
    epilog="Example:  anpr errors fit --pairs pairs.jsonl --out model.json --test-share 0.2"
)
@click.option("--pairs", required=True, help="JSONL of truth, read, confidence, reader; - stdin.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The model file.")
@click.option("--reader", metavar="KIND", help="Learn from this kind of reader only.")
@click.option(
    "--test-share",
    type=click.FloatRange(0, 0.9),
    default=0.2,
    show_default=True,
    help="Share of the plates held out to judge by; the saved model learns from all.",
)
@click.option("--name", help="Name of the model; default: the kind of reader, or the file's name.")
@click.option("--fitted-on", help="What the pairs are; default: their number and file.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def fit(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Fit a model to pairs of what a plate was and what a reader made of it.

    Rows that cannot be taken are named on stderr; the rest is used, and the exit code is then 3.
    """
    found = _read_pairs(given["pairs"], given["reader"])
    for number, reason in found.bad[:ROWS_SHOWN_MAX]:
        click.echo(f"pairs row {number}: {reason}", err=True)
    report = _fit_rows(found, given)
    if given["as_json"]:
        values = {
            "readers": dict(found.readers),
            "rejected": len(found.bad),
            **msgspec.to_builtins(report),
        }
        click.echo(msgspec.json.encode(values))
    else:
        show_report(report, dict(found.readers), given["reader"])
    if found.bad:
        click.echo(f"{len(found.bad)} rows of the pairs were not used", err=True)
        sys.exit(EXIT_REJECTED)


def _fit_rows(found: PairRows, given: dict[str, Any]) -> FitReport:
    reads = [row.read for row in found.rows]
    if not any(reads):
        raise _NOTHING
    confidence = [row.confidence for row in found.rows]
    pairs = pairs_of([row.truth for row in found.rows], reads, confidence)
    if not len(pairs):
        raise _NOTHING
    source = "standard input" if given["pairs"] == STDIN else Path(given["pairs"]).name
    name = given["name"] or given["reader"] or Path(source).stem
    fitted_on = given["fitted_on"] or f"{len(pairs)} pairs of {source}"
    testing = held_out_rows(pairs, given["test_share"])
    model, report = fit_and_report(pairs, testing, name, fitted_on)
    try:
        save_error_model(model, given["out"])
    except OSError as error:
        what = f"The model {given['out']} cannot be written: {error.strerror}."
        raise InputFileError(what, "Give another path with --out.") from None
    return report


@command.command(epilog="Example:  anpr errors show model.json --json")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(model: Path | None, *, as_json: bool) -> None:
    """Show what a model says of readers; the one that comes with the engine when none is named."""
    summary = summary_of(load_error_model(model))
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        show_model(summary)

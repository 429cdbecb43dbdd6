"""`anpr errors`: learn how readers misread, from pairs and verdicts, and show what is known.

Why the saved model is fitted to all pairs, and judged by another one fitted to a part of them:
pairs are dear, and the part held out would be lost to the model that is used.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from anpr_engine.cli.errors_feedback import verdict_options, verdicts_of
from anpr_engine.cli.errors_rows import PairRows, VerdictRows, read_pairs
from anpr_engine.cli.errors_verdicts_view import show_calibration, show_verdicts
from anpr_engine.cli.errors_view import show_model, show_report
from anpr_engine.cli.inputs import STDIN
from anpr_engine.errors import AnprError, InputFileError, UsageError
from anpr_engine.plates.error_calibration import calibration_of
from anpr_engine.plates.error_fit import Pairs
from anpr_engine.plates.error_model import ErrorModel, load_error_model, save_error_model
from anpr_engine.plates.error_report import FitReport, fit_and_report, held_out_rows, summary_of
from anpr_engine.plates.error_verdicts import with_verdicts

ROWS_SHOWN_MAX = 20
EXIT_REJECTED = 3
_NOTHING = AnprError(
    "No pair can be used.", "Each row needs the plate as `truth` and what was `read` of it."
)
_NOTHING_SEEN = AnprError(
    "No verdict can be used.", "At least one needs the plate as seen on the picture: `plate_seen`."
)


@click.group(name="errors", epilog="Example:  anpr errors show")
def command() -> None:
    """Learn how readers misread, and show what is known of it."""


@command.command(
    epilog="Example:  anpr errors fit --pairs pairs.jsonl --out model.json --test-share 0.2"
)
@click.option("--pairs", help="JSONL of truth, read, confidence, reader; - stdin.")
@verdict_options
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The model file.")
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Without pairs: the model that verdicts correct; default: the engine's own.",
)
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

    Verdicts tell which characters are confused, never how often reads are wrong: they exist only
    for reads that made an alert. Rows that cannot be taken are named on stderr; the rest is used,
    and the exit code is then 3.
    """
    if given["pairs"] is None and given["verdicts"] is None and not given["feedback"]:
        what = "There is nothing to learn from."
        raise UsageError(what, "Give --pairs, and --verdicts or --feedback, or one of them.")
    if given["pairs"] == given["verdicts"] == STDIN:
        raise UsageError("Standard input holds one file.", "Name the other one.")
    if given["pairs"] is not None and given["model"] is not None:
        raise UsageError("Pairs make a model of their own.", "Give --pairs or --model, not both.")
    rows = read_pairs(given["pairs"], given["reader"]) if given["pairs"] else PairRows()
    told = verdicts_of(given)
    _name_bad("pairs", rows.bad)
    _name_bad("verdicts", told.bad)
    verdicts = told.pairs()
    if given["pairs"]:
        _fit_pairs(rows, verdicts, told, given)
    else:
        _correct(verdicts, told, given)
    _exit_if_bad({"pairs": rows.bad, "verdicts": told.bad})


def _fit_pairs(
    found: PairRows, verdicts: Pairs | None, told: VerdictRows, given: dict[str, Any]
) -> None:
    report = _fit_rows(found, verdicts, given)
    if given["as_json"]:
        values = {
            "readers": dict(found.readers),
            "rejected": len(found.bad) + len(told.bad),
            **msgspec.to_builtins(report),
            **_verdicts_told(verdicts, told),
        }
        click.echo(msgspec.json.encode(values))
        return
    show_report(report, dict(found.readers), given["reader"])
    if given["verdicts"] or given["feedback"]:
        show_verdicts(verdicts, calibration_of(told.verdicts))


def _fit_rows(found: PairRows, verdicts: Pairs | None, given: dict[str, Any]) -> FitReport:
    pairs = found.pairs()
    if pairs is None:
        raise _NOTHING
    source = "standard input" if given["pairs"] == STDIN else Path(given["pairs"]).name
    name = given["name"] or given["reader"] or Path(source).stem
    fitted_on = given["fitted_on"] or f"{len(pairs)} pairs of {source}" + _corrected_by(verdicts)
    testing = held_out_rows(pairs, given["test_share"])
    model, report = fit_and_report(pairs, testing, name, fitted_on, verdicts)
    _save(model, given["out"])
    return report


def _correct(verdicts: Pairs | None, told: VerdictRows, given: dict[str, Any]) -> None:
    if verdicts is None:
        raise _NOTHING_SEEN
    before = load_error_model(given["model"])
    model = msgspec.structs.replace(
        with_verdicts(before, verdicts),
        name=given["name"] or given["reader"] or before.name,
        fitted_on=given["fitted_on"] or before.fitted_on + _corrected_by(verdicts),
    )
    _save(model, given["out"])
    summary = summary_of(model)
    if given["as_json"]:
        values = {
            "rejected": len(told.bad),
            "model": msgspec.to_builtins(summary),
            **_verdicts_told(verdicts, told),
        }
        click.echo(msgspec.json.encode(values))
        return
    show_model(summary)
    show_verdicts(verdicts, calibration_of(told.verdicts))


def _corrected_by(verdicts: Pairs | None) -> str:
    return "" if verdicts is None else f", corrected by {len(verdicts)} verdicts"


def _verdicts_told(verdicts: Pairs | None, told: VerdictRows) -> dict[str, Any]:
    if not told.verdicts:
        return {}
    calibration = msgspec.to_builtins(calibration_of(told.verdicts))
    return {"verdict_pairs": len(verdicts or ()), "calibration": calibration}


def _save(model: ErrorModel, path: Path) -> None:
    try:
        save_error_model(model, path)
    except OSError as error:
        what = f"The model {path} cannot be written: {error.strerror}."
        raise InputFileError(what, "Give another path with --out.") from None


def _name_bad(option: str, bad: Sequence[tuple[int, str]]) -> None:
    for number, reason in bad[:ROWS_SHOWN_MAX]:
        click.echo(f"{option} row {number}: {reason}", err=True)


def _exit_if_bad(bad: dict[str, list[tuple[int, str]]]) -> None:
    for option, rows in bad.items():
        if rows:
            click.echo(f"{len(rows)} rows of the {option} were not used", err=True)
    if any(bad.values()):
        sys.exit(EXIT_REJECTED)


@command.command(epilog="Example:  anpr errors report --verdicts verdicts.jsonl")
@verdict_options
@click.option("--reader", metavar="KIND", help="Only alerts by this kind of reader.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def report(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Show whether the probabilities in alerts can be trusted: what was said, what was confirmed.

    Rows that cannot be taken are named on stderr; the rest is used, and the exit code is then 3.
    """
    if not (given["verdicts"] or given["feedback"]):
        raise UsageError("No verdicts are named.", "Give --verdicts FILE or --feedback.")
    told = verdicts_of(given)
    _name_bad("verdicts", told.bad)
    found = calibration_of(told.verdicts)
    if given["as_json"]:
        values = {"rejected": len(told.bad), **msgspec.to_builtins(found)}
        click.echo(msgspec.json.encode(values))
    else:
        show_calibration(found)
    _exit_if_bad({"verdicts": told.bad})


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

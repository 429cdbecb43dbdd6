"""The file of vehicles that a partner asks about, each row a question or why there is none."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from anpr_engine.errors import InputFileError
from anpr_engine.plates.normaliser import STATUS_NAMES, normalise
from anpr_engine.policy.pseudonym import OperationKey, pseudonyms
from anpr_engine.records.questions import Question

COLUMNS = {"plate", "country", "case_ref", "official"}


class Row(NamedTuple):
    """One row of the file of vehicles: its line, and the question; or why there is none."""

    line: int
    question: Question | None
    problem: str = ""


def rows_of(file: Path, key: OperationKey, given: Mapping[str, Any]) -> Iterator[Row]:
    """Read vehicles: CSV with `plate`, and `country`, `case_ref`, `official` where they differ.

    Raises:
        InputFileError: the file cannot be read, or has no such columns.

    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            names = set(reader.fieldnames or ())
            if "plate" not in names or names - COLUMNS:
                what = f"{file} has not the columns that are asked for."
                raise InputFileError(
                    what, f"They are {', '.join(sorted(COLUMNS))}; plate at least."
                )
            for values in reader:
                yield _row(reader.line_num, values, key, given)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no CSV in UTF-8"
        raise InputFileError(f"{file} cannot be read: {why}.", "Give another --rows.") from None


def _row(
    line: int, values: Mapping[str | Any, Any], key: OperationKey, given: Mapping[str, Any]
) -> Row:
    plate = normalise(str(values["plate"] or ""))
    if not plate.usable:
        return Row(line, None, f"plate: {STATUS_NAMES[plate.status]}")
    told = {
        "pseudonym": pseudonyms(key, [plate.text])[0].hex(),
        "country": (values.get("country") or "").strip().upper() or None,
        "case_ref": values.get("case_ref") or given.get("case_ref") or "",
        "official": values.get("official") or given.get("by") or "",
    }
    try:
        return Row(line, Question.model_validate(told))
    except ValidationError as error:
        return Row(line, None, f"{error.errors()[0]['loc'][0]}: missing, or not of its form")

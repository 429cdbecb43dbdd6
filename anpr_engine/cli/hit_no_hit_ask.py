"""`anpr hit-no-hit ask` and `read`: a partner's side; it needs no broker and no Redis.

Where the partner is a site, its record says of each vehicle who asked, for which case, and whom.
"""

import csv
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
from pydantic import ValidationError

from anpr_engine.audit.key_modules import pinned_keys
from anpr_engine.audit.signed_files import FileFlaw, FileRefused, opened, require_fit, signed_file
from anpr_engine.cli.audit_source import UNUSED_REDIS
from anpr_engine.cli.desk import record_acts
from anpr_engine.cli.hit_no_hit_keys import read_ring
from anpr_engine.cli.partner_options import (
    FILE,
    reason_options,
    require_by,
    require_reasons,
    signer_of,
    site_options,
)
from anpr_engine.cli.secret_files import read_whole, require_new, write_private
from anpr_engine.cli.watchlist_site import ListSite, list_site
from anpr_engine.errors import InputFileError, PolicyRefused, UsageError
from anpr_engine.plates.normaliser import STATUS_NAMES, normalise
from anpr_engine.policy.pseudonym import OperationKey, pseudonyms
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.records.questions import QUESTIONS_MAX, Answers, Question, Questions

EXIT_REFUSED_ROWS = 3
ANSWER_AGE_MAX = timedelta(days=31)
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


@click.command(
    epilog="Example:  anpr hit-no-hit ask --rows cars.csv --keys bus.keys --as ghent --to be "
    "--sign ghent.key --purpose burglary --case G-7 --by anna --out questions.txt",
)
@click.option("--rows", required=True, type=FILE, help="CSV: plate, country, case_ref, official.")
@click.option("--keys", required=True, type=FILE, help="The keys of the operation.")
@click.option("--as", "asker", help="Our name at the site that is asked; a site: its code.")
@click.option("--to", "receiver", required=True, help="The site that is asked, such as be.")
@click.option("--sign", required=True, type=FILE, help="Our secret key.")
@click.option("--out", required=True, type=FILE, help="The questions; a new file.")
@reason_options
@site_options
def ask(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Write questions about vehicles: pseudonyms, signed; no plate is in them.

    --case and --by stand for rows that say none. Rows that cannot be asked about are named.
    """
    require_new(given["out"])
    require_by(given)
    require_reasons(given, "purpose")
    signer, now = signer_of(given["sign"], "--sign"), datetime.now(UTC)
    key = read_ring(given["keys"]).current(now)
    place = _place(given)
    asker = given["asker"] or place.site
    if not asker:
        raise UsageError("--as is not given.", "Say by which name the site knows us.")
    rows = list(rows_of(given["rows"], key, given))
    for row in rows:
        if row.question is None:
            click.echo(f"line {row.line}: {row.problem}", err=True)
    questions = [row.question for row in rows if row.question is not None]
    if not 0 < len(questions) <= QUESTIONS_MAX:
        what = f"There are {len(questions)} vehicles to ask about; 1 to {QUESTIONS_MAX} are."
        raise UsageError(what, "Give another --rows.")
    try:
        message = Questions(
            message_id=uuid.uuid4().hex,
            created_at=now,
            asker=asker,
            receiver=given["receiver"],
            key_id=key.key_id,
            purpose=given["purpose"],
            questions=questions,
        )
    except ValidationError as error:
        wrong = sorted({str(one["loc"][0]) for one in error.errors()})
        what = f"An option has no form that questions may hold: {', '.join(wrong)}."
        raise UsageError(what, "See `schemas/questions.v1.json`.") from None
    _record(place, message)
    write_private(given["out"], signed_file(message, signer))
    refused = len(rows) - len(questions)
    click.echo(f"{len(questions)} questions written, {refused} rows refused", err=True)
    if refused:
        click.get_current_context().exit(EXIT_REFUSED_ROWS)


def _place(given: Mapping[str, Any]) -> ListSite:
    return list_site({**given, "redis_url": given["redis_url"] or UNUSED_REDIS}, writing=False)


def _record(place: ListSite, message: Questions) -> None:
    """Write into the asker's record, where it is a site that has one."""
    if place.log is None:
        if place.audit_required:
            what = "This site asks for a record of every look-up, and has none to write."
            raise PolicyRefused(f"{what} Nothing was asked.", "Give --kafka and --site.")
        click.echo("anpr: no --site and --kafka: these questions are in no record here", err=True)
        return
    record_acts(
        place.log,
        [
            AuditEvent(
                event_id=uuid.uuid4().hex,
                occurred_at=message.created_at,
                site=place.site,
                actor=each.official,
                action=AuditAction.DATA_LOOKED_UP,
                purpose=message.purpose,
                case_ref=each.case_ref,
                target=each.pseudonym,
                subject=f"hit/no-hit: asked in questions {message.message_id}",
                given_to=[message.receiver],
            )
            for each in message.questions
        ],
    )


@click.command(
    epilog="Example:  anpr hit-no-hit read questions.txt answers.txt --rows cars.csv "
    "--keys bus.keys --key be=be.key.pub",
)
@click.argument("questions", type=FILE)
@click.argument("answers", type=FILE)
@click.option("--rows", required=True, type=FILE, help="The file that was asked from.")
@click.option("--keys", required=True, type=FILE, help="The keys of the operation.")
@click.option("--key", required=True, metavar="SITE=FILE", help="The site's public key.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def read(questions: Path, answers: Path, **given: Any) -> None:  # noqa: ANN401 - as above
    """Check answers, and say for each line of --rows whether there is something to ask."""
    asked = Questions.model_validate_json(_first_line(questions))
    site, mark, _ = given["key"].partition("=")
    if not mark or site != asked.receiver:
        what = f"--key has to be that of the site that was asked, as {asked.receiver}=FILE."
        raise UsageError(what, "Give its public key.")
    found = opened(read_whole(answers), Answers, pinned_keys([given["key"]], "Signed files"))
    message = found.message
    require_fit(message, (asked.receiver, asked.asker), datetime.now(UTC), ANSWER_AGE_MAX)
    pairs = list(zip(asked.questions, message.answers, strict=False))
    same = [one.pseudonym for one, _ in pairs] == [each.pseudonym for each in message.answers]
    if message.questions_id != asked.message_id or not same or len(pairs) != len(asked.questions):
        raise FileRefused(FileFlaw.OTHER_QUESTIONS)
    said = {(one.pseudonym, one.country): each.something_to_ask for one, each in pairs}
    ring = read_ring(given["keys"])
    key = next((each for each in ring.keys if each.key_id == asked.key_id), None)
    if key is None:
        what = f"{given['keys']} does not hold key {asked.key_id} any more."
        raise InputFileError(what, "Ask again with the key of today.")
    for row in rows_of(given["rows"], key, {"case_ref": "-", "by": "-"}):
        about = row.question and (row.question.pseudonym, row.question.country)
        if row.question is not None and about in said:
            _tell(row.line, row.question, something=said[about], as_json=given["as_json"])


def _first_line(file: Path) -> bytes:
    return read_whole(file).partition(b"\n")[0]


def _tell(line: int, question: Question, *, something: bool, as_json: bool) -> None:
    told = {"line": line, "case_ref": question.case_ref, "something_to_ask": something}
    if as_json:
        click.echo(json.dumps(told))
        return
    words = "there is something to ask" if something else "nothing"
    click.echo(f"line {line}, case {question.case_ref}: {words}")

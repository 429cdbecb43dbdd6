"""`anpr hit-no-hit read`: a partner checks a site's answers and reads them by its own rows."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from anpr_engine.audit.key_modules import pinned_keys
from anpr_engine.audit.signed_files import FileFlaw, FileRefused, opened, require_fit
from anpr_engine.cli.hit_no_hit_keys import read_ring
from anpr_engine.cli.hit_no_hit_rows import rows_of
from anpr_engine.cli.partner_options import FILE
from anpr_engine.cli.secret_files import read_whole
from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.records.questions import Answers, Question, Questions

ANSWER_AGE_MAX = timedelta(days=31)


@click.command(
    name="read",
    epilog="Example:  anpr hit-no-hit read questions.txt answers.txt --rows cars.csv "
    "--keys bus.keys --key be=be.key.pub",
)
@click.argument("questions", type=FILE)
@click.argument("answers", type=FILE)
@click.option("--rows", required=True, type=FILE, help="The file that was asked from.")
@click.option("--keys", required=True, type=FILE, help="The keys of the operation.")
@click.option("--key", required=True, metavar="SITE=FILE", help="The site's public key.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(questions: Path, answers: Path, **given: Any) -> None:  # noqa: ANN401 - as above
    """Check answers, and say for each line of --rows whether there is something to ask."""
    asked = _asked(questions)
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


def _asked(file: Path) -> Questions:
    try:
        return Questions.model_validate_json(read_whole(file).partition(b"\n")[0])
    except ValidationError:
        what = f"{file} holds no questions."
        raise InputFileError(what, "Give what `anpr hit-no-hit ask` wrote.") from None


def _tell(line: int, question: Question, *, something: bool, as_json: bool) -> None:
    told = {"line": line, "case_ref": question.case_ref, "something_to_ask": something}
    if as_json:
        click.echo(json.dumps(told))
        return
    words = "there is something to ask" if something else "nothing"
    click.echo(f"line {line}, case {question.case_ref}: {words}")

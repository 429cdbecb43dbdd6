"""`anpr hit-no-hit ask`: a partner's questions; needs no broker and no Redis.

Where the partner is a site, its record says of each vehicle who asked, for which case, and whom.
"""

import importlib
import uuid
from datetime import UTC, datetime
from typing import Any

import click

from anpr_engine.audit.signed_files import signed_file
from anpr_engine.cli.hit_no_hit_keys import read_ring
from anpr_engine.cli.hit_no_hit_rows import rows_of
from anpr_engine.cli.partner_options import (
    FILE,
    reason_options,
    require_by,
    require_reasons,
    signer_of,
    site_options,
)
from anpr_engine.cli.secret_files import require_new, write_private
from anpr_engine.cli.told_records import record_of
from anpr_engine.errors import UsageError
from anpr_engine.records.questions import QUESTIONS_MAX, Questions

EXIT_REFUSED_ROWS = 3
A_SITE = ("config", "site", "kafka")


@click.command(
    name="ask",
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
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Write questions about vehicles: pseudonyms, signed; no plate is in them.

    --case and --by stand for rows that say none. Rows that cannot be asked about are named.
    """
    require_new(given["out"])
    require_by(given)
    require_reasons(given, "purpose")
    signer, now = signer_of(given["sign"], "--sign"), datetime.now(UTC)
    key = read_ring(given["keys"]).current(now)
    record = _record_of(given)
    asker = given["asker"] or (record.site if record else "")
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
    told = {
        "message_id": uuid.uuid4().hex,
        "created_at": now.isoformat(),
        "asker": asker,
        "receiver": given["receiver"],
        "key_id": key.key_id,
        "purpose": given["purpose"],
        "questions": [each.model_dump() for each in questions],
    }
    message = record_of(Questions, told, "questions")
    if record is None:
        click.echo("anpr: no --config or --site: these questions are in no record here", err=True)
    else:
        record.write(message)
    write_private(given["out"], signed_file(message, signer))
    refused = len(rows) - len(questions)
    click.echo(f"{len(questions)} questions written, {refused} rows refused", err=True)
    if refused:
        click.get_current_context().exit(EXIT_REFUSED_ROWS)


def _record_of(given: dict[str, Any]) -> Any:  # noqa: ANN401 - of a module that is loaded by name
    """Give the record of a site that asks; a partner that is none needs no client of Kafka."""
    if not any(given[name] for name in A_SITE):
        return None
    return importlib.import_module("anpr_engine.cli.hit_no_hit_record").AskerRecord(given)

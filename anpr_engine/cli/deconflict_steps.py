"""`anpr deconflict ask`, `reply` and `match`: the three steps of a comparison."""

import json
import os
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from anpr_engine.audit.signed_files import opened, require_fit, signed_file
from anpr_engine.cli.partner_desk import PartnerDesk, partner_desk
from anpr_engine.cli.partner_lists import Offered
from anpr_engine.cli.partner_options import FILE, reason_options, require_reasons, site_options
from anpr_engine.cli.secret_files import (
    destroy,
    read_secret_file,
    read_whole,
    require_new,
    write_private,
)
from anpr_engine.cli.told_records import record_of
from anpr_engine.cli.watchlist_options import RowProgress
from anpr_engine.policy import deconflict
from anpr_engine.policy.deconflict import MARK_BYTES, SEED_BYTES, Reply, Request
from anpr_engine.policy.deconflict_files import packed, run_of, run_text, unpacked
from anpr_engine.policy.listing import Listing
from anpr_engine.policy.oprf import ELEMENT_BYTES
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.records.deconfliction import DeconflictionReply, DeconflictionRequest
from anpr_engine.wiring_partners import Partner, partner_keys

AGE_MAX = timedelta(days=3)


@click.command(
    epilog="Example:  anpr deconflict ask --to nl --out request.txt --run run.secret --by anna "
    "--purpose burglary --case B-12",
)
@click.option("--to", "receiver", required=True, help="The site that is asked.")
@click.option("--out", required=True, type=FILE, help="The request; a new file.")
@click.option("--run", required=True, type=FILE, help="What is kept for `match`; a new file.")
@reason_options
@site_options
def ask(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Ask another site which of our entries are on its lists too.

    The request shows nothing but how many entries there are, rounded up to 256. The file of --run
    stays here: with it and the request plates could be tried.
    """
    require_new(given["out"], given["run"])
    require_reasons(given, "purpose", "case_ref")
    with partner_desk(given) as desk, desk.recording_refusals("comparison of lists"):
        partner, signer = desk.meet(given["receiver"]), desk.signer()
        offered = Offered(desk, partner)
        request, run = deconflict.ask(offered.listings(), os.urandom)
        offered.require(given["purpose"])
        told = {
            "message_id": request.run_id.hex(),
            "created_at": desk.now.isoformat(),
            "site": desk.site,
            "receiver": partner.name,
            "purpose": given["purpose"],
            "case_ref": given["case_ref"],
            "blinded": packed(request.blinded),
        }
        message = record_of(DeconflictionRequest, told, "a request")
        _record(desk, partner, f"asked about {offered.count} entries", message.message_id)
        why = given["purpose"], given["case_ref"]
        write_private(given["run"], run_text(run, partner.name, why))
        write_private(given["out"], signed_file(message, signer))
    click.echo(f"{offered.count} entries asked about", err=True)


@click.command(epilog="Example:  anpr deconflict reply request.txt --out reply.txt --by bo")
@click.argument("request", type=FILE)
@click.option("--out", required=True, type=FILE, help="The reply; a new file.")
@site_options
def reply(request: Path, **given: Any) -> None:  # noqa: ANN401 - click hands over every option
    """Reply to another site's request, from the lists that are set for it.

    The reply holds its elements under a key that is forgotten at once, and marks of our entries
    that mean nothing but beside them. We learn how many entries it asked about, and no more.
    """
    require_new(given["out"])
    data = read_whole(request)
    with partner_desk(given) as desk, desk.recording_refusals("comparison of lists"):
        signer = desk.signer()
        message = opened(data, DeconflictionRequest, partner_keys(desk.partners)).message
        partner = desk.meet(message.site)
        desk.purpose, desk.case_ref = message.purpose, message.case_ref
        require_fit(message, (partner.name, desk.site), desk.now, AGE_MAX)
        blinded = unpacked(message.blinded, ELEMENT_BYTES)
        desk.count("elements", partner, len(blinded), partner.rules.elements_per_day)
        offered, asked = Offered(desk, partner), Request(bytes.fromhex(message.message_id), blinded)
        seed = os.urandom(SEED_BYTES)
        with RowProgress("comparing") as progress:
            made = deconflict.reply(asked, offered.listings(), seed, os.urandom, progress)
        offered.require(message.purpose)
        answer = DeconflictionReply(
            message_id=uuid.uuid4().hex,
            created_at=desk.now,
            site=desk.site,
            receiver=partner.name,
            request_id=message.message_id,
            evaluated=packed(made.evaluated),
            marks=packed(made.marks),
        )
        asked_of = f"replied to {len(blinded)} elements from {offered.count} entries"
        _record(desk, partner, asked_of, message.message_id)
        write_private(given["out"], signed_file(answer, signer))
    click.echo(f"{len(blinded)} elements compared with {offered.count} entries", err=True)


@click.command(epilog="Example:  anpr deconflict match reply.txt --run run.secret --by anna")
@click.argument("reply_file", metavar="REPLY", type=FILE)
@click.option("--run", required=True, type=FILE, help="What `ask` kept; it is destroyed after.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@site_options
def match(reply_file: Path, **given: Any) -> None:  # noqa: ANN401 - click hands over every option
    """Say which of our entries are on the other site's lists: list and entry, a line each."""
    data, kept = read_whole(reply_file), run_of(read_secret_file(given["run"]), str(given["run"]))
    with partner_desk(given) as desk, desk.recording_refusals("comparison of lists"):
        message = opened(data, DeconflictionReply, partner_keys(desk.partners)).message
        partner = desk.meet(message.site)
        desk.purpose, desk.case_ref = kept.purpose, kept.case_ref
        require_fit(message, (kept.receiver, desk.site), desk.now, AGE_MAX)
        offered, names = Offered(desk, partner), kept.names
        mine = [one for one in offered.listings() if (one.list_id, one.entry_id) in names]
        offered.require(kept.purpose)
        marks = unpacked(message.marks, MARK_BYTES)
        evaluated = unpacked(message.evaluated, ELEMENT_BYTES)
        made = Reply(bytes.fromhex(message.request_id), evaluated, marks)
        found = deconflict.matched(kept.run(mine), made)
        _record(desk, partner, f"{len(found)} entries are on both", message.request_id, len(found))
        for each in sorted(found, key=lambda one: (one.list_id, one.entry_id)):
            _tell(each, given)
    destroy(given["run"])
    click.echo(f"{len(found)} of {len(names)} entries are on the lists of {partner.name}", err=True)


def _tell(each: Listing, given: Mapping[str, Any]) -> None:
    told = {"list_id": each.list_id, "entry_id": each.entry_id}
    click.echo(json.dumps(told) if given["as_json"] else "  ".join(told.values()))


def _record(
    desk: PartnerDesk, partner: Partner, what: str, run_id: str, rows: int | None = None
) -> None:
    subject = f"run {run_id}: {what}; by {partner.rules.agreement}"
    desk.write([desk.event(AuditAction.LISTS_COMPARED, subject, rows=rows)])

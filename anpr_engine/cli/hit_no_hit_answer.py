"""`anpr hit-no-hit answer`: the site's side; each question counted, answered and on record."""

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from anpr_engine.audit.signed_files import opened, require_fit, signed_file
from anpr_engine.cli.hit_no_hit_keys import read_ring
from anpr_engine.cli.partner_desk import PartnerDesk, partner_desk
from anpr_engine.cli.partner_lists import Offered
from anpr_engine.cli.partner_options import FILE, site_options
from anpr_engine.cli.secret_files import read_whole, require_new, write_private
from anpr_engine.policy.pseudonym import KeyRing, Listed
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.records.questions import Answer, Answers, Question, Questions
from anpr_engine.wiring_partners import Partner, partner_keys

QUESTION_AGE_MAX = timedelta(days=3)
SOMETHING, NOTHING = "hit-no-hit.something-to-ask", "hit-no-hit.nothing"


@click.command(
    name="answer",
    epilog="Example:  anpr hit-no-hit answer questions.txt --keys bus.keys --out answers.txt "
    "--config be.toml --by anna",
)
@click.argument("questions", type=FILE)
@click.option("--keys", required=True, type=FILE, help="The keys of the operation.")
@click.option("--out", required=True, type=FILE, help="The answers; a new file.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@site_options
def command(questions: Path, **given: Any) -> None:  # noqa: ANN401 - click hands over every option
    """Answer a partner's questions from the lists that are set for it, with yes or no.

    Refused, exit code 4, and on record: a partner that is not set, a file that it did not sign, a
    key that has ended, more than its day allows, another purpose than that of a list.
    """
    require_new(given["out"])
    ring, data = read_ring(given["keys"]), read_whole(questions)
    with partner_desk(given) as desk, desk.recording_refusals("hit/no-hit questions"):
        signer = desk.signer()
        message = opened(data, Questions, partner_keys(desk.partners)).message
        partner = desk.meet(message.asker)
        found = _answered(desk, partner, message, ring)
        pairs = list(zip(message.questions, found, strict=True))
        answers = Answers(
            message_id=uuid.uuid4().hex,
            created_at=desk.now,
            site=desk.site,
            receiver=message.asker,
            questions_id=message.message_id,
            key_id=message.key_id,
            answers=[Answer(pseudonym=each.pseudonym, something_to_ask=yes) for each, yes in pairs],
        )
        # In the record first: what was told and is not on record would be worse.
        desk.write([_line(desk, partner, each, yes=yes) for each, yes in pairs])
        write_private(given["out"], signed_file(answers, signer))
    told = {"questions": len(found), "something_to_ask": sum(found)}
    if given["as_json"]:
        click.echo(json.dumps(told))
    else:
        click.echo(", ".join(f"{many} {name.replace('_', ' ')}" for name, many in told.items()))


def _answered(desk: PartnerDesk, partner: Partner, message: Questions, ring: KeyRing) -> list[bool]:
    desk.purpose = message.purpose
    require_fit(message, (partner.name, desk.site), desk.now, QUESTION_AGE_MAX)
    key = ring.find(message.key_id, desk.now)
    desk.count("questions", partner, len(message.questions), partner.rules.questions_per_day)
    offered = Offered(desk, partner)
    listed = Listed(key, ((one.plate, one.country) for one in offered.listings()))
    offered.require(message.purpose)
    return [listed.holds(each, desk.now) for each in message.questions]


def _line(desk: PartnerDesk, partner: Partner, question: Question, *, yes: bool) -> AuditEvent:
    return desk.event(
        AuditAction.QUESTION_ANSWERED,
        f"hit/no-hit by {partner.rules.agreement}; answered by {desk.store.act.by}",
        actor=question.official,
        unit=partner.name,
        case_ref=question.case_ref,
        target=question.pseudonym,
        reasons=[SOMETHING if yes else NOTHING],
    )

"""`anpr hits give-consent`, `consent` and `hand-over`: what a hit may be used for beyond itself.

As evidence, by another authority, or told to whom it is about: only with the prior written consent
of the other country (Benelux police treaty, articles 9 and 10; agreement, article 21). It gives a
signed one with its site's key; the receiver checks that and records it. What came on paper is
recorded too, and called unsigned wherever it counts. The rules decide (`policy/rules`).
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from anpr_engine.audit.consents import Wanted, checked_consent
from anpr_engine.audit.signed_files import Opened, signed_file
from anpr_engine.cli.hits_further import SIGNED, UNSIGNED, Further, reason_of
from anpr_engine.cli.hits_options import act_options, options_of
from anpr_engine.cli.hits_proof import tell_refused
from anpr_engine.cli.secret_files import read_whole
from anpr_engine.cli.told_records import record_of
from anpr_engine.errors import InputFileError, PolicyRefused, UsageError
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.records.consent import Consent, FurtherUseName
from anpr_engine.wire import json_bytes
from anpr_engine.wiring_hits import message_checker, message_signer

USES = ("evidence", "onward", "inform")
DAYS_MAX = 3660
_FILE = click.Path(path_type=Path, dir_okay=False)
_TO = "Who gets it: an authority, a court, a person by reference."
_NO_PAPER = "Ask for a signed one, see `anpr hits give-consent`."

use_option = click.option("--use", required=True, type=click.Choice(USES), help="What for.")


@click.command(
    "give-consent",
    epilog="Example:  anpr hits give-consent 5f0c… --use evidence --to 'prosecutor, Ghent' "
    "--reference NL-2026-17 --days 90 --out consent.txt --unit desk …",
)
@click.argument("alert")
@use_option
@click.option("--to", required=True, help=_TO)
@click.option("--reference", required=True, help="Under which the consent is filed here.")
@click.option(
    "--days", required=True, type=click.IntRange(1, DAYS_MAX), help="How long it holds from now."
)
@click.option("--out", required=True, type=_FILE, help="The signed consent; a new file.")
@act_options
def give_consent(alert: str, use: FurtherUseName, to: str, **given: Any) -> None:  # noqa: ANN401
    """Consent, as the other country, to a further use of a hit: recorded, signed, in a file."""
    options = options_of(given)
    asked, now = Further(options, alert), datetime.now(UTC)
    if asked.own:
        raise UsageError("The hit is this site's own.", "No consent is needed.")
    signer = message_signer(asked.settings.alerts.signing_key)
    if signer is None:
        what = "This site has no key: alerts.signing_key is not set."
        raise UsageError(what, "Set it, or consent on paper, which the receiver records.")
    if given["out"].exists():
        raise UsageError(f"{given['out']} is there already.", "Give another --out.")
    told = {
        "message_id": uuid.uuid4().hex,
        "created_at": now.isoformat(),
        "site": asked.desk.site,
        "receiver": asked.other,
        "alert_id": alert,
        "use": use,
        "to": to,
        "reference": given["reference"],
        "decided_by": options.unit,
        "expires_at": (now + timedelta(days=given["days"])).isoformat(),
    }
    consent_ = record_of(Consent, told, "a consent")
    data = signed_file(consent_, signer)
    more = _proof(Opened(consent_, signer.key_id, hashlib.sha256(data).hexdigest()))
    # In the record first: what was given out and is not on record would be worse.
    reasons = {"reasons": [reason_of(use), SIGNED], "recipients": [asked.other]}
    asked.write(AuditAction.CONSENT_GIVEN, use, to, consent_.reference, **more | reasons)
    _write_new(given["out"], data)
    asked.tell(json.loads(json_bytes(consent_)) | {"key": signer.key_id})


@click.command(epilog="Example:  anpr hits consent 5f0c… --signed consent.txt --unit desk …")
@click.argument("alert")
@click.option("--signed", type=_FILE, help="What the other country's `give-consent` wrote.")
@click.option("--use", type=click.Choice(USES), help="What for; of a signed one it says so.")
@click.option("--to", help=f"{_TO} Of a signed one it says so.")
@click.option("--reference", help="Of a consent on paper: where it is filed.")
@act_options
def consent(alert: str, signed: Path | None, **given: Any) -> None:  # noqa: ANN401 - as above
    """Record that the other country consents to a further use of a hit: signed, or on paper.

    A signed one is refused, by name and with exit code 4, where it does not fit: its key, site,
    receiver, alert, use or end. One on paper is recorded as unsigned.
    """
    asked = Further(options_of(given), alert)
    if asked.own:
        raise UsageError("The hit is this site's own.", "No other country has to consent.")
    if signed is not None:
        _record_signed(asked, signed, given)
        return
    use, to, reference = (str(given[name] or "").strip() for name in ("use", "to", "reference"))
    if not (use and to and reference):
        what = "Of a consent on paper --use, --to and --reference are needed."
        raise UsageError(what, "Say them, or give the signed file with --signed.")
    if asked.settings.feedback.signed_only:
        raise PolicyRefused("consent.unsigned: feedback.signed_only is set.", _NO_PAPER)
    reasons = [reason_of(use), UNSIGNED]
    event = asked.write(AuditAction.CONSENT_RECORDED, use, to, reference, reasons=reasons)
    click.echo("anpr: unsigned: nobody but this desk vouches for the consent", err=True)
    told = {"consent": event.event_id, "alert_id": alert, "use": use, "to": to}
    asked.tell(told | {"proof": "unsigned"})


def _record_signed(asked: Further, file: Path, given: dict[str, Any]) -> None:
    checker = message_checker(asked.settings.feedback, tell_refused)
    if not checker.keys:
        what = "feedback.keys names no key, so no signature can be checked."
        raise UsageError(what, "Name the other site's public key there, as SITE=FILE.")
    wanted = Wanted(
        *(asked.other, asked.desk.site, asked.alert.alert_id), use=given["use"], to=given["to"]
    )
    found = checked_consent(read_whole(file), wanted, checker.keys, datetime.now(UTC))
    use, to = found.message.use, found.message.to
    more = _proof(found) | {"reasons": [reason_of(use), SIGNED]}
    event = asked.write(AuditAction.CONSENT_RECORDED, use, to, found.message.reference, **more)
    told = {"consent": event.event_id, "alert_id": asked.alert.alert_id, "use": use, "to": to}
    told |= {"proof": "signed", "key": found.key_id}
    asked.tell(told | {"expires_at": found.message.expires_at.isoformat()})


@click.command(
    "hand-over",
    epilog="Example:  anpr hits hand-over 5f0c… --use evidence --to 'prosecutor, Ghent' …",
)
@click.argument("alert")
@use_option
@click.option("--to", required=True, help=_TO)
@act_options
def hand_over(alert: str, use: FurtherUseName, to: str, **given: Any) -> None:  # noqa: ANN401
    """Give a hit out for a further use, as JSON; exit code 4 where the rules do not permit it."""
    asked = Further(options_of(given), alert)
    known = asked.consent(use, to)
    answer = asked.decided(use, known)
    by = {"reasons": [reason_of(use), *answer.names], "policy_version": answer.version}
    if not answer.permitted:
        why = f"refused by {answer.names[0]}"
        asked.write(AuditAction.REQUEST_REFUSED, use, to, why, **by)
        says = answer.rules[0].says if answer.rules else "No rule permits it."
        remedy = f"Ask {asked.other} for its consent in writing, then `anpr hits consent`."
        raise PolicyRefused(f"{answer.names[0]}: {says}", remedy)
    event, proof = known
    found = "own list" if event is None else f"by consent {event.event_id} ({proof})"
    asked.write(AuditAction.DATA_EXPORTED, use, to, found, **by)
    if event is not None and proof == "unsigned":
        click.echo("anpr: by an unsigned consent, which its country did not sign", err=True)
    told: dict[str, Any] = {"alert": json.loads(json_bytes(asked.alert)), "use": use, "to": to}
    told |= {"consent": event and event.event_id, "proof": None if event is None else proof}
    asked.tell(told | {"rules": answer.names})


def _proof(found: Opened[Consent]) -> dict[str, Any]:
    end = found.message.expires_at
    return {"signed_by": found.key_id, "digest": found.digest, "expires_at": end}


def _write_new(file: Path, data: bytes) -> None:
    try:
        with file.open("xb") as made:
            made.write(data)
    except OSError as error:
        what = f"{file} cannot be written: {error.strerror}; the consent counts for nothing."
        raise InputFileError(what, "Give another --out.") from None

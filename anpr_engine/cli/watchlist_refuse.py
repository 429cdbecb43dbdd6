"""`anpr watchlist refuse` and `accept`: a received list that is not used, and one that is again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import click

from anpr_engine.audit.message_proof import signature_headers
from anpr_engine.cli.desk import act_in, desk_at
from anpr_engine.cli.watchlist_options import list_option, store_options
from anpr_engine.cli.watchlist_record import Noted
from anpr_engine.cli.watchlist_site import require_by, who_options
from anpr_engine.cli.watchlist_store import Store, open_store
from anpr_engine.errors import StoreError, UsageError
from anpr_engine.kafka.audit_desk import Deed
from anpr_engine.kafka.handling_desk import write_deed
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.records.messages import Refusal, RefusalReason
from anpr_engine.watchlist.acts import ActKind
from anpr_engine.watchlist.manifest import ListDefinition
from anpr_engine.watchlist.redis_copies import rewrite_everywhere
from anpr_engine.watchlist.refusal import Grounds, Refuser
from anpr_engine.wire import REPORTS_TOPIC, EventAttributes, OutgoingRecord, json_bytes
from anpr_engine.wiring import Overrides, settings_of
from anpr_engine.wiring_hits import message_signer

SEARCHED = ("redis: entries, what they share, changes, history, proposals",)
"""What `remains` reads; copies of Redis on disk and Kafka's topics are not among it."""

UNIT_MAX, REASON_MAX = 256, 4096


@click.command(
    epilog="Example:  anpr watchlist refuse --list nl-joint --ground own-law --reason 'no basis' "
    "--by anna --unit 'contact point' --purpose burglary --case NL-17",
)
@list_option
@click.option(
    "--ground",
    "grounds",
    multiple=True,
    required=True,
    type=click.Choice(get_args(RefusalReason)),
    help="Why, in the words of the message; may be given several times.",
)
@click.option("--unit", required=True, help="The service that decides; told to the provider.")
@click.option("--json", "as_json", is_flag=True, help="Print the refusal as one JSON line.")
@who_options
@store_options
def refuse(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Refuse a list of another site: destroy it, prove that, and tell its provider.

    Needs --by, --reason, --purpose and --case; --reason is told to the provider. Nothing of the
    list comes in again before `accept`. Run again, it goes on where it stopped and tells again.
    """
    require_by(given, "who refuses a list is kept")
    for name in ("reason", "purpose", "case_ref"):
        if not str(given[name] or "").strip():
            option = name.removesuffix("_ref")
            raise UsageError(f"--{option} is not given, and it is kept.", "Say it.")
    if not 0 < len(given["unit"].strip()) <= UNIT_MAX or len(given["reason"]) > REASON_MAX:
        what = f"--unit has 1 to {UNIT_MAX} characters, --reason {REASON_MAX} at most."
        raise UsageError(what, "Say it shorter.")
    with open_store(given, kind=ActKind.REFUSE) as store:
        list_id = given["list_id"]
        store.record.begin(Noted(AuditAction.WATCHLIST_CHANGED, "refuse: begun", list_id))
        refuser = Refuser(store.session, store.site, store.clock, store.act)
        grounds = Grounds(given["grounds"], store.act.reason, given["unit"])
        definition, removed = refuser.refuse(list_id, grounds)
        message = message_of(store.site, definition)
        noted = Noted(
            AuditAction.WATCHLIST_CHANGED,
            f"refuse: {removed} removed, destruction proved",
            *(list_id, "", removed, message.destruction.gone_from_version or 0),
        )
        _rewrite_files(store)
        sent = _tell(store, given, message, noted)
    if given["as_json"]:
        click.echo(json_bytes(message).decode())
    else:
        click.echo(f"refused: list {list_id}, {message.destruction.entries} entries destroyed")
    if not sent:
        told = "without Kafka the provider was not told; run it again with --kafka"
        click.echo(f"anpr: warning: {told}", err=True)


def _rewrite_files(store: Store) -> None:
    """Take the list off Redis's disk too; where that fails, the refusal stands all the same."""
    try:
        rewrite_everywhere(store.session, store.clock)
    except StoreError as error:
        what = f"Redis's files on disk still hold the list: {error.what} {error.remedy}"
        click.echo(f"anpr: warning: {what}", err=True)


@click.command(epilog="Example:  anpr watchlist accept --list nl-joint --by anna --reason agreed")
@list_option
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@who_options
@store_options
def accept(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Let a refused list come again, with its provider's next delivery."""
    require_by(given, "who accepts a list is kept")
    with open_store(given, kind=ActKind.ACCEPT) as store:
        list_id = given["list_id"]
        store.record.begin(Noted(AuditAction.WATCHLIST_CHANGED, "accept: begun", list_id))
        Refuser(store.session, store.site, store.clock, store.act).accept(list_id)
        store.record.done(Noted(AuditAction.WATCHLIST_CHANGED, "accept: may come again", list_id))
    done = {"accepted": list_id}
    click.echo(json.dumps(done) if given["as_json"] else f"accepted: list {list_id} may come again")


def message_of(site: str, definition: ListDefinition) -> Refusal:
    """Give the message to the provider; the same one each time it is asked for.

    Raises:
        UsageError: a value does not have the form that the message asks for.

    """
    refusal = definition.refusal
    if refusal is None or not refusal.destroyed_at_us:
        raise UsageError(f"List {definition.list_id} is not destroyed.", "Refuse it first.")
    name = f"{site}/{definition.list_id}/{refusal.at_us}/{refusal.digest}".encode()
    at = datetime.fromtimestamp(refusal.destroyed_at_us / 1e6, UTC).isoformat()
    told = {
        "message_id": hashlib.blake2b(name, digest_size=16).hexdigest(),
        "created_at": at,
        "site": site,
        "provider": definition.provider,
        "list_id": definition.list_id,
        "list_version": refusal.received_version,
        "reasons": refusal.grounds,
        "explanation": refusal.explanation,
        "decided_by": refusal.unit,
        "destruction": {
            "manifest_sha256": refusal.digest,
            "entries": refusal.entries,
            "destroyed_at": at,
            "destroyed_by": refusal.unit,
            "gone_from_version": refusal.gone_from,
            "searched": SEARCHED,
        },
    }
    return Refusal.model_validate_json(json.dumps(told))


def _tell(store: Store, given: Mapping[str, Any], message: Refusal, noted: Noted) -> bool:
    """Write the message and the line of the record together; False where there is no Kafka."""
    log = store.settings.log
    if log is None:
        return False
    where = Overrides(store.site, given["kafka"], store.settings.redis_url)
    signer = message_signer(settings_of(given["config"], where).alerts.signing_key)
    value, id_ = json_bytes(message), message.message_id
    attributes = EventAttributes.of(id_, "refusal", message.site, message.created_at)
    headers = replace(attributes, subject=message.provider).headers()
    signature = signature_headers(message, message.provider, value, signer)
    key = f"{message.list_id}/".encode()
    record = OutgoingRecord(REPORTS_TOPIC, key, value, headers + signature)
    event = store.record.event(noted)
    write_deed(*desk_at(store.site, log), lambda: Deed([record], act_in(event)), store.clock)
    return True

"""`anpr watchlist approve`, `proposals`, `request`, `unguard`: what waits for a second person."""

import json
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from anpr_engine.cli.watchlist_options import list_option, store_options
from anpr_engine.cli.watchlist_record import Noted
from anpr_engine.cli.watchlist_site import require_by, who_options
from anpr_engine.cli.watchlist_store import Store, open_store
from anpr_engine.errors import PolicyRefused, UsageError
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.watchlist.approval import Guards
from anpr_engine.watchlist.approval import approve as approve_proposal
from anpr_engine.watchlist.proposals import (
    REQUESTS,
    Asked,
    Decision,
    Proposal,
    ProposalKind,
    Proposals,
    ProposalState,
)
from anpr_engine.watchlist.proposed import contents

DIGEST_DIGITS = 12
UNFINISHED = (ProposalState.OPEN, ProposalState.APPLYING)
TIMES = ("created_at", "expires_at", "decided_at")


@click.command(epilog="Example:  anpr watchlist approve 5f0c6a1e9b7d --by bram")
@click.argument("proposal_id", metavar="PROPOSAL")
@click.option("--reject", is_flag=True, help="Do not let it through; needs --reason.")
@click.option("--digest", help="Only if it is the one looked at: the first digits will do.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@who_options
@store_options
def approve(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Let a proposal of somebody else through, exactly as it was made, or reject it.

    The proposer's own approval is refused with exit code 4.
    """
    require_by(given, "who approves is kept")
    if given["reject"] and not (given["reason"] or "").strip():
        raise UsageError("--reason is not given, and why it is rejected is kept.", "Say why.")
    with open_store(given) as store:
        decision = Decision(store.act.by, store.act.reason, given["digest"] or "")
        if given["reject"]:
            found = Proposals(store.session, store.clock).reject(given["proposal_id"], decision)
            told = {"rejected": found.proposal_id}
            _note(store, found, "rejected")
        else:
            told = _approved(store, given["proposal_id"], decision)
    if given["as_json"]:
        click.echo(json.dumps(told))
    else:
        click.echo(", ".join(f"{name}: {value}" for name, value in told.items()))


def _approved(store: Store, proposal_id: str, decision: Decision) -> dict[str, Any]:
    proposal = Proposals(store.session, store.clock).one(proposal_id)
    if store.site != proposal.site:
        what = f"Proposal {proposal_id} is of site {proposal.site}."
        raise PolicyRefused(what, "Approve it there.")
    begun = Noted(AuditAction.CHANGE_APPROVED, f"approval begun: {proposal_id}", proposal.list_id)
    store.record.begin(begun)
    done, tally = approve_proposal(store.session, store.clock, proposal_id, decision)
    _note(store, done, "approved", tally.version)
    sums = {"added": tally.added, "changed": tally.changed, "removed": tally.removed}
    return {"approved": proposal_id, **sums}


def _note(store: Store, proposal: Proposal, what: str, version: int = 0) -> None:
    subject = f"{what}: {proposal.kind.value} {proposal.proposal_id} digest {proposal.digest}"
    action = AuditAction.CHANGE_APPROVED if what == "approved" else AuditAction.REQUEST_REFUSED
    count = sum(proposal.sums)
    store.record.done(Noted(action, subject, proposal.list_id, "", count, version))


@click.command(epilog="Example:  anpr watchlist proposals --show 5f0c6a1e9b7d")
@click.option("--all", "every", is_flag=True, help="Also those that are decided or ran out.")
@click.option("--show", "proposal_id", metavar="PROPOSAL", help="What one of them would change.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@who_options
@store_options
def proposals(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Name what waits for a second person, or show what one proposal would change."""
    with open_store(given, writing=False) as store:
        kept = Proposals(store.session, store.clock)
        if given["proposal_id"]:
            _show(store, kept.one(given["proposal_id"]), as_json=given["as_json"])
            return
        found = [each for each in kept.all() if given["every"] or each.state in UNFINISHED]
    if given["as_json"]:
        for each in found:
            click.echo(json.dumps(_values(each)))
        return
    for each in found:
        click.echo(_line(each))
    click.echo(f"{len(found)} proposals", err=True)


def _line(proposal: Proposal) -> str:
    added, changed, removed = proposal.sums
    until = _time(proposal.expires_at_us)
    what = f"{proposal.kind.value:<10}  list {proposal.list_id or '-'}"
    sums = f"+{added} ~{changed} -{removed}"
    digest = proposal.digest[:DIGEST_DIGITS]
    decided = f", {proposal.decided_by}" if proposal.decided_by else ""
    state = f"{proposal.state.value}{decided}"
    return (
        f"{proposal.proposal_id}  {what}  {sums}  by {proposal.by}  until {until}  {state}  "
        f"digest {digest}  {proposal.reason}"
    ).rstrip()


def _values(proposal: Proposal) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(proposal)
    for name in TIMES:
        time_us = values.pop(f"{name}_us")
        values[name] = _time(time_us) if time_us else None
    return values


def _time(time_us: int) -> str:
    at = datetime.fromtimestamp(time_us // 1_000_000, UTC)
    return at.isoformat().replace("+00:00", "Z")


def _show(store: Store, proposal: Proposal, *, as_json: bool) -> None:
    chunks = Proposals(store.session, store.clock).chunks(proposal) if proposal.chunks else []
    subject = f"look at proposal {proposal.proposal_id}"
    noted = Noted(AuditAction.DATA_LOOKED_UP, subject, proposal.list_id, "", sum(proposal.sums))
    store.record.shown(noted)
    click.echo(json.dumps(_values(proposal)) if as_json else _line(proposal))
    for edit, entry, profile in contents(chunks):
        shown: dict[str, Any] = {"entry_id": edit.entry_id, "removed": entry is None}
        if entry is not None and profile is not None:
            own = msgspec.structs.asdict(entry)
            shown |= {"plate": own["plate"], "country": own["country"]}
            shown |= {"case_ref": own["case_ref"], "note": own["note"]}
            shown |= {"sharing": profile.sharing, "action": profile.action}
        if as_json:
            click.echo(json.dumps(shown))
        else:
            click.echo("  " + "  ".join(f"{name} {value}" for name, value in shown.items()))


@click.command(
    epilog="Example:  anpr watchlist request replay --by anna --purpose burglary --case B-12"
)
@click.argument("kind", type=click.Choice([each.value for each in REQUESTS]))
@click.option("--json", "as_json", is_flag=True, help="Print the proposal as one JSON line.")
@who_options
@store_options
def request(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Ask for leave to replay past reads, or to look something up, once.

    It is approved like a change of a list; needs --by, --purpose and --case. Approved, give its id
    with --leave to `anpr replay`, or to `anpr watchlist show`, `export` or `history`.
    """
    require_by(given, "who asks is kept")
    names = {"--purpose": given["purpose"], "--case": given["case_ref"]}
    missing = [name for name, value in names.items() if not (value or "").strip()]
    if missing:
        raise PolicyRefused(f"{' and '.join(missing)} is not given.", "Say what it is asked for.")
    with open_store(given) as store:
        hours = store.settings.rule.hours
        asked = Asked(ProposalKind(given["kind"]), store.site, "", hours)
        made = _asked(store, asked, AuditAction.LEAVE_ASKED)
    click.echo(json.dumps(_values(made)) if given["as_json"] else _line(made))


def _asked(store: Store, asked: Asked, action: AuditAction) -> Proposal:
    kind = asked.kind.value
    store.record.begin(Noted(action, f"{kind} asked for: begun", asked.list_id))
    made = Proposals(store.session, store.clock).submit(asked, store.act)
    store.record.done(Noted(action, f"{kind} asked for: {made.proposal_id}", asked.list_id))
    return made


@click.command(epilog="Example:  anpr watchlist unguard --list stolen --by anna --reason 'trial'")
@list_option
@who_options
@store_options
def unguard(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Propose that changes of a list wait for a second person no longer.

    That waits for a second person itself.
    """
    require_by(given, "who asks is kept")
    list_id = given["list_id"]
    with open_store(given) as store:
        if list_id not in Guards(store.session, store.clock).lists():
            what = f"Changes of list {list_id} wait for nobody, unless the site's setting says so."
            raise UsageError(what, "See `approval` in the site's settings.")
        asked = Asked(ProposalKind.UNGUARDING, store.site, list_id, store.settings.rule.hours)
        made = _asked(store, asked, AuditAction.WATCHLIST_CHANGED)
    click.echo(_line(made))

"""Hits to alerts: the first Python object of a read is made here, and only for a hit."""

import hashlib
from collections.abc import Sequence

from anpr_engine.pipeline.columns import TIERS, Circumstances, DecidedAlert, instant, read_of
from anpr_engine.policy.exchange import list_objection
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.policy.sharing import POLICY_VERSION, Decision, decide_sharing
from anpr_engine.records.alert import Alert, AlertEntry, AlertRead
from anpr_engine.records.columns import HitColumns, ReadColumns
from anpr_engine.records.read import PlateRead
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot

_READ_FIELDS = frozenset(AlertRead.model_fields)
_ENTRY_FIELDS = frozenset(AlertEntry.model_fields)


def alert_id(site: str, read_id: str, list_id: str, entry_id: str) -> str:
    """Name an alert by what it is about: the same read and entry always give the same id."""
    about = f"{site}\x1f{read_id}\x1f{list_id}\x1f{entry_id}"
    return hashlib.blake2b(about.encode(), digest_size=16, person=b"anpr.alert.v1").hexdigest()


def decide(
    reads: ReadColumns, hits: HitColumns, snapshot: Snapshot, where: Circumstances
) -> tuple[list[DecidedAlert], dict[str, int]]:
    """Decide every hit of a batch.

    Returns the alerts in order of reads, and the hits withheld by rule id.
    """
    alerts: list[DecidedAlert] = []
    objections: dict[str, str | None] = {}
    withheld: dict[str, int] = {}
    for place in range(len(hits)):
        row = int(hits.read[place])
        entry = snapshot.entry(int(hits.entry[place]), recent=bool(hits.recent[place]))
        decision = decide_sharing(entry, where.site)
        provider = entry.provider or where.site
        if provider not in objections:
            objections[provider] = _objection(provider, where)
        refusal = objections[provider]
        if refusal is None and not decision.recipients:
            refusal = decision.reasons[0]
        if refusal is not None:
            withheld[refusal] = withheld.get(refusal, 0) + 1
            continue
        alert = _alert(read_of(reads, row), entry, decision, where)
        details = {
            "probability": round(float(hits.probability[place]), 6),
            "tier": TIERS[int(hits.tier[place])],
            "edits": int(hits.edits[place]),
            "watchlist_version": snapshot.version,
        }
        alerts.append(DecidedAlert(row, Alert.model_validate(alert | details)))
    return alerts, withheld


def _objection(provider: str, where: Circumstances) -> str | None:
    # The rule against using a list at all; one that nobody delivered has none.
    received = where.received_at_us
    if received is None or provider == where.site:
        return None
    return list_objection(where.site, provider, received, where.now_us, shipped_policies())


def _alert(
    read: PlateRead, entry: WatchlistEntry, decision: Decision, where: Circumstances
) -> dict[str, object]:
    captured_us = round(read.captured_at.timestamp() * 1_000_000)
    return {
        "alert_id": alert_id(where.site, read.read_id, entry.list_id, entry.entry_id),
        "created_at": instant(where.now_us),
        "site": where.site,
        "recipients": list(decision.recipients),
        "read": AlertRead.model_validate(read.model_dump(include=set(_READ_FIELDS))),
        "entry": AlertEntry.model_validate(entry.model_dump(include=set(_ENTRY_FIELDS))),
        "category": entry.category,
        "priority": entry.priority,
        "action": entry.action,
        "reasons": list(decision.reasons),
        "legal_basis": entry.legal_basis,
        "handling_code": entry.handling_code,
        "watchlist_age_ms": where.watchlist_age_ms,
        "watchlist_stale": where.watchlist_stale,
        "policy_version": POLICY_VERSION,
        "lateness_ms": (where.now_us - captured_us) // 1000,
    }


def recipients_of(alerts: Sequence[DecidedAlert]) -> dict[str, int]:
    """Count alerts by recipient."""
    counts: dict[str, int] = {}
    for decided in alerts:
        for recipient in decided.alert.recipients:
            counts[recipient] = counts.get(recipient, 0) + 1
    return counts

"""Hits to alerts: the first Python object of a read is made here, and only for a hit."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from anpr_engine.pipeline.columns import (
    TIERS,
    Circumstances,
    DecidedAlert,
    Withheld,
    instant,
    read_of,
)
from anpr_engine.policy.agreed import Agreed, Terms, terms_of
from anpr_engine.policy.case import HitPart
from anpr_engine.policy.hits import HitJudge, Judgement, Standing
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.records.alert import Alert, AlertEntry, AlertRead
from anpr_engine.records.columns import HitColumns, ReadColumns
from anpr_engine.records.read import PlateRead
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot


class _Listed(NamedTuple):
    """What depends on an entry alone, put together once a batch."""

    entry: WatchlistEntry
    standing: Standing
    told: AlertEntry


def alert_id(site: str, read_id: str, list_id: str, entry_id: str) -> str:
    """Name an alert by what it is about: the same read and entry always give the same id."""
    about = f"{site}\x1f{read_id}\x1f{list_id}\x1f{entry_id}"
    return hashlib.blake2b(about.encode(), digest_size=16, person=b"anpr.alert.v1").hexdigest()


def decide(
    reads: ReadColumns,
    hits: HitColumns,
    snapshot: Snapshot,
    where: Circumstances,
    by: tuple[PolicySet, Agreed],
) -> tuple[list[DecidedAlert], list[Withheld]]:
    """Decide every hit of a batch by the rules of law in force and by what services agreed on.

    Returns the alerts in order of reads, and the hits withheld, one item an entry and rule.
    """
    (policies, agreed), now = by, instant(where.now_us)
    judge = HitJudge(policies, where.site, now, where.received_at_us, where.handled)
    alerts: list[DecidedAlert] = []
    known: dict[tuple[bool, int], _Listed] = {}
    withheld: dict[tuple[str, str, str], Withheld] = {}
    for place in range(len(hits)):
        row = int(hits.read[place])
        seat = bool(hits.recent[place]), int(hits.entry[place])
        if seat not in known:
            entry = snapshot.entry(seat[1], recent=seat[0])
            told = AlertEntry.model_validate(entry, from_attributes=True)
            known[seat] = _Listed(entry, judge.of_entry(entry), told)
        listed = known[seat]
        entry, read = listed.entry, read_of(reads, row)
        probability = round(float(hits.probability[place]), 6)
        tier = TIERS[int(hits.tier[place])]
        seen = HitPart(read.captured_at, read.camera_id, probability, tier.value, read.direction)
        judgement = judge.of_hit(listed.standing, seen)
        terms = terms_of(agreed, entry, where.site, read)
        refusal = judgement.refusal or terms.refusal
        if refusal is not None:
            about = entry.list_id, entry.entry_id, refusal
            before = withheld.get(about) or Withheld(*about, 0, read.read_id, policies.version)
            withheld[about] = replace(before, hits=before.hits + 1)
            continue
        details = {
            "probability": probability,
            "tier": tier,
            "edits": int(hits.edits[place]),
            "watchlist_version": snapshot.version,
            "policy_version": policies.version,
        }
        alert = _alert(read, listed, (judgement, terms), where)
        alerts.append(DecidedAlert(row, Alert.model_validate(alert | details)))
    return alerts, list(withheld.values())


def _alert(
    read: PlateRead, listed: _Listed, by: tuple[Judgement, Terms], where: Circumstances
) -> dict[str, object]:
    entry, (judgement, terms) = listed.entry, by
    more = tuple(site for site in terms.sites if site not in judgement.recipients)
    told, later = judgement.recipients + more, judgement.held_back_from
    if judgement.waits:
        told, later = judgement.recipients, tuple(dict.fromkeys(later + more))
    captured_us = round(read.captured_at.timestamp() * 1_000_000)
    return {
        "alert_id": alert_id(where.site, read.read_id, entry.list_id, entry.entry_id),
        "created_at": instant(where.now_us),
        "site": where.site,
        "recipients": list(told),
        "held_back_from": list(later) or None,
        "read": AlertRead.model_validate(read, from_attributes=True),
        "entry": listed.told,
        "category": entry.category,
        "priority": terms.priority,
        "action": judgement.action,
        "reasons": [*judgement.reasons, *terms.reasons],
        "legal_basis": entry.legal_basis,
        "handling_code": entry.handling_code,
        "watchlist_age_ms": where.watchlist_age_ms,
        "watchlist_stale": where.watchlist_stale,
        "state": "review" if judgement.waits else "unverified",
        "lateness_ms": (where.now_us - captured_us) // 1000,
    }


def recipients_of(alerts: Sequence[DecidedAlert]) -> dict[str, int]:
    """Count alerts by recipient."""
    counts: dict[str, int] = {}
    for decided in alerts:
        for recipient in decided.alert.recipients:
            counts[recipient] = counts.get(recipient, 0) + 1
    return counts

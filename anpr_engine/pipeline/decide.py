"""Hits to alerts: the first Python object of a read is made here, and only for a hit."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from anpr_engine.pipeline.columns import (
    TIERS,
    Circumstances,
    DecidedAlert,
    Withheld,
    instant,
    read_of,
    seen_of,
)
from anpr_engine.policy.agreed import (
    CAPACITY_USED,
    GIVEN,
    PURSUIT,
    Agreed,
    Terms,
    Use,
    has_capacity,
    terms_of,
)
from anpr_engine.policy.case import HitPart
from anpr_engine.policy.hit_memory import Judgement, Memory, Standing
from anpr_engine.policy.hits import HitJudge
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.policy.told_today import REVIEW, ListDay, day_of, goes_abroad, passing_of
from anpr_engine.records.alert import Alert, AlertEntry, AlertRead
from anpr_engine.records.columns import HitColumns, ReadColumns
from anpr_engine.records.fields import Action
from anpr_engine.records.trusted import changed, trusted
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_US = 86_400_000_000
_ACTIONS = {action.value: action for action in Action}
_TOLD = tuple(AlertEntry.model_fields)


class _Listed(NamedTuple):
    """What depends on an entry alone, put together once a batch.

    terms: of it; None where they depend on the read.
    """

    entry: WatchlistEntry
    standing: Standing
    told: AlertEntry
    terms: Terms | None


def alert_id(site: str, read_id: str, list_id: str, entry_id: str) -> str:
    """Name an alert by what it is about: the same read and entry always give the same id."""
    about = f"{site}\x1f{read_id}\x1f{list_id}\x1f{entry_id}"
    return hashlib.blake2b(about.encode(), digest_size=16, person=b"anpr.alert.v1").hexdigest()


def decide(
    reads: ReadColumns,
    hits: HitColumns,
    snapshot: Snapshot,
    where: Circumstances,
    by: tuple[PolicySet, Agreed, Memory],
) -> tuple[list[DecidedAlert], list[Withheld]]:
    """Decide every hit of a batch by the rules of law in force and by what services agreed on.

    Returns the alerts in order of reads, and the hits withheld, one item an entry and rule.
    """
    policies, agreed, memory = by
    now = instant(where.now_us)
    judge = HitJudge(policies, (where.site, now), where.received_at_us, where.handled, memory)
    common = _common(where, now, snapshot.version, policies.version)
    alerts: list[DecidedAlert] = []
    known: dict[tuple[bool, int], _Listed] = {}
    withheld: dict[tuple[str, str, str], Withheld] = {}
    for row, recent, number, tier, edits, chance in _rows(hits):
        seat = recent, number
        listed = known.get(seat)
        if listed is None:
            listed = known[seat] = _listed(snapshot, seat, judge, agreed)
        entry, read, probability = listed.entry, seen_of(reads, row), round(chance, 6)
        told = probability, TIERS[tier], read.direction, read.point
        seen = HitPart(read.captured_at, read.camera_id, *told)
        judgement = judge.of_hit(listed.standing, seen)
        terms = listed.terms or terms_of(agreed, entry, where.site, read)
        refusal = judgement.refusal or terms.refusal
        if refusal is not None:
            about = entry.list_id, entry.entry_id, refusal
            before = withheld.get(about) or Withheld(*about, 0, read.read_id, policies.version)
            withheld[about] = replace(before, hits=before.hits + 1)
            continue
        own = {"probability": probability, "tier": TIERS[tier], "edits": edits}
        values = common | _of_hit(read, listed, (judgement, terms), where) | own
        alerts.append(DecidedAlert(row, trusted(Alert, values)))
    return alerts, list(withheld.values())


def _rows(hits: HitColumns) -> Iterator[tuple[int, bool, int, int, int, float]]:
    columns = hits.read, hits.recent, hits.entry, hits.tier, hits.edits, hits.probability
    return zip(*(column.tolist() for column in columns), strict=True)


def _listed(snapshot: Snapshot, seat: tuple[bool, int], judge: HitJudge, agreed: Agreed) -> _Listed:
    entry = snapshot.entry(seat[1], recent=seat[0])
    given = entry.__dict__
    told = trusted(AlertEntry, {name: given[name] for name in _TOLD})
    return _Listed(
        entry, judge.of_entry(entry), told, None if agreed else Terms(None, entry.priority)
    )


def _common(where: Circumstances, now: datetime, lists: int, policies: str) -> dict[str, Any]:
    """Give an alert's fields in their order, filled in where all of a batch have the same."""
    return dict.fromkeys(Alert.model_fields) | {
        "created_at": now,
        "site": where.site,
        "watchlist_version": lists,
        "watchlist_age_ms": where.watchlist_age_ms,
        "watchlist_stale": where.watchlist_stale,
        "policy_version": policies,
    }


def all_withheld(
    reads: ReadColumns,
    hits: HitColumns,
    snapshot: Snapshot,
    refused: Sequence[Withheld],
    counts: Mapping[str, int],
) -> list[Withheld]:
    """Give items for every hit of a batch that was withheld, as the record has them.

    An exact hit that matching kept back is named by entry and reason, as one that policy did. Of
    others, which are hits only perhaps, nothing is kept but how many there were.

    Args:
        reads: the batch.
        hits: its hits, with those dropped.
        snapshot: the watchlists that were matched.
        refused: what policy kept back.
        counts: of all withheld, by reason.

    """
    named = [*refused, *_dropped(reads, hits, snapshot)] if hits.dropped else list(refused)
    left = Counter(counts)
    for each in named:
        left[each.rule] -= each.hits
    return named + [Withheld("", "", reason, number) for reason, number in left.items() if number]


def _dropped(reads: ReadColumns, hits: HitColumns, snapshot: Snapshot) -> Iterator[Withheld]:
    numbers = Counter((each.entry, each.recent, each.reason) for each in hits.dropped)
    first = {(each.entry, each.recent, each.reason): each.read for each in reversed(hits.dropped)}
    for about, number in numbers.items():
        entry, read = snapshot.entry(about[0], recent=about[1]), read_of(reads, first[about])
        yield Withheld(entry.list_id, entry.entry_id, about[2], number, read.read_id)


def _of_hit(
    read: AlertRead, listed: _Listed, by: tuple[Judgement, Terms], where: Circumstances
) -> dict[str, Any]:
    entry, (judgement, terms) = listed.entry, by
    told, later = judgement.recipients, judgement.held_back_from
    if terms.sites:
        more = tuple(site for site in terms.sites if site not in told)
        if judgement.waits:
            later = tuple(dict.fromkeys(later + more))
        else:
            told += more
    captured_us = (read.captured_at - _EPOCH) // _MICROSECOND
    return {
        "alert_id": alert_id(where.site, read.read_id, entry.list_id, entry.entry_id),
        "recipients": list(told),
        "held_back_from": list(later) or None,
        "read": read,
        "entry": listed.told,
        "category": entry.category,
        "priority": terms.priority,
        "action": _ACTIONS[judgement.action],
        "reasons": [*judgement.reasons, *terms.reasons],
        "legal_basis": entry.legal_basis,
        "handling_code": entry.handling_code,
        "state": REVIEW if judgement.waits else "unverified",
        "kept_until": _kept_until(where.now_us, judgement.kept_days),
        "lateness_ms": (where.now_us - captured_us) // 1000,
    }


@lru_cache(maxsize=16)
def _kept_until(now_us: int, days: float) -> datetime:
    # The same for nearly all hits of a batch.
    return instant(now_us + int(days * _DAY_US))


def within_capacity(
    alerts: Sequence[DecidedAlert], agreed: Agreed, where: Circumstances
) -> list[DecidedAlert]:
    """Let as many hits go abroad as arrangements have room for today; more wait for a person.

    A hit that went already, told again of the same passing, takes no room. Who is pursued is told
    of whatever the count.

    Args:
        alerts: of one batch, joined to passages, in order.
        agreed: arrangements; without any, all goes.
        where: with what went abroad before.

    """
    if not agreed.arrangements:
        return list(alerts)
    here: dict[ListDay, set[str]] = {}
    kept: list[DecidedAlert] = []
    for decided in alerts:
        alert = decided.alert
        about = ListDay(alert.entry.list_id, day_of(alert.created_at))
        told, now, passing = where.told(about), here.setdefault(about, set()), passing_of(alert)
        new = goes_abroad(alert) and passing not in told and passing not in now
        if new and not _has_room(alert, agreed, len(told) + len(now - told)):
            kept.append(DecidedAlert(decided.row, _waiting(alert)))
            continue
        if new:
            now.add(passing)
        kept.append(decided)
    return kept


def _has_room(alert: Alert, agreed: Agreed, told_today: int) -> bool:
    if any(reason.startswith(PURSUIT) for reason in alert.reasons):
        return True
    entry, read = alert.entry, alert.read
    provider = entry.provider or alert.site
    use = Use(entry.list_id, provider, alert.site, read.camera_id, read.captured_at)
    return has_capacity(agreed, use, told_today)


def _waiting(alert: Alert) -> Alert:
    others = [recipient for recipient in alert.recipients if recipient != alert.site]
    reasons = [CAPACITY_USED if reason == GIVEN else reason for reason in alert.reasons]
    waiting = {"recipients": [alert.site], "held_back_from": others, "state": REVIEW}
    return changed(alert, waiting | {"reasons": reasons})


def recipients_of(alerts: Sequence[DecidedAlert]) -> dict[str, int]:
    """Count alerts by recipient."""
    counts: dict[str, int] = {}
    for decided in alerts:
        for recipient in decided.alert.recipients:
            counts[recipient] = counts.get(recipient, 0) + 1
    return counts

"""What the law costs: a hit decided, recorded and signed; a plate's pseudonym. One core's time.

Reads were matched before, so that what is measured begins with a hit and ends with the records of
a transaction. Batches are as the engine makes them in a backlog, one read in a thousand a hit,
nearly each on another entry of another country's list.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from anpr_engine.audit.alert_guard import AlertSealer
from anpr_engine.audit.chain import ChainWriter, chain_name, link_of, start_of
from anpr_engine.audit.signing import SecretKey
from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import Looked, StepRules, conclude, look
from anpr_engine.pipeline.passages import PassageBook, PassageRules
from anpr_engine.pipeline.publish import alert_records, sealed
from anpr_engine.plates.normaliser import normalise
from anpr_engine.policy.pseudonym import OperationKey, pseudonyms
from anpr_engine.ports import AlertGuard
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from anpr_engine.wire import OutgoingRecord, SiteTopics
from benchmarks import workloads
from benchmarks.bench_kernels import BATCH_READS, digests
from benchmarks.definitions import Size
from benchmarks.lab import SITE, Lab, expect
from benchmarks.measure import Outcome

NOW = datetime(2026, 6, 1, 2, 20, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
CHAIN = chain_name(SITE, "engine-0")
TOPICS = SiteTopics(SITE)
RULES = StepRules(passages=PassageRules(window_us=10_000_000))
WHERE = Circumstances(SITE, NOW_US, 0, watchlist_stale=False, received_at_us={"nl": NOW_US})


def delivered(count: int) -> list[WatchlistEntry]:
    """Give entries of the other country's list that lack nothing."""
    said = {
        "provider": "nl",
        "sharing": "be,nl",
        "owner": "unit north",
        "purpose": "stolen vehicles",
        "case_ref": "EX-2026-0042",
        "valid_until": NOW + timedelta(days=4),
        "max_actions": 5,
    }
    return [entry.model_copy(update=said) for entry in workloads.entries(count)]


def looked_at(plan: workloads.ReadPlan, snapshot: Snapshot) -> list[Looked]:
    """Match all reads, dated to a day on which the agreement is in force."""
    values = [value.replace(b"2025-06-01", b"2026-06-01") for value in workloads.reads(plan)]
    starts = range(0, len(values), BATCH_READS)
    return [look(values[at : at + BATCH_READS], snapshot, RULES, WHERE) for at in starts]


def told(
    batches: Sequence[Looked], snapshot: Snapshot, guard: AlertGuard | None
) -> list[OutgoingRecord]:
    """Take hits to the records of their transactions."""
    chain, book, records = ChainWriter(CHAIN, lambda: start_of(CHAIN)), PassageBook(), []
    for looked in batches:
        result = conclude(looked, snapshot, RULES, WHERE, book)
        records += sealed(alert_records(result.alerts, TOPICS, guard), TOPICS, chain)
        chain.settle(saved=True)
        book.apply(result.passages)
    return records


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure alerts unsigned and signed, and pseudonyms."""
    plan = workloads.ReadPlan(size["reads"], size["entries"], size["one_in"])
    snapshot = snapshot_of(delivered(plan.entries))
    batches = looked_at(plan, snapshot)
    key, guard = _key(), AlertSealer(SecretKey.new())
    plates = [normalise(plate).text for plate in workloads.plates(0, size["plates"])]
    alerts = _answer(told(batches, snapshot, guard), workloads.listed_count(plan))
    outcome = Outcome(digests=digests(plan))
    for _ in range(repeats):
        bare_s = _cpu_s(lambda: told(batches, snapshot, None))
        signed_s = _cpu_s(lambda: told(batches, snapshot, guard))
        named_s = _cpu_s(lambda: pseudonyms(key, plates))
        outcome.add(
            {
                "alert_us": bare_s / alerts * 1e6,
                "alert_signed_us": signed_s / alerts * 1e6,
                "signed_rate": alerts / signed_s,
                "pseudonyms": len(plates) / named_s,
            }
        )
    expect("pseudonyms", len(set(pseudonyms(key, plates))), len(plates))
    return outcome


def _key() -> OperationKey:
    secret = hashlib.sha256(b"benchmark").digest()
    return OperationKey(secret, "bench", "BE", NOW, timedelta(days=1))


def _cpu_s(work: Callable[[], object]) -> float:
    started_s = time.thread_time()
    work()
    return time.thread_time() - started_s


def _answer(records: Sequence[OutgoingRecord], alerts: int) -> int:
    """Hold that each hit has an alert that is signed, and a line; gives how many there are."""
    lines = [record.value for record in records if record.topic == TOPICS.audit]
    sent = [record for record in records if record.topic != TOPICS.audit]
    expect("alerts", len(sent), alerts)
    expect("signatures", sum("jws" in dict(record.headers) for record in sent), alerts)
    links = [link for link in map(link_of, lines) if link is not None]
    expect("lines that hold", sum(link.stated == link.digest for link in links), alerts)
    return alerts

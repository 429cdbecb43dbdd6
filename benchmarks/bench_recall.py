"""How long until everybody knows: ten thousand entries with an open alert each are withdrawn.

From the end of the write to the last recall at a reader of committed records. The engine finds the
change, writes a recall and an audit line for each, signs it where the site has a key, and saves
both in one transaction.

Why a broker of its own: an engine that starts reads the alerts that lie on its topics, and would
take back those of other benchmarks.
"""

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC
from benchmarks import workloads
from benchmarks.alerts import noted
from benchmarks.bench_latency import skip_to_end
from benchmarks.definitions import Size
from benchmarks.lab import (
    READS_TOPIC,
    SITE,
    Lab,
    WrongAnswer,
    engine_running,
    engine_settings,
    expect,
)
from benchmarks.measure import Outcome

ARRIVAL_S_MAX = 90.0
REPLY_S_MAX = 30.0
CAMERAS = 16


@dataclass(slots=True)
class _Seen:
    """The records of a topic as they become visible."""

    values: list[bytes] = field(default_factory=list)
    last_ns: int = 0
    _news: threading.Condition = field(default_factory=threading.Condition)

    def note(self, value: bytes, at_ns: int) -> None:
        """Take one record."""
        with self._news:
            self.values.append(value)
            self.last_ns = at_ns
            self._news.notify_all()

    def wait(self, count: int) -> None:
        """Wait for a number of records; raises `WrongAnswer` when they do not come."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.values) >= count, ARRIVAL_S_MAX):
                raise WrongAnswer(f"{len(self.values)} of {count} records came")


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Withdraw a list in each repeat, first as it is, then with recalls signed."""
    outcome = Outcome(digests={"entries": workloads.entries_digest(size["entries"])})
    with Lab() as own, EmbeddedRedis() as redis, tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "be.key"
        write_pair(key, SecretKey.new())
        signing = {"ANPR_ALERTS__SIGNING_KEY": str(key)}
        for turn in range(repeats):
            figures: dict[str, float] = {}
            for name, told in (("bare", {}), ("signed", signing)):
                listed = _listed(size["entries"] + 1, f"{name}-{turn}")
                settings = engine_settings(own.kafka(), redis.url) | told
                figures |= _figures(name, _withdrawn(own.kafka(), redis.url, listed, settings))
            outcome.add(figures)
    return outcome


def _listed(count: int, list_id: str) -> list[WatchlistEntry]:
    """Give entries of a list of their own: no two rounds have an entry in common."""
    changed = {"list_id": list_id}
    return [entry.model_copy(update=changed) for entry in workloads.entries(count)]


def _figures(name: str, seconds: tuple[float, float]) -> dict[str, float]:
    return {f"{name}_s": seconds[0], f"{name}_write_s": seconds[1]}


def _withdrawn(
    kafka: str, redis_url: str, listed: list[WatchlistEntry], settings: Mapping[str, str]
) -> tuple[float, float]:
    """Give the seconds from the end of the withdrawal to the last recall, and those of the write.

    Raises:
        WrongAnswer: not every alert is taken back, or one twice.

    """
    skip_to_end(kafka, settings["ANPR_GROUP"])
    with RedisSession(redis_url, reply_s_max=REPLY_S_MAX) as session:
        store = StoreWriter(session, SITE, SystemClock())
        store.put(listed)
        with engine_running(settings), _following(kafka, CROSS_BORDER_RECALLS) as recalls:
            alerts = _alerted(kafka, listed)
            identities = [(entry.list_id, entry.entry_id) for entry in listed]
            # An engine that has just started looks for earlier alerts before its first recall.
            store.remove(identities[:1])
            recalls.wait(1)
            started_ns = time.time_ns()
            store.remove(identities[1:])
            written_ns = time.time_ns()
            recalls.wait(len(listed))
    taken_back = [each for value in recalls.values for each in json.loads(value)["alerts"]]
    expect("alerts taken back", sorted(taken_back), sorted(alerts))
    return (recalls.last_ns - written_ns) / 1e9, (written_ns - started_ns) / 1e9


def _alerted(kafka: str, listed: list[WatchlistEntry]) -> list[str]:
    """Send a read of each listed plate; give the ids of the alerts."""
    with _following(kafka, CROSS_BORDER_TOPIC) as alerts, ReadWriter(kafka) as writer:
        for number, entry in enumerate(listed):
            camera = f"be-cam-{number % CAMERAS}"
            read = {
                "read_id": f"{entry.list_id}-{number}",
                "camera_id": camera,
                "captured_at": datetime.now(UTC).isoformat(),
                "plate": entry.plate,
                "country": entry.country,
            }
            writer.write(READS_TOPIC, camera.encode(), json.dumps(read).encode())
        alerts.wait(len(listed))
    found = [json.loads(value) for value in alerts.values]
    expect("entries alerted", len({each["entry"]["entry_id"] for each in found}), len(listed))
    return [each["alert_id"] for each in found]


@contextmanager
def _following(kafka: str, topic: str) -> Iterator[_Seen]:
    """Note what comes on a topic for the length of a block."""
    seen = _Seen()
    with noted(kafka, topic, seen.note):
        yield seen

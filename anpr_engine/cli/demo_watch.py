"""What the demo sees: reads handed over, alerts seen by a committed reader, time between them."""

import threading
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerError
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.tail import follow_alerts
from anpr_engine.records.alert import Alert
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.simulate.traffic import ReadWriter
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics

RECENT_MAX = 8


class TimedWriter:
    """Passes reads on and notes when each block began to be written."""

    def __init__(self, writer: ReadWriter, clock: SystemClock) -> None:
        """Write through another writer."""
        self._writer = writer
        self._clock = clock
        self._block_began_s: float | None = None

    def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Hand over one record."""
        if self._block_began_s is None:
            self._block_began_s = self._clock.monotonic_s()
        self._writer.write(topic, key, value)

    def flush(self) -> None:
        """Wait until everything has arrived."""
        self._writer.flush()

    def take_began_s(self) -> float:
        """Give when the present block began, and begin another."""
        began_s, self._block_began_s = self._block_began_s, None
        return self._clock.monotonic_s() if began_s is None else began_s


@dataclass(slots=True)
class Sightings:
    """What was seen so far; one lock, for a thread writes while others look."""

    reads: dict[str, int] = field(default_factory=dict)
    alerts: int = 0
    told: dict[str, int] = field(default_factory=dict)
    cross_border: int = 0
    repeated: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    recent: deque[Alert] = field(default_factory=lambda: deque(maxlen=RECENT_MAX))

    def latency_ms(self) -> dict[str, float]:
        """Give the median and the 99th percentile, 0 before the first alert."""
        if not self.latencies_ms:
            return {"p50": 0.0, "p99": 0.0}
        p50, p99 = np.percentile(np.array(self.latencies_ms), [50, 99])
        return {"p50": round(float(p50), 1), "p99": round(float(p99), 1)}


class AlertWatch:
    """Follows all alert topics in a thread, from the moment it is made."""

    def __init__(self, bootstrap: str, sites: tuple[str, ...], *, check_crcs: bool) -> None:
        """Begin to follow."""
        self.seen = Sightings()
        self.lock = threading.Lock()
        self.failure: BrokerError | None = None
        self._clock = SystemClock()
        self._handed_s: dict[str, float] = {}
        self._ids: set[str] = set()
        self._stop = threading.Event()
        topics = [CROSS_BORDER_TOPIC, *(SiteTopics(site).alerts for site in sites)]
        self._records = follow_alerts(
            bootstrap, NO_SECURITY, topics, self._stop.is_set, check_crcs=check_crcs
        )
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def handed_over(self, block: list[SimulatedRead], began_s: float) -> None:
        """Note a block of reads that was written."""
        with self.lock:
            for read in block:
                self._handed_s[read.read_id] = began_s
                self.seen.reads[read.site] = self.seen.reads.get(read.site, 0) + 1

    def stop(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join(5.0)

    def _follow(self) -> None:
        try:
            for record in self._records:
                now_s = self._clock.monotonic_s()
                self._note(Alert.model_validate_json(record.value), now_s, record.topic)
        except BrokerError as error:
            self.failure = error

    def _note(self, alert: Alert, now_s: float, topic: str) -> None:
        with self.lock:
            seen = self.seen
            seen.repeated += alert.alert_id in self._ids
            self._ids.add(alert.alert_id)
            seen.alerts += 1
            seen.cross_border += topic == CROSS_BORDER_TOPIC
            for recipient in alert.recipients:
                seen.told[recipient] = seen.told.get(recipient, 0) + 1
            handed_s = self._handed_s.get(alert.read.read_id)
            if handed_s is not None:
                seen.latencies_ms.append((now_s - handed_s) * 1000)
            seen.recent.append(alert)

"""Whole sites for system tests: broker, Redis, engines as processes, and what readers see."""

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.tail import TailedRecord, follow_alerts
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from anpr_engine.processes import ChildProcess
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.wire import CROSS_BORDER_TOPIC, SiteTopics

PARTITIONS = 4
READY_S_MAX = 60.0
POLL_S = 0.02


def await_true(condition: Callable[[], bool], what: str, seconds_max: float = READY_S_MAX) -> None:
    """Wait for a condition, and fail with its name when it does not come true."""
    deadline_s = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {seconds_max:.0f} s: {what}")
        time.sleep(POLL_S)


def free_port() -> int:
    """Find a port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alert_topics(sites: Sequence[str]) -> list[str]:
    """Name every topic on which alerts of some sites appear."""
    return [CROSS_BORDER_TOPIC, *(SiteTopics(site).alerts for site in sites)]


@dataclass(slots=True)
class Engine:
    """One engine of a site, in a slot; can be killed and started again."""

    site: str
    slot: int
    env: dict[str, str]
    log_path: Path
    arguments: tuple[str, ...] = ()
    process: ChildProcess | None = None
    port: int = 0

    def start(self) -> None:
        """Start the process on a page of its own."""
        self.port = free_port()
        env = self.env | {"ANPR_SLOT": str(self.slot), "ANPR_HTTP__PORT": str(self.port)}
        command = [sys.executable, "-m", "anpr_engine", "run", *self.arguments]
        self.process = ChildProcess(command, log_path=self.log_path, env=os.environ | env)

    def kill(self) -> None:
        """End the process as a power cut would."""
        assert self.process is not None
        self.process.kill()

    def stop(self, seconds_max: float = 10.0) -> int:
        """Ask the process to stop and give its exit code; it has ten seconds."""
        assert self.process is not None
        if self.process.running():
            os.kill(self.process.pid, signal.SIGTERM)
        return self.process.wait(seconds_max)

    def page(self, path: str) -> tuple[int, str]:
        """Get a page: status and text; 0 while there is no answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self) -> bool:
        """Say whether the engine takes part."""
        return self.page("/readyz")[0] == 200

    def metric(self, sample: str) -> float:
        """Give one sample of the metrics page, 0 when it is not there."""
        for line in self.page("/metrics")[1].splitlines():
            name, _, value = line.rpartition(" ")
            if name == sample:
                return float(value)
        return 0.0


@dataclass(slots=True)
class World:
    """Broker, a Redis for each site, and where logs go."""

    bootstrap: str
    redis: dict[str, EmbeddedRedis]
    folder: Path
    engines: list[Engine] = field(default_factory=list)

    def engine(self, site: str, slot: int = 0, *arguments: str, **env: str) -> Engine:
        """Prepare an engine; it is ended with the world."""
        settings = {
            "ANPR_SITE": site,
            "ANPR_KAFKA": self.bootstrap,
            "ANPR_REDIS_URL": self.redis[site].url,
        }
        log_path = self.folder / f"{site}-{slot}.log"
        engine = Engine(site, slot, settings | env, log_path, arguments)
        self.engines.append(engine)
        return engine

    def load(self, site: str, entries: Sequence[WatchlistEntry]) -> None:
        """Put entries of a site's own into its Redis."""
        with RedisSession(self.redis[site].url) as session:
            StoreWriter(session, site, SystemClock()).put(entries)

    def committed(
        self, topics: Sequence[str], wanted: int, settle_s: float = 1.0
    ) -> list[TailedRecord]:
        """Read topics from their start, committed records only, until nothing comes any more."""
        found: list[TailedRecord] = []
        quiet_since_s = [time.monotonic()]

        def stop() -> bool:
            quiet_s = time.monotonic() - quiet_since_s[0]
            return quiet_s > (settle_s if len(found) >= wanted else READY_S_MAX)

        for record in follow_alerts(self.bootstrap, NO_SECURITY, topics, stop, from_start=True):
            found.append(record)
            quiet_since_s[0] = time.monotonic()
        return found


@contextmanager
def world(folder: Path, sites: Sequence[str] = ("be", "nl")) -> Iterator[World]:
    """Start broker and Redis servers, make the topics, end everything afterwards."""
    with ExitStack() as stack:
        kafka = stack.enter_context(EmbeddedKafka())
        redis = {site: stack.enter_context(EmbeddedRedis()) for site in sites}
        admin = TopicAdmin(kafka.bootstrap)
        wanted = wanted_topics(TOPICS, sites, replication=1, reads_partitions=PARTITIONS)
        admin.apply(plan(admin.existing([topic.name for topic in wanted]), wanted))
        made = World(kafka.bootstrap, redis, folder)
        try:
            yield made
        finally:
            for engine in made.engines:
                if engine.process is not None and engine.process.running():
                    engine.process.kill()


def read_json(site: str, number: int, plate: str, captured_at: str) -> bytes:
    """Write one read."""
    return json.dumps(
        {
            "read_id": f"{site}-{number:07d}",
            "camera_id": f"{site}-cam-{number % 40:02d}",
            "captured_at": captured_at,
            "plate": plate,
            "country": site.upper(),
            "confidence": 0.97,
            "lane": number % 3,
        }
    ).encode()

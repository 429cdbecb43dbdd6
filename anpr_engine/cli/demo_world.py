"""The demo's world: broker, a Redis for each site, lists delivered across the border, engines.

Everything started here stops with this process, however it ends.
"""

import os
import socket
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anpr_engine.clock import SystemClock
from anpr_engine.errors import AnprError, EmbeddedError
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.stand_in import BANNER, MemoryKafka
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, Topic, plan, wanted_topics
from anpr_engine.processes import ChildProcess
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.delivery import follow_deliveries
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter

SITES = ("be", "nl")
PARTITIONS = 4
READY_S_MAX = 60.0
STEP_S = 0.05
LOG_TAIL_LINES = 5

Tell = Callable[[str], None]


@dataclass(slots=True)
class EngineProcess:
    """One site's engine in a process of its own, and where its page is."""

    site: str
    port: int
    log_path: Path
    process: ChildProcess

    def ask(self, path: str) -> tuple[int, str]:
        """Get a page of the engine: status code and text; 0 when it does not answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=2) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def totals(self) -> dict[str, float]:
        """Give the engine's counters by name, summed over labels but for recipients."""
        found: dict[str, float] = {}
        for line in self.ask("/metrics")[1].splitlines():
            if line.startswith("#"):
                continue
            name, _, value = line.rpartition(" ")
            plain = name.split("{")[0]
            found[plain] = found.get(plain, 0.0) + float(value)
            found[name] = float(value)
        return found


@dataclass(slots=True)
class DemoWorld:
    """What runs, and where."""

    bootstrap: str
    exactly_once: bool
    engines: list[EngineProcess] = field(default_factory=list)


def free_port() -> int:
    """Find a port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo_world(
    entries: Sequence[WatchlistEntry], port: int, kafka: str | None, tell: Tell
) -> Iterator[DemoWorld]:
    """Start everything, load the lists, and stop everything at the end.

    Args:
        entries: the sample lists of both sites.
        port: of the first engine's page, the second takes the next one; 0 means free ones.
        kafka: a cluster to use instead of an embedded broker.
        tell: told what is being done.

    Raises:
        AnprError: something cannot be started; says what to do.

    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anpr-demo-")))
        bootstrap, exactly_once = _broker(stack, kafka, tell)
        tell("starting a Redis for each site and loading the watchlists")
        urls = {site: stack.enter_context(EmbeddedRedis()).url for site in SITES}
        _load_lists(urls, entries)
        _deliver(stack, urls)
        world = DemoWorld(bootstrap, exactly_once)
        for number, site in enumerate(SITES):
            chosen = port + number if port else free_port()
            log_path = folder / f"engine-{site}.log"
            process = _start_engine(world, urls[site], site, chosen, log_path)
            stack.callback(process.stop)
            world.engines.append(EngineProcess(site, chosen, log_path, process))
        tell("starting both engines")
        for engine in world.engines:
            _await_ready(engine)
        yield world


def _broker(stack: ExitStack, kafka: str | None, tell: Tell) -> tuple[str, bool]:
    if kafka:
        _make_topics(kafka)
        return kafka, True
    tell("starting Apache Kafka (the first time its jars are fetched, about half a minute)")
    try:
        bootstrap = stack.enter_context(EmbeddedKafka()).bootstrap
    except EmbeddedError as error:
        tell(str(error))
        tell(BANNER)
        stand_in = stack.enter_context(MemoryKafka())
        stand_in.add_topics(topic.name for topic in _topics())
        return stand_in.bootstrap, False
    _make_topics(bootstrap)
    return bootstrap, True


def _topics() -> list[Topic]:
    return wanted_topics(TOPICS, SITES, replication=1, reads_partitions=PARTITIONS)


def _make_topics(bootstrap: str) -> None:
    admin, wanted = TopicAdmin(bootstrap), _topics()
    admin.apply(plan(admin.existing([topic.name for topic in wanted]), wanted))


def _load_lists(urls: dict[str, str], entries: Sequence[WatchlistEntry]) -> None:
    for site, url in urls.items():
        with RedisSession(url) as session:
            writer = StoreWriter(session, site, SystemClock())
            writer.put(entry for entry in entries if entry.provider == site)


def _deliver(stack: ExitStack, urls: dict[str, str]) -> None:
    """Keep each site's shared entries delivered to the other."""
    stop = threading.Event()
    threads = []
    for source, target in (SITES, SITES[::-1]):
        ready = threading.Event()
        thread = threading.Thread(
            target=follow_deliveries,
            args=((source, urls[source]), (target, urls[target]), stop, ready),
            daemon=True,
        )
        thread.start()
        threads.append(thread)
        if not ready.wait(READY_S_MAX):
            raise AnprError("The lists could not be delivered between the sites in time.")

    def finish() -> None:
        stop.set()
        for thread in threads:
            thread.join(READY_S_MAX)

    stack.callback(finish)


def _start_engine(
    world: DemoWorld, redis_url: str, site: str, port: int, log_path: Path
) -> ChildProcess:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ANPR_")}
    settings = {
        "ANPR_SITE": site,
        "ANPR_KAFKA": world.bootstrap,
        "ANPR_REDIS_URL": redis_url,
        "ANPR_HTTP__PORT": str(port),
        # The stand-in writes no checksums.
        "ANPR_KAFKA_CLIENT__CHECK_CRCS": str(world.exactly_once).lower(),
    }
    command = [sys.executable, "-m", "anpr_engine", "run"]
    return ChildProcess(command, log_path=log_path, env=ours | settings)


def _await_ready(engine: EngineProcess) -> None:
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + READY_S_MAX
    pause = threading.Event()
    while engine.process.running() and clock.monotonic_s() < deadline_s:
        if engine.ask("/readyz")[0] == 200:
            return
        pause.wait(STEP_S)
    last = engine.log_path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    raise AnprError(
        f"The engine of {engine.site} did not become ready.", "Its last words: " + " | ".join(last)
    )

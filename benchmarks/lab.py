"""A real broker, a real Redis and engine processes for the benchmarks; all end with the run."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.wire import SiteTopics
from benchmarks import workloads

SITE = "be"
READS_TOPIC = SiteTopics(SITE).reads
PARTITIONS = 4
ROOT = Path(__file__).resolve().parents[1]
STOP_S_MAX = 20.0
RUN_S_MAX = 900.0


class WrongAnswer(Exception):
    """What was measured did not give the expected answer, so its time means nothing."""


def expect(what: str, found: object, expected: object) -> None:
    """Check an answer.

    Raises:
        WrongAnswer: names both.

    """
    if found != expected:
        raise WrongAnswer(f"{what}: found {found}, expected {expected}")


class Lab:
    """The servers, started when first asked for; a context manager."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._open = ExitStack()
        self._kafka: EmbeddedKafka | None = None
        self._redis: dict[int, EmbeddedRedis] = {}

    def __enter__(self) -> Self:
        """Give the lab itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop every server."""
        self._open.close()

    def kafka(self) -> str:
        """Give the address of the broker, which has the site's topics."""
        if self._kafka is None:
            self._kafka = self._open.enter_context(EmbeddedKafka())
            admin = TopicAdmin(self._kafka.bootstrap)
            topics = wanted_topics(TOPICS, [SITE], replication=1, reads_partitions=PARTITIONS)
            admin.apply(plan({}, topics))
        return self._kafka.bootstrap

    def redis(self, entries: int) -> str:
        """Give the URL of a Redis that holds a watchlist of some size."""
        if entries not in self._redis:
            server = self._open.enter_context(EmbeddedRedis())
            with RedisSession(server.url, reply_s_max=30.0) as session:
                StoreWriter(session, SITE, SystemClock()).put(workloads.entries(entries))
            self._redis[entries] = server
        return self._redis[entries].url

    def any_redis(self) -> str:
        """Give the URL of a Redis that runs; empty when none does."""
        return next((server.url for server in self._redis.values()), "")

    def close_redis(self, entries: int) -> None:
        """Stop one Redis before the lab ends, to have its memory back."""
        self._redis.pop(entries).stop()


def engine_settings(kafka: str, redis_url: str) -> dict[str, str]:
    """Give the variables of an engine in a group of its own, which reads from the beginning."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANPR_")},
        "ANPR_SITE": SITE,
        "ANPR_KAFKA": kafka,
        "ANPR_REDIS_URL": redis_url,
        "ANPR_GROUP": f"bench.{uuid.uuid4().hex}",
        "ANPR_HTTP__PORT": "0",
        # One broker serves stores of many sizes in turn.
        "ANPR_WATCHLIST__ACCEPT_OLDER": "any",
    }


def run_engine(settings: Mapping[str, str]) -> dict[str, float]:
    """Run `anpr run --until-end --json` and give its closing line."""
    return run_json([sys.executable, "-m", "anpr_engine", "run", "--until-end", "--json"], settings)


def run_json(command: Sequence[str], settings: Mapping[str, str] | None = None) -> dict[str, float]:
    """Run a program and give the JSON object in the last line of its output.

    Raises:
        WrongAnswer: it failed; ends with what it wrote on stderr.

    """
    done = subprocess.run(
        command,
        env=settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise WrongAnswer(f"{' '.join(command[1:4])} failed: {done.stderr[-1000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def engine_running(settings: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Keep an engine running for a block, which is given it; it is told to stop at the end."""
    command = [sys.executable, "-m", "anpr_engine", "run"]
    process = subprocess.Popen(command, env=settings, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield process
        if process.poll() is not None:
            raise WrongAnswer(f"the engine ended with status {process.returncode}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

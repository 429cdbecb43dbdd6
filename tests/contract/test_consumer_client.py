"""The contract of `kafka.client.ConsumerClient`, run on the ordinary and on the native client."""

import random
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from stream_worlds import CLIENTS, WAIT_S

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client import Chunk, ConsumerClient, Handlers
from anpr_engine.kafka.client_choice import choose_client, open_client
from anpr_engine.kafka.client_settings import (
    NO_SECURITY,
    ClientName,
    Properties,
    StreamSettings,
    common,
    reader,
)
from anpr_engine.metrics.table import Metrics
from anpr_engine.ports import RecordBatch

if TYPE_CHECKING:
    from servers import Broker

SEED = 20261122
Headers = list[tuple[str, str | bytes | None]]


class ClientWorld:
    """A topic of one partition, and clients that read it."""

    def __init__(self, bootstrap: str, client: ClientName) -> None:
        """Make the topic; the broker stamps its records."""
        self.bootstrap = bootstrap
        self.client: ClientName = client
        self.name = f"client.{uuid.uuid4().hex[:12]}"
        self.assigned: set[int] = set()
        self._clients: list[ConsumerClient] = []
        stamped = {"message.timestamp.type": "LogAppendTime"}
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for made in admin.create_topics([NewTopic(self.name, 1, 1, config=stamped)]).values():
            made.result()
        # Idempotent: else a retry at a topic just made changes the order of its records.
        self._producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})

    def write(self, *values: bytes | None, headers: Headers | None = None) -> None:
        """Append records."""
        for value in values:
            self._producer.produce(self.name, value, partition=0, headers=headers or [])
        assert self._producer.flush(WAIT_S) == 0

    def make(self, **properties: object) -> ConsumerClient:
        """Make a client; what is given, underscores for dots, goes over the usual properties."""
        settings = StreamSettings(self.bootstrap, self.name, self.name, "", session_timeout_ms=6000)
        base = common(self.bootstrap, NO_SECURITY, lambda _: None)
        given: Properties = {
            name if name.endswith("_cb") else name.replace("_", "."): value
            for name, value in properties.items()
        }
        whole = {**base, **reader(settings), "auto.offset.reset": "earliest", **given}
        made = open_client(choose_client(self.client, Metrics()), whole, self.name)
        self._clients.append(made)
        return made

    def open(self, **properties: object) -> ConsumerClient:
        """Make a client and join the group."""
        client = self.make(**properties)
        client.subscribe(Handlers(self.assigned.update, _nothing, _nothing))
        return client

    def take(self, client: ConsumerClient, count: int) -> RecordBatch:
        """Poll until so many records have come."""
        chunks: list[Chunk] = []
        wait(
            lambda: sum(len(chunk) for chunk in chunks) >= count,
            lambda: chunks.append(client.poll(500, 0.05)),
        )
        return client.batch([chunk for chunk in chunks if chunk], ())

    def tear_down(self) -> None:
        """Close what is open."""
        for client in self._clients:
            client.close()


def _nothing(_partitions: set[int]) -> None:
    return


def wait(done: Callable[[], bool], work: Callable[[], object]) -> None:
    """Work until it is done."""
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + WAIT_S
    while not done():
        assert clock.monotonic_s() < deadline_s
        work()


@pytest.fixture(params=CLIENTS)
def world(request: pytest.FixtureRequest) -> Iterator[ClientWorld]:
    """Give a topic of the test's own on the real broker."""
    broker: Broker = request.getfixturevalue("kafka")
    made = ClientWorld(broker.bootstrap, request.param)
    yield made
    made.tear_down()


def test_gives_any_bytes_as_they_were_written(world: ClientWorld) -> None:
    """Random, empty and missing values, small and near the topic's limit, come out the same."""
    draw = random.Random(SEED)
    sizes = [0, 1, 2, 3, 900_000, *(draw.randrange(2000) for _ in range(300))]
    written = [draw.randbytes(size) for size in sizes]
    world.write(None, *written, None)
    batch = world.take(world.open(), len(written) + 2)
    assert list(batch.values) == [b"", *written, b""]
    assert batch.values[5] == written[4]
    assert [batch.origin(row).offset for row in range(len(written) + 2)] == list(
        range(len(written) + 2)
    )


def test_tells_where_and_when_a_record_came_from(world: ClientWorld) -> None:
    """Topic, partition, offset and the broker's own time."""
    before_us = SystemClock().now_us()
    world.write(b"a", b"b")
    origin = world.take(world.open(), 2).origin(1)
    assert origin[:3] == (world.name, 0, 1)
    assert before_us - 1_000_000 < origin.appended_at_us < SystemClock().now_us() + 1_000_000


def test_knows_which_records_have_headers_that_matter(world: ClientWorld) -> None:
    """Headers come out with their rows, in order, names and values as written."""
    world.write(b"a")
    world.write(b"b", headers=[("content-type", b"x"), ("none", None), ("twice", b"\x00\xff")])
    world.write(b"c")
    world.write(None, headers=[("twice", b""), ("é", b"1")])
    traced: Headers = [("traceparent", b"00-1")]
    world.write(b'{"one":"line"}', b'{"a":\n1}', headers=traced)
    batch = world.take(world.open(), 6)
    # One line of JSON is read the same way whatever stands beside it.
    assert batch.headed.tolist() == [1, 3, 5]
    assert batch.headers(5) == (("traceparent", b"00-1"),)
    assert batch.headers(1) == (("content-type", b"x"), ("none", b""), ("twice", b"\x00\xff"))
    assert batch.headers(3) == (("twice", b""), ("é", b"1"))
    assert batch.headers(0) == batch.headers(2) == ()


def test_pauses_and_resumes(world: ClientWorld) -> None:
    """A paused partition gives nothing; resumed it goes on where it stood."""
    world.write(b"a")
    client = world.open()
    assert list(world.take(client, 1).values) == [b"a"]
    client.pause([0])
    world.write(b"b")
    assert [len(client.poll(10, 0.1)) for _ in range(5)] == [0] * 5
    assert client.positions([0]) == {0: 1}
    client.resume([0])
    assert list(world.take(client, 1).values) == [b"b"]


def test_restarts_at_an_offset(world: ClientWorld) -> None:
    """A partition is read again from any offset."""
    world.write(b"a", b"b", b"c")
    client = world.open()
    world.take(client, 3)
    client.restart(0, 1)
    assert list(world.take(client, 2).values) == [b"b", b"c"]
    assert client.positions([0]) == {0: 3}


def test_drops_what_is_past(world: ClientWorld) -> None:
    """Records of a partition from an offset on are dropped, those before are kept."""
    world.write(*(b"%d" % number for number in range(10)))
    client = world.open()
    chunks = [client.poll(500, 0.05)]
    wait(lambda: bool(chunks[-1]), lambda: chunks.append(client.poll(10, 0.1)))
    chunk = chunks[-1]
    first = chunk.starts()[0]
    chunk.drop({0: first + 1, 7: 0})
    assert (len(chunk), chunk.size_bytes, chunk.faults()) == (1, 1, [])
    assert list(client.batch([chunk], ()).values) == [b"%d" % first]


def test_asks_the_broker_for_ends_and_what_is_saved(world: ClientWorld) -> None:
    """Ends and topics are known without a group, nothing is saved before a commit."""
    world.write(b"a", b"b")
    client = world.open()
    assert client.get_watermark_offsets(TopicPartition(world.name, 0), WAIT_S) == (0, 2)
    assert set(client.list_topics(world.name, WAIT_S).topics[world.name].partitions) == {0}
    assert client.committed([0], WAIT_S) == {0: -1}
    world.take(client, 2)
    assert client.end_seen(0) == 2
    missing = client.list_topics(f"{world.name}.none", WAIT_S).topics[f"{world.name}.none"]
    assert missing.error is not None


def test_an_exception_in_a_handler_comes_out_of_the_poll(world: ClientWorld) -> None:
    """What a handler raises is not lost on its way through the library; the next poll works."""
    world.write(b"a")
    client = world.make()

    def refuse(_partitions: set[int]) -> None:
        raise ArithmeticError(world.name)

    client.subscribe(Handlers(refuse, _nothing, _nothing))
    with pytest.raises(ArithmeticError, match=world.name):
        wait(lambda: False, lambda: client.poll(1, 0.1))
    assert list(world.take(client, 1).values) == [b"a"]


def test_tells_its_statistics(world: ClientWorld) -> None:
    """The library's statistics arrive as JSON while the client is polled."""
    pages: list[str] = []
    client = world.open(statistics_interval_ms=50, stats_cb=pages.append)
    wait(lambda: len(pages) > 0, lambda: client.poll(1, 0.05))
    assert pages[0].startswith("{")


@pytest.mark.parametrize(
    "security",
    [
        {"security_protocol": "SSL"},
        {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": "user",
            "sasl_password": "word",
        },
    ],
    ids=["tls", "sasl"],
)
def test_tells_what_goes_wrong_with_a_connection(
    world: ClientWorld, security: dict[str, str]
) -> None:
    """A broker that speaks neither TLS nor SASL is told to the callback; closing waits for none."""
    heard: list[KafkaError] = []
    client = world.open(error_cb=heard.append, **security)
    wait(lambda: len(heard) > 0, lambda: client.poll(1, 0.05))
    assert not heard[0].fatal()
    assert heard[0].str()
    assert heard[0].name() in {"_SSL", "_TRANSPORT", "_AUTHENTICATION", "_ALL_BROKERS_DOWN"}
    client.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("no_such_property", 1), ("isolation_level", "none"), ("ssl_ca_location", "/missing/ca.pem")],
)
def test_refuses_wrong_properties(world: ClientWorld, name: str, value: object) -> None:
    """An unknown property, a wrong value or a missing certificate is an exception, not a crash."""
    with pytest.raises(KafkaException):
        world.make(security_protocol="SSL", **{name: value})


def test_closes_at_any_time(world: ClientWorld) -> None:
    """A client closes before it joins, while it joins and with records untaken; twice is once."""
    world.write(b"a")
    world.make().close()
    for polls in (0, 1, 3, 10):
        client = world.open()
        for _ in range(polls):
            client.poll(10, 0.02)
        client.close()
    last = world.open()
    wait(lambda: len(last.poll(10, 0.1)) > 0, lambda: None)
    last.close()


def test_a_closed_client_refuses_and_does_not_crash(world: ClientWorld) -> None:
    """Whatever is asked of a closed client is an exception."""
    client = world.open()
    client.close()
    calls: list[Callable[[], object]] = [
        lambda: client.poll(1, 0),
        lambda: client.positions([0]),
        lambda: client.restart(0, 0),
        lambda: client.committed([0], 1),
        lambda: client.list_topics(world.name, 1),
        client.group_metadata,
    ]
    for call in calls:
        with pytest.raises((KafkaException, RuntimeError)):
            call()

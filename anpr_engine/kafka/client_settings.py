"""What each kind of Kafka client is told: one function a client, plain values in.

Why: every option that is not a default stands here with its reason, so that nobody has to
search four files for why a client behaves as it does. Times are in milliseconds as the client
library names them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from confluent_kafka import KafkaError

from anpr_engine.logs import get_logger

Properties = dict[str, object]

ClientName = Literal["auto", "native", "plain"]
"""The consumer's client: `auto` is the native one where its library is known."""

STATISTICS_MS = 500
"""How often a client counts its retries; a delayed retry is noticed within this time."""

QUEUE_KIB_MAX = 65_536
"""Records fetched ahead, in KiB: about 300 000 reads, four full batches of 16 MiB."""


@dataclass(frozen=True, slots=True)
class Security:
    """How to prove who we are; the names of the settings are those of the configuration."""

    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: str = field(default="", repr=False)
    ssl_ca_location: str = ""
    ssl_certificate_location: str = ""
    ssl_key_location: str = ""

    def properties(self) -> Properties:
        """Give the client's names for what is set."""
        named = {
            "security.protocol": self.security_protocol,
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password,
            "ssl.ca.location": self.ssl_ca_location,
            "ssl.certificate.location": self.ssl_certificate_location,
            "ssl.key.location": self.ssl_key_location,
        }
        return {name: value for name, value in named.items() if value}


NO_SECURITY = Security()


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What one engine's stream of reads needs to know.

    `slot` numbers the engines of a site; two engines never share one. `outage_s_max` is how long
    a commit may wait for the brokers before the engine stops.
    """

    bootstrap: str
    topic: str
    group_id: str
    transactional_id: str
    slot: int = 0
    security: Security = NO_SECURITY
    session_timeout_ms: int = 6000
    transaction_timeout_ms: int = 10_000
    check_crcs: bool = True
    client: ClientName = "auto"
    start_timeout_s: float = 15.0
    outage_s_max: float = 60.0


def transactional_id(site: str, slot: int) -> str:
    """Name the writer of one slot.

    Why: the same name after a restart fences the predecessor off and frees its half-written
    records at once; with a new name readers wait for the transaction to time out.
    """
    return f"anpr.engine.{site}.{slot}"


class _ClientLog:
    """Takes the client library's log lines, which else go to stderr as they are."""

    def log(self, level: int, template: str, *parts: object) -> None:
        """Pass one line on; the library's levels are those of `logging`."""
        get_logger().log(level, "kafka_client", text=template % parts if parts else template)


def common(
    bootstrap: str, security: Security, on_error: Callable[[KafkaError], None]
) -> Properties:
    """Give what every client is told."""
    return {
        **security.properties(),
        "bootstrap.servers": bootstrap,
        "client.id": "anpr-engine",
        "error_cb": on_error,
        "logger": _ClientLog(),
        # What matters comes to `error_cb` too; on a lower level every attempt to connect is a line.
        "log_level": 2,
        "socket.keepalive.enable": True,
        # A broker that restarts is back within a second; ten seconds' pause would hide that.
        "reconnect.backoff.max.ms": 1000,
        "allow.auto.create.topics": False,
    }


def reader(settings: StreamSettings) -> Properties:
    """Give what the engine's consumer is told, besides `common`.

    `auto.offset.reset=error` is the guard against a damaged batch: after one, the client
    library reads an offset out of the garbage, finds it out of range, and with `earliest` would
    give the whole partition again. `fetch.queue.backoff.ms` is 1000 by default, which caps a
    backlog at about 180 000 reads a second where 1 200 000 were measured with 5.
    `fetch.wait.max.ms`: a read is given as soon as it is there; with 5 a broker without any spent
    13 % of a core on saying so.
    """
    return {
        "group.id": settings.group_id,
        "group.instance.id": f"{settings.group_id}-{settings.slot}",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": max(settings.session_timeout_ms // 6, 100),
        "isolation.level": "read_committed",
        "check.crcs": settings.check_crcs,
        "auto.offset.reset": "error",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "fetch.wait.max.ms": 50,
        "fetch.queue.backoff.ms": 5,
        "fetch.error.backoff.ms": 100,
        "queued.min.messages": 1_000_000,
        "queued.max.messages.kbytes": QUEUE_KIB_MAX,
    }


def saver(settings: StreamSettings, on_statistics: Callable[[str], None]) -> Properties:
    """Give what the engine's transactional producer is told, besides `common`.

    A transaction that follows another at once is refused until the broker has closed the first;
    with the default backoff that costs 100 ms each, with 2 ms about 5 ms.
    `linger.ms`: the commit sends what is left at once, so a small transaction waits for nothing;
    a large one goes in fewer requests: 4 000 records took 54 ms instead of 79.
    """
    return {
        "transactional.id": settings.transactional_id,
        "transaction.timeout.ms": settings.transaction_timeout_ms,
        "acks": "all",
        "compression.type": "lz4",
        "linger.ms": 5,
        # A missing topic fails its transaction after a second, not when it times out.
        "topic.metadata.propagation.max.ms": 1000,
        # Long enough that a commit without a reconnect is told by its time; see producer.py.
        "reconnect.backoff.ms": 400,
        "retry.backoff.ms": 2,
        "retry.backoff.max.ms": 20,
        "statistics.interval.ms": STATISTICS_MS,
        "stats_cb": on_statistics,
        "partitioner": "murmur2_random",
    }


def writer() -> Properties:
    """Give what a camera-side producer is told, besides `common`."""
    return {
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "linger.ms": 5,
        "queue.buffering.max.messages": 500_000,
        # As the Java client does, so that a camera's reads share a partition whoever writes.
        "partitioner": "murmur2_random",
    }


def follower(group_id: str, *, check_crcs: bool = True) -> Properties:
    """Give what a consumer is told that only looks: no membership, no commit."""
    return {
        "group.id": group_id,
        "isolation.level": "read_committed",
        "check.crcs": check_crcs,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "fetch.wait.max.ms": 100,
        "fetch.queue.backoff.ms": 5,
    }

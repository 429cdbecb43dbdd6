"""A broker that takes nobody without certificate, user and password, through both clients."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from certificates import Authority
from stream_worlds import CLIENTS, SkippingClock, poll_values

from anpr_engine.errors import BrokerRefused, BrokerUnavailable
from anpr_engine.kafka.client_settings import ClientName, Security, StreamSettings
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.history import History, HistorySettings
from anpr_engine.kafka.stream import KafkaReadStream
from anpr_engine.kafka.tail import Follower
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from anpr_engine.metrics.table import Metrics
from anpr_engine.wire import OutgoingRecord, SiteTopics

SITE = "be"
NAMES = SiteTopics(SITE)
HOST = "127.0.0.1"
TOLD_S = 5.0
"""Within which a broker answers, or says why not."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A broker behind TLS and passwords, and what lets its own in."""

    bootstrap: str
    security: Security
    folder: Path


def broker_settings(authority: Authority, word: str) -> dict[str, str]:
    """Give the settings of a broker that demands certificates of its clients, and passwords."""
    certificate, key = authority.sign("broker", HOST)
    store = certificate.with_suffix(".pem")
    store.write_bytes(key.read_bytes() + certificate.read_bytes())
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    users = f'username="broker" password="{word}" user_broker="{word}" user_engine="{word}"'
    return {
        # The listener's name stays; what it speaks does not.
        "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "listener.name.plaintext.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.ca),
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": f"{login} {users};",
    }


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Start the broker, with the topics of a site."""
    folder = tmp_path_factory.mktemp("guarded")
    authority, word = Authority(folder, "site"), uuid.uuid4().hex
    certificate, key = authority.sign("engine")
    security = Security(
        security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN",
        sasl_username="engine",
        sasl_password=word,
        ssl_ca_location=str(authority.ca),
        ssl_certificate_location=str(certificate),
        ssl_key_location=str(key),
    )
    told = {name: str(value) for name, value in security.properties().items()}
    with EmbeddedKafka(settings=broker_settings(authority, word), client=told) as broker:
        wanted = wanted_topics(TOPICS, [SITE], replication=1, reads_partitions=1)
        TopicAdmin(broker.bootstrap, security).apply(plan({}, wanted))
        yield Guarded(broker.bootstrap, security, folder)


def stream_of(guarded: Guarded, client: ClientName, security: Security) -> KafkaReadStream:
    """Open an engine's stream."""
    tag = uuid.uuid4().hex
    settings = StreamSettings(
        guarded.bootstrap,
        NAMES.reads,
        f"g.{tag}",
        f"t.{tag}",
        security=security,
        client=client,
        start_timeout_s=TOLD_S,
    )
    return KafkaReadStream(settings, Metrics(), SkippingClock())


@pytest.mark.parametrize("client", CLIENTS)
def test_reads_and_alerts_go_through(guarded: Guarded, client: ClientName) -> None:
    """Whichever client reads: what comes in is read once, and what goes out is committed."""
    follower = Follower(guarded.bootstrap, guarded.security, [NAMES.alerts])
    stream = stream_of(guarded, client, guarded.security)
    try:
        # The reads topic is the test's own through the same doors: one read in, one alert out.
        value = uuid.uuid4().bytes
        assert stream.commit([OutgoingRecord(NAMES.reads, b"c", value)])
        while value not in poll_values(stream, 1):
            pass
        assert stream.commit([OutgoingRecord(NAMES.alerts, b"k", value)])
        assert next(follower.records(lambda: False)).value == value
    finally:
        stream.close()


def test_the_past_is_read_the_same_way(guarded: Guarded) -> None:
    """Replay and audit find the topics behind the same doors."""
    settings = HistorySettings(guarded.bootstrap, NAMES.reads, guarded.security)
    history = History(settings)
    try:
        assert [part.partition for part in history.between(None, None)] == [0]
    finally:
        history.close()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("wrong", ["password", "authority", "certificate"])
def test_who_is_not_let_in_is_told_why(guarded: Guarded, client: ClientName, wrong: str) -> None:
    """Each wrong key: refused, with the setting to look at, and no password in the text."""
    stranger = Authority(guarded.folder, f"stranger-{client}-{wrong}")
    certificate, key = (str(path) for path in stranger.sign(f"other-{client}-{wrong}"))
    changes: dict[str, dict[str, str]] = {
        "password": {"sasl_password": "another"},
        "authority": {"ssl_ca_location": str(stranger.ca)},
        "certificate": {"ssl_certificate_location": certificate, "ssl_key_location": key},
    }
    security = replace(guarded.security, **changes[wrong])
    # Whose certificate is not trusted is hung up on, as by a broker that goes away.
    kind = BrokerUnavailable if wrong == "certificate" else BrokerRefused
    with pytest.raises(kind, match="certificate") as told:
        stream_of(guarded, client, security)
    assert guarded.security.sasl_password not in str(told.value)

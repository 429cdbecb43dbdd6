"""A site with strangers' plates in its reads, and ways to look for them everywhere."""

import base64
import json
import os
import random
import string
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from numba.core import config as numba_config
from packed import unpacked
from sites import PARTITIONS, World, await_true, read_json

from anpr_engine.audit.sealing import OpeningKey
from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.cli import replay as replay_command
from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.embedded import EmbeddedKafka
from anpr_engine.kafka.oldest import oldest_times_us
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, plan, wanted_topics
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.replay import kafka_reads, tally
from anpr_engine.replay import replay as replays
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.purge import rewrite_files
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC, SiteTopics

NAMES = SiteTopics("be")
DERIVED = (
    *(NAMES.alerts, CROSS_BORDER_TOPIC, NAMES.recalls, CROSS_BORDER_RECALLS),
    *(NAMES.rejected, NAMES.audit, NAMES.feedback),
)
"""Every topic but the reads' own."""
NOW = datetime.now(UTC)
STRANGERS, BROKEN, LISTED = 300, 20, 10
PURGE = (("file.delete.delay.ms", "100"), ("retention.ms", "1"), ("segment.ms", "1000"))
WAIT_S = 15.0
WHY = ("--purpose", "control", "--case", "AN-17")


def plates(mark: str, count: int, seed: int) -> list[str]:
    """Draw plates that stand nowhere by chance and begin alike, so that a search is quick."""
    drawn = random.Random(seed)
    letters = string.ascii_uppercase + string.digits
    parts = ("".join(drawn.choices(letters, k=5)) for _ in range(count))
    return [f"{mark}-{part[:3]}-{part[3:]}" for part in parts]


STRANGE, KNOWN = "ZQXJ", "KVWB"
CANARIES = plates(STRANGE, STRANGERS, 1)
UNREADABLE = plates(STRANGE, BROKEN, 2)
WANTED = plates(KNOWN, LISTED, 3)
OPEN, SEALED = WANTED[:-1], WANTED[-1]
"""The last one is shared with the other site, so that its alert is sealed."""
SIGNING, SEALING = SecretKey.new(), {"be": OpeningKey.new(), "nl": OpeningKey.new()}


def forms(plate: str) -> Iterator[bytes]:
    """Give the ways in which a plate may have been written down."""
    for text in (plate, plate.replace("-", "")):
        yield from (text.encode(), text.lower().encode(), text.encode("utf-16-le"))
        for ahead in range(3):
            # Base64 depends on what stands before; letters at the ends take in what is around.
            coded = base64.b64encode(b"\0" * ahead + text.encode())
            yield coded[-(-ahead * 8 // 6) : (ahead + len(text)) * 8 // 6]


FORMS = {plate: tuple(forms(plate)) for plate in (*CANARIES, *UNREADABLE, *WANTED)}
MARKS = tuple({form for mark in (STRANGE, KNOWN) for form in forms(mark)})


def found_in(data: bytes, wanted: Iterable[str]) -> set[str]:
    """Give the plates that stand in some bytes, in whatever form."""
    marked = [each for each in (data, *unpacked(data)) if any(mark in each for mark in MARKS)]
    return {p for p in wanted if any(form in each for each in marked for form in FORMS[p])}


def found_on_disk(folders: Iterable[Path], wanted: Sequence[str]) -> set[str]:
    """Give the plates that stand in any file of some folders, or in the name of one."""
    found: set[str] = set()
    for path in (each for folder in folders for each in folder.rglob("*")):
        found |= found_in(str(path).encode(), wanted)
        try:
            found |= found_in(path.read_bytes(), wanted) if path.is_file() else set()
        except FileNotFoundError:
            continue
    return found


@dataclass
class Searched:
    """A site whose engine has worked, and every place where something may have stayed."""

    world: World
    kafka: Path
    redis: EmbeddedRedis
    redis_folder: Path
    output: Path
    page: str = ""
    places: list[Path] = field(default_factory=list[Path])

    def topic_bytes(self, names: Sequence[str]) -> bytes:
        """Give keys, headers and values of all records of topics, rolled back ones too."""
        parts: list[bytes] = []
        settings = {"bootstrap.servers": self.world.bootstrap, "group.id": "canaries"}
        aborted = {"isolation.level": "read_uncommitted", "enable.partition.eof": "true"}
        with Consumer({**settings, **aborted, "auto.offset.reset": "earliest"}) as consumer:
            topics = consumer.list_topics(timeout=WAIT_S).topics
            waiting = {(name, part) for name in names for part in topics[name].partitions}
            consumer.assign([TopicPartition(name, part, 0) for name, part in sorted(waiting)])
            while waiting:
                message = consumer.poll(WAIT_S)
                assert message is not None
                error = message.error()
                if error is None:
                    parts += [message.key() or b"", message.value() or b""]
                    parts += [str(message.headers()).encode()]
                else:
                    assert error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - public
                    waiting.discard((message.topic() or "", message.partition() or 0))
        return b"\n".join(parts)

    def redis_bytes(self) -> bytes:
        """Give all keys of the store with what they hold, and its dump on disk."""
        with redis.Redis.from_url(self.redis.url) as client:
            client.save()
            keys = list(client.scan_iter())
            held = [bytes(key) + (client.dump(key) or b"") for key in keys]
        return b"\n".join([*held, (self.redis_folder / "dump.rdb").read_bytes()])

    def redis_files(self) -> dict[str, bytes]:
        """Give what Redis appends to, once as it grew and once written anew, and its dump."""
        appended = self.redis_folder / "appendonlydir"
        grown = b"".join(path.read_bytes() for path in sorted(appended.iterdir()))
        with RedisSession(self.redis.url) as session:
            written = rewrite_files(session, SystemClock())
        assert written == ["append-only file", "dump"]
        newest = max(appended.glob("*.base.rdb"), key=lambda path: path.stat().st_mtime_ns)
        dump = self.redis_folder / "dump.rdb"
        return {"grown": grown, "anew": newest.read_bytes(), "dump": dump.read_bytes()}

    def oldest_us(self) -> dict[int, int]:
        """Give the time of each partition's oldest read."""
        stream = StreamSettings(self.world.bootstrap, NAMES.reads, "canaries", "canaries")
        return oldest_times_us(stream, SystemClock())


def send(bootstrap: str) -> int:
    """Write reads of strangers, of listed vehicles, and records that are none; give how many."""
    good = [*CANARIES, *WANTED]
    random.Random(4).shuffle(good)
    values = [read_json("be", number, plate, NOW.isoformat()) for number, plate in enumerate(good)]
    values += [b'{"read_id":"x","plate":"%b"' % plate.encode() for plate in UNREADABLE]
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": "none"})
    for number, value in enumerate(values):
        producer.produce(NAMES.reads, value, b"cam-%d" % (number % 9))
    assert producer.flush(WAIT_S) == 0
    return len(values)


def interrupted_replay(made: World, out: Path, patch: pytest.MonkeyPatch) -> None:
    """Replay the reads, and break off after some units are done, so that their parts stay."""
    calls: list[int] = []

    def failing(lines: list[bytes]) -> str:
        calls.append(len(lines))
        if len(calls) > 3:
            raise BrokerUnavailable("Nobody answers.")
        return tally.digest_of(lines)

    patch.setattr(kafka_reads, "UNIT_RECORDS", 20)
    patch.setattr(replays, "digest_of", failing)
    place = {"ANPR_SITE": "be", "ANPR_KAFKA": made.bootstrap}
    words = ["--from", "-1d", *WHY, "--workers", "1", "--out", str(out)]
    env = {**place, "ANPR_REDIS_URL": made.redis["be"].url}
    done = CliRunner(env=env).invoke(replay_command.command, words)
    assert isinstance(done.exception, BrokerUnavailable)
    assert list(Path(f"{out}.part").iterdir())


def guarded_by(folder: Path) -> dict[str, str]:
    """Write keys; gives the settings by which alerts are signed and sealed."""
    folder.mkdir()
    write_pair(folder / "be.key", SIGNING)
    public = {site: str(write_pair(folder / f"{site}-seal", key)) for site, key in SEALING.items()}
    return {
        "ANPR_ALERTS__SIGNING_KEY": str(folder / "be.key"),
        "ANPR_ALERTS__ENCRYPT": json.dumps(public),
    }


@contextmanager
def canary_world(folder: Path) -> Iterator[Searched]:
    """Give a site that has matched, alerted and replayed, its engine still running."""
    temporary, output = folder / "tmp", folder / "out"
    for each in (temporary, output):
        each.mkdir()
    # Small indexes: Kafka sets ten megabytes aside for each, which the search would read.
    quick = {"log.retention.check.interval.ms": "500", "log.initial.task.delay.ms": "500"}
    quick["log.index.size.max.bytes"] = "16384"
    with ExitStack() as stack:
        kafka = stack.enter_context(EmbeddedKafka(folder / "kafka", quick))
        store = stack.enter_context(EmbeddedRedis(folder / "redis", persistent=True))
        with RedisSession(store.url) as session:
            session.ask("CONFIG", "SET", "rdbcompression", "no")
        admin = TopicAdmin(kafka.bootstrap)
        wanted = wanted_topics(TOPICS, ["be"], replication=1, reads_partitions=PARTITIONS)
        admin.apply(plan(admin.existing([topic.name for topic in wanted]), wanted))
        made = World(kafka.bootstrap, {"be": store}, folder)
        listed = [
            WatchlistEntry(
                entry_id=f"e{n}",
                list_id="l",
                plate=plate,
                sharing="be,nl" if plate == SEALED else "own",
            )
            for n, plate in enumerate(WANTED)
        ]
        made.load("be", listed)
        sent = send(kafka.bootstrap)
        keys = guarded_by(folder / "keys")
        engine = made.engine("be", 0, TMPDIR=str(temporary), ANPR_REJECTS__SHARE_MAX="1", **keys)
        engine.start()
        stack.callback(engine.kill)
        await_true(lambda: engine.metric("anpr_reads_total") == sent, "all reads are matched")
        with pytest.MonkeyPatch.context() as patch:
            interrupted_replay(made, output / "parts.jsonl", patch)
        command = [sys.executable, "-m", "anpr_engine", "replay", "--from", "-1d", *WHY]
        done = subprocess.run(
            [*command, "--out", str(output / "hits.jsonl")],
            env=os.environ | engine.env | {"TMPDIR": str(temporary)},
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 3, done.stderr
        (output / "told.txt").write_bytes(done.stdout + done.stderr)
        found = Searched(made, folder / "kafka", store, folder / "redis", output)
        found.page = engine.page("/metrics")[1]
        found.places = [folder, Path(vars(numba_config)["CACHE_DIR"])]
        yield found

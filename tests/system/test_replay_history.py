"""`anpr replay` over a site's own topic: the engine's hits again, and no trace but why."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from sites import PARTITIONS, World, alert_topics, read_json, world

from anpr_engine.cli import replay as command
from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.topic_values import committed_records
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.replay import kafka_reads, tally
from anpr_engine.replay import replay as replays
from anpr_engine.wire import SiteTopics

NOW = datetime.now(UTC)
LISTED = 10
READS = 400
WHY = ("--purpose", "control", "--case", "AN-17")
NDJSON = (("content-type", b"application/x-ndjson"),)


def entries(first: int, last: int) -> list[WatchlistEntry]:
    """Give entries by number."""
    return [
        WatchlistEntry(
            entry_id=f"e{number}", list_id="be-list", plate=f"1-ABC-00{number}", country="BE"
        )
        for number in range(first, last)
    ]


def sent(number: int, at: datetime) -> bytes:
    """Write a read; one of ten is of a listed vehicle."""
    listed = number % 10 == 0
    plate = f"1-ABC-00{number // 10 % LISTED}" if listed else f"2-T{chr(65 + number % 26)}T-555"
    return read_json("be", number, plate, at.isoformat())


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a site whose reads came one by one and many in a record, one of them long after."""
    with world(tmp_path_factory.mktemp("history")) as made:
        made.load("be", entries(0, LISTED))
        topic = SiteTopics("be").reads
        with ReadWriter(made.bootstrap) as writer:
            for number in range(READS // 2):
                writer.write(topic, b"c%d" % (number % 7), sent(number, NOW))
            for first in range(READS // 2, READS, 50):
                many = [sent(number, NOW) for number in range(first, first + 50)]
                writer.write(topic, b"c%d" % first, b"\n".join(many), NDJSON)
            writer.write(topic, b"late", sent(READS, NOW - timedelta(days=3)))
            writer.write(topic, b"bad", b"{")
        yield made


def replay(made: World, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Call the command for the site, with more variables."""
    place = more | {
        "ANPR_SITE": "be",
        "ANPR_KAFKA": made.bootstrap,
        "ANPR_REDIS_URL": made.redis["be"].url,
    }
    return subprocess.run(
        [sys.executable, "-m", "anpr_engine", "replay", *WHY, *words],
        env=os.environ | place,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def ends(made: World) -> dict[str, list[int]]:
    """Give the end of every partition of every topic of the site."""
    topics = SiteTopics("be")
    names = [topics.reads, topics.rejected, *alert_topics(["be"])]
    found: dict[str, list[int]] = {}
    with Consumer({"bootstrap.servers": made.bootstrap, "group.id": "ends"}) as consumer:
        for name in names:
            count = len(consumer.list_topics(name).topics[name].partitions)
            places = [TopicPartition(name, partition) for partition in range(count)]
            found[name] = [consumer.get_watermark_offsets(place)[1] for place in places]
    return found


def test_a_replay_finds_what_the_engine_found_and_leaves_no_trace(
    replayed: World, tmp_path: Path
) -> None:
    """Hits of the time asked for are the engine's alerts; topics and groups stay as they were."""
    admin = AdminClient({"bootstrap.servers": replayed.bootstrap})
    before = ends(replayed)
    out = tmp_path / "hits.parquet"
    done = replay(replayed, "--from", "-1d", "--out", str(out), "--json", "--workers", "2")
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert (told["reads"], told["outside"], told["rejected"]) == (READS + 2, 1, 1)
    assert "anpr.reads.be/" in done.stderr
    assert ends(replayed) == before
    assert admin.list_consumer_groups().result().valid == []
    engine = replayed.engine("be", 0, "--until-end", ANPR_MATCH__NEAR_PROBABILITY_MIN="0.5")
    engine.start()
    assert engine.process is not None
    assert engine.process.wait(120.0) == 0
    alerts = [
        json.loads(record.value)
        for record in replayed.committed(alert_topics(["be"]), told["hits"] + 1)
    ]
    alerted = {(alert["read"]["read_id"], alert["entry"]["entry_id"]) for alert in alerts}
    late = f"be-{READS:07d}"
    rows = pq.read_table(out).to_pylist()
    found = {(row["read_id"], row["entry_id"]) for row in rows}
    assert len(found) == len(rows) == told["hits"] == READS // 10
    assert found == {pair for pair in alerted if pair[0] != late}
    assert late in {read_id for read_id, _ in alerted}


def test_offsets_in_place_of_times_and_other_lists(replayed: World, tmp_path: Path) -> None:
    """Partitions one by one, with any number of workers, add up to the whole."""
    listed = tmp_path / "entries.csv"
    rows = [f"{entry.plate},{entry.entry_id},l\n" for entry in entries(0, LISTED)]
    listed.write_text("plate,entry_id,list_id\n" + "".join(rows))
    words = ("--watchlist", str(listed), "--json", "--out")
    whole = json.loads(replay(replayed, "--from", "-9d", *words, str(tmp_path / "w.jsonl")).stdout)
    parts = [
        json.loads(
            replay(replayed, "--from-offset", f"{partition}:0", *words, str(tmp_path / name)).stdout
        )
        for partition, name in enumerate(f"{number}.jsonl" for number in range(PARTITIONS))
    ]
    for name in ("reads", "hits", "rejected"):
        assert sum(part[name] for part in parts) == whole[name]
    digest = sum(int(part["digest"], 16) for part in parts) % 2**128
    assert f"{digest:032x}" == whole["digest"]


def test_lists_of_a_time_are_given_only_where_they_are_known(
    replayed: World, tmp_path: Path
) -> None:
    """A time before the store's last change is refused with what to do; a later one is not."""
    out = tmp_path / "hits.jsonl"
    refused = replay(replayed, "--from", "-9d", "--as-of", "-30d", "--out", str(out))
    assert refused.returncode == 1
    assert "what was removed or altered is not kept" in refused.stderr
    assert "--watchlist FILE" in refused.stderr
    assert not list(tmp_path.iterdir())
    now = datetime.now(UTC).isoformat()
    known = replay(replayed, "--from", "-9d", "--as-of", now, "--out", str(out), "--json")
    today = replay(replayed, "--from", "-9d", "--out", str(tmp_path / "t.jsonl"), "--json")
    assert json.loads(known.stdout)["digest"] == json.loads(today.stdout)["digest"]
    assert json.loads(known.stdout)["hits"] == READS // 10 + 1


def test_files_are_matched_against_the_lists_in_redis(replayed: World, tmp_path: Path) -> None:
    """Without --watchlist the lists are those in Redis, and no broker is asked."""
    reads, out = tmp_path / "reads.jsonl", tmp_path / "hits.jsonl"
    reads.write_bytes(b"\n".join(sent(number, NOW) for number in range(50)))
    words = [
        "--reads",
        str(reads),
        "--out",
        str(out),
        "--json",
        "--redis",
        replayed.redis["be"].url,
    ]
    place = {"ANPR_SITE": "be", "ANPR_KAFKA": None, "ANPR_REDIS_URL": None}
    done = CliRunner(env=place).invoke(command.command, words)
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [hit["entry_id"] for hit in found] == [f"e{number}" for number in range(5)]
    assert {hit["list_id"] for hit in found} == {"be-list"}


def test_a_replay_of_kafka_goes_on_over_the_same_records(
    replayed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it ends was fixed at the first start; reads that came in meanwhile are not its own."""
    listed = tmp_path / "entries.csv"
    rows = [f"{entry.plate},{entry.entry_id},l\n" for entry in entries(0, LISTED)]
    listed.write_text("plate,entry_id,list_id\n" + "".join(rows))
    # A site of its own: what comes in here is no part of the other tests.
    topic = SiteTopics("nl").reads
    with ReadWriter(replayed.bootstrap) as writer:
        for number in range(READS):
            writer.write(topic, b"c%d" % (number % 7), sent(number, NOW))
    place = {"ANPR_SITE": "nl", "ANPR_KAFKA": replayed.bootstrap, "ANPR_REDIS_URL": None}
    words = [*WHY, "--from", "-9d", "--watchlist", str(listed), "--json"]
    words += ["--workers", "1", "--out"]

    def run(out: str) -> Result:
        done = CliRunner(env=place).invoke(command.command, [*words, str(tmp_path / out)])
        assert "Traceback" not in done.output
        return done

    whole = json.loads(run("whole.jsonl").stdout)
    monkeypatch.setattr(kafka_reads, "UNIT_RECORDS", 20)
    called: list[int] = []

    def failing(lines: list[bytes]) -> str:
        called.append(len(lines))
        if len(called) == 4:
            raise BrokerUnavailable("Nobody answers.")
        return tally.digest_of(lines)

    with monkeypatch.context() as broken:
        broken.setattr(replays, "digest_of", failing)
        assert isinstance(run("out.jsonl").exception, BrokerUnavailable)
    with ReadWriter(replayed.bootstrap) as writer:
        for number in range(READS + 1, READS + 50):
            writer.write(topic, b"c%d" % (number % 7), sent(number, NOW))
    rest = json.loads(run("out.jsonl").stdout)
    assert rest["units_before"] == 3
    assert [rest[name] for name in ("reads", "hits", "digest")] == [
        whole[name] for name in ("reads", "hits", "digest")
    ]
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def audited(made: World, action: str) -> list[dict[str, object]]:
    """Give the acts of one kind in the site's record."""
    log = HistorySettings(made.bootstrap, SiteTopics("be").audit)
    found = [json.loads(each.value) for each in committed_records(log, lambda: False)]
    return [each for each in found if each["action"] == action]


def test_a_replay_is_recorded_before_anything_is_given(replayed: World, tmp_path: Path) -> None:
    """Who, what for, in which case and from when to when stand in the record; no plate does."""
    words = ("--from", "-9d", "--to", "-1h", "--as", "insp.peeters")
    before = len(audited(replayed, "reads-replayed"))
    done = replay(replayed, *words, "--out", str(tmp_path / "h.jsonl"))
    assert done.returncode == 3, done.stderr
    acts = audited(replayed, "reads-replayed")
    assert len(acts) == before + 1
    told = acts[-1]
    assert [told[name] for name in ("actor", "purpose", "case_ref")] == [
        "insp.peeters",
        "control",
        "AN-17",
    ]
    assert str(told["subject"]).startswith("anpr.reads.be from=-9d to=-1h")
    assert told["chain"] == "be/desk"


def test_a_replay_without_a_reason_or_for_another_purpose_is_refused(
    replayed: World, tmp_path: Path
) -> None:
    """Exit code 4, what to do, nothing written and no act recorded."""
    listed, out = tmp_path / "entries.csv", str(tmp_path / "h.jsonl")
    listed.write_text(
        "plate,entry_id,list_id,purpose,category\n1-ABC-001,e1,l,Transit,drug-smuggling\n"
    )
    words = ("--from", "-9d", "--watchlist", str(listed), "--out", out)
    before = len(audited(replayed, "reads-replayed"))
    for why in (("--purpose", ""), ("--case", " "), ("--purpose", "burglary")):
        done = replay(replayed, *words, *why, ANPR_AUDIT__REQUIRED="true")
        assert done.returncode == 4, done.stderr
        assert "purpose" in done.stderr or "--case" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["entries.csv"]
    assert len(audited(replayed, "reads-replayed")) == before
    for purpose in ("transit", "DRUG-smuggling"):
        assert replay(replayed, *words, "--purpose", purpose).returncode in {0, 3}
    assert len(audited(replayed, "reads-replayed")) == before + 2


def test_a_replay_without_a_reason_is_odd(replayed: World, tmp_path: Path) -> None:
    """Where the site demands none it is done, with a warning, and the record shows what lacks."""
    words = ("--from", "-9d", "--to", "-1h", "--case", "", "--out", str(tmp_path / "h.jsonl"))
    done = replay(replayed, *words)
    assert done.returncode == 3, done.stderr
    assert "warning: --case is not given" in done.stderr
    last = audited(replayed, "reads-replayed")[-1]
    assert (last["purpose"], last["case_ref"]) == ("control", "")

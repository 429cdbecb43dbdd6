"""Plates of reads that hit nothing, looked for everywhere once the reads' time is up.

Reads are written uncompressed, so that a search of the broker's disk sees what is there; so is what
Redis writes: the file that it appends every command to, and its dump. What the engine writes is
compressed on disk, so those topics are read through a consumer, whatever their transactions came
to.
"""

import json
import time
from collections.abc import Iterator

import pytest
from canary_worlds import (
    CANARIES,
    DERIVED,
    LISTED,
    NAMES,
    NOW,
    OPEN,
    PURGE,
    SEALED,
    SEALING,
    SIGNING,
    UNREADABLE,
    WAIT_S,
    WANTED,
    Searched,
    canary_world,
    found_in,
    found_on_disk,
)
from confluent_kafka.admin import AdminClient
from sites import PARTITIONS, await_true

from anpr_engine.audit.check_alerts import AlertChecker, PinnedKey
from anpr_engine.audit.jwe import Opener
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.oldest import oldest_age_s
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, Step, wanted_topics
from anpr_engine.records.alert import Alert
from anpr_engine.wire import CROSS_BORDER_TOPIC

STRANGE_PLATES = [*CANARIES, *UNREADABLE]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    """Give the site, once for all tests."""
    with canary_world(tmp_path_factory.mktemp("canaries")) as made:
        yield made


def alerted(made: Searched) -> set[str]:
    """Give the plates that stand in alerts."""
    return found_in(made.topic_bytes([NAMES.alerts, CROSS_BORDER_TOPIC]), WANTED)


def assert_all_is_there(searched: Searched) -> None:
    """Before the reads' time is up all of them lie on the broker's disk, as they were written."""
    everything = [*STRANGE_PLATES, *WANTED]
    assert found_on_disk([searched.kafka], everything) == set(everything)
    assert alerted(searched) == set(OPEN)
    assert found_in(searched.redis_bytes(), WANTED) == set(WANTED)
    for name, data in searched.redis_files().items():
        assert found_in(data, WANTED) == set(WANTED), name
        assert found_in(data, STRANGE_PLATES) == set(), name
    assert found_on_disk([searched.output], WANTED) == set(WANTED)
    hits = (searched.output / "hits.jsonl").read_text().splitlines()
    assert {json.loads(line)["watchlist_plate"] for line in hits} == set(WANTED)
    oldest = searched.oldest_us()
    assert oldest.keys() == set(range(PARTITIONS))
    now_us = SystemClock().now_us()
    assert 0 <= oldest_age_s(oldest, now_us) <= (now_us - NOW.timestamp() * 1e6) / 1e6


def purge(searched: Searched) -> None:
    """Let the reads' time be up, and await the broker's deletion of them."""
    (reads,) = (t for t in wanted_topics(TOPICS, ["be"], replication=1) if t.name == NAMES.reads)
    TopicAdmin(searched.world.bootstrap).apply([Step("set", reads, "purge", PURGE)])
    await_true(
        lambda: not found_on_disk([searched.kafka], STRANGE_PLATES), "the broker's disk holds none"
    )


def assert_no_stranger_is_anywhere(searched: Searched) -> None:
    """No file holds one; the hits are where they belong."""
    assert found_on_disk(searched.places, STRANGE_PLATES) == set()
    assert alerted(searched) == set(OPEN)


def assert_the_reads_are_gone(searched: Searched) -> None:
    """What is left of the topic is its offsets; nobody can replay what is not there."""
    client = AdminClient({"bootstrap.servers": searched.world.bootstrap})
    assert NAMES.reads in client.list_topics(timeout=WAIT_S).topics
    assert searched.topic_bytes([NAMES.reads]) == b""
    assert searched.oldest_us() == {}
    assert oldest_age_s({}, 1) == 0.0


def test_no_stranger_leaves_the_topic_of_reads(searched: Searched) -> None:
    """No alert, dead letter, audit line, key of the store or metric holds a stranger's plate."""
    assert found_in(searched.topic_bytes(DERIVED), STRANGE_PLATES) == set()
    assert found_in(searched.redis_bytes(), STRANGE_PLATES) == set()
    assert found_in(searched.page.encode(), [*STRANGE_PLATES, *WANTED]) == set()


def test_the_engine_signs_what_it_publishes_and_seals_what_leaves(searched: Searched) -> None:
    """Every alert holds for the recipients' check; the one for abroad opens for both sites."""
    checkers = {
        site: AlertChecker(site, {SIGNING.key_id: PinnedKey(SIGNING.public, "be")})
        for site in SEALING
    }
    records = searched.world.committed([NAMES.alerts, CROSS_BORDER_TOPIC], LISTED)
    assert len(records) == LISTED
    for record in records:
        alert = Alert.model_validate_json(record.value)
        for site in alert.recipients:
            proof = checkers[site].check(alert, record.value, record.headers, time.time())
            assert (proof.state, proof.flaw) == ("signed", None)
    (abroad,) = [record for record in records if record.topic == CROSS_BORDER_TOPIC]
    sealed = Alert.model_validate_json(abroad.value)
    assert sealed.read.plate == sealed.entry.plate == ""
    for key in SEALING.values():
        found = Opener(key).open(sealed)
        assert isinstance(found, Alert)
        assert found.entry.plate == SEALED


def test_no_stranger_is_left_once_the_reads_time_is_up(searched: Searched) -> None:
    """What the search finds before, it finds nowhere after; one test, for it takes them away."""
    assert_all_is_there(searched)
    purge(searched)
    assert_no_stranger_is_anywhere(searched)
    assert_the_reads_are_gone(searched)

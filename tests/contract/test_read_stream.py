"""The contract of `ports.ReadStream`, run on the fake and on a real broker."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from stream_worlds import (
    ALERTS,
    CLIENTS,
    MISSING,
    KafkaWorld,
    MemoryWorld,
    World,
    poll_some,
    poll_values,
)

from anpr_engine.ports import BatchLimits
from anpr_engine.wire import OutgoingRecord

if TYPE_CHECKING:
    from servers import Broker


@pytest.fixture(params=["memory", *CLIENTS])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Give a fresh world of each kind."""
    made: World
    if request.param == "memory":
        made = MemoryWorld()
    else:
        broker: Broker = request.getfixturevalue("kafka")
        made = KafkaWorld(broker.bootstrap, request.param)
    yield made
    made.tear_down()


def alert(world: World, value: bytes) -> OutgoingRecord:
    """Make a record for the alerts topic."""
    return OutgoingRecord(world.topic(ALERTS), b"key", value, (("ce_id", b"1"),))


def refused(world: World) -> OutgoingRecord:
    """Make a record that cannot be written."""
    return OutgoingRecord(world.topic(MISSING), b"key", b"lost")


def test_gives_reads_in_partition_order(world: World) -> None:
    """Every read comes once, in the order of its partition, with its origin; null is empty."""
    world.write(0, [b"a", b"b", None])
    world.write(1, [b"x", b"y"])
    stream = world.open()
    by_partition: dict[int, list[tuple[int, bytes]]] = {0: [], 1: []}
    while sum(map(len, by_partition.values())) < 5:
        batch = poll_some(stream)
        for row, value in enumerate(batch.values):
            origin = batch.origin(row)
            assert origin.topic == world.topic("reads")
            by_partition[origin.partition].append((origin.offset, value))
    assert by_partition[0] == [(0, b"a"), (1, b"b"), (2, b"")]
    assert by_partition[1] == [(0, b"x"), (1, b"y")]


def test_gives_none_when_there_is_nothing(world: World) -> None:
    """A poll of an empty topic comes back empty-handed, again and again."""
    stream = world.open()
    assert [stream.poll(BatchLimits(wait_ms_max=5)) for _ in range(3)] == [None] * 3


def test_keeps_to_the_number_of_reads(world: World) -> None:
    """No batch holds more reads than asked for, and none is left out."""
    written = [b"%03d" % number for number in range(50)]
    world.write(0, written)
    stream = world.open()
    found: list[bytes] = []
    while len(found) < 50:
        batch = poll_some(stream, BatchLimits(reads_max=7))
        assert len(batch.values) <= 7
        found += batch.values
    assert found == written


def test_closes_a_batch_at_its_bytes(world: World) -> None:
    """A batch ends with the first reads that reach the limit."""
    world.write(0, [b"r" * 1000] * 2000)
    stream, left = world.open(), 2000
    while left:
        batch = poll_some(stream, BatchLimits(bytes_max=500_000))
        assert len(batch.values) <= 500
        left -= len(batch.values)


def test_publishes_with_progress(world: World) -> None:
    """A committed alert is seen once, and the reads it came of are not given again."""
    world.write(0, [b"a", b"b"])
    stream = world.open()
    assert poll_values(stream, 2) == [b"a", b"b"]
    assert stream.commit([alert(world, b"hit")])
    stream.close()
    world.write(0, [b"c"])
    assert poll_values(world.open(), 1) == [b"c"]
    assert world.published() == [b"hit"]


def test_rolls_back_whole(world: World) -> None:
    """If one record cannot be written none is seen, and the same reads are given again."""
    world.write(0, [b"a", b"b"])
    world.write(1, [b"c"])
    stream = world.open()
    first = sorted(poll_values(stream, 3))
    assert not stream.commit([alert(world, b"lost"), refused(world)])
    assert sorted(poll_values(stream, 3)) == first
    assert stream.commit([alert(world, b"hit")])
    assert world.published() == [b"hit"]


def test_rolls_back_to_the_last_commit_only(world: World) -> None:
    """What an earlier commit without records covered is not given again."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    assert stream.commit([])
    world.write(0, [b"b"])
    assert poll_values(stream, 1) == [b"b"]
    assert not stream.commit([refused(world)])
    assert poll_values(stream, 1) == [b"b"]


def test_polls_on_while_a_commit_is_under_way(world: World) -> None:
    """What is polled meanwhile is covered by the next commit, not by the one under way."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    stream.start_commit([alert(world, b"first")])
    world.write(0, [b"b"])
    assert poll_values(stream, 1) == [b"b"]
    assert stream.finish_commit()
    assert stream.finish_commit()
    assert poll_values(world.open(), 1) == [b"b"]
    assert world.published() == [b"first"]


def test_a_commit_that_fails_takes_back_what_was_polled_meanwhile(world: World) -> None:
    """Both parts are given again, in order."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    stream.start_commit([alert(world, b"lost"), refused(world)])
    world.write(0, [b"b"])
    assert poll_values(stream, 1) == [b"b"]
    assert not stream.finish_commit()
    assert poll_values(stream, 2) == [b"a", b"b"]
    assert stream.commit([alert(world, b"hit")])
    assert world.published() == [b"hit"]


def test_closing_finishes_a_commit_under_way(world: World) -> None:
    """Its records are seen, and its reads are not given again."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    stream.start_commit([alert(world, b"hit")])
    stream.close()
    world.write(0, [b"b"])
    assert poll_values(world.open(), 1) == [b"b"]
    assert world.published() == [b"hit"]


def test_gives_again_what_a_crash_left(world: World) -> None:
    """Reads that were polled and not committed go to whoever comes after a crash."""
    world.write(0, [b"a", b"b"])
    stream = world.open()
    poll_values(stream, 2)
    assert stream.commit([alert(world, b"hit")])
    world.write(0, [b"c"])
    poll_values(stream, 1)
    assert poll_values(world.open(), 1) == [b"c"]
    assert world.published() == [b"hit"]


def test_puts_off_a_commit_without_records(world: World) -> None:
    """Progress without records is saved half a second later, with the next poll."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    assert stream.commit([])
    stream = world.open()
    assert poll_values(stream, 1) == [b"a"]
    assert stream.commit([])
    world.clock.skip(0.6)
    stream.poll(BatchLimits())
    world.write(0, [b"b"])
    assert poll_values(world.open(), 1) == [b"b"]


def test_saves_on_close_what_was_committed(world: World) -> None:
    """Closing saves a commit that was put off, and nothing that was only polled."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    assert stream.commit([])
    world.write(0, [b"b"])
    poll_values(stream, 1)
    stream.close()
    stream.close()
    assert poll_values(world.open(), 1) == [b"b"]


def test_is_caught_up_at_the_ends_seen_when_opened(world: World) -> None:
    """Later reads do not move the goal; an empty topic is caught up at once."""
    assert world.open().caught_up()
    world.write(0, [b"a"])
    stream = world.open()
    assert not stream.caught_up()
    poll_values(stream, 1)
    world.write(1, [b"b"])
    assert stream.caught_up()


def test_is_caught_up_where_another_saved_all(world: World) -> None:
    """A stream opened when everything is saved has nothing to catch up with."""
    world.write(0, [b"a"])
    stream = world.open()
    poll_values(stream, 1)
    assert stream.commit([alert(world, b"hit")])
    stream.close()
    assert world.open().caught_up()


def test_tells_its_lag(world: World) -> None:
    """What is written and not yet polled is the lag; at the end it is none."""
    world.write(0, [b"a", b"b", b"c"])
    stream = world.open()
    assert len(poll_some(stream, BatchLimits(reads_max=1)).values) == 1
    assert stream.lag()[0] == 2
    poll_values(stream, 2)
    assert stream.lag()[0] == 0

"""A batch of the native client, large or small: every value in its place, every message back."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from native_memory import FakeMessages
from oracle_messages import Written

from anpr_engine.kafka.native_batch import SHARED_BYTES_MIN, MessageTaker

if TYPE_CHECKING:
    from anpr_engine.kafka.native_library import Library


@pytest.mark.parametrize("value_bytes", [10, SHARED_BYTES_MIN // 4])
@pytest.mark.parametrize("records", [1, 2, 9, 64])
def test_a_batch_has_every_record_and_keeps_no_message(records: int, value_bytes: int) -> None:
    """Two threads copy a large one; times, places and headers stay with their records."""
    written = [
        Written(
            error=0,
            partition=0,
            value=bytes([row]) * (value_bytes + row),
            offset=100 + row,
            appended_at_ms=1000 + row,
            headers=((b"row", b"%d" % row),) if row % 3 else (),
        )
        for row in range(records)
    ]
    memory = FakeMessages(written)
    kept: list[object] = []

    def functions() -> object:
        # Each thread has room of its own to write to.
        found = memory.more_functions()
        kept.append(found)
        return found

    taker = MessageTaker(cast("Library", SimpleNamespace(functions=functions)), "reads")
    half = records // 2
    chunks = [taker.chunk(memory.addresses[:half]), taker.chunk(memory.addresses[half:])]
    batch = taker.batch(chunks, [])
    assert list(batch.values) == [each.value for each in written]
    for row, each in enumerate(written):
        origin = batch.origin(row)
        assert (origin.offset, origin.appended_at_us) == (each.offset, 1000 * (1000 + row))
        told = tuple((name.decode(), value) for name, value in each.headers)
        assert batch.headers(row) == told
    taker.close()
    assert sorted(memory.destroyed) == sorted(memory.addresses.tolist())

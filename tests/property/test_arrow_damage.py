"""Arrow streams that are damaged, or lie of themselves: found by the kernel as by pyarrow."""

import struct
from typing import Any

import batch_records
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_arrow_plain import SOUND, left_by_the_kernel, taken, with_care
from test_arrow_shared import told

from anpr_engine.pipeline.batches.arrow_schema import plain_schema
from anpr_engine.pipeline.batches.arrow_stream import is_little_endian, schema_message

WHOLE = batch_records.arrow(SOUND)
META_BYTES_MIN = len(schema_message(memoryview(WHOLE)))


LIES = {
    "an offset past the texts": (struct.pack("<5i", 0, 7, 14, 21, 28), 16, 40),
    "an offset before the one before it": (struct.pack("<5i", 0, 7, 14, 21, 28), 12, 3),
    "an offset before all texts": (struct.pack("<5i", 0, 7, 14, 21, 28), 0, 255 << 24),
    "fewer missing than there are": (struct.pack("<qq", 4, 3), 8, 2),
    "more missing than there are": (struct.pack("<qq", 4, 3), 8, 4),
    "more rows than there are": (struct.pack("<qq", 4, 0), 0, 5),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_stream_that_lies_of_itself_is_refused(lie: str) -> None:
    """Wherever it does, and by pyarrow, to which the kernel leaves it."""
    told_bytes, within, instead = LIES[lie]
    places = [at for at in range(len(WHOLE)) if WHOLE.startswith(told_bytes, at)]
    assert places
    for at in places:
        damaged = bytearray(WHOLE)
        damaged[at + within : at + within + 4] = struct.pack("<I", instead)
        values = [WHOLE, bytes(damaged)]
        assert left_by_the_kernel(values) == [1]
        assert told(taken(values)) == told(with_care(values))
        assert [each.row for each in taken(values).rejects] == [4]


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 255)), min_size=1, max_size=3)
)
@settings(max_examples=300)
def test_damage_is_found_as_pyarrow_finds_it(flips: list[tuple[int, int]]) -> None:
    """Flipped bytes anywhere: the same reads, or the record is refused; its neighbours stay.

    Only pyarrow looks at what stands between the numbers of a message's metadata: there the kernel
    may still take a record that it would refuse.
    """
    damaged = bytearray(WHOLE)
    for place, change in flips:
        damaged[place] ^= change
    values = [WHOLE, bytes(damaged), WHOLE]
    expected, found = with_care(values), taken(values)
    refused = [expected.record_of(each.row) for each in expected.rejects if each.row == 4]
    body = len(WHOLE) - 8 - _body_bytes(WHOLE)
    if refused == [1] and len(expected) == 9 and any(place < body for place, _ in flips):
        return
    assert told(found) == told(expected)


def _body_bytes(value: bytes) -> int:
    with pa.ipc.open_stream(value) as opened:
        batch = opened.read_next_batch()
    return sum(-(-buffer.size // 8) * 8 for column in batch for buffer in _buffers(column))


def _buffers(column: Any) -> list[Any]:  # noqa: ANN401 - pyarrow is untyped
    return [buffer for buffer in column.buffers() if buffer is not None]


@given(st.binary(max_size=400), st.integers(0, 3))
def test_random_bytes_behind_a_schema_are_refused(tail: bytes, marks: int) -> None:
    """With the mark of a message, or two, before them; never a read, never a crash."""
    head = WHOLE[:META_BYTES_MIN] + b"\xff\xff\xff\xff" * marks
    values = [head + tail, WHOLE]
    assert told(taken(values)) == told(with_care(values))


def test_a_schema_of_another_byte_order_is_not_read() -> None:
    """Its streams are left to pyarrow, which swaps their bytes."""
    message = schema_message(memoryview(WHOLE))
    assert is_little_endian(message)
    metadata = 8
    root = metadata + _number(message, metadata)
    header = root + _number(message, root - _number(message, root) + 8, 2)
    schema = header + _number(message, header)
    places = schema - _number(message, schema)
    # The order of bytes is told where the list of fields is, which is not 0.
    big = bytearray(message)
    big[places + 4 : places + 6] = message[places + 6 : places + 8]
    assert not is_little_endian(bytes(big))
    assert plain_schema(bytes(big)) is None


def _number(message: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(message[at : at + size], "little", signed=size == 4)

"""Records in one run of bytes, and that decoding takes them as it takes a list."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.pipeline.decode import decode
from anpr_engine.ports import RecordValues

LATEST_US = 2_000_000_000_000_000


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_is_the_sequence_it_was_made_of(values: list[bytes]) -> None:
    """Length, order, rows from either end, slices and iteration are those of the list."""
    packed = RecordValues.joined(values)
    assert len(packed) == len(values)
    assert list(packed) == values
    assert [packed[row] for row in range(-len(values), 0)] == values
    assert packed[1:5] == values[1:5]
    assert packed[::-2] == values[::-2]
    assert packed.bounds[-1] == len(b"".join(values))


def test_has_no_row_past_its_end() -> None:
    """A row that is not there is an error, not bytes of another record."""
    with pytest.raises(IndexError):
        RecordValues.joined([b"a"])[1]


def test_decoding_does_not_copy_a_run() -> None:
    """A run is scanned where it is, and gives what the list of its records gives."""
    read = {
        "read_id": "1",
        "camera_id": "c",
        "captured_at": "2026-11-22T09:00:00Z",
        "plate": "1-ABC-123",
    }
    values = [json.dumps(read).encode(), b"", b"{", json.dumps(read | {"plate": "é"}).encode()]
    packed = RecordValues.joined(values)
    listed, run = decode(values, LATEST_US), decode(packed, LATEST_US)
    assert run.buffer is packed.buffer
    assert np.array_equal(listed.spans, run.spans)
    assert (listed.rejects, listed.careful) == (run.rejects, run.careful)
    assert len(run.rejects) == 2

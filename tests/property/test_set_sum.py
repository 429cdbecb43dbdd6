"""Sums of row hashes: the kernel is its twin, and a sum depends on the rows alone."""

import numpy as np
import oracle_set_sum as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anpr_engine.kernels import set_sum

ROWS = st.lists(st.binary(max_size=300), max_size=4)


def _arrays(rows: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    text = np.frombuffer(b"".join(rows), dtype=np.uint8)
    return text, np.cumsum([len(row) for row in rows], dtype=np.int64)


@given(ROWS, st.integers(0, 2**64 - 1))
@settings(max_examples=40)
def test_the_kernel_is_its_twin(rows: list[bytes], before: int) -> None:
    """Whatever rows, whatever sum was there before."""
    text, ends = _arrays(rows)
    sums, expected = (np.full(set_sum.WORDS, before, dtype=np.uint64) for _ in range(2))
    work = np.empty(set_sum.WORK_WORDS, dtype=np.uint64)
    set_sum.add_row_hashes(text, ends, work, sums)
    oracle.add_row_hashes(text, ends, work, expected)
    assert sums.tolist() == expected.tolist()


def test_blocks_begin_and_end_where_the_standard_says() -> None:
    """Rows of 0, 127, 128, 129, 256 and 257 bytes: the edges of blocks."""
    for size in (0, 127, 128, 129, 256, 257):
        text, ends = _arrays([bytes(range(256)) * 2, b"x" * size])
        sums, expected = (np.zeros(set_sum.WORDS, dtype=np.uint64) for _ in range(2))
        work = np.empty(set_sum.WORK_WORDS, dtype=np.uint64)
        set_sum.add_row_hashes(text, ends, work, sums)
        oracle.add_row_hashes(text, ends, work, expected)
        assert sums.tolist() == expected.tolist()

"""What all stored entries come to: one number that says whether two sets of rows are the same.

Why so wide a sum: a writer must bring it up to date for one changed row among ten million, so it
is a sum of hashes, one a row. Whoever may write to Redis could look for other rows of the same
sum. With 256 bits that is an evening's work (Wagner's k-list birthday search: for rows of one's own
choosing about 2**32 steps, for XOR mere linear algebra), and a secret key in the hash would have
to be on every engine. 2,048 bits make it 2**106 steps at sixteen million entries.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.set_sum import WORDS, WORK_WORDS, add_row_hashes

HEX_DIGITS = WORDS * 16


class RowSum:
    """The sum over a set of rows, as they stand in Redis; for one thread."""

    __slots__ = ("_words",)

    def __init__(self, words: NDArray[np.uint64] | None = None) -> None:
        """Begin with no row, or with the words of another sum."""
        self._words = np.zeros(WORDS, dtype=np.uint64) if words is None else words.copy()

    @classmethod
    def read(cls, text: str) -> "RowSum":
        """Read what `text` wrote; raises ValueError for anything else."""
        if len(text) != HEX_DIGITS:
            raise ValueError
        return cls(np.frombuffer(bytes.fromhex(text), dtype="<u8").astype(np.uint64))

    def text(self) -> str:
        """Write the sum as hexadecimal digits."""
        return self._words.astype("<u8").tobytes().hex()

    def add(self, rows: Sequence[bytes]) -> None:
        """Add rows."""
        self._words += _sum_of(rows)

    def remove(self, rows: Sequence[bytes]) -> None:
        """Take rows out that were added."""
        self._words -= _sum_of(rows)

    def join(self, other: "RowSum") -> None:
        """Add all rows of another sum."""
        self._words += other._words  # noqa: SLF001 - another of the same kind


def _sum_of(rows: Sequence[bytes]) -> NDArray[np.uint64]:
    sums = np.zeros(WORDS, dtype=np.uint64)
    text = np.frombuffer(b"".join(rows), dtype=np.uint8)
    ends = np.cumsum(np.fromiter(map(len, rows), dtype=np.int64, count=len(rows)))
    add_row_hashes(text, ends, np.empty(WORK_WORDS, dtype=np.uint64), sums)
    return sums

"""The naive twin of `kernels/set_sum`: digests by hashlib, sums by Python's integers."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def add_row_hashes(
    text: NDArray[np.uint8],
    ends: NDArray[np.int64],
    work: NDArray[np.uint64],
    sums: NDArray[np.uint64],
) -> None:
    """Add the hashes of rows to a sum."""
    assert work.size == 48
    totals = [int(word) for word in sums]
    begin = 0
    for end in ends.tolist():
        row = text[begin:end].tobytes()
        for part in range(4):
            person = b"anpr-wl-rowset-%d" % part
            digest = hashlib.blake2b(row, person=person).digest()
            for word in range(8):
                value = int.from_bytes(digest[8 * word : 8 * word + 8], "little")
                totals[8 * part + word] = (totals[8 * part + word] + value) % 2**64
        begin = end
    sums[:] = totals

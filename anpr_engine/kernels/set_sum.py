"""Sums of the hashes of rows, which say whether two sets of rows are the same.

A row's hash is four BLAKE2b digests of 64 bytes (RFC 7693), told apart by their personalisation,
as 32 words; hashes are added word by word, modulo 2**64, so that a row can be added to and taken
out of a sum without the others. `hashlib` gives the same digests, but holds up every other thread
meanwhile.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i64, kernel, routine, u8, u64, written

WORDS = 32
WORK_WORDS = WORDS + 16
PERSON = b"anpr-wl-rowset-0"
"""The personalisation of the first digest; the others count up from it."""
BLOCK_BYTES = 128

_IV = np.array(
    [
        *(0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1),
        *(0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179),
    ],
    dtype=np.uint64,
)
_ORDER = np.array(
    [
        *(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        *(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
        *(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
        *(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
        *(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
        *(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
        *(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
        *(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
        *(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
        *(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
        *(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        *(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    ],
    dtype=np.int64,
)
_START = np.tile(_IV, 4)
_START[::8] ^= np.uint64(0x01010040)
_START[6::8] ^= np.uint64(int.from_bytes(PERSON[:8], "little"))
_START[7::8] ^= np.array(
    [int.from_bytes(PERSON[8:], "little") + (n << 56) for n in range(4)], dtype=np.uint64
)


@helper
def _mix(a: Word, b: Word, c: Word, d: Word, x: Word, y: Word) -> tuple[Word, Word, Word, Word]:
    a = a + b + x
    d = d ^ a
    d = (d >> np.uint64(32)) | (d << np.uint64(32))
    c = c + d
    b = b ^ c
    b = (b >> np.uint64(24)) | (b << np.uint64(40))
    a = a + b + y
    d = d ^ a
    d = (d >> np.uint64(16)) | (d << np.uint64(48))
    c = c + d
    b = b ^ c
    b = (b >> np.uint64(63)) | (b << np.uint64(1))
    return a, b, c, d


@routine
def _compress(work: NDArray[np.uint64], first: int, taken: Word, last: Word) -> None:
    """Take a block, in `work` behind the hashes, into the hash that begins at `first`."""
    a0, a1, a2, a3 = work[first], work[first + 1], work[first + 2], work[first + 3]
    b0, b1, b2, b3 = work[first + 4], work[first + 5], work[first + 6], work[first + 7]
    c0, c1, c2, c3 = _IV[0], _IV[1], _IV[2], _IV[3]
    d0, d1, d2, d3 = _IV[4] ^ taken, _IV[5], _IV[6] ^ last, _IV[7]
    for at in range(0, 192, 16):
        x, y = work[WORDS + _ORDER[at]], work[WORDS + _ORDER[at + 1]]
        a0, b0, c0, d0 = _mix(a0, b0, c0, d0, x, y)
        x, y = work[WORDS + _ORDER[at + 2]], work[WORDS + _ORDER[at + 3]]
        a1, b1, c1, d1 = _mix(a1, b1, c1, d1, x, y)
        x, y = work[WORDS + _ORDER[at + 4]], work[WORDS + _ORDER[at + 5]]
        a2, b2, c2, d2 = _mix(a2, b2, c2, d2, x, y)
        x, y = work[WORDS + _ORDER[at + 6]], work[WORDS + _ORDER[at + 7]]
        a3, b3, c3, d3 = _mix(a3, b3, c3, d3, x, y)
        x, y = work[WORDS + _ORDER[at + 8]], work[WORDS + _ORDER[at + 9]]
        a0, b1, c2, d3 = _mix(a0, b1, c2, d3, x, y)
        x, y = work[WORDS + _ORDER[at + 10]], work[WORDS + _ORDER[at + 11]]
        a1, b2, c3, d0 = _mix(a1, b2, c3, d0, x, y)
        x, y = work[WORDS + _ORDER[at + 12]], work[WORDS + _ORDER[at + 13]]
        a2, b3, c0, d1 = _mix(a2, b3, c0, d1, x, y)
        x, y = work[WORDS + _ORDER[at + 14]], work[WORDS + _ORDER[at + 15]]
        a3, b0, c1, d2 = _mix(a3, b0, c1, d2, x, y)
    work[first] ^= a0 ^ c0
    work[first + 1] ^= a1 ^ c1
    work[first + 2] ^= a2 ^ c2
    work[first + 3] ^= a3 ^ c3
    work[first + 4] ^= b0 ^ d0
    work[first + 5] ^= b1 ^ d1
    work[first + 6] ^= b2 ^ d2
    work[first + 7] ^= b3 ^ d3


@kernel(given(u8), given(i64), written(u64), written(u64))
def add_row_hashes(
    text: NDArray[np.uint8],
    ends: NDArray[np.int64],
    work: NDArray[np.uint64],
    sums: NDArray[np.uint64],
) -> None:
    """Add the hashes of rows to a sum.

    Args:
        text: uint8, the rows one after the other.
        ends: int64 (rows,), where each row ends.
        work: uint64 (WORK_WORDS,), written over.
        sums: uint64 (WORDS,), added to.

    """
    begin = 0
    for row in range(ends.size):
        end = ends[row]
        for word in range(WORDS):
            work[word] = _START[word]
        at = begin
        more = True
        while more:
            for word in range(WORDS, WORDS + 16):
                work[word] = np.uint64(0)
            taken = min(end - at, BLOCK_BYTES)
            for n in range(taken):
                shift = np.uint64(8 * (n & 7))
                work[WORDS + (n >> 3)] |= np.uint64(text[at + n]) << shift
            at += taken
            more = at < end
            last = np.uint64(0) if more else ~np.uint64(0)
            for first in range(0, WORDS, 8):
                _compress(work, first, np.uint64(at - begin), last)
        for word in range(WORDS):
            sums[word] += work[word]
        begin = end

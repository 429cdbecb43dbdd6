"""Columns of texts, as table formats hold them, to times and to a reader's own doubts.

Doubts, lists of a text and how sure the reader was of it, are written as the JSON texts that a
scanned read has in their place.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, f64, given, helper, i32, i64, kernel, u8, written
from anpr_engine.kernels.json_times import time_us
from anpr_engine.kernels.json_write import put_bytes, put_double

PAIR_BYTES_MAX = 64
"""Room that one text and its confidence need at most, beside the text and its field's name."""

_QUOTE = 0x22
_BACKSLASH = 0x5C
_BETWEEN = np.frombuffer(b'","confidence":', dtype=np.uint8)


@kernel(given(u8), given(i32, 2), written(i64))
def text_times(
    buffer: NDArray[np.uint8], spans: NDArray[np.int32], times_us: NDArray[np.int64]
) -> None:
    """Read RFC 3339 times.

    Args:
        buffer: uint8 (bytes,).
        spans: int32 (n, 2), start and length of each text.
        times_us: int64 (n,), written: microseconds since 1970, `json_times.NO_TIME` for none.

    """
    for row in range(spans.shape[0]):
        begin: Word = np.int64(spans[row, 0])
        length: Word = np.int64(spans[row, 1])
        times_us[row] = time_us(buffer, begin, begin + length)


@helper
def _is_plain(buffer: NDArray[np.uint8], begin: Word, length: Word) -> Word:
    for position in range(begin, begin + length):
        byte = buffer[position]
        if byte < 0x20 or byte in (_QUOTE, _BACKSLASH):
            return False
    return True


@helper
def _copy(
    buffer: NDArray[np.uint8], begin: Word, length: Word, out: NDArray[np.uint8], at: Word
) -> Word:
    for step in range(length):
        out[at + step] = buffer[begin + step]
    return at + length


@kernel(given(u8), given(i64, 2), given(f64), given(i64), written(u8), written(i64, 2))
def doubt_texts(
    buffer: NDArray[np.uint8],
    items: NDArray[np.int64],
    confidence: NDArray[np.float64],
    lists: NDArray[np.int64],
    out: NDArray[np.uint8],
    spans: NDArray[np.int64],
) -> None:
    """Write lists of texts with their confidences as JSON arrays of objects.

    Args:
        buffer: uint8 (bytes,).
        items: int64 (m + 1, 2), start and length of each text; the last is what stands before
            each, such as `{"char":"`.
        confidence: float64 (m,), numbers from 0 to 1.
        lists: int64 (n + 1,), the number of each list's first item, and of all.
        out: uint8, written, with room for all.
        spans: int64 (n, 2), written: start and length in out; -1 where a text needs an escape.
    """
    opening, opening_bytes = items[items.shape[0] - 1, 0], items[items.shape[0] - 1, 1]
    at: Word = 0
    for row in range(spans.shape[0]):
        start, plain = at, True
        out[at] = 0x5B
        at += 1
        for item in range(lists[row], lists[row + 1]):
            begin, length = items[item, 0], items[item, 1]
            plain = plain and _is_plain(buffer, begin, length)
            at = _copy(buffer, opening, opening_bytes, out, at)
            at = _copy(buffer, begin, length, out, at)
            at = put_bytes(out, at, _BETWEEN)
            at = put_double(out, at, confidence[item], 0)
            out[at] = 0x7D
            out[at + 1] = 0x2C
            at += 2
        if lists[row + 1] > lists[row]:
            at -= 1
        out[at] = 0x5D
        at += 1
        spans[row, 0] = start
        spans[row, 1] = at - start if plain else -1

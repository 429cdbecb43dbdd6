"""Many lines that continue one chain, checked together: hashed one by one, compared as columns.

Why: of the price of a line half was its hash, and half the looks at its bytes, each a step of its
own. Here some hundred lines' beginnings are one array, and so are their ends. It takes all lines or
none: what does not fit in every byte is gone through line by line, and explained there.
"""

import hashlib
from binascii import hexlify
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anpr_engine.audit.chain import HASH_MARK, TAIL_BYTES
from anpr_engine.audit.chain_state import ChainState

RUN_LINES = 512
"""Lines held at once; fewer than make Python look for cycles among them, a seventh of the time."""
HASH_DIGITS = 64
EVENT_ID_BYTES = len(b'"event_id":"') + 32
TIME_MARK = b'","occurred_at":"'
SECONDS = len("2026-11-22T08:15:30")

_BEFORE, _AFTER = b',"previous":"', b'",'
"""What stands around the hash of the line before."""
_END = b'"}'
_ANY = b"\x00"
_DIGITS = slice(len(HASH_MARK), TAIL_BYTES - len(_END))
_sha256 = hashlib.sha256

Columns = NDArray[np.uint8]


def take_run(state: ChainState, values: Sequence[bytes]) -> bool:
    """Take lines if each continues the chain, in order of time; False: none of them was taken.

    Every byte is asked for that `ChainState.expected` names, and every hash.
    """
    begin = len(state.expected)
    mark_at = begin + EVENT_ID_BYTES
    time_at = mark_at + len(TIME_MARK)
    heads = _columns([value[: time_at + SECONDS] for value in values], time_at + SECONDS)
    tails = _columns([value[-TAIL_BYTES:] for value in values], TAIL_BYTES)
    if heads is None or tails is None or not _counts_on(heads, state):
        return False
    times = np.ascontiguousarray(heads[:, time_at:]).view(f"S{SECONDS}").ravel()
    if times[0] < state.time or (times[1:] < times[:-1]).any():
        return False
    hashes = b"".join([_sha256(value[:-TAIL_BYTES]).digest() for value in values])
    digits = hexlify(hashes)
    last = digits[-HASH_DIGITS:]
    before = slice(begin - len(_AFTER) - HASH_DIGITS, begin - len(_AFTER))
    if (
        heads[:, before].tobytes() != state.last + digits[:-HASH_DIGITS]
        or tails[:, _DIGITS].tobytes() != digits
        or not _alike(tails, HASH_MARK + _ANY * HASH_DIGITS + _END)
    ):
        return False
    state.time, state.rival = values[-1][time_at : time_at + SECONDS], None
    state.hashes += hashes
    state.expect(state.size + len(values), last)
    return True


def _counts_on(heads: Columns, state: ChainState) -> bool:
    """Say whether lines begin as is expected, counting on, whatever the hash before is."""
    lines, first = len(heads), state.size
    opening = state.expected[: -len(_AFTER) - HASH_DIGITS - len(_BEFORE) - len(str(first))]
    number = slice(len(opening), len(opening) + len(str(first)))
    form = opening + _ANY * len(str(first)) + _BEFORE + _ANY * HASH_DIGITS + _AFTER
    form += _ANY * EVENT_ID_BYTES + TIME_MARK + _ANY * SECONDS
    counted = (b"%d" * lines) % tuple(range(first, first + lines))
    return _alike(heads, form) and heads[:, number].tobytes() == counted


def _alike(columns: Columns, form: bytes) -> bool:
    """Say whether all lines have a form's bytes; where that has a zero, a line may have any."""
    wanted = np.frombuffer(form, dtype=np.uint8)
    other = columns ^ wanted
    other *= wanted != 0
    return not other.any()


def _columns(parts: Sequence[bytes], width: int) -> Columns | None:
    """Put parts below one another: uint8 (n, width); None where one is shorter."""
    text = b"".join(parts)
    if len(text) != len(parts) * width:
        return None
    return np.frombuffer(text, dtype=np.uint8).reshape(len(parts), width)

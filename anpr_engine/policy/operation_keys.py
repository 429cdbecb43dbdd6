"""The file of an operation's keys: JSON that only its owner may read, the same at both sides.

Whoever holds it can try plates, so it goes to the partner by a way of its own, and both take out
what has ended: without its key a pseudonym can be traced to nothing.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import msgspec

from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.policy.pseudonym import KeyRing, OperationKey

FORM = "anpr-operation-keys/v1"
KEYS_MAX = 64
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    secret: str
    valid_from: _Instant
    valid_until: _Instant


class _Ring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    form: str
    operation: str
    country: str
    keys: list[_Key]


def ring_text(ring: KeyRing) -> bytes:
    """Write keys of one operation, without those that were destroyed.

    Raises:
        UsageError: none is left.

    """
    left = [key for key in ring.keys if key.written()]
    if not left:
        raise UsageError("No key is left.", "Destroy the file, or make a key that follows.")
    keys = [
        _Key(base64.b64encode(key.written()).decode(), key.valid_from, key.valid_until)
        for key in left
    ]
    form = _Ring(FORM, left[0].operation, left[0].country, keys)
    return msgspec.json.format(msgspec.json.encode(form)) + b"\n"


def ring_of(text: bytes, name: str) -> KeyRing:
    """Read keys of one operation.

    Args:
        text: what the file holds.
        name: of the file, for the error; nothing of its content is told.

    Raises:
        InputFileError: it holds no such keys.

    """
    try:
        read = msgspec.json.decode(text, type=_Ring)
        if read.form != FORM or not 1 <= len(read.keys) <= KEYS_MAX:
            _refuse(name)
        return KeyRing(tuple(_key_of(read, each) for each in read.keys))
    except (msgspec.MsgspecError, binascii.Error, UsageError, ValueError):
        _refuse(name)


def _key_of(ring: _Ring, key: _Key) -> OperationKey:
    secret = base64.b64decode(key.secret, validate=True)
    begin, end = key.valid_from.astimezone(UTC), key.valid_until.astimezone(UTC)
    return OperationKey(secret, ring.operation, ring.country, begin, end - begin)


def _refuse(name: str) -> NoReturn:
    what = f"{name} holds no keys of an operation."
    raise InputFileError(what, "Make them with `anpr hit-no-hit keys new --out FILE`.") from None

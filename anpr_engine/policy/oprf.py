"""An oblivious pseudorandom function: RFC 9497, OPRF(ristretto255, SHA-512), base mode.

One side holds an input, the other a key; together they compute a value of both, and neither learns
what the other holds. The one door to `rbcl` (libsodium's ristretto255), extra `psi`.

Why randomness is an argument: tests give the blinds of the RFC; callers give `os.urandom`.
"""

import hashlib
from collections.abc import Callable

import rbcl

from anpr_engine.errors import AnprError

ELEMENT_BYTES = 32
SCALAR_BYTES = 32
OUTPUT_BYTES = 64
INPUT_BYTES_MAX = 65_535
Draw = Callable[[int], bytes]
"""Gives so many random bytes; `os.urandom` is one."""

_CONTEXT = b"OPRFV1-\x00-ristretto255-SHA512"
_TO_GROUP = b"HashToGroup-" + _CONTEXT
_DERIVE = b"DeriveKeyPair" + _CONTEXT
_WIDE_BYTES = 64
_IDENTITY = bytes(ELEMENT_BYTES)
_ZERO = bytes(SCALAR_BYTES)
_BLOCK_BYTES = 128


class OprfError(AnprError):
    """Something that came from the other side, or an input, has no place in the protocol."""


def _expand(message: bytes, tag: bytes) -> bytes:
    """Stretch a message to 64 bytes (RFC 9380, section 5.3.1, with SHA-512: one round)."""
    suffix = tag + bytes([len(tag)])
    length = _WIDE_BYTES.to_bytes(2, "big")
    first = hashlib.sha512(bytes(_BLOCK_BYTES) + message + length + b"\0" + suffix).digest()
    return hashlib.sha512(first + b"\x01" + suffix).digest()


def hash_to_group(value: bytes) -> bytes:
    """Give the element of an input.

    Raises:
        OprfError: the input is too long, or none can be made of it.

    """
    if len(value) > INPUT_BYTES_MAX:
        raise OprfError(f"An input has {INPUT_BYTES_MAX} bytes at most.", "Shorten it.")
    element = bytes(rbcl.crypto_core_ristretto255_from_hash(_expand(value, _TO_GROUP)))
    return _no_identity(element)


def derive_key(seed: bytes, info: bytes) -> bytes:
    """Make a key from a seed of 32 random bytes and what it is for (RFC 9497, section 3.2.1)."""
    whole = seed + len(info).to_bytes(2, "big") + info
    for counter in range(256):
        key = _scalar(_expand(whole + bytes([counter]), _DERIVE))
        if key != _ZERO:
            return key
    raise OprfError("No key can be derived from this seed.", "Draw another.")


def random_scalar(draw: Draw) -> bytes:
    """Draw a scalar that is not zero."""
    while (scalar := _scalar(draw(_WIDE_BYTES))) == _ZERO:
        continue
    return scalar


def random_element(draw: Draw) -> bytes:
    """Draw an element of which nobody knows what it stands for."""
    return bytes(rbcl.crypto_core_ristretto255_from_hash(draw(_WIDE_BYTES)))


def blind(value: bytes, scalar: bytes) -> bytes:
    """Hide an input behind a scalar of its own; 32 bytes that can be shown."""
    return _times(scalar, hash_to_group(value))


def evaluate(key: bytes, blinded: bytes) -> bytes:
    """Apply the key to what the other side sent.

    Raises:
        OprfError: it is no element, or that of nothing.

    """
    return _times(key, checked(blinded))


def finalise(value: bytes, scalar: bytes, evaluated: bytes) -> bytes:
    """Take the blind off; 64 bytes, the same whatever the blind was.

    Raises:
        OprfError: what came back is no element.

    """
    inverse = bytes(rbcl.crypto_core_ristretto255_scalar_invert(scalar))
    return _output(value, _times(inverse, checked(evaluated)))


def output_of(key: bytes, value: bytes) -> bytes:
    """Compute the function where both key and input are at hand; 64 bytes."""
    return _output(value, _times(key, hash_to_group(value)))


def checked(element: bytes) -> bytes:
    """Give an element that came from outside.

    Raises:
        OprfError: it is none.

    """
    valid = len(element) == ELEMENT_BYTES and rbcl.crypto_core_ristretto255_is_valid_point(element)
    if not valid:
        raise OprfError("The other side sent what is no group element.", "Ask for it again.")
    return _no_identity(element)


def _no_identity(element: bytes) -> bytes:
    if element == _IDENTITY:
        raise OprfError("The neutral element hides nothing.", "Ask for another.")
    return element


def _scalar(wide: bytes) -> bytes:
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(wide))


def _times(scalar: bytes, element: bytes) -> bytes:
    return bytes(rbcl.crypto_scalarmult_ristretto255(scalar, element))


def _output(value: bytes, element: bytes) -> bytes:
    parts = (value, element)
    framed = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return hashlib.sha512(framed + b"Finalize").digest()

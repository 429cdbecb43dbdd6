"""One Ed25519 signature for many messages: that of the root of a Merkle tree over them (RFC 9162).

Each message gets all that it takes to check it alone:

    Ed25519 signature, 64 bytes | its index, the tree's size, 2 bytes each | 32 bytes a step

Its leaf is the message, the steps lead to the root, and signed is `statement`. Why: a signature
takes some 45 us, which withdrawing ten thousand entries has not got for each. Why 256 to a tree:
the signature's share is nothing then, and each step more is 43 bytes more in every record.
"""

import struct
from collections.abc import Callable, Sequence

from anpr_engine.audit.merkle import inclusion_proofs, root_by

MESSAGES_A_TREE = 256
SIGNATURE_BYTES, HASH_BYTES = 64, 32
_PLACE = struct.Struct(">HH")
_STEPS_AT = SIGNATURE_BYTES + _PLACE.size
_PURPOSE = b"anpr signature over a tree, version 1\n"


def statement(size: int, root: bytes) -> bytes:
    """Give what is signed of a tree; no message that is signed by itself begins like it."""
    return _PURPOSE + size.to_bytes(2, "big") + root


def tree_signatures(messages: Sequence[bytes], sign: Callable[[bytes], bytes]) -> list[bytes]:
    """Give each message's signature, in order."""
    made = []
    for first in range(0, len(messages), MESSAGES_A_TREE):
        some = messages[first : first + MESSAGES_A_TREE]
        root, proofs = inclusion_proofs(some)
        signature, size = sign(statement(len(some), root)), len(some)
        made += [
            b"".join((signature, _PLACE.pack(index, size), *proof))
            for index, proof in enumerate(proofs)
        ]
    return made


def read_tree_signature(text: bytes, message: bytes) -> tuple[bytes, bytes] | None:
    """Give the signature and the statement that it has to sign; None when the form is wrong."""
    steps = text[_STEPS_AT:]
    if len(text) < _STEPS_AT or len(steps) % HASH_BYTES:
        return None
    index, size = _PLACE.unpack_from(text, SIGNATURE_BYTES)
    proof = [steps[at : at + HASH_BYTES] for at in range(0, len(steps), HASH_BYTES)]
    root = root_by(message, (index, size), proof)
    return None if root is None else (text[:SIGNATURE_BYTES], statement(size, root))

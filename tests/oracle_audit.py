"""Naive twins of the audit record: trees by the RFC's definition, chains read field by field."""

import hashlib
import json
from collections.abc import Sequence


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """Give MTH of RFC 9162, 2.1.1, by its recursion."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = _split(len(entries))
    both = tree_hash(entries[:split]) + tree_hash(entries[split:])
    return hashlib.sha256(b"\x01" + both).digest()


def path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """Give PATH of RFC 9162, 2.1.3.1, by its recursion."""
    if len(entries) <= 1:
        return []
    split = _split(len(entries))
    if index < split:
        return [*path(index, entries[:split]), tree_hash(entries[split:])]
    return [*path(index - split, entries[split:]), tree_hash(entries[:split])]


def proof(size: int, entries: Sequence[bytes]) -> list[bytes]:
    """Give PROOF of RFC 9162, 2.1.4.1, by its recursion."""
    return _subproof(size, entries, whole=True)


def _subproof(size: int, entries: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if size == len(entries):
        return [] if whole else [tree_hash(entries)]
    split = _split(len(entries))
    if size <= split:
        return [*_subproof(size, entries[:split], whole=whole), tree_hash(entries[split:])]
    right = _subproof(size - split, entries[split:], whole=False)
    return [*right, tree_hash(entries[:split])]


def _split(size: int) -> int:
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def chain_is_sound(chain: str, lines: Sequence[bytes]) -> bool:
    """Say whether lines are one whole chain, by its fields and their hashes alone."""
    previous = hashlib.sha256(f"anpr audit chain, version 1: {chain}".encode()).hexdigest()
    for number, line in enumerate(lines):
        fields = json.loads(line)
        if (fields["chain"], fields["sequence"], fields["previous"]) != (chain, number, previous):
            return False
        before = line.decode().rsplit(',"hash":', 1)[0]
        previous = hashlib.sha256(before.encode()).hexdigest()
        if fields["hash"] != previous:
            return False
    return True

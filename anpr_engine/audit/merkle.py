"""The Merkle tree over a chain's lines: root, proof that a line is in it, proof that it only grew.

Hashes as in RFC 9162, section 2.1 (the same as RFC 6962): SHA-256 of 0 and the entry for a leaf,
of 1 and both children for a node. The entry of a leaf is its line's hash, 32 bytes.

Why a tree beside the chain: with a signed root and some twenty hashes anybody can be shown that
one line belongs to the record, and that a newer record continues an older one, without being
shown any other line.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

_sha256 = hashlib.sha256
_LEAF, _NODE = _sha256(b"\x00").copy, _sha256(b"\x01").copy

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Give the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Give the hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the root at any size, in memory that grows with its log.

    `peaks` are the roots of the whole subtrees that the leaves fall into, the largest first.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Go on from a size and its peaks.

        Raises:
            ValueError: a tree of this size has another number of peaks.

        """
        self.size, self._peaks = size, list(peaks)
        if size.bit_count() != len(self._peaks):
            message = f"a tree of {size} leaves has {size.bit_count()} peaks"
            raise ValueError(message)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the whole subtrees, the largest first."""
        return tuple(self._peaks)

    def push(self, entry: bytes) -> None:
        """Add one leaf."""
        node, size, peaks = _sha256(b"\x00" + entry).digest(), self.size, self._peaks
        # Each one at the low end of the size is a subtree that is now whole with its neighbour.
        while size & 1:
            node = _sha256(b"\x01" + peaks.pop() + node).digest()
            size >>= 1
        peaks.append(node)
        self.size += 1

    def push_tree(self, node: bytes, height: int = 0) -> None:
        """Add a whole subtree of 2**height leaves by its root.

        Raises:
            ValueError: the tree's size is no multiple of it, so it has no such subtree here.

        """
        level, peaks = self.size >> height, self._peaks
        if level << height != self.size:
            message = f"a tree of {self.size} leaves takes no subtree of height {height} here"
            raise ValueError(message)
        while level & 1:
            node = node_hash(peaks.pop(), node)
            level >>= 1
        peaks.append(node)
        self.size += 1 << height

    def extend(self, entries: Sequence[bytes]) -> None:
        """Add many leaves; by whole subtrees, which costs half."""
        steps = heights(self.size, self.size + len(entries))
        for node, height in zip(growth(self.size, entries), steps, strict=True):
            self.push_tree(node, height)

    def root(self) -> bytes:
        """Give the root at this size."""
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node


def heights(size: int, end: int) -> list[int]:
    """Give the heights of the whole subtrees that fill a tree up from one size to another."""
    found = []
    while size < end:
        room = (end - size).bit_length() - 1
        low = (size & -size).bit_length() - 1 if size else room
        found.append(min(low, room))
        size += 1 << found[-1]
    return found


def growth(size: int, entries: Sequence[bytes]) -> list[bytes]:
    """Give the roots of the subtrees by which new entries fill a tree of `size` leaves up."""
    nodes, begin = [], 0
    for height in heights(size, size + len(entries)):
        nodes.append(_root_of_whole(entries[begin : begin + (1 << height)]))
        begin += 1 << height
    return nodes


def _root_of_whole(entries: Sequence[bytes]) -> bytes:
    """Give the root over entries whose number is a power of two, level by level."""
    level = _hashes(_LEAF, entries)
    while len(level) > 1:
        pairs = b"".join(level)
        level = _hashes(_NODE, [pairs[at : at + 64] for at in range(0, len(pairs), 64)])
    return level[0]


def _hashes(begun: Callable[[], "hashlib._Hash"], parts: Iterable[bytes]) -> list[bytes]:
    """Hash each part behind what was begun; to copy that costs less than to begin anew."""
    found = []
    for part in parts:
        hash_ = begun()
        hash_.update(part)
        found.append(hash_.digest())
    return found


def grown(size: int, peaks: Iterable[bytes], end: int, nodes: Sequence[bytes]) -> Frontier:
    """Give the tree of `end` leaves that begins with the one of `size` leaves and these peaks.

    Why: this proves that the larger tree continues the smaller one, as `consistency_proof` does,
    to whoever kept the smaller one's peaks, and the signer can make it without the old leaves.

    Raises:
        ValueError: the numbers of peaks and of nodes do not fit the sizes.

    """
    tree, steps = Frontier(size, peaks), heights(size, end)
    if len(steps) != len(nodes):
        message = f"{len(steps)} subtrees lead from {size} leaves to {end}, not {len(nodes)}"
        raise ValueError(message)
    for node, height in zip(nodes, steps, strict=True):
        tree.push_tree(node, height)
    return tree


def root_of(entries: Iterable[bytes]) -> bytes:
    """Give the root over all entries."""
    frontier = Frontier()
    for entry in entries:
        frontier.push(entry)
    return frontier.root()


def inclusion_proof(entries: Sequence[bytes], index: int) -> list[bytes]:
    """Give the hashes that lead from a leaf to the root, from below (RFC 9162, 2.1.3.1).

    Raises:
        ValueError: there is no such leaf.

    """
    if not 0 <= index < len(entries):
        message = f"a tree of {len(entries)} leaves has no leaf {index}"
        raise ValueError(message)
    proof: list[bytes] = []
    begin, end = 0, len(entries)
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(root_of(entries[middle:end]))
            end = middle
        else:
            proof.append(root_of(entries[begin:middle]))
            begin = middle
    return proof[::-1]


def inclusion_proofs(entries: Sequence[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """Give the root over entries, at least one, and each one's proof, in one go over the tree."""
    level = [leaf_hash(entry) for entry in entries]
    proofs: list[list[bytes]] = [[] for _ in entries]
    height = 0
    while (width := len(level)) > 1:
        for index, proof in enumerate(proofs):
            beside = index >> height ^ 1
            if beside < width:
                proof.append(level[beside])
        pairs = range(0, width - 1, 2)
        # A node without a neighbour stands one level up as it is.
        level = [node_hash(level[at], level[at + 1]) for at in pairs] + level[width & ~1 :]
        height += 1
    return level[0], proofs


def root_by(entry: bytes, place: tuple[int, int], proof: Sequence[bytes]) -> bytes | None:
    """Give the root that a proof leads to (RFC 9162, 2.1.3.2); None when it fits no such tree.

    Args:
        entry: the leaf's entry.
        place: its index and the tree's size.
        proof: from `inclusion_proof`.

    """
    index, size = place
    if not 0 <= index < size:
        return None
    node, last = leaf_hash(entry), size - 1
    for hash_ in proof:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = node_hash(hash_, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, hash_)
        index, last = index >> 1, last >> 1
    return node if last == 0 else None


def includes(entry: bytes, place: tuple[int, int], proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether a proof shows an entry in a tree of this root; see `root_by`."""
    return root_by(entry, place, proof) == root


def consistency_proof(entries: Sequence[bytes], size: int) -> list[bytes]:
    """Give the hashes that show a tree of `size` leaves at the start of this one (2.1.4.1).

    Raises:
        ValueError: this tree has fewer leaves, or the older one had none.

    """
    if not 0 < size <= len(entries):
        message = f"a tree of {len(entries)} leaves continues none of {size}"
        raise ValueError(message)
    proof: list[bytes] = []
    begin, end, whole = 0, len(entries), True
    # Walk down to the older tree's right edge; whole: the older tree is all of this one.
    while end != size:
        middle = begin + _split(end - begin)
        if size <= middle:
            proof.append(root_of(entries[middle:end]))
            end = middle
        else:
            proof.append(root_of(entries[begin:middle]))
            begin, whole = middle, False
    if not whole:
        proof.append(root_of(entries[begin:end]))
    return proof[::-1]


def continues(older: tuple[int, bytes], newer: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Say whether a proof shows that one tree is the start of another (RFC 9162, 2.1.4.2).

    Args:
        older: size and root.
        newer: size and root.
        proof: from `consistency_proof`.

    """
    (first, old_root), (second, new_root) = older, newer
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and old_root == new_root
    path = [old_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    index, last = first - 1, second - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = path[0]
    for hash_ in path[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            old, new = node_hash(hash_, old), node_hash(hash_, new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new = node_hash(new, hash_)
        index, last = index >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _split(size: int) -> int:
    """Give the largest power of two below a size of 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)

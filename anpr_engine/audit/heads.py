"""Heads: what a chain's Merkle root was at a time, signed by its site and by the other side.

    {"chain":"be/engine-0","number":7,…,"signatures":[{"key":"…","signature":"…"}]}

Signed are the bytes before `,"signatures":[`, with `SIGNED_AS` before them. So a signature can
be added later without touching what is signed, and nobody has to encode a head again.

Why a head holds the tree's peaks: its signer goes on from the last head without the lines before
it. Why it holds `growth`: whoever cosigns sees that the record only grew, without being shown any
line. Why heads are numbered and hold the hash of the one before: one that is held back is missed.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import msgspec

from anpr_engine.audit.chain import Tip
from anpr_engine.audit.merkle import Frontier, growth

SIGNED_AS = b"anpr audit head, version 1\n"
SIGNATURES_MARK = b',"signatures":['


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signature: which key (16 hex digits), and 128 hex digits."""

    key: str
    signature: str


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a chain was at one time; hashes in hex digits, `made_at` in RFC 3339, UTC.

    number: of this head, from 0. size: lines. last: hash of the last line. previous: hash of the
    signed part of the head before, empty for the first. partition, offset: behind the last line.
    """

    chain: str
    number: int
    size: int
    root: str
    last: str
    made_at: str
    previous: str
    peaks: tuple[str, ...]
    growth: tuple[str, ...]
    partition: int = 0
    offset: int = 0


class _Signed(Head, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A head and its signatures, as they stand in a line."""

    signatures: tuple[Signature, ...]


class HeadLine(NamedTuple):
    """A head as it was read; `body` is what is signed, `place` where it stood."""

    head: Head
    body: bytes
    signatures: tuple[Signature, ...]
    place: str = ""

    @property
    def digest(self) -> str:
        """The hash by which the next head names this one."""
        return hashlib.sha256(self.body).hexdigest()

    def line(self) -> bytes:
        """Write the head as one line of JSON, without a line end."""
        return self.body + SIGNATURES_MARK + msgspec.json.encode(self.signatures)[1:] + b"}"


class Signer(Protocol):
    """A secret key in use."""

    @property
    def key_id(self) -> str:
        """The first 16 hex digits of the SHA-256 of the public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Give the signature of a message."""
        ...


_DECODER = msgspec.json.Decoder(_Signed)


def read_head(line: bytes, place: str = "") -> HeadLine | None:
    """Read one line; None when it is no head of this version."""
    body, mark, _ = line.rstrip(b"\r\n").partition(SIGNATURES_MARK)
    if not mark:
        return None
    try:
        found = _DECODER.decode(line)
        Frontier(found.size, map(bytes.fromhex, found.peaks))
        instant = datetime.fromisoformat(found.made_at)
    except (msgspec.DecodeError, ValueError):
        return None
    if instant.tzinfo is None or found.number < 0:
        return None
    fields = {name: getattr(found, name) for name in Head.__struct_fields__}
    return HeadLine(Head(**fields), body, found.signatures, place)


def signed_message(body: bytes) -> bytes:
    """Give the bytes that are signed for a head."""
    return SIGNED_AS + body


def with_signature(head: HeadLine, signer: Signer) -> HeadLine:
    """Add a signature; the one that the same key made before is replaced."""
    made = Signature(signer.key_id, signer.sign(signed_message(head.body)).hex())
    others = tuple(each for each in head.signatures if each.key != made.key)
    return head._replace(signatures=(*others, made))


class HeadMaker:
    """Makes the heads of one chain, one after another."""

    def __init__(self, chain: str, newest: HeadLine | None = None) -> None:
        """Go on from the newest head there is; its signature is the caller's to check.

        Raises:
            ValueError: its peaks do not give its root.

        """
        self.chain = chain
        self._newest = newest
        self._tree = Frontier()
        if newest is not None:
            head = newest.head
            self._tree = Frontier(head.size, map(bytes.fromhex, head.peaks))
            if self._tree.root().hex() != head.root:
                message = f"head {head.number} of {chain} has peaks that do not give its root"
                raise ValueError(message)

    @property
    def size(self) -> int:
        """How many lines the newest head covers."""
        return self._tree.size

    def make(
        self, hashes: Sequence[str], now_us: int, place: tuple[int, int] = (0, 0)
    ) -> HeadLine | None:
        """Make the head over all lines up to now; None when there are none at all.

        Args:
            hashes: of the lines since the newest head.
            now_us: microseconds since 1970.
            place: the partition, and the offset behind the last line.

        """
        if not hashes and not self._tree.size:
            return None
        entries = [bytes.fromhex(each) for each in hashes]
        grew = growth(self._tree.size, entries)
        for entry in entries:
            self._tree.push(entry)
        newest = self._newest
        head = Head(
            chain=self.chain,
            number=newest.head.number + 1 if newest else 0,
            size=self._tree.size,
            root=self._tree.root().hex(),
            last=hashes[-1] if hashes or newest is None else newest.head.last,
            made_at=_rfc3339(now_us),
            previous=newest.digest if newest else "",
            peaks=_hex(self._tree.peaks),
            growth=_hex(grew),
            partition=place[0],
            offset=place[1],
        )
        self._newest = HeadLine(head, msgspec.json.encode(head)[:-1], ())
        return self._newest


def tip_of(head: Head) -> Tip:
    """Give the chain's state that a head tells."""
    return Tip(head.chain, head.size, head.last)


def _hex(nodes: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(node.hex() for node in nodes)


def _rfc3339(at_us: int) -> str:
    # Made of whole numbers, for a float of so many microseconds is already rounded.
    seconds, rest = divmod(at_us, 1_000_000)
    stamp = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return stamp.isoformat().replace("+00:00", "Z")

"""The chain: each audit line holds the hash of the line before it, and its own at the end.

    {"chain":"be/engine-0","sequence":7,"previous":"<64 hex>",…the event…,"hash":"<64 hex>"}

`hash` is the SHA-256 of the line's own bytes before `,"hash":`, so `head -c -75 | sha256sum`
checks a line. `previous` of line 0 is the SHA-256 of a text that names the chain.

Why: the bytes that stand in the log are hashed, so that no canonical form is needed and nobody
has to encode a record again. There is one chain a writer: Kafka lets one writer of a name live,
so a chain cannot fork when an engine is started twice, and partitions of reads that move between
engines change nothing. A chain's lines have one key, so they lie in one partition, in order.
"""

import hashlib
import re
from binascii import hexlify
from collections.abc import Callable, Sequence
from typing import NamedTuple

TAIL_BYTES = 75
"""`,"hash":"`, 64 digits, `"}`."""
HASH_MARK = b',"hash":"'
GENESIS = "anpr audit chain, version 1: "

_CHAIN = re.compile(r"[a-z]{2}/[a-z0-9-]{1,40}")
_LINE = re.compile(
    rb'\{"chain":"(?P<chain>[a-z]{2}/[a-z0-9-]{1,40})","sequence":(?P<sequence>0|[1-9][0-9]{0,17}),'
    rb'"previous":"(?P<previous>[0-9a-f]{64})",'
)
_TAIL = re.compile(rb',"hash":"(?P<hash>[0-9a-f]{64})"\}')


class Tip(NamedTuple):
    """Where a chain stands: how many lines it has, and the last one's hash (64 hex digits)."""

    chain: str
    size: int
    last: str


class Link(NamedTuple):
    """What one line says of its place; `digest` is what its bytes give, `stated` what it says."""

    chain: str
    sequence: int
    previous: str
    stated: str
    digest: str

    @property
    def tip(self) -> Tip:
        """The chain's state behind this line, as it says itself."""
        return Tip(self.chain, self.sequence + 1, self.stated)


def chain_name(site: str, writer: str) -> str:
    """Name a writer's chain.

    Raises:
        ValueError: the name would not be `be/engine-0` in its form.

    """
    name = f"{site}/{writer}"
    if not _CHAIN.fullmatch(name):
        message = f"{name!r} names no chain: two letters, a stroke, letters, digits and hyphens"
        raise ValueError(message)
    return name


def start_of(chain: str) -> Tip:
    """Give the state of a chain before its first line."""
    return Tip(chain, 0, hashlib.sha256(f"{GENESIS}{chain}".encode()).hexdigest())


def chain_start(chain: str) -> bytes:
    """Give the bytes that every line of a chain begins with."""
    return f'{{"chain":"{chain}",'.encode()


def seal(tip: Tip, event: bytes) -> tuple[bytes, Tip]:
    """Put an event into the chain; gives its line and the chain's state behind it.

    Args:
        tip: the state before it.
        event: one JSON object that is not empty, without white space around it.

    """
    (line,), after = seal_all(tip, [event])
    return line, after


def seal_all(tip: Tip, events: Sequence[bytes]) -> tuple[list[bytes], Tip]:
    """Put events into the chain one behind the other; as `seal`."""
    opening = chain_start(tip.chain) + b'"sequence":'
    size, last, lines = tip.size, tip.last.encode(), list[bytes]()
    for event in events:
        begun = b'%b%d,"previous":"%b",%b' % (opening, size, last, event[1:-1])
        last = hexlify(hashlib.sha256(begun).digest())
        lines.append(b'%b,"hash":"%b"}' % (begun, last))
        size += 1
    return lines, Tip(tip.chain, size, last.decode())


def link_of(line: bytes) -> Link | None:
    """Read what a line says of its place; None when it is no line of any chain."""
    begin, end = _LINE.match(line), _TAIL.fullmatch(line, max(0, len(line) - TAIL_BYTES))
    if begin is None or end is None:
        return None
    return Link(
        begin["chain"].decode(),
        int(begin["sequence"]),
        begin["previous"].decode(),
        end["hash"].decode(),
        hashlib.sha256(line[:-TAIL_BYTES]).hexdigest(),
    )


def newest_tip(chain: str, lines: Sequence[bytes]) -> Tip:
    """Give a chain's state from the last line of each partition that may hold it."""
    links = [link for link in map(link_of, lines) if link is not None and link.chain == chain]
    return max((link.tip for link in links), key=lambda tip: tip.size, default=start_of(chain))


def chain_from(chain: str, lines: Sequence[bytes]) -> "ChainWriter":
    """Give the writer of a chain that goes on from the last line of each partition."""
    return ChainWriter(chain, lambda: newest_tip(chain, lines))


class ChainWriter:
    """Seals the lines of one writer; what was rolled back leaves the chain as it was.

    Why: once the client behind the writer was replaced, nobody but the log knows what of the
    last transaction was kept. So the state is read again whenever `generation` has changed.
    """

    def __init__(
        self, chain: str, recover: Callable[[], Tip], generation: Callable[[], int] = lambda: 0
    ) -> None:
        """Prepare; the log is read when the first line is sealed.

        Args:
            chain: from `chain_name`.
            recover: reads the chain's state from what the log has committed.
            generation: changes when the client that writes was replaced.

        """
        self._chain, self._recover, self._generation = chain, recover, generation
        self._known: tuple[int, Tip] | None = None
        self._pending: Tip | None = None

    @property
    def key(self) -> bytes:
        """The record key of all lines of this chain."""
        return self._chain.encode()

    def seal(self, events: Sequence[bytes]) -> list[bytes]:
        """Give the lines of events, in order; `settle` says later what became of them."""
        generation = self._generation()
        if self._known is None or self._known[0] != generation:
            self._known = generation, self._recover()
        lines, self._pending = seal_all(self._known[1], events)
        return lines

    def settle(self, *, saved: bool) -> None:
        """Take what was sealed last as written, or as never written."""
        pending, self._pending = self._pending, None
        if pending is None or self._known is None:
            return
        if saved:
            self._known = self._known[0], pending

"""Plays traffic in real time: each read is handed over when its event time has come."""

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from anpr_engine.ports import Clock
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.simulate.traffic import ReadWriter, Traffic
from anpr_engine.wire import Header, SiteTopics

BLOCK_S = 0.1

GROUPS = 4
"""Concentrators that a site's cameras send by, where reads come many in a record."""
GATHER_S = 0.5
"""How long a concentrator waits for more."""


class RecordWriter(Protocol):
    """Takes records with headers to where an engine finds them."""

    def write(self, topic: str, key: bytes, value: bytes, headers: tuple[Header, ...]) -> None:
        """Hand over one record; it may be sent later."""
        ...

    def flush(self) -> None:
        """Wait until everything handed over has arrived.

        Raises:
            BrokerError: when it has not.

        """
        ...


class RecordForm(NamedTuple):
    """How many reads become one record: what packs them, the content type, how many at most."""

    pack: Callable[[Sequence[bytes]], bytes]
    content_type: bytes
    reads_max: int


class EachWriter:
    """`traffic.ReadWriter` that puts each read into another form."""

    def __init__(
        self, writer: RecordWriter, form: Callable[[bytes], bytes], content_type: bytes
    ) -> None:
        """Take where records go, and what makes one of a read."""
        self._writer, self._form, self._content_type = writer, form, content_type

    def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Hand over one read."""
        headers = (("content-type", self._content_type),)
        self._writer.write(topic, key, self._form(value), headers)

    def flush(self) -> None:
        """Wait until everything handed over has arrived.

        Raises:
            BrokerError: when it has not.

        """
        self._writer.flush()


class GatheredWriter:
    """`traffic.ReadWriter` that puts reads of several cameras into one record.

    A camera always sends by the same concentrator, whose name is the record's key: so a camera's
    reads stay in order.
    """

    def __init__(self, writer: RecordWriter, form: RecordForm, clock: Clock) -> None:
        """Take where records go, how they are made, and the time."""
        self._writer, self._form, self._clock = writer, form, clock
        self._waiting: dict[tuple[str, bytes], list[bytes]] = {}
        self._since_s = 0.0

    def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one read; it goes with others when they are enough, or have waited for long."""
        now_s = self._clock.monotonic_s()
        if not self._waiting:
            self._since_s = now_s
        elif now_s - self._since_s >= GATHER_S:
            self._send_all()
            self._since_s = now_s
        group = b"concentrator-%d" % (zlib.crc32(key) % GROUPS)
        waiting = self._waiting.setdefault((topic, group), [])
        waiting.append(value)
        if len(waiting) >= self._form.reads_max:
            self._send(topic, group)

    def flush(self) -> None:
        """Send what waits, and wait until everything has arrived.

        Raises:
            BrokerError: when it has not.

        """
        self._send_all()
        self._writer.flush()

    def _send_all(self) -> None:
        for topic, group in list(self._waiting):
            self._send(topic, group)

    def _send(self, topic: str, group: bytes) -> None:
        value = self._form.pack(self._waiting.pop((topic, group)))
        self._writer.write(topic, group, value, (("content-type", self._form.content_type),))


@dataclass(slots=True)
class Tally:
    """What a simulation made: reads, those misread, those of listed vehicles."""

    reads: int = 0
    misread: int = 0
    listed: int = 0

    def count(self, reads: Iterable[SimulatedRead]) -> Iterator[SimulatedRead]:
        """Count reads as they pass."""
        for read in reads:
            self.reads += 1
            self.misread += read.misread
            self.listed += bool(read.entry_ids)
            yield read


def play(
    traffic: Traffic, seconds: float, writer: ReadWriter, clock: Clock, stop: threading.Event
) -> Iterator[list[SimulatedRead]]:
    """Hand over the reads block by block, each block as soon as all of it has happened.

    `traffic.start` should be about now. Gives each block after it was handed over, and ends after
    `seconds` or once `stop` is set; what was handed over by then is flushed. When reads cannot be
    made or taken fast enough, blocks come late but none is left out.

    Raises:
        BrokerError: when the writer cannot go on.

    """
    topics = {site: SiteTopics(site).reads for site in traffic.sites}
    start_s = clock.monotonic_s()
    blocks = traffic.blocks(BLOCK_S)
    for number in range(1, round(seconds / BLOCK_S) + 1):
        block = next(blocks)
        if stop.wait(max(0.0, start_s + number * BLOCK_S - clock.monotonic_s())):
            break
        for read in block:
            writer.write(topics[read.site], read.camera_id.encode(), read.json_bytes)
        yield block
    writer.flush()

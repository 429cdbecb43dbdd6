"""Plays traffic in real time: each read is handed over when its event time has come."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from anpr_engine.ports import Clock
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.simulate.traffic import ReadWriter, Traffic
from anpr_engine.wire import SiteTopics

BLOCK_S = 0.1


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

"""Playing in real time hands over what has happened, no sooner, and can be stopped."""

import threading
from datetime import UTC, datetime

from anpr_engine.simulate.playback import Tally, play
from anpr_engine.simulate.traffic import Traffic

START = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
TRAFFIC = Traffic(2, START, 400)


class SteppingClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        """Start at zero."""
        self.at_s = 0.0

    def now_us(self) -> int:
        """Give event time."""
        return round((START.timestamp() + self.at_s) * 1_000_000)

    def monotonic_s(self) -> float:
        """Give the time it was set to."""
        return self.at_s


class SteppingStop(threading.Event):
    """Moves the clock instead of waiting."""

    def __init__(self, clock: SteppingClock) -> None:
        """Take the clock to move."""
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass."""
        self._clock.at_s += timeout or 0.0
        return self.is_set()


class ClockedWriter:
    """Keeps how old each read is when it is handed over."""

    def __init__(self, clock: SteppingClock) -> None:
        """Take the clock that tells the age."""
        self._clock = clock
        self.now_us: list[int] = []
        self.flushed = False

    def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Keep the time."""
        self.now_us.append(self._clock.now_us())

    def flush(self) -> None:
        """Remember the flush."""
        self.flushed = True


def test_a_read_is_handed_over_within_a_block_of_its_event_time() -> None:
    """No read comes before it happened, and none more than a tenth of a second after."""
    clock = SteppingClock()
    writer = ClockedWriter(clock)
    blocks = play(TRAFFIC, 2.0, writer, clock, SteppingStop(clock))
    reads = [read for block in blocks for read in block]
    assert reads == list(TRAFFIC.reads(2.0))
    for read, handed_us in zip(reads, writer.now_us, strict=True):
        assert 0 <= handed_us - read.captured_at_us <= 101_000
    assert writer.flushed


def test_stopping_ends_the_play_and_flushes() -> None:
    """Once the stop is set no further block is handed over."""
    clock = SteppingClock()
    writer, stop = ClockedWriter(clock), SteppingStop(clock)
    count = 0
    for _ in play(TRAFFIC, 2.0, writer, clock, stop):
        count += 1
        if count == 3:
            stop.set()
    assert count == 3
    assert writer.flushed


def test_the_tally_counts_what_passes() -> None:
    """Reads and misreads are counted as they go by."""
    tally = Tally()
    reads = list(tally.count(TRAFFIC.reads(5.0)))
    assert tally.reads == len(reads)
    assert tally.misread == sum(read.misread for read in reads)
    assert tally.listed == 0

"""How closely the lists are followed, and how much of the time putting them into use may take.

Why a share: a new snapshot costs more the more changed since the base was built, up to some
hundredths of a second, and an import makes hundreds of versions in a row. Matching goes on
meanwhile on the same processors, so versions that come faster are put into use together.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anpr_engine.ports import Clock
from anpr_engine.watchlist.seals import VerifyingKey

PAUSES_A_TURN = 4
"""How many times as long as a turn took nothing is done after it: a fifth of a processor."""
PAUSE_S_MAX = 0.4
"""A change is in use within a second, whatever a turn takes on a machine that is busy."""


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """How closely to follow, how many recent changes to keep beside the base, whom to trust.

    keys: those by which versions must be signed; without any, none needs to be.
    """

    poll_ms: int = 50
    delta_entries_max: int = 20_000
    keys: tuple[VerifyingKey, ...] = ()


class Pace:
    """Leaves time between turns of a piece of work, by how long the last one took."""

    def __init__(self, clock: Clock) -> None:
        """Let the first turn come at once."""
        self._clock = clock
        self._due_s = 0.0

    def wait_s(self) -> float:
        """Say how long to wait for the next turn, 0 when it may be taken now."""
        return max(0.0, self._due_s - self._clock.monotonic_s())

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Take a turn for the length of a block."""
        begun_s = self._clock.monotonic_s()
        try:
            yield
        finally:
            ended_s = self._clock.monotonic_s()
            self._due_s = ended_s + min(PAUSES_A_TURN * (ended_s - begun_s), PAUSE_S_MAX)

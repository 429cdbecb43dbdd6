"""How much of the time putting changes of lists into use may take."""

from datetime import UTC, datetime

import pytest
from clocks import FixedClock

from anpr_engine.watchlist.pace import PAUSE_S_MAX, Pace

START = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(("took_s", "wait_s"), [(0.0, 0.0), (0.05, 0.2), (9.0, PAUSE_S_MAX)])
def test_a_turn_is_followed_by_a_pause_of_four_times_its_length(
    took_s: float, wait_s: float
) -> None:
    """The first comes at once; however long one took, the next is not put off for ever."""
    clock = FixedClock(START)
    pace = Pace(clock)
    assert pace.wait_s() == 0
    with pace.turn():
        clock.pass_s(took_s)
    assert pace.wait_s() == pytest.approx(wait_s, abs=1e-6)
    clock.pass_s(wait_s + 1e-3)
    assert pace.wait_s() == 0

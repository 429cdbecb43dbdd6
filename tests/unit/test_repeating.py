"""Work that is repeated beside an engine: a broker that is away costs a turn, an end is an end."""

import threading

from structlog.testing import capture_logs

from anpr_engine.errors import BrokerUnavailable
from anpr_engine.kafka.repeating import repeated

MEET_S = 5.0
OFTEN_S = 0.001


def test_a_broker_that_is_away_costs_one_turn() -> None:
    """The log says so, and the next turn comes."""
    turns, came = list[int](), threading.Event()

    def work() -> None:
        turns.append(1)
        if len(turns) == 1:
            what = "Nobody answers."
            raise BrokerUnavailable(what)
        came.set()

    with capture_logs() as logs, repeated(work, OFTEN_S, "turns", "turn_failed"):
        assert came.wait(MEET_S)
    (line,) = [each for each in logs if each["event"] == "turn_failed"]
    assert (line["cause"], line["log_level"]) == ("BrokerUnavailable", "warning")


def test_the_end_waits_for_the_turn_under_way() -> None:
    """Then no thread is left that does any."""
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go_on.wait(MEET_S)

    with repeated(work, OFTEN_S, "turns", "turn_failed"):
        assert begun.wait(MEET_S)
        threading.Timer(0.1, go_on.set).start()
    assert go_on.is_set()
    assert "turns" not in [each.name for each in threading.enumerate()]


def test_a_first_turn_may_come_at_once() -> None:
    """The pause is before the second one."""
    came = threading.Event()
    with repeated(came.set, 3600.0, "turns", "turn_failed", at_once=True):
        assert came.wait(MEET_S)
    never = threading.Event()
    with repeated(never.set, 3600.0, "turns", "turn_failed"):
        pass
    assert not never.is_set()

"""In which order `anpr alerts tail` takes records that are there together."""

from collections.abc import Callable, Generator

from anpr_engine.cli.alerts import in_turn
from anpr_engine.kafka.tail import TailedRecord


class _AtHand:
    """A follower whose records are there in groups."""

    topics = ("own", "abroad", "recalls")

    def __init__(self, *groups: list[TailedRecord]) -> None:
        self._groups = groups
        self.closed = False

    def groups(self, stop: Callable[[], bool]) -> Generator[list[TailedRecord]]:
        """Give the groups."""
        try:
            yield from () if stop() else self._groups
        finally:
            self.closed = True


def test_the_sites_own_alerts_come_first_among_those_at_hand() -> None:
    """Then what goes abroad, then recalls; each topic's in their order, and no group waits."""
    made = [
        TailedRecord(topic, 0, place, -1, b"", (), b"")
        for place, topic in enumerate(("recalls", "abroad", "own", "abroad", "own"))
    ]
    at_hand = _AtHand(made, made[:2])
    found = in_turn(at_hand, lambda: False)
    assert [next(found).offset for _ in range(5)] == [2, 4, 1, 3, 0]
    assert next(found).offset == 1
    found.close()
    assert at_hand.closed

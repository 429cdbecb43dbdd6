"""Rows read while others are written: in order, whole, and with what went wrong."""

import sys
import threading
from collections.abc import Iterator

import pytest

from anpr_engine.watchlist.read_ahead import read_ahead


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 100])
def test_rows_come_whole_and_in_order(count: int) -> None:
    """Whatever the number of rows is to that of a block."""
    assert list(read_ahead(iter(range(count)), 3)) == list(range(count))


def test_reading_goes_on_while_rows_are_used() -> None:
    """The second block is read before the first one is used up, in another thread."""
    read = threading.Event()

    def rows() -> Iterator[int]:
        yield from range(3)
        assert threading.current_thread() is not threading.main_thread()
        read.set()
        yield 3

    ahead = read_ahead(rows(), 3)
    assert next(ahead) == 0
    assert read.wait(10)
    assert list(ahead) == [1, 2, 3]


def test_what_goes_wrong_in_reading_is_raised_behind_the_rows_before_it() -> None:
    """No row that was read is lost to it, up to its block; and turns are as long as before."""

    def rows() -> Iterator[int]:
        yield from range(4)
        raise ValueError("no more")

    turn_s, taken = sys.getswitchinterval(), list[int]()
    with pytest.raises(ValueError, match="no more"):
        taken.extend(read_ahead(rows(), 2))
    assert taken == [0, 1, 2, 3]
    assert sys.getswitchinterval() == turn_s


def test_rows_that_nobody_wants_end_the_reading() -> None:
    """Closed early, it leaves no thread behind."""
    before = threading.active_count()
    ahead = read_ahead(iter(range(1_000)), 10)
    assert next(ahead) == 0
    ahead.close()
    assert threading.active_count() == before

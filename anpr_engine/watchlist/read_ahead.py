"""Rows read and checked in a thread of their own, while those before them are written.

Why: Redis takes a quarter of an import's time, in which nothing else was done.
"""

import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Row = TypeVar("Row")

ROWS_AHEAD = 32_000
"""As many as are written at once: some 30 MB."""
TURN_S = 0.0005
"""Whoever got an answer from Redis waits so long for the interpreter; 5 ms would be ten seconds
of a million rows. Long enough that changing turns costs nothing to speak of."""


def read_ahead(rows: Iterator[Row], count: int = ROWS_AHEAD) -> Generator[Row, None, None]:
    """Give rows in order; what goes wrong in reading is raised where the row would have come.

    Closed early, it waits for the rows that are being read.
    """
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        with ThreadPoolExecutor(1, "read-ahead") as reader:
            ahead = reader.submit(_some, rows, count)
            while some := ahead.result():
                ahead = reader.submit(_some, rows, count)
                yield from some
    finally:
        sys.setswitchinterval(usual_s)


def _some(rows: Iterator[Row], count: int) -> list[Row]:
    return list(islice(rows, count))

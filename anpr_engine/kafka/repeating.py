"""Work that is done again and again beside an engine, as long as the engine works."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anpr_engine.errors import BrokerError
from anpr_engine.logs import get_logger

JOIN_S = 10.0


@contextmanager
def repeated(
    work: Callable[[], None], every_s: float, name: str, failed: str, *, at_once: bool = False
) -> Iterator[None]:
    """Do some work again and again in a thread of its own, as long as this lasts.

    A broker that does not answer costs one turn, and a line in the log.

    Args:
        work: what is done.
        every_s: the pause before each turn.
        name: of the thread.
        failed: of the log's line.
        at_once: the first turn needs no pause before it.

    """
    stop = threading.Event()

    def turns() -> None:
        pause_s = 0.0 if at_once else every_s
        while not stop.wait(pause_s):
            pause_s = every_s
            try:
                work()
            except BrokerError as error:
                get_logger().warning(failed, cause=type(error).__name__)

    thread = threading.Thread(target=turns, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(JOIN_S)

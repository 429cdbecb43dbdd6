"""How often Python's cycle collector looks, in commands that make very many objects."""

import gc


def calm_collector() -> None:
    """Let Python's cycle collector look rarely.

    A batch or file holds tens of thousands of record objects that form no cycles; walking them
    again and again cost 1.1 of 4.1 microseconds a read. Reference counts free them as before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 50, 100)

"""Writes what people decide about hits: the event, what follows from it, and its audit line.

Why the plan is made inside: taking the writer's name fences off whoever wrote under it and settles
what that one left open. What is read then is all there is, and whoever comes later fences us off,
so that our commit fails and all is planned anew. Of two people at one site who decide at once, the
second one's step is judged on the first one's.
"""

from collections.abc import Callable

from anpr_engine.errors import BrokerError
from anpr_engine.kafka.audit_desk import ChainOf, Deed, DeskSettings, written_within
from anpr_engine.ports import Clock

TRIES = 8
"""More than people who decide within the same second."""


def write_deed(
    settings: DeskSettings,
    chain_of: ChainOf,
    plan: Callable[[], Deed],
    clock: Clock,
) -> None:
    """Write a deed, and return once it is committed.

    Args:
        settings: where the record is.
        chain_of: see there.
        plan: looks at the newest state and says what to write; asked again after a rival's deed.
        clock: the machine's.

    Raises:
        AnprError: what `plan` raises; nothing was written.
        BrokerError: it cannot be written.

    """
    if written_within(TRIES, settings, chain_of, plan, clock):
        return
    what = f"Kafka at {settings.log.bootstrap}: what was decided was refused {TRIES} times."
    raise BrokerError(what, "Run `anpr doctor`, then try again.")

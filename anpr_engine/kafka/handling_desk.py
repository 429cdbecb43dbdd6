"""Writes what people decide about hits: the event, what follows from it, and its audit line.

Why the plan is made inside: taking the writer's name fences off whoever wrote under it and settles
what that one left open. What is read then is all there is, and whoever comes later fences us off,
so that our commit fails and all is planned anew. Of two people at one site who decide at once, the
second one's step is judged on the first one's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anpr_engine.errors import BrokerError, EngineReplaced
from anpr_engine.kafka.audit_desk import DeskSettings, OneName
from anpr_engine.kafka.audit_log import newest_lines
from anpr_engine.kafka.producer import Outcome
from anpr_engine.metrics.table import Metrics
from anpr_engine.ports import AuditChain, Clock
from anpr_engine.wire import Header, OutgoingRecord

TRIES = 8
"""More than people who decide within the same second."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is written together: records, and the act in JSON with its headers."""

    records: Sequence[OutgoingRecord]
    act: tuple[bytes, tuple[Header, ...]]


def write_deed(
    settings: DeskSettings,
    chain_of: Callable[[Sequence[bytes]], AuditChain],
    plan: Callable[[], Deed],
    clock: Clock,
) -> None:
    """Write a deed, and return once it is committed.

    Args:
        settings: where the record is.
        chain_of: gives the chain from the newest of its lines in each partition.
        plan: looks at the newest state and says what to write; asked again after a rival's deed.
        clock: the machine's.

    Raises:
        AnprError: what `plan` raises; nothing was written.
        BrokerError: it cannot be written.

    """
    for _ in range(TRIES):
        try:
            if _attempt(settings, chain_of, plan, clock):
                return
        except EngineReplaced:
            # Somebody else's deed came between; ours is judged anew.
            continue
    what = f"Kafka at {settings.log.bootstrap}: what was decided was refused {TRIES} times."
    raise BrokerError(what, "Run `anpr doctor`, then try again.")


def _attempt(
    settings: DeskSettings,
    chain_of: Callable[[Sequence[bytes]], AuditChain],
    plan: Callable[[], Deed],
    clock: Clock,
) -> bool:
    producer = OneName(settings.stream(), Metrics(), clock)
    try:
        deed = plan()
        event, headers = deed.act
        chain = chain_of(newest_lines(settings.log, settings.chain_start))
        line = chain.seal([event])[0]
        audit = OutgoingRecord(settings.log.topic, chain.key, line, headers)
        try:
            if producer.save([*deed.records, audit], [], None) is Outcome.SAVED:
                return True
        except EngineReplaced:
            # A rival's deed, or a commit whose answer was lost: the topic tells which.
            pass
        return line in newest_lines(settings.log, settings.chain_start)
    finally:
        producer.close()

"""Writes single audit lines for people's acts: a look at the record, an export, an approval.

Why a transaction for one line: the writer's name fences off whoever writes under it at the same
time, and settles what that one left open. So the chain's end that is read next is the true one,
and two people who look at once cannot fork the chain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anpr_engine.errors import BrokerError, EngineReplaced
from anpr_engine.kafka.audit_log import newest_lines
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.producer import Outcome, TransactionalProducer
from anpr_engine.metrics.table import Metrics
from anpr_engine.ports import AuditChain, Clock
from anpr_engine.wire import Header, OutgoingRecord

TRIES = 4


def desk_transactional_id(site: str) -> str:
    """Name the writer of people's acts at one site."""
    return f"anpr.audit.{site}.desk"


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """How to reach a site's audit topic; `chain_start` begins each of the desk's own lines."""

    site: str
    log: HistorySettings
    chain_start: bytes

    def stream(self) -> StreamSettings:
        """Give what the producer needs to know."""
        name = desk_transactional_id(self.site)
        log = self.log
        return StreamSettings(log.bootstrap, log.topic, name, name, security=log.security)


class OneName(TransactionalProducer):
    """A writer that never takes its name a second time: that would fence off a rival unseen.

    What was planned before a rival's act must not be written after it.
    """

    def _replace(self) -> None:
        self._broken = True
        raise EngineReplaced("The desk's writer would have to begin anew.", "Try again.")


def write_act(
    settings: DeskSettings,
    chain_of: Callable[[Sequence[bytes]], AuditChain],
    act: tuple[bytes, tuple[Header, ...]],
    clock: Clock,
) -> None:
    """Write one act, and return once it is committed.

    Args:
        settings: where to.
        chain_of: gives the chain from the newest of its lines in each partition.
        act: the event in JSON, and the record's headers.
        clock: the machine's.

    Raises:
        BrokerError: it cannot be written; nothing may then be shown.

    """
    for _ in range(TRIES):
        try:
            if _attempt(settings, chain_of, act, clock):
                return
        except EngineReplaced:
            # Somebody else's act came between; ours goes behind it.
            continue
    what = f"Kafka at {settings.log.bootstrap}, topic {settings.log.topic}: the audit line of this "
    raise BrokerError(f"{what}act was refused {TRIES} times.", "Run `anpr doctor`.")


def _attempt(
    settings: DeskSettings,
    chain_of: Callable[[Sequence[bytes]], AuditChain],
    act: tuple[bytes, tuple[Header, ...]],
    clock: Clock,
) -> bool:
    event, headers = act
    producer = OneName(settings.stream(), Metrics(), clock)
    try:
        chain = chain_of(newest_lines(settings.log, settings.chain_start))
        line = chain.seal([event])[0]
        record = OutgoingRecord(settings.log.topic, chain.key, line, headers)
        try:
            if producer.save([record], [], None) is Outcome.SAVED:
                return True
        except EngineReplaced:
            # A rival's act, or a commit whose answer was lost: the topic tells which.
            pass
        return line in newest_lines(settings.log, settings.chain_start)
    finally:
        producer.close()

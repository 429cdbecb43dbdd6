"""Writes audit lines for people's acts: a look at the record, an export, an approval, a decision.

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
    """How to reach a site's audit topic; `chain_start` begins each of the desk's own lines.

    writer: the name that is written under; empty for that of people's acts.
    """

    site: str
    log: HistorySettings
    chain_start: bytes
    writer: str = ""

    def stream(self) -> StreamSettings:
        """Give what the producer needs to know."""
        name = self.writer or desk_transactional_id(self.site)
        log = self.log
        return StreamSettings(log.bootstrap, log.topic, name, name, security=log.security)


class OneName(TransactionalProducer):
    """A writer that never takes its name a second time: that would fence off a rival unseen.

    What was planned before a rival's act must not be written after it.
    """

    def _replace(self) -> None:
        self._broken = True
        raise EngineReplaced("The desk's writer would have to begin anew.", "Try again.")


@dataclass(frozen=True, slots=True)
class Deed:
    """What is written together: records, and the act in JSON with its headers; further ones."""

    records: Sequence[OutgoingRecord]
    act: tuple[bytes, tuple[Header, ...]]
    others: Sequence[tuple[bytes, tuple[Header, ...]]] = ()


ChainOf = Callable[[Sequence[bytes]], AuditChain]
"""Gives the chain from the newest of its lines in each partition."""


def write_acts(
    settings: DeskSettings,
    chain_of: ChainOf,
    acts: Sequence[tuple[bytes, tuple[Header, ...]]],
    clock: Clock,
) -> None:
    """Write acts, one or more, and return once all of them are committed.

    Args:
        settings: where to.
        chain_of: see `ChainOf`.
        acts: the events in JSON, each with its record's headers.
        clock: the machine's.

    Raises:
        BrokerError: they cannot be written; nothing may then be shown.

    """
    if written_within(TRIES, settings, chain_of, lambda: Deed((), acts[0], acts[1:]), clock):
        return
    what = f"Kafka at {settings.log.bootstrap}, topic {settings.log.topic}: the audit line of this "
    raise BrokerError(f"{what}act was refused {TRIES} times.", "Run `anpr doctor`.")


def written_within(
    tries: int,
    settings: DeskSettings,
    chain_of: ChainOf,
    plan: Callable[[], Deed | None],
    clock: Clock,
) -> bool:
    """Write what a plan says, or nothing where it says so; False when others were faster each time.

    Why the plan is asked each time: what was decided before a rival's act is judged anew.
    """
    for _ in range(tries):
        try:
            if _attempt(settings, chain_of, plan, clock):
                return True
        except EngineReplaced:
            # Somebody else's act came between; ours goes behind it.
            continue
    return False


def _attempt(
    settings: DeskSettings, chain_of: ChainOf, plan: Callable[[], Deed | None], clock: Clock
) -> bool:
    producer = OneName(settings.stream(), Metrics(), clock)
    try:
        deed = plan()
        if deed is None:
            return True
        acts = [deed.act, *deed.others]
        chain = chain_of(newest_lines(settings.log, settings.chain_start))
        lines = chain.seal([event for event, _ in acts])
        audit = [
            OutgoingRecord(settings.log.topic, chain.key, line, headers)
            for line, (_, headers) in zip(lines, acts, strict=True)
        ]
        try:
            if producer.save([*deed.records, *audit], [], None) is Outcome.SAVED:
                return True
        except EngineReplaced:
            # A rival's act, or a commit whose answer was lost: the topic tells which.
            pass
        return lines[-1] in newest_lines(settings.log, settings.chain_start)
    finally:
        producer.close()

"""The consuming half of the stream: polls reads, knows what is polled and what is saved.

Partitions are added and taken away inside `consume()`; what was polled from one that is taken
away is dropped from the batch, for its new owner gets it. What a poll gathers counts as progress
only when the poll is over, so that nothing half-gathered is saved on the way.

Why: a partition is moved by taking it out of the assignment and putting it back with an offset,
not by `seek()`: a partition that stopped with an error refuses to be sought.
"""

from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from anpr_engine.kafka.batch import KafkaBatch
from anpr_engine.kafka.client_settings import StreamSettings, common, follower, reader
from anpr_engine.kafka.damage import BatchProbe, DamageLog, Sighting, first_damage
from anpr_engine.kafka.errors import error_of, loses_place, translated
from anpr_engine.kafka.progress import Offsets, Progress
from anpr_engine.kafka.watch import ClientWatch, reach, watermarks
from anpr_engine.logs import get_logger
from anpr_engine.ports import BatchLimits, Clock, DamagedRecord

FIRST_CHUNK, CHUNK_MAX = 256, 8192
"""Records asked for at once: few until their size is known, so that a batch of large records
does not overshoot its bytes."""

ASK_S = 5.0
"""How long one question to the broker may take."""


class ReadConsumer:
    """Polls one topic as a static member of the engines' group."""

    def __init__(
        self, settings: StreamSettings, clock: Clock, on_release: Callable[[], None]
    ) -> None:
        """Connect and check that the topic is there; `start` joins the group.

        Args:
            settings: of the stream.
            clock: for waiting limits.
            on_release: called before partitions are given away, to save their progress.

        Raises:
            BrokerError: nobody answers, we are refused, or the topic does not exist.

        """
        where = f"{settings.bootstrap}, topic {settings.topic}"
        self._topic, self._where, self._clock = settings.topic, where, clock
        self._on_release = on_release
        self._watch = ClientWatch(settings.bootstrap)
        base = common(settings.bootstrap, settings.security, self._watch.hear)
        self._probe = BatchProbe({**base, **follower(f"{settings.group_id}.probe")}, where)
        self._damage = DamageLog()
        self._damaged: list[DamagedRecord] = []
        self._owned: set[int] = set()
        self.progress = Progress()
        self._moved: Offsets = {}
        self._gathered: list[Message] = []
        self._released = False
        with translated(where):
            self._consumer = Consumer({**base, **reader(settings)})
            found = reach(
                self._consumer,
                settings.topic,
                watch=self._watch,
                serve=lambda: self._consumer.consume(1, 0),
                deadline_s=clock.monotonic_s() + settings.start_timeout_s,
                clock=clock,
            )
            self.partitions = tuple(sorted(found.partitions))

    def start(self) -> None:
        """Join the group."""
        with translated(self._where):
            self._consumer.subscribe(
                [self._topic],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )

    def gather(self, limits: BatchLimits) -> KafkaBatch | None:
        """Poll until a limit is reached, or until what has come is taken.

        Why: one read at a quiet hour is given at once; in a backlog the client has fetched ahead
        and the batch fills. No time is spent waiting for more while there is something to do.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        deadline_s = self._clock.monotonic_s() + limits.wait_ms_max / 1000
        self._gathered, self._damaged, self._released = [], [], False
        self._moved = {}
        size = 0
        while len(self._gathered) < limits.reads_max and size < limits.bytes_max:
            room = _room(limits, len(self._gathered), size)
            with translated(self._where):
                part = self._consume(room, deadline_s)
            if not part:
                break
            size += sum(map(len, part))
            self._gathered += part
        self._watch.check()
        with translated(self._where):
            self._advance()
        messages, self._gathered = self._gathered, []
        return KafkaBatch(messages, self._damaged) if messages or self._damaged else None

    def rewind(self) -> None:
        """Go back to what is accepted, so that everything since is given again."""
        with translated(self._where):
            for partition, offset in self.progress.roll_back().items():
                self._damage.forget(partition)
                self._restart(partition, offset)

    def places(self, offsets: Offsets) -> list[TopicPartition]:
        """Write offsets as the client library wants them."""
        return [TopicPartition(self._topic, p, at) for p, at in offsets.items()]

    def group_metadata(self) -> object:
        """Give the membership that a transaction is checked against."""
        return self._consumer.consumer_group_metadata()

    def committed(self, partitions: Iterable[int]) -> Offsets:
        """Ask the broker what is committed; -1 where nothing is.

        Raises:
            BrokerUnavailable: when it does not answer in time.

        """
        places = [TopicPartition(self._topic, p) for p in partitions]
        with translated(self._where):
            found = self._consumer.committed(places, timeout=ASK_S)
        return {place.partition: max(place.offset, -1) for place in found}

    def watermarks(self, partition: int) -> tuple[int, int]:
        """Ask the broker for the first offset and the one after the last committed record."""
        place = TopicPartition(self._topic, partition)
        with translated(self._where):
            return watermarks(self._consumer, place, ASK_S)

    def position(self, partition: int) -> int:
        """Give the offset of the next read to come, -1 when it is not known."""
        return self.progress.polled.get(partition, -1)

    def lag(self) -> dict[int, int]:
        """Give the reads not yet polled as of the last fetch, without asking the broker."""
        lag: dict[int, int] = {}
        for partition, at in self.progress.polled.items():
            place = TopicPartition(self._topic, partition)
            end = self._consumer.get_watermark_offsets(place, cached=True)[1]
            if end >= 0:
                lag[partition] = max(end - at, 0)
        return lag

    def close(self) -> None:
        """Leave the group; nothing may be asked of the consumer afterwards.

        Why: unsubscribing makes even a static member leave, so other engines go on with its
        partitions at once; only after a crash do they wait for it, one session timeout. The
        library's close() waits for ever on an assignment that comes while it runs, so first no
        more are asked for, and one on its way is taken.
        """
        try:
            self._consumer.unsubscribe()
            self._consumer.consume(CHUNK_MAX, 0)
        except KafkaException as exception:
            get_logger().debug("kafka_unsubscribe_failed", code=error_of(exception).name())
        self._consumer.close()

    def _consume(self, room: int, deadline_s: float) -> list[Message]:
        part = self._consumer.consume(room, 0)
        while not part and not self._gathered:
            left_s = deadline_s - self._clock.monotonic_s()
            if left_s <= 0:
                break
            part = self._consumer.consume(1, left_s)
        if any(map(Message.error, part)):
            part = self._without_errors(part)
        if self._released:
            part = [message for message in part if message.partition() in self._owned]
        return part

    def _without_errors(self, part: list[Message]) -> list[Message]:
        seen = first_damage(part)
        damage = {
            p: sighting for p, sighting in seen.items() if not self._damage.is_stale(sighting)
        }
        kept: list[Message] = []
        lost: set[int] = set()
        for message in part:
            partition, offset, error = message.partition(), message.offset(), message.error()
            if error is not None:
                if loses_place(error, self._where) and partition is not None:
                    lost.add(partition)
            elif partition not in damage or (offset or 0) < damage[partition].offset:
                kept.append(message)
        if not all(map(self.progress.knows, damage)):
            self._note_starts(self._gathered + kept, set(damage))
        for sighting in damage.values():
            self._pass_over(sighting)
        for partition in (lost - damage.keys()) & self._owned:
            self._find_place(partition)
        return kept

    def _pass_over(self, damage: Sighting) -> None:
        partition, start = damage.partition, damage.offset
        if partition not in self._owned:
            return
        self.progress.begin(partition, start)
        at = start
        if self._damage.is_lasting(damage):
            at = self._probe.end_of(self._topic, damage)
            self._damage.pass_over(partition, at)
            self._damaged.append(DamagedRecord(self._topic, partition, start, at, damage.detail))
            get_logger().error("kafka_batch_damaged", partition=partition, offset=start, end=at)
        self._restart(partition, at)
        self._moved[partition] = at

    def _find_place(self, partition: int) -> None:
        """Start at the beginning where nothing is known, else as near as the broker still has."""
        low, high = self.watermarks(partition)
        here = self._consumer.position([TopicPartition(self._topic, partition)])[0].offset
        known = here if here >= 0 else self._moved.get(partition, self.progress.next(partition))
        at = low if known is None else min(max(known, low), high)
        if known is not None:
            self._moved[partition] = at
        if known not in {None, at}:
            get_logger().error("reads_gone_before_read", partition=partition, offset=at)
        self._restart(partition, at)

    def _restart(self, partition: int, offset: int) -> None:
        place = TopicPartition(self._topic, partition, offset)
        self._consumer.incremental_unassign([place])
        self._consumer.incremental_assign([place])

    def _advance(self) -> None:
        places = [TopicPartition(self._topic, p) for p in self._owned]
        # A partition that was just moved has no position; ours stands until it has.
        known = {x.partition: x.offset for x in self._consumer.position(places) if x.offset >= 0}
        moved = self._moved | known
        unknown = self.progress.unknown(moved)
        if unknown:
            self._note_starts(self._gathered, unknown)
            for partition in unknown:
                self.progress.begin(partition, moved[partition])
        self.progress.polled.update(moved)

    def _note_starts(self, messages: list[Message], partitions: set[int]) -> None:
        """Remember the first offset of partitions that were never read before."""
        for message in messages:
            partition, offset = message.partition(), message.offset()
            if partition in partitions and partition is not None and offset is not None:
                self.progress.begin(partition, offset)

    def _on_assign(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        self._owned.update(place.partition for place in places)

    def _on_revoke(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        self._on_release()
        self._forget(places)

    def _on_lost(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        self._forget(places)

    def _forget(self, places: list[TopicPartition]) -> None:
        self._released = True
        gone = {place.partition for place in places}
        self._owned -= gone
        for partition in gone:
            self._moved.pop(partition, None)
            self._damage.forget(partition)
            self.progress.forget(partition)
        self._gathered = [m for m in self._gathered if m.partition() not in gone]


def _room(limits: BatchLimits, count: int, size: int) -> int:
    """Say how many records to ask for, by their mean size so far."""
    reads_left = limits.reads_max - count
    if not count or not size:
        return min(reads_left, FIRST_CHUNK)
    by_bytes = max((limits.bytes_max - size) * count // size, 1)
    return min(reads_left, by_bytes, CHUNK_MAX)

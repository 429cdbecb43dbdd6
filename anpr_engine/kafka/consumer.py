"""The consuming half of the stream: polls reads, knows what is polled and what is saved.

Partitions are added and taken away inside `consume()`; what was polled from one that is taken
away is dropped from the batch, for its new owner gets it. What a poll gathers counts as progress
only when the poll is over, so that nothing half-gathered is saved on the way.

Why: a partition is moved by taking it out of the assignment and putting it back with an offset,
not by `seek()`: a partition that stopped with an error refuses to be sought.
"""

from collections.abc import Callable, Iterable

from confluent_kafka import TopicPartition
from confluent_kafka.admin._metadata import TopicMetadata

from anpr_engine.errors import BrokerError
from anpr_engine.kafka.client import CHUNK_MAX, Chunk, Fault, Handlers
from anpr_engine.kafka.client_choice import ClientChoice, open_client
from anpr_engine.kafka.client_settings import StreamSettings, common, follower, reader
from anpr_engine.kafka.damage import BatchProbe, DamageLog, Sighting, first_damage
from anpr_engine.kafka.errors import loses_place, translated
from anpr_engine.kafka.progress import Offsets, Progress
from anpr_engine.kafka.watch import ClientWatch, reach, watermarks
from anpr_engine.logs import get_logger
from anpr_engine.ports import BatchLimits, Clock, DamagedRecord, RecordBatch

FIRST_CHUNK = 256
"""Records asked for at once until their size is known, so that a batch of large records does not
overshoot its bytes."""

ASK_S = 5.0
"""How long one question to the broker may take."""


class ReadConsumer:
    """Polls one topic as a static member of the engines' group."""

    def __init__(
        self,
        settings: StreamSettings,
        clock: Clock,
        on_release: Callable[[], None],
        choice: ClientChoice,
    ) -> None:
        """Connect and check that the topic is there; `start` joins the group.

        Args:
            settings: of the stream.
            clock: for waiting limits.
            on_release: called before partitions are given away, to save their progress.
            choice: the client to read with.

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
        self._gone: set[int] = set()
        self.progress = Progress()
        self._moved: Offsets = {}
        self._gathered: list[Chunk] = []
        with translated(where):
            self._client = open_client(choice, {**base, **reader(settings)}, settings.topic)
            self.partitions = tuple(sorted(self._reach(settings.start_timeout_s).partitions))

    def start(self) -> None:
        """Join the group."""
        with translated(self._where):
            handlers = Handlers(self._owned.update, self._on_revoke, self._forget)
            self._client.subscribe(handlers)

    def gather(self, limits: BatchLimits) -> RecordBatch | None:
        """Poll until a limit is reached, or until what has come is taken.

        Why: one read at a quiet hour is given at once; in a backlog the client has fetched ahead
        and the batch fills. No time is spent waiting for more while there is something to do.

        Raises:
            BrokerError: when the stream cannot go on.

        """
        deadline_s = self._clock.monotonic_s() + limits.wait_ms_max / 1000
        self._gathered, self._damaged, self._gone = [], [], set()
        self._moved = {}
        count = size = 0
        while count < limits.reads_max and size < limits.bytes_max:
            room = _room(limits, count, size)
            with translated(self._where):
                part = self._poll(room, deadline_s)
            if not part:
                break
            self._gathered.append(part)
            count += len(part)
            size += part.size_bytes
        self._watch.check()
        with translated(self._where):
            self._advance()
        chunks, self._gathered = [chunk for chunk in self._gathered if chunk], []
        return self._client.batch(chunks, self._damaged) if chunks or self._damaged else None

    def rewind(self) -> None:
        """Go back to what is accepted, so that everything since is given again."""
        with translated(self._where):
            for partition, offset in self.progress.roll_back().items():
                self._damage.forget(partition)
                self._client.restart(partition, offset)

    def places(self, offsets: Offsets) -> list[TopicPartition]:
        """Write offsets as the client library wants them."""
        return [TopicPartition(self._topic, p, at) for p, at in offsets.items()]

    def group_metadata(self) -> object:
        """Give the membership that a transaction is checked against."""
        with translated(self._where):
            return self._client.group_metadata()

    def committed(self, partitions: Iterable[int]) -> Offsets:
        """Ask the broker what is committed; -1 where nothing is.

        Raises:
            BrokerUnavailable: when it does not answer in time.

        """
        with translated(self._where):
            return self._client.committed(partitions, ASK_S)

    def watermarks(self, partition: int) -> tuple[int, int]:
        """Ask the broker for the first offset and the one after the last committed record."""
        place = TopicPartition(self._topic, partition)
        with translated(self._where):
            return watermarks(self._client, place, ASK_S)

    def position(self, partition: int) -> int:
        """Give the offset of the next read to come, -1 when it is not known."""
        return self.progress.polled.get(partition, -1)

    def lag(self) -> dict[int, int]:
        """Give the reads not yet polled as of the last fetch, without asking the broker."""
        lag: dict[int, int] = {}
        for partition, at in self.progress.polled.items():
            end = self._client.end_seen(partition)
            if end >= 0:
                lag[partition] = max(end - at, 0)
        return lag

    def close(self) -> None:
        """Leave the group; nothing may be asked of the consumer afterwards."""
        self._client.close()

    def _reach(self, timeout_s: float) -> TopicMetadata:
        try:
            return reach(
                self._client,
                self._topic,
                watch=self._watch,
                serve=lambda: self._client.poll(1, 0),
                deadline_s=self._clock.monotonic_s() + timeout_s,
                clock=self._clock,
            )
        except BrokerError:
            self._client.close()
            raise

    def _poll(self, room: int, deadline_s: float) -> Chunk:
        part = self._client.poll(room, 0)
        while not part and not self._gathered:
            left_s = deadline_s - self._clock.monotonic_s()
            if left_s <= 0:
                break
            part = self._client.poll(1, left_s)
        faults = part.faults()
        if faults:
            self._settle(part, faults)
        if self._gone:
            part.drop(dict.fromkeys(self._gone - self._owned, 0))
        return part

    def _settle(self, part: Chunk, faults: list[Fault]) -> None:
        """Take the faults out of a chunk, and what came after damage; set reading right."""
        damage = {
            partition: sighting
            for partition, sighting in first_damage(faults).items()
            if not self._damage.is_stale(sighting)
        }
        lost = {x.partition for x in faults if loses_place(x.error, self._where)}
        part.drop({partition: sighting.offset for partition, sighting in damage.items()})
        if not all(map(self.progress.knows, damage)):
            self._note_starts([*self._gathered, part], set(damage))
        for sighting in damage.values():
            self._pass_over(sighting)
        for partition in (lost - damage.keys()) & self._owned:
            self._find_place(partition)

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
        self._client.restart(partition, at)
        self._moved[partition] = at

    def _find_place(self, partition: int) -> None:
        """Start at the beginning where nothing is known, else as near as the broker still has."""
        low, high = self.watermarks(partition)
        known = self._client.positions([partition]).get(partition)
        if known is None:
            known = self._moved.get(partition, self.progress.next(partition))
        at = low if known is None else min(max(known, low), high)
        if known is not None:
            self._moved[partition] = at
        if known not in {None, at}:
            get_logger().error("reads_gone_before_read", partition=partition, offset=at)
        self._client.restart(partition, at)

    def _advance(self) -> None:
        # A partition that was just moved has no position; ours stands until it has.
        moved = self._moved | self._client.positions(self._owned)
        unknown = self.progress.unknown(moved)
        if unknown:
            self._note_starts(self._gathered, unknown)
            for partition in unknown:
                self.progress.begin(partition, moved[partition])
        self.progress.polled.update(moved)

    def _note_starts(self, chunks: list[Chunk], partitions: set[int]) -> None:
        """Remember the first offset of partitions that were never read before."""
        for chunk in chunks:
            for partition, offset in chunk.starts().items():
                if partition in partitions:
                    self.progress.begin(partition, offset)

    def _on_revoke(self, gone: set[int]) -> None:
        self._on_release()
        self._forget(gone)

    def _forget(self, gone: set[int]) -> None:
        self._gone |= gone
        self._owned -= gone
        for partition in gone:
            self._moved.pop(partition, None)
            self._damage.forget(partition)
            self.progress.forget(partition)
        for chunk in self._gathered:
            chunk.drop(dict.fromkeys(gone, 0))


def _room(limits: BatchLimits, count: int, size: int) -> int:
    """Say how many records to ask for, by their mean size so far."""
    reads_left = limits.reads_max - count
    if not count or not size:
        return min(reads_left, FIRST_CHUNK)
    by_bytes = max((limits.bytes_max - size) * count // size, 1)
    return min(reads_left, by_bytes, CHUNK_MAX)

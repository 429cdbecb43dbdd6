"""Proves that what was loaded is what was signed: sums by bucket, compared with the seal.

Why by bucket: others go on writing while everything is loaded, so the buckets read belong to
different versions. Those that changed since they were read are read again, until nothing changes
meanwhile; then all of them are of one version, and their sum is the one that was signed.
Why in a thread: hashing leaves the interpreter free, so a second processor does it for nothing.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from anpr_engine.watchlist.manifest import ChangeRecord, Manifest
from anpr_engine.watchlist.redis_keys import BUCKETS, bucket_of, entries_key, entry_field
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.row_sum import RowSum
from anpr_engine.watchlist.seals import CONTENT_DIFFERS, not_trusted

BUCKETS_A_TRIP = 64


class ContentProof:
    """The sums of one load; a context manager. Without trusted keys it does nothing."""

    def __init__(self, reader: StoreReader) -> None:
        """Prove what a reader reads."""
        self._reader = reader
        self._sums = [RowSum() for _ in range(BUCKETS)]
        self._changed: set[int] = set()
        self._work = ThreadPoolExecutor(1, thread_name_prefix="watchlist-proof")
        self._pending: Future[None] | None = None

    def take(self, buckets: Sequence[int], replies: Sequence[Sequence[bytes]]) -> None:
        """Sum up buckets as they were read; one call's worth of rows waits at most."""
        if self._reader.trust:
            self._wait()
            self._pending = self._work.submit(self._add, buckets, replies)

    def note(self, epoch: str, record: ChangeRecord) -> None:
        """Take note of what a record changed, after making sure that it is signed.

        Raises:
            StoreNotTrusted: it is not.

        """
        trust = self._reader.trust
        if not trust:
            return
        cause = trust.record_objection(epoch, record)
        if cause:
            raise not_trusted(cause, self._reader.session.where)
        for change in record.changes:
            self._changed.add(bucket_of(entry_field(change.list_id, change.entry_id)))

    def settled(self, manifest: Manifest) -> bool:
        """Say whether all sums are of one version, and then compare them with its seal.

        Raises:
            StoreNotTrusted: the version is not signed, or holds something else.

        """
        trust, where = self._reader.trust, self._reader.session.where
        if not trust:
            return True
        trust.require(manifest, where)
        if self._changed:
            return False
        self._wait()
        total = RowSum()
        for each in self._sums:
            total.join(each)
        if manifest.seal is None or total.text() != manifest.seal.total:
            raise not_trusted(CONTENT_DIFFERS, where)
        return True

    def read_again(self) -> None:
        """Read the buckets that changed after they were read."""
        changed = sorted(self._changed)
        self._changed.clear()
        for first in range(0, len(changed), BUCKETS_A_TRIP):
            chunk = changed[first : first + BUCKETS_A_TRIP]
            commands = [("HVALS", entries_key(bucket)) for bucket in chunk]
            self.take(chunk, self._reader.session.ask_all(commands))

    def _add(self, buckets: Sequence[int], replies: Sequence[Sequence[bytes]]) -> None:
        for bucket, rows in zip(buckets, replies, strict=True):
            self._sums[bucket] = RowSum()
            self._sums[bucket].add(rows)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread."""
        self._work.shutdown(cancel_futures=True)

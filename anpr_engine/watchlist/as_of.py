"""The lists as they stood at an earlier time: today's entries, and the history gone back.

Why this is right while others write: an entry that was written since then carries a later version,
so it is left out of what the store gives, whenever that is read; and the earliest record of the
history after that time says what stood there. Both are read, the history last.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from anpr_engine.errors import InputFileError, StoreError
from anpr_engine.logs import get_logger
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.history import History, HistoryRecord
from anpr_engine.watchlist.history_seals import HistoryProof
from anpr_engine.watchlist.manifest import Manifest
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import ListSummary, StoreReader, restored
from anpr_engine.watchlist.stored import StoredEntry

_MANY = 2_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """The lists at an earlier time.

    version, token: those of the lists then; version 0 is before the first. at_us: the time asked
    for, microseconds since 1970.
    """

    session: RedisSession
    version: int
    token: str
    at_us: int
    proof: HistoryProof | None = None

    def entries(self, list_id: str | None = None) -> Iterator[WatchlistEntry]:
        """Give the entries of a list, or of all, in no order that means anything.

        Raises:
            InputFileError: the list was refused since, and destroyed.
            StoreError: the history that is needed was cut off meanwhile, or cannot be read.

        """
        self.check_destroyed(list_id)
        reader = StoreReader(self.session)
        met: set[int] = set()
        for stored, entry in reader.stored_entries(list_id):
            if stored.version <= self.version:
                met.add(hash((entry.list_id, entry.entry_id)))
                yield entry
        # One that was changed behind the reading stands in the history too.
        before = before_since(self.session, self.version, list_id, self.proof).items()
        waiting = [each for name, each in before if each is not None and hash(name) not in met]
        for first in range(0, len(waiting), _MANY):
            chunk = waiting[first : first + _MANY]
            profiles = reader.profiles(each.profile for each in chunk)
            yield from (restored(each, profiles[each.profile]) for each in chunk)

    def entry(self, list_id: str, entry_id: str) -> WatchlistEntry | None:
        """Give one entry; None where the list had none of this id."""
        found = (each for each in self.entries(list_id) if each.entry_id == entry_id)
        return next(found, None)

    def lists(self) -> list[ListSummary]:
        """Give the lists that there were, by id, with their entries counted."""
        counts: dict[str, int] = {}
        for entry in self.entries():
            counts[entry.list_id] = counts.get(entry.list_id, 0) + 1
        at = datetime.fromtimestamp(self.at_us / 1e6, UTC)
        return [
            ListSummary(each.definition, counts.get(each.definition.list_id, 0))
            for each in StoreReader(self.session).lists()
            if datetime.fromisoformat(each.definition.created_at) <= at
        ]

    def check_destroyed(self, list_id: str | None) -> None:
        """Say that a list is gone; of all lists the others are given, with a warning."""
        for each in StoreReader(self.session).lists():
            what = each.definition
            gone = what.refusal is not None and self.version < what.refusal.gone_from
            if not gone or list_id not in {None, what.list_id}:
                continue
            if list_id is None:
                get_logger().warning("watchlist_destroyed_since", list_id=what.list_id)
            else:
                raise InputFileError(
                    f"List {list_id}, as it stood then, was refused since and destroyed.",
                    f"`anpr watchlist history --list {list_id}` says when, and how many entries.",
                )


def before_since(
    session: RedisSession,
    version: int,
    list_id: str | None = None,
    proof: HistoryProof | None = None,
) -> dict[tuple[str, str], StoredEntry | None]:
    """Give what stood at a version, for every entry of a list, or of all, that was written since.

    Raises:
        StoreError: the history has a hole, or cannot be read.
        StoreNotTrusted: a record of it is not as it was signed.

    """
    found: dict[tuple[str, str], StoredEntry | None] = {}
    expected = version + 1
    for record in History(session).oldest_first(version):
        if record.version != expected:
            raise _cut(record)
        expected += 1
        if proof is not None:
            proof.require(record)
        if list_id is None or list_id in record.lists:
            for row in record.rows():
                if list_id in {None, row.list_id}:
                    found.setdefault((row.list_id, row.entry_id), row.before)
    return found


def earlier(session: RedisSession, at_us: int, sealed: Manifest | None = None) -> Earlier:
    """Find the lists as they stood at a time.

    Args:
        session: the store.
        at_us: when, microseconds since 1970.
        sealed: the newest version with a signature that holds; None asks the newest to have one.

    Raises:
        InputFileError: the time lies before what the history keeps.
        StoreError: the history has a hole, or cannot be read.
        StoreNotTrusted: a record of it is not as it was signed.

    """
    manifest = StoreReader(session).manifest()
    version, proof = 0 if manifest is None else manifest.version, None
    if manifest is not None and session.trust:
        if sealed is None:
            session.trust.require(manifest, session.where)
        proof = HistoryProof(sealed or manifest, session.trust)
    oldest: HistoryRecord | None = None
    for record in History(session).newest_first(version):
        if record.version != version:
            raise _cut(record)
        if proof is not None and (sealed is None or record.version <= sealed.version):
            proof.require(record)
        if record.head.at_us <= at_us:
            return Earlier(session, record.version, record.head.token, at_us, proof)
        version, oldest = record.version - 1, record
    if version == 0:
        return Earlier(session, 0, "", at_us, proof)
    since = f"It begins at {oldest.at.isoformat()}." if oldest else "It holds no record yet."
    what = "The history of the lists does not reach back to that time."
    raise InputFileError(what, f"{since} See history_days in the settings.")


def _cut(record: HistoryRecord) -> StoreError:
    return StoreError(
        f"The history of the lists has a hole before version {record.version}.",
        "It was cut out, or a writer of an older version changed the lists; choose a later time.",
    )

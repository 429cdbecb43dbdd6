"""Lists shown with proof: what is given is what was signed, or it is named as what was not.

A seal signs the sum over all entries of its version. So all entries are read, whichever are shown,
and summed up as they stood at the newest version that is sealed: what was written since is taken
back by the history. What stood at an earlier time is that state, gone further back by records of
the history, each of which is signed. Where the sum differs, `entry_flaws` finds out which entries.

Why one reading: what is shown and what is summed up are the same answers of Redis, so that nobody
can show the one and hide the other. Whoever asks has to take all that `entries` gives, and only
then `verdict` says anything.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from anpr_engine.errors import InputFileError, StoreError, StoreNotTrusted
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.as_of import Earlier, before_since, earlier
from anpr_engine.watchlist.entry_flaws import NEVER, EntryFlaw, Row, entry_flaws, rows_of
from anpr_engine.watchlist.history import History
from anpr_engine.watchlist.history_seals import HistoryProof
from anpr_engine.watchlist.manifest import Manifest, read_record
from anpr_engine.watchlist.proved_summaries import ListProof, Past, SummaryCheck
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import CHANGES, entry_field, list_prefix
from anpr_engine.watchlist.redis_reader import ListSummary, StoreReader, restored
from anpr_engine.watchlist.row_sum import RowSum
from anpr_engine.watchlist.seals import not_trusted
from anpr_engine.watchlist.stored import StoredEntry, encode_entry

UNSEALED_LOOKED_AT = 1_000
"""Versions without a signature that are looked back over for one that has it."""
NAMED_MAX = 20
NOTHING = Manifest("", 0, 0, "", 0, 0, 0, 0)
REMEDY = "Find out who changed Redis past the commands, and restore a copy of before."


def newest_sealed(session: RedisSession, now: Manifest) -> Manifest:
    """Give the newest version with a signature that holds: this one, but for versions without any.

    Raises:
        StoreNotTrusted: there is none, or what stands on top of it is no version without one.

    """
    trust = session.trust
    cause = trust.objection(now)
    if not cause:
        return now
    ask = ("XREVRANGE", CHANGES.name, "+", "-", "COUNT", UNSEALED_LOOKED_AT)
    for due, record in zip(range(now.version, 0, -1), session.ask(*ask), strict=False):
        found = read_record(record)
        if found.version != due:
            break
        if found.seal is None:
            continue
        # With a record that is signed the newest version is no version that nobody signed.
        if due == now.version or trust.record_objection(now.epoch, found):
            break
        return Manifest(
            *(now.epoch, found.version, found.entries, found.token, found.committed_at_us),
            *(0, 0, 0, found.seal),
        )
    raise not_trusted(cause, session.where)


@dataclass(slots=True)
class Verdict:
    """What is to be said of entries that were shown.

    said: what was checked, and what was not. flaws: what is not as it was signed. unsealed: what
    was shown, or is missing, by changes that nobody signed yet. history: what is wrong with records
    that what was shown does not need.
    """

    said: list[str] = field(default_factory=list[str])
    flaws: list[str] = field(default_factory=list[str])
    unsealed: list[str] = field(default_factory=list[str])
    history: list[str] = field(default_factory=list[str])

    @property
    def holds(self) -> bool:
        """Whether what was shown is as it was signed."""
        return not self.flaws and not self.unsealed

    def lines(self) -> Iterator[str]:
        """Give all of it, a line each."""
        yield from self.said
        for kind in (self.flaws, self.unsealed, self.history):
            yield from kind[:NAMED_MAX]
            if len(kind) > NAMED_MAX:
                yield f"... and {len(kind) - NAMED_MAX} more."

    def require(self) -> None:
        """Raise `StoreNotTrusted` where something is not as it was signed."""
        if self.flaws:
            raise StoreNotTrusted("The lists are not as they were signed.", REMEDY)
        if self.unsealed:
            what = "Of what was asked for, some was changed by somebody who did not sign it."
            raise StoreNotTrusted(what, "See `anpr watchlist history`; `seal` signs what is right.")
        if self.history:
            raise StoreNotTrusted("The history of the lists is not as it was written.", REMEDY)


class ProvedLists:
    """The lists now or at an earlier time, read with proof; over a session with trusted keys."""

    def __init__(self, session: RedisSession, at_us: int | None, keep_from_us: int) -> None:
        """Check the newest version and the history, before anything is shown.

        Args:
            session: the store.
            at_us: the time asked for, microseconds since 1970; None for now.
            keep_from_us: history older than this may be missing, microseconds since 1970.

        Raises:
            StoreNotTrusted: no version is signed, or the history that is needed is not whole.
            InputFileError: the time lies before what the history keeps.

        """
        self._session, self._reader = session, StoreReader(session)
        self._verdict, self._sums_differ = Verdict(), True
        self._flaws, self._lists = list[EntryFlaw](), ListProof()
        now = self._reader.manifest() or NOTHING
        self._now = now
        self._sealed = newest_sealed(session, now) if now.version else now
        self._proof, self._past = HistoryProof(self._sealed, session.trust), Past()
        self._unsealed = dict[tuple[str, str], int]()
        self._walk(keep_from_us)
        self._shown = Earlier(session, now.version, "", 0)
        if at_us is not None:
            self._shown = self._earlier(at_us)

    def _walk(self, keep_from_us: int) -> None:
        """Check the records of the history that should be signed; note what nobody signed yet."""
        history, sealed = History(self._session), self._sealed.version
        for record in self._proof.checked(history.newest_first(sealed), keep_from_us):
            self._past.note(record)
        for record in history.oldest_first(sealed):
            self._past.note(record)
            for row in record.rows():
                self._unsealed[row.list_id, row.entry_id] = record.version

    def _earlier(self, at_us: int) -> Earlier:
        """Find the state at a time; a record that is needed and not as it was signed ends it."""
        try:
            return earlier(self._session, at_us, self._sealed)
        except (InputFileError, StoreError):
            if self._proof.found:
                text = " ".join(map(str, self._proof.found[:NAMED_MAX]))
                raise StoreNotTrusted(text, REMEDY) from None
            raise

    def entries(self, list_id: str | None, entry_id: str | None = None) -> Iterator[WatchlistEntry]:
        """Give the entries of a list or of all, or one of them, in no order that means anything.

        Raises:
            StoreError: the store cannot be read.
            InputFileError: the list was refused since that time, and destroyed.

        """
        for stored in self._stored(list_id):
            found = [each for each in stored if entry_id in {None, each.entry_id}]
            profiles = self._reader.profiles(each.profile for each in found)
            yield from (restored(each, profiles[each.profile]) for each in found)

    def _stored(self, list_id: str | None) -> Iterator[Iterable[StoredEntry]]:
        """Read all entries, sum them up, and give those of a list, or of all, by and by."""
        self._shown.check_destroyed(list_id)
        sealed, shown = self._sealed.version, self._shown.version
        total, met = RowSum(), _Met()
        prefix = b"" if list_id is None else list_prefix(list_id)
        later = dict[bytes, Row]()
        for rows in rows_of(self._reader):
            total.add([row.text for row in rows if row.version <= sealed])
            met.take(rows)
            later.update((row.name, row) for row in rows if sealed < row.version < NEVER)
            self._flaws += [flaw for row in rows for flaw in row.flaws()]
            mine = [row.stored for row in rows if row.name.startswith(prefix)]
            yield [each for each in mine if each is not None and each.version <= shown]
        since = _by_name(before_since(self._session, sealed))
        total.add([encode_entry(each) for each in met.others(since, sealed)])
        self._flaws += [
            EntryFlaw.of(row, "is in Redis, and no version put it there")
            for name, row in later.items()
            if name not in since
        ]
        if shown != sealed:
            since = _by_name(before_since(self._session, shown, list_id))
        gone = {name: each for name, each in since.items() if name.startswith(prefix)}
        yield list(met.others(gone, shown))
        seal = self._sealed.seal
        self._sums_differ = total.text() != (RowSum().text() if seal is None else seal.total)

    def entry(self, list_id: str, entry_id: str) -> WatchlistEntry | None:
        """Give one entry; None where the list has none of this id."""
        found = list(self.entries(list_id, entry_id))
        return found[0] if found else None

    def lists(self) -> list[ListSummary]:
        """Give the lists, by id, with their entries counted as they were read."""
        kept, manifest = self._reader.counts()
        profiles = Counter[str]()
        for stored in self._stored(None):
            profiles.update(each.profile for each in stored)
        made, later = [each.definition for each in self._reader.lists()], Past()
        for record in History(self._session).oldest_first(self._now.version):
            later.note(record)
        new = later.made_us.keys() - self._past.made_us.keys()
        made = [each for each in made if each.list_id not in new]
        if self._shown.at_us:
            made = [each for each in made if self._past.made(each) <= self._shown.at_us]
        # Redis's own counts are of now: of another time, or with others at work, of nothing here.
        same = not self._shown.at_us and (manifest or NOTHING).version == self._shown.version
        check = SummaryCheck(self._reader, self._past, self._proof.first)
        self._lists = check.proof
        return check.summaries(made, profiles, kept if same else None)

    def verdict(self, list_id: str | None, entry_id: str | None = None) -> Verdict:
        """Say what the proof came to, once all entries were taken.

        Args:
            list_id: the list that was shown; None for all.
            entry_id: the entry that was; None for all.

        """
        verdict = self._verdict
        if self._sums_differ:
            self._flaws += entry_flaws(self._reader, self._sealed)
        verdict.flaws += dict.fromkeys(map(str, self._flaws))
        verdict.flaws += ListProof.of(self._lists.flaws, list_id)
        for flaw in self._proof.found:
            needed = flaw.last > self._shown.version
            (verdict.flaws if needed else verdict.history).append(str(flaw))
        if self._sums_differ and not self._flaws:
            verdict.flaws.append(
                "The entries are not those that were signed; which one differs cannot be told: its "
                "change is too old to be held."
            )
        for (each, name), version in self._unsealed.items():
            asked = list_id in {None, each} and entry_id in {None, name}
            if asked and version <= self._shown.version:
                verdict.unsealed.append(f"Not yet sealed: entry {each}/{name}, version {version}.")
        if not verdict.flaws:
            verdict.said += [*self._said(), *ListProof.of(self._lists.said, list_id)]
        return verdict

    def _said(self) -> Iterator[str]:
        sealed = self._sealed
        if not sealed.version:
            yield "not checked: Redis holds no version of the lists"
            return
        at = datetime.fromtimestamp(sealed.changed_at_us / 1e6, UTC).isoformat(timespec="seconds")
        key = "" if sealed.seal is None else sealed.seal.key_id
        text = f"checked against version {sealed.version} of {at}, signed with key {key}"
        shown, first = self._shown.version, self._proof.first
        if shown < sealed.version:
            text += f", and gone back to version {shown} by {sealed.version - shown} records"
        yield text
        if shown < sealed.version and (first == 0 or shown + 1 < first):
            until = first - 1 if first else sealed.version
            yield f"not checked: what versions up to {until} changed, for they were not signed"
        if self._now.version > sealed.version:
            yield f"not yet sealed: versions {sealed.version + 1} to {self._now.version}"


class _Met:
    """Which entries were read, and in which version they were written; 16 bytes each."""

    def __init__(self) -> None:
        self._names: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self._versions: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []

    def take(self, rows: Sequence[Row]) -> None:
        self._names.append(np.fromiter((hash(row.name) for row in rows), np.int64, len(rows)))
        self._versions.append(np.fromiter((row.version for row in rows), np.int64, len(rows)))

    def others(
        self, before: Mapping[bytes, StoredEntry | None], version: int
    ) -> Iterator[StoredEntry]:
        """Give of what stood before those that were not read as of a version up to this one."""
        if not before:
            return
        written = np.concatenate(self._versions) <= version
        names = np.fromiter(map(hash, before), np.int64, len(before))
        met = np.isin(names, np.concatenate(self._names)[written])
        for each, known in zip(before.values(), met.tolist(), strict=True):
            if each is not None and not known:
                yield each


def _by_name(
    before: Mapping[tuple[str, str], StoredEntry | None],
) -> dict[bytes, StoredEntry | None]:
    return {entry_field(*name): each for name, each in before.items()}

"""The snapshot against a plain dictionary, under any order of changes and folds."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from anpr_engine.kernels.bloom import filter_rows
from anpr_engine.kernels.table import FOUND, find_listed
from anpr_engine.plates.normaliser import normalise
from anpr_engine.watchlist.block import EntryBlock, build_block, joined, rows_from
from anpr_engine.watchlist.editor import Change, SnapshotEditor
from anpr_engine.watchlist.snapshot import ProfileTable, Snapshot
from anpr_engine.watchlist.stored import OPEN_END_S, Profile, StoredEntry

# Plates of 13 and more characters have hashed keys; umlauts need two bytes.
PLATES = ("1-ABC-123", "1ABC124", "AB12CDE", "ÖH-AB 1", "AVERYLONGPLATE1", "K123")
LISTS = ("stolen", "wanted", "expired")
ROOM = 64

identities = st.tuples(st.sampled_from(LISTS), st.sampled_from([f"e{n}" for n in range(8)]))
Found = set[tuple[str, str, str]]


class Deferred(Executor):
    """Runs what was handed in when told to, so that a test decides when a fold is ready."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._job: Callable[[], None] | None = None

    def submit(
        self,
        fn: Callable[..., Any],
        /,
        *args: Any,  # noqa: ANN401 - the executor's own signature
        **kwargs: Any,  # noqa: ANN401
    ) -> Future[Any]:
        """Keep a job for later."""
        future: Future[Any] = Future()
        self._job = lambda: future.set_result(fn(*args, **kwargs))
        return future

    def run(self) -> None:
        """Do the job, if there is one."""
        if self._job is not None:
            self._job()
        self._job = None


def _profile(list_id: str) -> Profile:
    return Profile(list_id, "other", "", "be", "", "", "observe", 50, "own", "", "", "", "")


def _stored(entry_id: str, plate: str, note: str) -> StoredEntry:
    return StoredEntry(1, "", entry_id, plate, "BE", 0, OPEN_END_S, "", note)


def _rows_found(block: EntryBlock, keys: list[int]) -> set[int]:
    asked = np.array(keys, dtype=np.uint64)
    found = np.zeros((2, ROOM), dtype=np.int64)
    tally = np.zeros(4, dtype=np.int64)
    find_listed(asked, block.words, block.slots, block.rows.keys, found, tally)
    assert tally[FOUND] <= ROOM
    return set(found[1, : int(tally[FOUND])].tolist())


def _hits(snapshot: Snapshot, plate: str) -> Found:
    """Find a plate's entries the way matching does: filter, table, mask."""
    keys = [normalise(plate).key]
    base = {row for row in _rows_found(snapshot.base, keys) if not snapshot.superseded[row]}
    delta = _rows_found(snapshot.delta, keys)
    hits: Found = set()
    for block, rows in ((snapshot.base, base), (snapshot.delta, delta)):
        for row in rows:
            entry_id, _, _, note = block.rows.texts(row)
            list_id = snapshot.profiles[int(block.rows.profile[row])].list_id
            hits.add((list_id, entry_id, note))
    return hits


class WatchlistModel(RuleBasedStateMachine):
    """Changes, folds and snapshots in any order, beside a dictionary of the same entries."""

    def __init__(self) -> None:
        """Start with a base of a few entries, as after a load."""
        super().__init__()
        self.model: dict[tuple[str, str], tuple[str, str]] = {}
        self.profiles = ProfileTable()
        self.numbers = {name: self.profiles.number(name, _profile(name)) for name in LISTS}
        first = [_stored(f"e{n}", PLATES[n], "base") for n in range(4)]
        base = build_block(joined([rows_from(first, [self.numbers["stolen"]] * 4)]))
        self.model = {("stolen", e.entry_id): (e.plate, e.note) for e in first}
        self.editor = SnapshotEditor(base, self.profiles, {"stolen": 4})
        self.executor = Deferred()
        self.version = 1
        self.published: list[tuple[Snapshot, dict[tuple[str, str], tuple[str, str]]]] = []

    def _apply(self, identity: tuple[str, str], entry: StoredEntry | None) -> None:
        was = self.model.get(identity, ("", ""))[0]
        number = self.numbers[identity[0]]
        self.editor.apply([Change(*identity, was, entry, number)])
        self.version += 1

    @rule(identity=identities, plate=st.sampled_from(PLATES))
    def put(self, identity: tuple[str, str], plate: str) -> None:
        """Add or change one entry."""
        note = f"v{self.version}"
        self._apply(identity, _stored(identity[1], plate, note))
        self.model[identity] = (plate, note)

    @rule(identity=identities)
    def remove(self, identity: tuple[str, str]) -> None:
        """Remove one entry, if it is there; the store reports no other removals."""
        if identity in self.model:
            self._apply(identity, None)
            del self.model[identity]

    @rule(identity=identities)
    def put_again(self, identity: tuple[str, str]) -> None:
        """Apply an entry's last change once more, as after a load."""
        if identity in self.model:
            plate, note = self.model[identity]
            self._apply(identity, _stored(identity[1], plate, note))

    @rule()
    def start_fold(self) -> None:
        """Begin to build a new base."""
        self.editor.start_fold(self.executor)

    @rule()
    def fold_is_ready(self) -> None:
        """Let the other thread finish, and take the new base over."""
        self.executor.run()
        self.editor.finish_fold()

    @rule()
    def publish(self) -> None:
        """Keep a snapshot that somebody goes on using."""
        self.published.append((self.editor.snapshot("e", self.version), dict(self.model)))

    @invariant()
    def same_hits_and_counts(self) -> None:
        """The newest snapshot answers as the dictionary does."""
        self._compare(self.editor.snapshot("e", self.version), self.model)

    @precondition(lambda self: self.published)
    @invariant()
    def a_snapshot_in_use_never_changes(self) -> None:
        """What was published stays true to the dictionary of its time."""
        self._compare(*self.published[-1])

    @invariant()
    def the_filter_never_says_no_to_a_member(self) -> None:
        """Every listed key gets a `maybe` from its block's filter."""
        snapshot = self.editor.snapshot("e", self.version)
        for block in (snapshot.base, snapshot.delta):
            maybe = np.empty(len(block) + 1, dtype=np.int64)
            filter_rows(block.rows.keys, block.words, maybe)
            assert maybe[0] == len(block)

    def _compare(self, snapshot: Snapshot, model: dict[tuple[str, str], tuple[str, str]]) -> None:
        for plate in PLATES:
            expected = {(*who, note) for who, (listed, note) in model.items() if listed == plate}
            assert _hits(snapshot, plate) == expected
        counts = {name: sum(who[0] == name for who in model) for name in LISTS}
        assert snapshot.counts == {name: count for name, count in counts.items() if count}


TestWatchlistModel = WatchlistModel.TestCase
TestWatchlistModel.settings = settings(stateful_step_count=40, deadline=None)

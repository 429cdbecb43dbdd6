"""Entries with `?` and `*`: which are taken, how they are filed, found, changed and removed."""

from concurrent.futures import Future
from random import Random
from typing import Any

import numpy as np
import oracle_wildcards
import pytest

from anpr_engine.plates.normaliser import plate_key
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.wildcard import Wildcard, WildcardFault, listed_text, parse_wildcard
from anpr_engine.plates.wildcard_share import WILDCARD_SHARE_MAX, PlateCounter, share_of
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.block import EntryBlock
from anpr_engine.watchlist.editor import Change, SnapshotEditor
from anpr_engine.watchlist.file_checks import FileRules, RowChecker
from anpr_engine.watchlist.file_rows import RawRow
from anpr_engine.watchlist.pattern_groups import packed, shared_masks
from anpr_engine.watchlist.patterns import pattern_index
from anpr_engine.watchlist.row_problems import RowProblem
from anpr_engine.watchlist.snapshot import ProfileTable, Snapshot, empty_snapshot, snapshot_of
from anpr_engine.watchlist.stored import OPEN_END_S, Profile, StoredEntry

PROFILE = Profile("wanted", "other", "", "be", "", "", "observe", 50, "own", "", "", "", "")


def _entry(number: int, plate: str) -> WatchlistEntry:
    return WatchlistEntry(entry_id=f"e{number}", list_id="wanted", plate=plate)


def _keys(*plates: str) -> Any:  # noqa: ANN401 - an array of keys
    return np.array([plate_key(plate) for plate in plates], dtype=np.uint64)


def _found(snapshot: Snapshot, *plates: str) -> set[tuple[int, str]]:
    """Give the reads and the entries whose wildcards they fit, in base and delta."""
    found = set()
    for recent, block in ((False, snapshot.base), (True, snapshot.delta)):
        reads, entries = snapshot.wildcard_pairs(_keys(*plates), recent=recent)
        for read, entry in zip(reads.tolist(), entries.tolist(), strict=True):
            found.add((read, block.rows.texts(entry)[0]))
    return found


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1-abc-1?3", Wildcard("1ABC1?3")),
        ("АВ-12*", Wildcard("AB12*")),
        ("?1AB*?*", Wildcard("?1AB?*")),
        ("**W\u00dc-B ?", Wildcard("*W\u00dcB?")),
        ("1ABC123", None),
        ("1A*BC", WildcardFault.RUN_INSIDE),
        ("ABCDE?12345", WildcardFault.TOO_LONG),
        ("?" * 2000, WildcardFault.TOO_LONG),
        ("1AB?\u4e16", WildcardFault.BAD_CHARACTER),
    ],
)
def test_a_listed_text_is_folded_like_any_plate(raw: str, expected: object) -> None:
    """Case, separators and look-alikes go; a `*` inside, or what is too long, has its reason."""
    assert parse_wildcard(raw) == expected


def test_what_fixes_too_little_is_of_no_use() -> None:
    """Such an entry, written by somebody else, is filed nowhere and matches nothing."""
    snapshot = snapshot_of([_entry(n, plate) for n, plate in enumerate(("*", "1A?", "?????"))])
    assert len(snapshot.base) == 0
    assert not _found(snapshot, "1AB", "12345")
    assert listed_text("1A?") == ""


@pytest.mark.parametrize(
    ("plate", "reason"),
    [
        ("*", "wildcard-too-wide"),
        ("?????", "wildcard-too-wide"),
        ("1A?", "wildcard-too-wide"),
        ("1A?C*", "wildcard-too-wide"),
        ("*123", "wildcard-too-wide"),
        ("1*ABC", "wildcard-run-inside"),
        ("1ABCDEFGH?12", "plate-too-long"),
        ("000?", "plate-junk"),
        ("1AB?\u4e16", "plate-bad-character"),
    ],
)
def test_a_wildcard_that_is_no_description_is_refused(plate: str, reason: str) -> None:
    """Each fault has its own code, and the sentence does not show the plate."""
    found = RowChecker(FileRules("L")).check(RawRow(1, {"plate": plate}))
    assert isinstance(found, RowProblem)
    assert (found.field, found.reason.value) == ("plate", reason)
    assert plate not in found.text or plate in "?*"


def test_a_refusal_says_how_many_plates_would_match() -> None:
    """The number of valid plates and their share of the traffic stand in the text."""
    found = RowChecker(FileRules("L")).check(RawRow(1, {"plate": "1A?C*", "country": "BE"}))
    assert isinstance(found, RowProblem)
    counted = PlateCounter(country_packs()).share(Wildcard("1A?C*"), "BE")
    assert f"{counted.plates:,} valid plates" in found.text
    assert counted.traffic_share > WILDCARD_SHARE_MAX


def test_the_limit_can_be_moved() -> None:
    """A site that wants wider entries says how wide."""
    rules = FileRules("L", wildcard_share_max=0.01)
    found = RowChecker(rules).check(RawRow(1, {"plate": "1A?C*"}))
    assert isinstance(found, WatchlistEntry)


def test_an_entry_of_a_country_counts_its_plates_only() -> None:
    """A country without a pack, or none, counts the plates of all."""
    packs = country_packs()
    counter = PlateCounter(packs)
    wildcard = Wildcard("?AB1??")
    every = counter.share(wildcard)
    assert every == counter.share(wildcard, "ES") == share_of(wildcard, packs)
    assert 0 < counter.share(wildcard, "be").plates < every.plates
    assert counter.share(Wildcard("1ABC???"), "BE").plates >= 1000


def test_wildcards_are_taken_with_the_plates_of_a_file() -> None:
    """The plate stays as it was listed; two spellings of one wildcard are one vehicle."""
    checker = RowChecker(FileRules("L"))
    first = checker.check(RawRow(1, {"plate": "1-ab?-123"}))
    second = checker.check(RawRow(2, {"plate": "1AB?123"}))
    assert isinstance(first, WatchlistEntry)
    assert first.plate == "1-ab?-123"
    assert isinstance(second, RowProblem)
    assert second.reason.value == "duplicate-entry-id"


def test_a_block_finds_wildcards_beside_its_plates() -> None:
    """Exact, prefix, suffix and inner patterns; plates without wildcards are no patterns."""
    plates = ("1ABC123", "1AB?123", "1ABC*", "*C123", "*BC1*", "1ABC12?4", "2ABC*")
    snapshot = snapshot_of([_entry(number, plate) for number, plate in enumerate(plates)])
    assert len(snapshot.base.patterns) == len(plates) - 1
    assert _found(snapshot, "1ABC123", "1ABC1234", "9XYZ999") == {
        (0, "e1"),
        (0, "e2"),
        (0, "e3"),
        (0, "e4"),
        (1, "e2"),
        (1, "e4"),
        (1, "e5"),
    }


def test_a_place_matched_twice_is_one_pair() -> None:
    """A text that stands twice in a plate is found once."""
    index = pattern_index([Wildcard("*ABA*")], [0])
    read, entry = index.pairs(_keys("ABABABA"))
    assert (read.tolist(), entry.tolist()) == ([0], [0])


def test_many_reads_that_fit_are_all_found() -> None:
    """More pairs than there was room for make a second search."""
    index = pattern_index([Wildcard("1AB?*")] * 3, [7, 8, 9])
    read, entry = index.pairs(_keys(*[f"1ABC{number}" for number in range(400)]))
    assert len(read) == 1200
    assert entry[:3].tolist() == [7, 8, 9]


def test_what_cannot_be_a_plate_fits_nothing() -> None:
    """Key 0 and keys that are hashes are passed over; so is everything without a pattern."""
    keys = np.array([0, plate_key("ABC4567890123"), 2**64 - 1], dtype=np.uint64)
    for patterns in ([], [Wildcard("ABC*"), Wildcard("*123")]):
        read, entry = pattern_index(patterns, range(len(patterns))).pairs(keys)
        assert (len(read), len(entry)) == (0, 0)


def _drawn(random: Random, letters: str) -> str:
    body = [random.choice(letters if place in {1, 2, 3} else "0123456789") for place in range(7)]
    for place in random.sample(range(7), random.randint(1, 3)):
        body[place] = "?"
    text = "".join(body)
    return random.choice([text, text, f"{text[:6]}*", f"*{text[1:]}"])


def test_five_thousand_wildcards_are_told_apart() -> None:
    """The reads made from them, and their neighbours, find what regular expressions find."""
    random = Random(5)
    drawn = {_drawn(random, "ABCDEFGH") for _ in range(9000)}
    wildcards = [Wildcard(text) for text in sorted(drawn)]
    usable = [wildcard for wildcard in wildcards if wildcard.key][:5000]
    assert len(usable) == 5000
    index = pattern_index(usable, range(len(usable)))
    reads = ["".join(random.choice("ABCDEFGH012345") for _ in range(7)) for _ in range(40)]
    for wildcard in random.sample(usable, 40):
        text = wildcard.text.replace("*", "7")
        reads.append("".join(random.choice("AB01") if each == "?" else each for each in text))
    read, entry = index.pairs(_keys(*reads))
    expected = oracle_wildcards.find_wildcards(reads, [wildcard.text for wildcard in usable])
    assert set(zip(read.tolist(), entry.tolist(), strict=True)) == expected
    assert len(expected) >= 40


def test_patterns_of_many_kinds_share_few_probes() -> None:
    """Thirty sets of fixed positions of one shape are looked for by far fewer, and all are."""
    random = Random(2)
    texts = {_drawn(random, "ABCDEFGH").strip("*") for _ in range(3000)}
    words = np.array([packed(Wildcard(t)) for t in texts if len(t) == 7], dtype=np.uint64)
    kinds = len(set(words[:, 0].tolist()))
    chosen = list(shared_masks(words[:, 0].copy(), words[:, 1].copy()))
    assert kinds > 30
    assert len(chosen) < kinds // 3
    served = np.concatenate([places for _, places in chosen])
    assert sorted(served.tolist()) == list(range(len(words)))
    for mask, places in chosen:
        assert ((words[places, 0] & np.uint64(mask)) == np.uint64(mask)).all()


class _Later:
    """An executor that works when told."""

    def __init__(self) -> None:
        self._waiting: list[Any] = []

    def submit(self, function: Any, *given: Any) -> Future[EntryBlock]:  # noqa: ANN401
        """Keep the work for later."""
        future: Future[EntryBlock] = Future()
        self._waiting.append((future, function, given))
        return future

    def work(self) -> None:
        """Do what was kept."""
        for future, function, given in self._waiting:
            future.set_result(function(*given))


def _change(number: int, plate: str, was: str = "") -> Change:
    stored = StoredEntry(1, "", f"e{number}", plate, "", 0, OPEN_END_S, "", "")
    return Change("wanted", f"e{number}", was, stored if plate else None, 0)


def test_wildcards_come_and_go_like_other_entries() -> None:
    """Added, changed and removed in the delta; folded into the base; removed from there."""
    profiles = ProfileTable()
    profiles.number("p", PROFILE)
    editor = SnapshotEditor(empty_snapshot().base, profiles, {})
    editor.apply([_change(1, "1AB?123"), _change(2, "1ABC*"), _change(3, "*C123")])
    assert _found(editor.snapshot("x", 1), "1ABC123") == {(0, "e1"), (0, "e2"), (0, "e3")}
    editor.apply([_change(1, "2AB?123", was="1AB?123"), _change(2, "", was="1ABC*")])
    assert _found(editor.snapshot("x", 2), "1ABC123", "2ABC123") == {
        (0, "e3"),
        (1, "e1"),
        (1, "e3"),
    }
    later: Any = _Later()
    editor.start_fold(later)
    later.work()
    assert editor.finish_fold()
    folded = editor.snapshot("x", 2)
    assert (len(folded.base.patterns), len(folded.delta.patterns)) == (2, 0)
    assert _found(folded, "2ABC123") == {(0, "e1"), (0, "e3")}
    editor.apply([_change(1, "", was="2AB?123"), _change(3, "9AB?C123", was="*C123")])
    last = editor.snapshot("x", 3)
    assert _found(last, "2ABC123", "9ABXC123") == {(1, "e3")}
    assert len(last) == 1

"""Passages against a naive list, over any reads, batch cuts and rollbacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from anpr_engine.pipeline.columns import Circumstances, DecidedAlert
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.pipeline.passages import (
    Passage,
    PassageBook,
    PassageKey,
    PassageRules,
    join_passages,
    passage_key,
    passage_name,
)
from anpr_engine.records.alert import Alert
from anpr_engine.records.fields import Tier
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RULES = PassageRules(window_us=10_000_000, id_window_us=30_000_000, gain_min=0.05)
RANKS = {Tier.EXACT: 0, Tier.REPAIRED: 1, Tier.FUZZY: 2, Tier.WILDCARD: 2, Tier.CANDIDATE: 2}


@dataclass(frozen=True, slots=True)
class Sight:
    """One hit that policy let go; `seconds` of event time, `certainty` in hundredths."""

    entry: str
    camera: str
    plate: str
    passage_id: str | None
    tier: Tier
    seconds: int
    certainty: int


sights = st.builds(
    Sight,
    entry=st.sampled_from(["e1", "e2"]),
    camera=st.sampled_from(["c1", "c2"]),
    plate=st.sampled_from(["1ABC123", "1-ABC-123", "1ABC124"]),
    passage_id=st.sampled_from([None, None, "p1", "p2"]),
    tier=st.sampled_from(Tier),
    seconds=st.integers(0, 60),
    certainty=st.integers(50, 100),
)
batches = st.lists(st.tuples(st.lists(sights, max_size=8), st.integers(0, 2)), max_size=8)
"""Batches, each with how often it is rolled back before it is durable."""


def _plain_alert() -> Alert:
    read = (
        b'{"read_id":"r","camera_id":"c1","captured_at":"2026-11-22T08:59:58Z",'
        b'"plate":"1ABC123","country":"BE"}'
    )
    entry = WatchlistEntry(entry_id="e1", list_id="l1", plate="1-ABC-123", country="BE")
    where = Circumstances("be", int(NOW.timestamp()) * 1_000_000, 0, watchlist_stale=False)
    return step([read], snapshot_of([entry]), StepRules(), where).alerts[0].alert


PLAIN = _plain_alert()


def alert_of(number: int, sight: Sight) -> DecidedAlert:
    """Make the alert of a hit; the number is the read's."""
    seen = {
        "read_id": f"r{number}",
        "camera_id": sight.camera,
        "plate": sight.plate,
        "passage_id": sight.passage_id,
        "captured_at": NOW + timedelta(seconds=sight.seconds),
    }
    about = {
        "alert_id": f"{number:032x}",
        "read": PLAIN.read.model_copy(update=seen),
        "entry": PLAIN.entry.model_copy(update={"entry_id": sight.entry}),
        "tier": sight.tier,
        "probability": sight.certainty / 100,
    }
    return DecidedAlert(number, PLAIN.model_copy(update=about))


@dataclass(slots=True)
class NaivePassage:
    """What the naive twin notes of one passage; times in seconds."""

    about: tuple[str, ...]
    window: int
    first: int
    last: int
    certainty: int
    rank: int
    stands: int


def naive(reads: Sequence[Sight]) -> list[tuple[int, int | None]]:
    """Give the numbers of the reads that alert, each with the one it upgrades."""
    known: list[NaivePassage] = []
    out: list[tuple[int, int | None]] = []
    for number, read in enumerate(reads):
        if read.passage_id:
            about, window = (read.entry, read.camera, "id", read.passage_id), 30
        elif read.tier is Tier.WILDCARD:
            plate = read.plate.replace("-", "")
            about, window = (read.entry, read.camera, "plate", plate), 10
        else:
            about, window = (read.entry, read.camera, "time", ""), 10
        best: tuple[int, NaivePassage] | None = None
        for each in known:
            away = max(each.first - read.seconds, read.seconds - each.last, 0)
            if each.about == about and away <= window and (best is None or away < best[0]):
                best = (away, each)
        rank = RANKS[read.tier]
        if best is None:
            ends = (read.seconds, read.seconds)
            known.append(NaivePassage(about, window, *ends, read.certainty, rank, number))
            out.append((number, None))
            continue
        passage = best[1]
        passage.first = min(passage.first, read.seconds)
        passage.last = max(passage.last, read.seconds)
        if rank < passage.rank or read.certainty >= passage.certainty + 5:
            out.append((number, passage.stands))
            passage.rank = min(passage.rank, rank)
            passage.certainty = max(passage.certainty, read.certainty)
            passage.stands = number
    return out


@given(batches)
def test_what_goes_out_is_what_a_naive_list_says(given_: list[tuple[list[Sight], int]]) -> None:
    """Whatever the batch cuts and rollbacks: same alerts, same upgrades, every hit counted."""
    book = PassageBook()
    reads: list[Sight] = []
    out: list[tuple[int, int | None]] = []
    for batch, rollbacks in given_:
        alerts = [alert_of(len(reads) + place, sight) for place, sight in enumerate(batch)]
        reads += batch
        outcome = join_passages(alerts, book, RULES)
        for _ in range(rollbacks):
            assert join_passages(alerts, book, RULES) == outcome
        book.apply(outcome.changes)
        assert len(outcome.alerts) + outcome.held_back == len(batch)
        for item in outcome.alerts:
            above = item.alert.supersedes
            out.append((item.row, None if above is None else int(above, 16)))
    assert out == naive(reads)


@given(st.lists(sights, max_size=20))
def test_every_entry_alerts_at_every_camera_it_was_seen_at(reads: list[Sight]) -> None:
    """No other entry, camera or named passage keeps the first alert of one back."""
    alerts = [alert_of(number, sight) for number, sight in enumerate(reads)]
    out = [reads[item.row] for item in join_passages(alerts, PassageBook(), RULES).alerts]
    for told in (out, reads):
        assert {(s.entry, s.camera) for s in told} == {(s.entry, s.camera) for s in reads}
    assert {(s.entry, s.camera, s.passage_id) for s in out} == {
        (s.entry, s.camera, s.passage_id) for s in reads
    }


@given(st.lists(sights, max_size=20))
def test_without_windows_nothing_is_joined(reads: list[Sight]) -> None:
    """Switched off, the alerts go out as they came and the book stays empty."""
    alerts = [alert_of(number, sight) for number, sight in enumerate(reads)]
    outcome = join_passages(alerts, PassageBook(), PassageRules(0, 0))
    assert (outcome.alerts, outcome.changes, outcome.held_back) == (alerts, [], 0)


words = st.text("a1:-\x1f", min_size=1, max_size=3)
abouts = st.tuples(st.sampled_from(["be", "nl"]), words, words, words, st.none() | words)


@given(abouts, abouts)
@example(("be", "a:a", "1", "e", None), ("be", "a", "a:1", "e", None))
def test_different_entries_sites_and_passages_never_share_a_key(
    one: tuple[str, str, str, str, str | None], other: tuple[str, str, str, str, str | None]
) -> None:
    """Keys and names are equal just when site, camera, list, entry and passage id are."""
    keys, names = [], []
    for site, camera, list_id, entry_id, passage_id in (one, other):
        read = PLAIN.read.model_copy(update={"camera_id": camera, "passage_id": passage_id})
        entry = PLAIN.entry.model_copy(update={"list_id": list_id, "entry_id": entry_id})
        alert = PLAIN.model_copy(update={"site": site, "read": read, "entry": entry})
        key = passage_key(alert, RULES)
        assert key is not None
        keys.append(key)
        names.append(passage_name(key, "r"))
    assert (keys[0] == keys[1]) == (one == other)
    assert (names[0] == names[1]) == (one == other)


changes = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 50)), max_size=40)


@given(changes, st.integers(1, 6))
def test_the_book_keeps_the_newest_by_event_time(
    given_: list[tuple[int, int]], passages_max: int
) -> None:
    """After each change it holds what a sorted dictionary cut to size would hold."""
    book, model = PassageBook(passages_max), dict[int, Passage]()
    numbers: dict[int, int] = {}
    for name, last_us in given_:
        if numbers.get(name) not in model:
            numbers[name] = book.number_next
        number = numbers[name]
        key = PassageKey("be", "c", "l", f"e{name % 3}", "time", "")
        late = model[number].last_us if number in model else 0
        passage = Passage(number, key, "n", 0, max(late, last_us), 0.5, 2, str(len(numbers)), ())
        book.apply([passage])
        model[number] = passage
        by_age = sorted(model.values(), key=lambda each: (each.last_us, each.number))
        model = {each.number: each for each in by_age[-passages_max:]}
        assert {each.number: each for each in book} == model
        assert len(book) == len(model)
        assert all(each in book.under(each.key) for each in model.values())

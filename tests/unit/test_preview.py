"""What listing a plate would do: which misreads fire, on whom, and that nothing is saved."""

import json
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

import anpr_engine as anpr
from anpr_engine.cli import watchlist_edit, watchlist_preview
from anpr_engine.cli.watchlist import command
from anpr_engine.cli.watchlist_preview import ENTRIES, matcher_worth
from anpr_engine.errors import UsageError
from anpr_engine.pipeline.tiers import edits_of
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.identify import fits
from anpr_engine.plates.preview import (
    PlatePreview,
    PreviewRules,
    preview_plate,
    preview_wildcard,
)
from anpr_engine.plates.reading import shipped_reading
from anpr_engine.plates.wildcard import Wildcard, parse_wildcard
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.plate_checks import plate_counter

RULES = PreviewRules(10_000, traffic_share=0.0001, probability_min=0.001, texts_max=60)
FEW = ("--texts", "25")
PLATE = "1ABC123"


def entry(plate: str, country: str | None = None) -> WatchlistEntry:
    """Make an entry."""
    return WatchlistEntry(entry_id="e", list_id="l", plate=plate, country=country)


def even(texts: Sequence[str]) -> NDArray[np.float64]:
    """Hold every hit on a text for half likely where it begins like the plate, else for nothing."""
    return np.array([0.5 if text.startswith("1AB") else 0.0 for text in texts])


def invoked(*arguments: str, stdin: str = "") -> Result:
    """Run a watchlist command without any store named."""
    env = {"ANPR_REDIS_URL": None, "ANPR_SITE": None, "ANPR_CONFIG": None}
    return CliRunner(env=env).invoke(command, list(arguments), input=stdin)


@pytest.fixture(scope="module")
def found() -> PlatePreview:
    """Preview one Belgian plate by the matcher's own probabilities."""
    worth = matcher_worth(entry(PLATE, "BE"), shipped_reading(), RULES)
    return preview_plate(PLATE, shipped_channel(), worth, RULES)


def test_counts_of_what_fires() -> None:
    """Firing and not firing texts are counted apart, and the valid plates among those that fire."""
    told = preview_plate(PLATE, shipped_channel(), even, RULES)
    assert told.firing > 0
    assert told.below > 0
    shown = {one.text: one for one in told.misreads}
    assert all(one.fires == text.startswith("1AB") for text, one in shown.items())
    assert 0 < told.firing_valid < told.firing
    assert 0.7 < told.found_share + told.below_share <= 1.0 + 1e-9


def test_misreads_are_in_order_of_likelihood(found: PlatePreview) -> None:
    """The twenty likeliest are shown, each with its edits and the formats it fits itself."""
    shares = [one.likelihood for one in found.misreads]
    assert len(shares) == 20
    assert shares == sorted(shares, reverse=True)
    assert "1A8C123" in {one.text for one in found.misreads}
    for one in found.misreads:
        assert one.edits == edits_of(one.text, PLATE)
        assert one.formats == tuple(each.format_id for each in fits(one.text))
        assert one.fires == (one.probability >= RULES.probability_min)


def test_valid_plates_nearby_are_counted(found: PlatePreview) -> None:
    """Plates of the same series one edit away are counted: 9 digits, 25 letters a place, and more.

    A Belgian plate's first digit, three letters and three digits can each be another one.
    """
    same_series = 3 * 9
    assert found.valid_near > same_series
    assert found.firing_valid < found.firing


def test_read_as_listed_fires(found: PlatePreview) -> None:
    """The plate itself always fires, whatever its hit is worth, and is not among the misreads."""
    assert found.exact.fires
    assert found.exact.edits == 0
    assert PLATE not in {one.text for one in found.misreads}
    none = preview_plate(PLATE, shipped_channel(), lambda texts: np.zeros(len(texts)), RULES)
    assert none.exact.fires
    assert (none.firing, none.false_hits_per_million) == (0, 0.0)
    assert none.found_share == pytest.approx(none.exact.likelihood)


@pytest.mark.parametrize("text", [PLATE, "1A8C123", "1ABC12", "1ABD123", "1A8C1Z3"])
def test_probabilities_are_the_matchers(text: str) -> None:
    """A previewed probability is that of the hit when the entry is the only one listed."""
    alone = PreviewRules(entries=1, traffic_share=0.01, probability_min=0.001)
    own = anpr.Engine([entry(PLATE, "BE")], traffic_share=0.01, near_probability_min=1e-9)
    when = "2026-11-01T08:00:00Z"
    read = {"read_id": "r", "camera_id": "c", "captured_at": when, "plate": text}
    (hit,) = own.match([read])
    previewed = matcher_worth(entry(PLATE, "BE"), shipped_reading(), alone)([text])
    assert previewed[0] == pytest.approx(hit.probability, abs=2e-6)


def test_more_entries_make_each_worth_less() -> None:
    """The same misread is worth less among more entries: the prior is shared."""
    few, many = (
        matcher_worth(entry(PLATE, "BE"), shipped_reading(), PreviewRules(count, 0.0001, 0.001))
        for count in (100, 1_000_000)
    )
    assert few(["1A8C123"])[0] > many(["1A8C123"])[0]


def test_false_hits_follow_from_the_probability() -> None:
    """A hit that is worth one half comes from as many other vehicles as from the listed one."""
    told = preview_plate(PLATE, shipped_channel(), even, RULES)
    ours = 1e6 * RULES.traffic_share / RULES.entries
    begins = told.found_share - told.exact.likelihood
    assert told.false_hits_per_million == pytest.approx(ours * (begins + told.exact.likelihood))


@pytest.mark.parametrize("text", ["ABCDEFGHIJKLMN", "A1B2"])
def test_long_and_short_plates(text: str) -> None:
    """Texts longer than a key holds have no near matches; too short ones are not looked at."""
    told = preview_plate(text, shipped_channel(), even, RULES)
    assert all(len(one.text) >= RULES.characters_min for one in told.misreads)
    assert bool(told.misreads) == (len(text) <= 12)


def test_wildcards_are_counted() -> None:
    """For unknown characters the valid plates are counted, and their share of the traffic."""
    wildcard = parse_wildcard("1-AB?-123")
    assert isinstance(wildcard, Wildcard)
    worth = matcher_worth(entry("1-AB?-123"), shipped_reading(), RULES)
    told = preview_wildcard(wildcard, "BE", plate_counter(), worth, RULES)
    assert told.plates == plate_counter().share(wildcard, "BE").plates > 20
    assert told.hits_per_million == pytest.approx(told.traffic_share * 1e6)
    assert 0 < told.probability < 1
    assert worth(["1ABX123"])[0] == pytest.approx(told.probability)


def test_the_command_tells_it_in_words() -> None:
    """Counts, shares and the table of misreads are printed; without a store 10,000 are assumed."""
    result = invoked("preview", "1-ABC-123", "--country", "be", *FEW)
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    for part in (
        "1ABC123 fits BE-2010.",
        f"{ENTRIES:,} entries in all",
        "valid plates themselves",
        "other valid plates lie within one edit",
        "hits in a million reads",
        "share of reads",
        "1A8C123",
    ):
        assert part in words


def test_the_command_gives_data() -> None:
    """`--json` gives all of it; what is assumed can be set, and stands in the answer."""
    options = ["--entries", "77", "--traffic-share", "0.01", "--confidence", "0.5", "--json", *FEW]
    result = invoked("preview", "-", *options, stdin="1-ABC-123\n")
    values = json.loads(result.stdout)
    assert values["plate"] == PLATE
    assert values["rules"]["entries"] == 77
    assert values["rules"]["confidence"] == 0.5
    assert len(values["misreads"]) == 20


def test_the_command_counts_for_wildcards() -> None:
    """An entry with unknown characters is told by its count; a too wide one is refused with it."""
    result = invoked("preview", "1-AB?-123", "--country", "BE")
    assert "valid plates fit" in result.stdout
    wide = invoked("preview", "GB*")
    assert isinstance(wide.exception, UsageError)
    assert "could not be listed" in str(wide.exception)


def test_adding_with_preview_saves_nothing() -> None:
    """`add --preview` needs no store, shows the same, and ends well."""
    arguments = ["--list", "wanted", "--plate", "-", "--country", "BE", "--preview", "--json", *FEW]
    result = invoked("add", *arguments, stdin="1-ABC-123\n")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["plate"] == PLATE


def listed_store(plates: Sequence[str]) -> SimpleNamespace:
    """Stand in for an open store with a list of these plates."""
    entries = [
        WatchlistEntry(entry_id=f"e{place}", list_id="wanted", plate=plate)
        for place, plate in enumerate(plates)
    ]
    removed: list[tuple[str, str]] = []

    def remove(ids: Iterable[tuple[str, str]]) -> SimpleNamespace:
        removed.extend(ids)
        return SimpleNamespace(removed=len(removed))

    reader = SimpleNamespace(
        entries=lambda _list: iter(entries),
        lists=lambda: [SimpleNamespace(entries=len(entries)), SimpleNamespace(entries=700)],
    )
    return SimpleNamespace(reader=reader, writer=SimpleNamespace(remove=remove), removed=removed)


def test_entries_are_counted_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a Redis named, the prior is shared among as many entries as all its lists have."""
    store = listed_store(["1ABC123"] * 3)
    monkeypatch.setattr(watchlist_preview, "open_store", lambda *_, **__: nullcontext(store))
    options = ["--redis", "redis://nowhere", "--json", *FEW]
    values = json.loads(invoked("preview", "1-ABC-123", *options).stdout)
    assert values["rules"]["entries"] == 703
    values = json.loads(invoked("preview", "1-ABC-123", *options, "--entries", "5").stdout)
    assert values["rules"]["entries"] == 5


@pytest.mark.parametrize(
    ("plate", "ids"),
    [
        ("1-AB?-123", ["e1"]),
        ("1ab123", ["e0"]),
        ("*AB12*", ["e2"]),
        ("1-AB-123", ["e0"]),
    ],
)
def test_entries_are_removed_by_their_plate_as_listed(
    plate: str, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plate with `?` or `*` removes the entry listed so, and not the one without them."""
    store = listed_store(["1AB123", "1AB?123", "*AB12*"])
    change = SimpleNamespace(writer=store.writer, close=lambda _tally: None, proposal=None)
    monkeypatch.setattr(watchlist_edit, "open_store", lambda *_, **__: nullcontext(store))
    monkeypatch.setattr(watchlist_edit, "begin_change", lambda *_: change)
    result = invoked("remove", "--list", "wanted", "--plate", plate, "--json")
    assert json.loads(result.stdout) == {"removed": 1}
    assert [entry_id for _, entry_id in store.removed] == ids

"""Why a hit is worth what it is: alignment, terms that add up, words, and who may ask."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import anpr_engine as anpr
from anpr_engine.cli.match import command
from anpr_engine.errors import AnprError
from anpr_engine.pipeline.tiers import edits_of
from anpr_engine.plates.alignment import StepKind, aligned, marked, marks, read_text
from anpr_engine.plates.explain import (
    COUNTRY,
    FURTHER,
    PRIOR,
    RIVALS,
    TEXT,
    Explanation,
    HitText,
    Terms,
    explain_hit,
)

LISTED = [
    ("1-ABC-123", "BE"),
    ("1-ABG-123", "BE"),
    ("GB-001-B", "NL"),
    ("B-AB 123", "DE"),
    ("WÜ-AA 1", "DE"),
    ("1-ZB?-129", ""),
]
TRAFFIC_SHARE = 0.01


def engine() -> anpr.Engine:
    """Make an engine of a few entries."""
    rows = [
        {"plate": plate, "country": country, "list_id": "l", "entry_id": f"e{place}"}
        for place, (plate, country) in enumerate(LISTED)
    ]
    return anpr.Engine(rows, traffic_share=TRAFFIC_SHARE)


def read(plate: str, **more: object) -> dict[str, Any]:
    """Make a read."""
    when = "2026-11-01T08:00:00Z"
    return {"read_id": "r", "camera_id": "c", "captured_at": when, "plate": plate, **more}


def explained(plate: str, **more: object) -> list[Explanation]:
    """Explain every hit of one read."""
    own = engine()
    hits = own.match([read(plate, **more)])
    return [own.explain(hit, hits.reads[place]) for place, hit in enumerate(hits)]


@pytest.mark.parametrize(
    ("seen", "listed", "left", "right"),
    [
        ("1-ABC-123", "1ABC123", "1ABC123", "1ABC123"),
        ("1-A8C-123", "1-ABC-123", "1A[8]C123", "1A[B]C123"),
        ("1-ABC-12", "1-ABC-123", "1ABC12[]", "1ABC12[3]"),
        ("11-ABC-123", "1-ABC-123", "1[1]ABC123", "1[]ABC123"),
        ("1-A88-123", "1-ABC-123", "1A[88]123", "1A[BC]123"),
        ("1-AB?-123", "1-ABC-123", "1AB[?]123", "1AB[C]123"),
        ("1ABX123", "1-AB?-123", "1ABX123", "1AB?123"),
        ("1ABX123", "*BX1*", "1ABX123", "*BX1*"),
    ],
)
def test_differing_characters_are_marked(seen: str, listed: str, left: str, right: str) -> None:
    """Each run that differs stands in brackets; unknown characters of an entry differ in nothing.

    Which of two twins was added is decided by the model, not here.
    """
    found = marked(seen, listed)
    if "11" in seen:
        assert found in {(left, right), ("[1]1ABC123", "[]1ABC123")}
    else:
        assert found == (left, right)


@pytest.mark.parametrize(
    ("seen", "listed"),
    [
        ("1ABC123", "1A8C12"),
        ("BAB123", "ABAB12"),
        ("X", "1ABC123"),
        ("", "AB1"),
        ("GBO01B", "GB001B"),
    ],
)
def test_an_alignment_has_the_fewest_edits(seen: str, listed: str) -> None:
    """As many characters are replaced, lost or added as the edit distance says."""
    steps = aligned(seen, listed)
    assert sum(step.kind is not StepKind.SAME for step in steps) == edits_of(seen, listed)
    assert "".join(step.read for step in steps) == seen
    assert "".join(step.listed for step in steps) == listed
    assert tuple(part.replace("[", "").replace("]", "") for part in marks(steps)) == (seen, listed)


@pytest.mark.parametrize("listed", ["1AB?123", "*B?12*", "1A*", "*123", "?ABC12*"])
def test_unknown_characters_line_up_by_position(listed: str) -> None:
    """A read that fits is taken apart into characters that are the same and such that are open."""
    steps = aligned("1ABC123", listed)
    assert "".join(step.read for step in steps) == "1ABC123"
    assert {step.kind for step in steps} == {StepKind.SAME, StepKind.OPEN}


def test_unread_positions_are_kept() -> None:
    """What the reader could not read is shown as `?`, and counts as a difference."""
    assert read_text("1-ab?-123") == "1AB?123"
    assert read_text("1-abc-123") == "1ABC123"


@pytest.mark.parametrize(
    ("plate", "more"),
    [
        ("1-ABC-123", {"country": "BE", "confidence": 0.95}),
        ("1-A8C-123", {"country": "BE", "confidence": 0.75}),
        ("1A8C123", {"confidence": 0.5}),
        ("1ABC12", {"confidence": 0.6}),
        ("1-ABC-123", {"country": "NL", "confidence": 0.6}),
        ("1AB?123", {}),
        ("GB-001-8", {"confidence": 0.7}),
        ("WÜAA11", {}),
        ("BAB123", {}),
        ("1ZBX129", {"country": "BE"}),
    ],
)
def test_the_factors_make_the_probability(plate: str, more: dict[str, object]) -> None:
    """Whatever the tier, the factors multiply to the odds of the very hit, step by step."""
    found = explained(plate, **more)
    assert found
    for told in found:
        odds = 1.0
        for factor in told.factors:
            assert factor.odds_before == pytest.approx(odds)
            odds = factor.odds_after
            assert odds == pytest.approx(factor.odds_before * factor.factor)
        assert odds / (1 + odds) == pytest.approx(told.hit.probability, rel=1e-6)


def test_the_terms_are_the_matchers_own() -> None:
    """Where no other entry and no other evidence plays a part, nothing is left unexplained."""
    (told,) = explained("GB-001-8", confidence=0.7, country="NL")
    factors = {factor.name: factor for factor in told.factors}
    assert factors[FURTHER].factor == pytest.approx(1.0, rel=1e-6)
    assert factors[RIVALS].factor == pytest.approx(1.0, rel=1e-6)
    prior = TRAFFIC_SHARE / len(LISTED) / (1 - TRAFFIC_SHARE)
    assert factors[PRIOR].odds_after == pytest.approx(prior)
    assert factors[TEXT].factor == pytest.approx((told.terms.likelihood or 0) / told.terms.traffic)


def test_the_countries_parts_make_the_traffic() -> None:
    """The parts of the countries add up to P(text | traffic), up to what the sum leaves out."""
    for plate in ("1A8C123", "GB-001-8", "BAB123"):
        for told in explained(plate, confidence=0.6):
            parts = sum(told.terms.countries.values())
            assert parts == pytest.approx(told.terms.traffic, rel=0.02)


def test_a_claimed_country_moves_the_odds() -> None:
    """The country that the reader claims is a factor: for its own plates, against others'."""
    by_country = {}
    for country in ("DE", "BE", None):
        more = {} if country is None else {"country": country}
        told = next(each for each in explained("BAB123", **more) if each.hit.listed == "B-AB 123")
        by_country[country] = {factor.name: factor.factor for factor in told.factors}[COUNTRY]
    assert by_country["DE"] > 1 > by_country["BE"]
    assert by_country[None] == pytest.approx(1.0)


def test_entries_near_the_same_text_share_the_odds() -> None:
    """Two listed plates that may have become one text are each other's rivals."""
    found = explained("1AB?123")
    assert {told.hit.listed for told in found} == {"1-ABC-123", "1-ABG-123"}
    assert sum(told.hit.probability for told in found) <= 1.0
    for told in found:
        assert {factor.name: factor.factor for factor in told.factors}[RIVALS] < 1


def test_words_name_what_differs_and_what_it_is_worth() -> None:
    """Tier, both texts, the change, formats, confidence and factors stand in the words."""
    told = next(each for each in explained("1-A8C-123", confidence=0.75, country="BE"))
    words = told.words()
    for part in (
        "repaired match, 1 edit, probability 0.",
        "turning letters into digits",
        "read    1A[8]C123      fits no known format",
        "listed  1A[B]C123      fits BE-2010 (listed for BE)",
        "B was read as 8.",
        "The reader was 0.75 sure (band 0.70 to 0.78)",
        "Before the read, one read in",
        "Plates on the road lie closer together",
    ):
        assert part in words


@pytest.mark.parametrize(
    ("plate", "more", "part"),
    [
        ("1ABC12", {"confidence": 0.6}, "3 was lost."),
        ("1ABCC123", {"confidence": 0.6}, "C was added."),
        ("1ZBX129", {}, "of the traffic fits what is listed."),
        ("1ZBX129", {}, "some characters not known"),
        ("1-ABC-123", {"country": "NL", "confidence": 0.6}, "the reader claims another country."),
        ("1-ABC-123", {"country": "NL", "confidence": 0.6}, "The reader claims NL: "),
        ("GB001B", {}, "The reader gave no confidence; such reads"),
        ("GB001B", {}, "exact match, 0 edits"),
    ],
)
def test_words_of_the_kinds_of_hits(plate: str, more: dict[str, object], part: str) -> None:
    """Losses, additions, wildcards, contradicted countries and exact reads have their words."""
    assert part in explained(plate, **more)[0].words()


def test_an_explanation_is_data_too() -> None:
    """All of it can be written as JSON, with the fields of the dataclass."""
    told = explained("1A8C123", confidence=0.5)[0]
    values = json.loads(json.dumps(told.to_dict()))
    assert values["hit"]["tier"] == "repaired"
    assert values["steps"][2] == {"kind": "replaced", "listed": "B", "read": "8"}
    assert values["listed_formats"] == ["BE-2010"]
    assert set(values["terms"]["countries"]) >= {"BE", "NL", "DE"}


def test_terms_of_nothing_do_not_break() -> None:
    """Without any traffic and any share the factors are unbounded, not an error."""
    none = Terms(0.5, 0.5, 0.1, None, 0.1, 0.0, {}, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    told = explain_hit(HitText("1ABC123", "1ABC123", "exact", 0, 1.0), none)
    assert told.factors[-1].odds_after == float("inf")
    wild = Terms(0.5, 0.5, None, 0.0, 0.1, 0.1, {}, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    told = explain_hit(HitText("1ABC123", "1AB?123", "wildcard", 0, 1.0), wild)
    assert told.listed_marked == "1AB?123"
    assert "inf" in told.words()


def test_only_the_engines_own_hit_is_explained() -> None:
    """A read that is no hit of the entry is refused in one sentence."""
    own = engine()
    hits = own.match([read("GB001B")])
    with pytest.raises(AnprError, match="no hit of that entry"):
        own.explain(hits[0], json.dumps(read("1ABC123", confidence=0.99)))


def test_hits_keep_their_reads() -> None:
    """Every hit has its own read beside it, also in a slice; the cheap sentence stays."""
    own = engine()
    hits = own.match([read("FREE1"), read("GB001B"), read("1ABC123", confidence=0.99)])
    assert [json.loads(each)["plate"] for each in hits.reads] == [hit.plate for hit in hits]
    assert len(hits[:1].reads) == 1
    assert "exact match, 0 edits" in hits[0].explain()


def test_match_explains_the_first_hits(tmp_path: Path) -> None:
    """`anpr match --explain N` explains N hits on stderr; stdout and files stay as they are."""
    watchlist, reads = tmp_path / "w.csv", tmp_path / "r.jsonl"
    watchlist.write_text("plate,country\n1-ABC-123,BE\nGB-001-B,NL\n")
    rows = [read("1ABC123"), read("GB001B"), read("1-A8C-123", confidence=0.6)]
    reads.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["--watchlist", str(watchlist), "--reads", str(reads), "--out", "-"]
    plain = CliRunner().invoke(command, arguments)
    told = CliRunner().invoke(command, [*arguments, "--explain", "2"])
    assert (plain.exit_code, told.exit_code) == (0, 0)
    assert told.stdout == plain.stdout
    assert told.stderr.count("Before the read") == 2
    assert "Before the read" not in plain.stderr

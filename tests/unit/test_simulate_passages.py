"""Reads of a passage: what a simulated reader doubts, offers and tells of the vehicle."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.simulate.camera_noise import DRAWS_PER_MISREAD, misread
from anpr_engine.simulate.number_plates import canonical
from anpr_engine.simulate.passage_reads import READS_SHARES, look_as_seen, passage_reads
from anpr_engine.simulate.reader_doubt import OTHERS_MAX, glyphs, other_readings
from anpr_engine.simulate.rendering import DOUBTFUL_BELOW
from anpr_engine.simulate.vehicles import COLOURS, Vehicle

CAR = Vehicle("GHJ12K", "GH-J12-K", "NL", "car", "BMW", "X1", "grey")
PLATES = st.from_regex(r"[A-Z]{1,2}-[0-9]{2,3}-[A-Z]{1,2}", fullmatch=True)
SEEDS = st.integers(0, 2**32)


@given(PLATES, SEEDS, st.floats(0, 1))
def test_glyphs_spell_the_read(plate: str, seed: int, confidence: float) -> None:
    """Each character shown has a confidence, and what else it may be has the smaller part."""
    rng = np.random.default_rng(seed)
    shown = misread(plate, rng.random(DRAWS_PER_MISREAD).tolist())
    seen = glyphs(rng, shown, plate, confidence)
    assert "".join(each.character for each in seen) == canonical(shown)
    assert all(shown[each.place] == each.character for each in seen)
    assert all(0 <= each.sure <= 1 and each.other_sure <= 1 - each.sure for each in seen)
    assert all(each.other != each.character for each in seen)


@given(PLATES, SEEDS, st.floats(0.01, 1))
def test_other_readings_follow_the_read(plate: str, seed: int, confidence: float) -> None:
    """The read itself comes first, a few others behind it, none surer than the one before."""
    rng = np.random.default_rng(seed)
    shown = misread(plate, rng.random(DRAWS_PER_MISREAD).tolist())
    offered = other_readings(shown, confidence, glyphs(rng, shown, plate, confidence))
    assert offered[0] == (shown, confidence)
    assert 1 < len(offered) <= 1 + OTHERS_MAX
    shares = [share for _, share in offered]
    assert shares == sorted(shares, reverse=True)
    assert len({text for text, _ in offered}) == len(offered)


def test_wrong_characters_are_doubted_more_yet_not_always() -> None:
    """Over many misreads wrong characters are less sure, and the two kinds overlap."""
    rng = np.random.default_rng(5)
    seen = [glyphs(rng, "GH-J1Z-K", "GH-J12-K", 0.8) for _ in range(500)]
    wrong = np.array([each.sure for read in seen for each in read if each.character == "Z"])
    right = np.array([each.sure for read in seen for each in read if each.character != "Z"])
    assert wrong.mean() < right.mean() - 0.1
    assert (wrong > np.median(right)).mean() > 0.05
    assert (right < np.median(wrong)).mean() > 0.02
    offered = [other_readings("GH-J1Z-K", 0.8, read) for read in seen]
    share = np.mean([any(text == "GH-J12-K" for text, _ in each) for each in offered])
    assert 0.3 < share < 0.8


def test_passage_errs_together() -> None:
    """A misread plate is mostly misread again, one read right is mostly read right again."""
    rng = np.random.default_rng(7)
    shares = {}
    for is_wrong in (True, False):
        passages = [passage_reads(rng, CAR, misread_first=is_wrong) for _ in range(400)]
        assert all((reads[0].plate != CAR.printed) == is_wrong for reads in passages)
        assert {len(reads) for reads in passages} == set(range(1, len(READS_SHARES) + 1))
        later = [read.plate != CAR.printed for reads in passages for read in reads[1:]]
        shares[is_wrong] = np.mean(later)
    assert shares[True] > 0.5
    assert shares[False] < 0.1


def test_passage_tells_one_look_and_country() -> None:
    """Country, make and colour are one for all reads; sure reads offer no others."""
    rng = np.random.default_rng(8)
    for _ in range(50):
        reads = passage_reads(rng, CAR, misread_first=True)
        assert len({(read.country, read.make, read.colour) for read in reads}) == 1
        assert all(not read.candidates for read in reads if read.confidence > DOUBTFUL_BELOW)


def test_looks_are_mostly_the_vehicles_own() -> None:
    """Make and colour are told for some, and are wrong for a few."""
    rng = np.random.default_rng(9)
    seen = [look_as_seen(rng, CAR) for _ in range(1_000)]
    for place, own in ((0, CAR.make), (1, CAR.colour)):
        told = [look[place] for look in seen if look[place]]
        assert 600 < len(told) < 900
        assert 0.8 < np.mean([one == own for one in told]) < 0.97
    assert {colour for _, colour in seen} <= {*COLOURS, ""}

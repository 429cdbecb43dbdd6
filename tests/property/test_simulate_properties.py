"""Misreads hold their promises for every plate and every draw."""

from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.simulate.camera_noise import (
    CONFUSIONS,
    DRAWS_PER_DOUBT,
    DRAWS_PER_MISREAD,
    candidates,
    character_confidences,
    misread,
)
from anpr_engine.simulate.number_plates import canonical

DRAW = st.floats(0, 1, exclude_max=True)
PLATES = st.one_of(
    st.from_regex(r"[1-9]-[A-Z]{3}-[0-9]{3}", fullmatch=True),
    st.from_regex(r"[A-Z]{1,2}-[0-9]{2,3}-[A-Z]{1,2}", fullmatch=True),
    st.from_regex(r"[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9][0-9]{0,3}", fullmatch=True),
    st.from_regex(r"[A-Z0-9]{2,8}", fullmatch=True),
)
DRAWS = st.lists(DRAW, min_size=DRAWS_PER_MISREAD, max_size=DRAWS_PER_MISREAD)
DOUBTS = st.lists(DRAW, min_size=DRAWS_PER_DOUBT, max_size=DRAWS_PER_DOUBT)


def edit_distance(left: str, right: str) -> int:
    """Count the substitutions, deletions and insertions between two texts."""
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(right, start=1):
            cost = min(row[j] + 1, row[j - 1] + 1, before + (one != other))
            before, row[j] = row[j], cost
    return row[-1]


@given(PLATES, DRAWS)
def test_a_misread_is_one_or_two_edits_away(plate: str, draws: list[float]) -> None:
    """A misread is never the plate itself, and never more than two edits from it."""
    assert 1 <= edit_distance(canonical(plate), canonical(misread(plate, draws))) <= 2


@given(PLATES, DRAWS)
def test_a_misread_is_a_function_of_its_draws(plate: str, draws: list[float]) -> None:
    """The same draws give the same misread."""
    assert misread(plate, draws) == misread(plate, draws)


@given(PLATES, DRAWS, DRAW, DOUBTS)
def test_candidates_start_with_the_read_and_grow_less_sure(
    plate: str, draws: list[float], sure: float, doubts: list[float]
) -> None:
    """The reader's own answer comes first, no reading twice, confidences never rise."""
    shown = misread(plate, draws)
    offered = candidates(shown, plate, sure, doubts)
    assert offered[0][0] == shown
    texts = [canonical(text) for text, _ in offered]
    assert len(set(texts)) == len(texts)
    shares = [share for _, share in offered]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 1 for share in shares)


@given(PLATES, DRAWS, DRAW, DOUBTS)
def test_character_confidences_spell_the_read(
    plate: str, draws: list[float], sure: float, doubts: list[float]
) -> None:
    """The characters are those of the read without separators, each with a share."""
    shown = misread(plate, draws)
    marked = character_confidences(shown, plate, sure, doubts)
    assert "".join(character for character, _ in marked) == canonical(shown)
    assert all(0 <= share <= 1 for _, share in marked)


def test_the_confusion_table_is_sane() -> None:
    """About sixty pairs or more, no character confused with itself, weights in (0, 1]."""
    pairs = [(true, read, w) for true, reads in CONFUSIONS.items() for read, w in reads]
    assert len(pairs) >= 60
    assert len({(true, read) for true, read, _ in pairs}) == len(pairs)
    assert all(true != read and 0 < weight <= 1 for true, read, weight in pairs)

"""Learning from verdicts in a world whose truth is known: shares move, rates do not."""

from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from anpr_engine.kernels.tokens import PLAIN, TOKEN_OF
from anpr_engine.plates.error_fit import Pairs, fit, log_likelihoods, pairs_of
from anpr_engine.plates.error_model import ErrorModel, channel_of, load_error_model
from anpr_engine.plates.error_report import is_right, right_rates, same_plates
from anpr_engine.plates.error_verdicts import BELIEVED, VERDICTS_MOST, verdict_pairs, with_verdicts

LETTERS, DIGITS = "ABDEHKLMNPRSTVXZ", "0123456789"
TRUE_CONFUSIONS = {"B": "3", "D": "P", "5": "6", "H": "N", "8": "9", "V": "Y", "1": "7"}
"""What the reader of the world takes for what; the model that starts thinks otherwise."""
PRONE = 8.0
"""How many times likelier those are misread than other characters."""
MISREAD_SHARE = 0.03


@dataclass(frozen=True)
class World:
    """Reads of a road, and which of them raised an alert that was judged."""

    truths: list[str]
    reads: list[str]
    alerted: NDArray[np.bool_]

    def pairs(self, rows: NDArray[np.intp]) -> Pairs:
        """Give some reads as verdicts tell them."""
        truths = [self.truths[row] for row in rows.tolist()]
        return verdict_pairs(truths, [self.reads[row] for row in rows.tolist()], [None] * len(rows))


def plate(rng: np.random.Generator) -> str:
    """Draw a plate of two letters, two digits and a letter."""
    return "".join(str(rng.choice(list(kind))) for kind in (LETTERS,) * 2 + (DIGITS,) * 2) + "A"


def misread(rng: np.random.Generator, text: str) -> str:
    """Take one character for another, the prone ones first."""
    weights = np.array([PRONE if char in TRUE_CONFUSIONS else 1.0 for char in text])
    place = int(rng.choice(len(text), p=weights / weights.sum()))
    other = TRUE_CONFUSIONS.get(text[place], str(rng.choice(list(LETTERS + DIGITS))))
    return text[:place] + other + text[place + 1 :]


def near(first: str, other: str) -> bool:
    """Say whether two plates of one length differ in one place at most."""
    return sum(a != b for a, b in zip(first, other, strict=True)) <= 1


def world(seed: int, count: int, listed_count: int = 60) -> World:
    """Drive vehicles past a camera; reads within one edit of a listed plate raise alerts."""
    rng = np.random.default_rng(seed)
    listed = {plate(rng) for _ in range(listed_count)}
    at_home = sorted(listed)
    truths, reads = [], []
    for _ in range(count):
        truth = str(rng.choice(at_home)) if rng.random() < 0.3 else plate(rng)
        truths.append(truth)
        reads.append(misread(rng, truth) if rng.random() < MISREAD_SHARE else truth)
    # Exact reads of listed vehicles are known to be right and few are looked at.
    alerted = [
        (read not in listed or rng.random() < 0.02) and any(near(read, each) for each in at_home)
        for read in reads
    ]
    return World(truths, reads, np.array(alerted))


@pytest.fixture(scope="module")
def biased() -> Pairs:
    """Give the verdicts of a road: of alerts alone."""
    made = world(1, 12_000)
    return made.pairs(np.flatnonzero(made.alerted))


@pytest.fixture(scope="module")
def unseen() -> Pairs:
    """Give all reads of another road, chosen by nothing."""
    made = world(2, 3000)
    return made.pairs(np.arange(3000))


def true_share(model: ErrorModel) -> float:
    """Give the mean share of the reader's true confusions among those of their characters."""
    table = np.array(model.confused)
    shares = [
        table[TOKEN_OF[char], TOKEN_OF[other]] / table[TOKEN_OF[char]].sum()
        for char, other in TRUE_CONFUSIONS.items()
    ]
    return float(np.mean(shares))


def wrong_share(model: ErrorModel, pairs: Pairs) -> float:
    """Give the share of reads that a model expects to be wrong."""
    return float(1 - right_rates(pairs, channel_of(model)).mean())


def test_alerts_are_a_biased_sample(biased: Pairs, unseen: Pairs) -> None:
    """The world is as hard as the real one: among verdicts misreads are many times as common."""
    assert (~is_right(unseen)).mean() < 0.05
    assert (~is_right(biased)).mean() > 3 * (~is_right(unseen)).mean()


def test_verdicts_move_confusions_towards_the_truth(biased: Pairs) -> None:
    """The reader's true confusions get a far larger part of what their characters are taken for."""
    before = load_error_model()
    after = with_verdicts(before, biased)
    assert true_share(after) > true_share(before) + 0.2


def test_verdicts_do_not_change_how_often_reads_are_wrong(biased: Pairs, unseen: Pairs) -> None:
    """On reads chosen by nothing the expected share of misreads stays, in every band alike."""
    before = load_error_model()
    after = with_verdicts(before, biased)
    expected = wrong_share(before, unseen)
    assert wrong_share(after, unseen) == pytest.approx(expected, rel=0.05)
    kept = ("bands", "quality", "substituted", "lost_inside", "lost_at_edge", "separator_lost")
    for name in (*kept, "added_inside", "added_at_edge", "name"):
        assert getattr(after, name) == getattr(before, name)


def test_taking_verdicts_for_pairs_would_be_wrong(biased: Pairs, unseen: Pairs) -> None:
    """A model fitted to verdicts as if they were a sample holds misreads for far too common."""
    naive = fit(biased.chosen(np.arange(300)), "naive", "verdicts", rounds=3)
    truth = float((~is_right(unseen)).mean())
    assert wrong_share(naive, unseen) > 2 * truth


def test_an_unseen_set_becomes_likelier(biased: Pairs, unseen: Pairs) -> None:
    """Reads of another road are held likelier, above all the misread ones."""
    before, after = load_error_model(), with_verdicts(load_error_model(), biased)
    wrong = unseen.chosen(~is_right(unseen))
    for pairs, gain in ((unseen, 0.0), (wrong, 0.5)):
        found = log_likelihoods(pairs, channel_of(after))[0]
        assert found > log_likelihoods(pairs, channel_of(before))[0] + gain


def test_no_number_of_verdicts_unlearns_the_rest() -> None:
    """A thousand answers of one kind leave a quarter of what was believed of the character."""
    before = load_error_model()
    pairs = verdict_pairs(["1ABC123"] * 1000, ["1A8C123"] * 1000, [None] * 1000)
    after = with_verdicts(before, pairs)
    kept = BELIEVED / (BELIEVED + VERDICTS_MOST)
    row, old = np.array(after.confused)[TOKEN_OF["B"]], np.array(before.confused)[TOKEN_OF["B"]]
    others = [TOKEN_OF[char] for char in "DEPR3"]
    shares = (row / row.sum())[others] / (old / old.sum())[others]
    assert shares.tolist() == pytest.approx([kept] * len(others), abs=0.02)


def test_right_reads_teach_nothing() -> None:
    """A verdict on a read without error leaves the model as it was."""
    before = load_error_model()
    pairs = verdict_pairs(["1-ABC-123"] * 20, ["1ABC123"] * 20, [0.9] * 20)
    assert is_right(pairs).all()
    assert with_verdicts(before, pairs) == before


def test_lost_and_added_characters_are_learned() -> None:
    """A reader that drops a 1 and adds an I is known for it afterwards; shares still sum to 1."""
    before = load_error_model()
    truths = ["2ABC123"] * 30 + ["2XYZ345"] * 30
    reads = ["2ABC23"] * 30 + ["I2XYZ345"] * 30
    after = with_verdicts(before, verdict_pairs(truths, reads, [None] * 60))
    one, eye = TOKEN_OF["1"], TOKEN_OF["I"]
    assert after.lost[one] > 1.3 * before.lost[one]
    assert after.added[eye] > before.added[eye] + 0.3
    assert sum(after.added) == pytest.approx(1, abs=1e-3)
    assert load_like(after)


def load_like(model: ErrorModel) -> bool:
    """Say whether a corrected model is one that can be written, read and worked with."""
    again = msgspec.json.decode(msgspec.json.encode(model), type=ErrorModel)
    rates = channel_of(again).rates[:PLAIN, :PLAIN]
    return again == model and bool(((rates >= 0) & (rates <= 1)).all())


def test_garbage_hardly_counts() -> None:
    """A picture of quite another plate says nothing of look-alikes."""
    before = load_error_model()
    after = with_verdicts(before, verdict_pairs(["1ABC123"] * 50, ["ZK77XVO"] * 50, [None] * 50))
    change = np.abs(np.array(after.confused) - np.array(before.confused)).max()
    alike = with_verdicts(before, verdict_pairs(["1ABC123"] * 50, ["1AEC123"] * 50, [None] * 50))
    assert change < 0.5 * np.abs(np.array(alike.confused) - np.array(before.confused)).max()


def test_plates_that_others_are_of_too_are_known() -> None:
    """Separators make no other plate; pairs to judge by are kept apart from verdicts by this."""
    some = pairs_of(["1-ABC-123", "1-ABC-124"], ["1ABC123", "1-ABC-124"], [None, None])
    others = pairs_of(["1ABC124"], ["1ABC124"], [None])
    assert same_plates(some, others).tolist() == [False, True]

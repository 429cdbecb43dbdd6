"""The error model: learned from pairs, written, read back, and turned into a channel."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from anpr_engine.errors import UsageError
from anpr_engine.kernels.channel import INSERTED, QUALITIES
from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.kernels.tokens import CHARACTERS, SEPARATOR, TOKENS, without_separators
from anpr_engine.plates.error_fit import (
    Pairs,
    fit,
    log_likelihoods,
    pairs_of,
    start_model,
    text_tokens,
)
from anpr_engine.plates.error_model import (
    ErrorModel,
    channel_of,
    load_error_model,
    save_error_model,
)
from anpr_engine.plates.reading import shipped_reading

MARKS = ALPHABET + "-?"
LOST, ADDED, REPLACED = 0.02, 0.004, 0.03


def misread(text: str, clean: bool, draw: np.random.Generator) -> str:  # noqa: FBT001
    """Read a plate as a simple reader does: 0 for O and 8 for B, all else for anything."""
    part = 0.1 if clean else 3.0
    found = []
    for character in text:
        if draw.random() < ADDED * part:
            found.append("1")
        if character != "-" and draw.random() < LOST * part:
            continue
        wrong = draw.random() < REPLACED * part
        other = {"O": "0", "B": "8"}.get(character, MARKS[draw.integers(36)])
        found.append(other if wrong else character)
    return "".join(found)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Give 3,000 plates and how the simple reader read them, with its confidence."""
    draw = np.random.default_rng(11)
    truths, reads, confidence = [], [], []
    for _ in range(3_000):
        letters = "".join(ALPHABET[place] for place in draw.integers(10, 36, 4))
        text = f"{letters[:2]}-{draw.integers(100, 1000)}-{letters[2:]}"
        clean = bool(draw.random() < 0.7)
        truths.append(text)
        reads.append(misread(text, clean, draw))
        confidence.append(0.99 if clean else 0.4)
    return pairs_of(truths, reads, confidence)


@pytest.fixture(scope="module")
def fitted(pairs: Pairs) -> ErrorModel:
    """Give the model learned from them."""
    return fit(pairs, "simple reader", "simulated", rounds=6)


def mixed(model: ErrorModel, band: int, rates: list[float]) -> float:
    """Give a rate in a confidence band, over all states."""
    return float(np.array(model.quality[band]) @ np.array(rates))


@pytest.mark.slow_interpreted
@pytest.mark.parametrize(("confidence", "part", "within"), [(0.99, 0.1, 0.5), (0.4, 3.0, 0.2)])
def test_learning_recovers_the_rates_that_the_pairs_were_made_with(
    fitted: ErrorModel, confidence: float, part: float, within: float
) -> None:
    """In each band the rates of misread and lost characters come out again."""
    band = int(channel_of(fitted).band_of(np.array([confidence]))[0])
    assert mixed(fitted, band, fitted.substituted) == pytest.approx(REPLACED * part, rel=within)
    assert mixed(fitted, band, fitted.lost_inside) == pytest.approx(LOST * part, rel=within)


@pytest.mark.slow_interpreted
def test_learning_finds_which_characters_are_taken_for_which(fitted: ErrorModel) -> None:
    """O is taken for 0 and B for 8, and what is added is mostly a 1."""
    confused = np.array(fitted.confused)
    for printed, seen in ("O0", "B8"):
        row = confused[ALPHABET.index(printed), :CHARACTERS]
        assert int(row.argmax()) == ALPHABET.index(seen)
        assert row.max() > 0.6 * row.sum()
    assert fitted.added[1] > 0.5
    assert fitted.separator_lost[0] < min(fitted.lost_inside[2], 0.01)


@pytest.mark.slow_interpreted
def test_each_round_makes_the_pairs_likelier(pairs: Pairs) -> None:
    """Every round of learning raises the mean log likelihood, as the method promises."""
    models = [fit(pairs, "", "", rounds=rounds) for rounds in range(5)]
    means = [log_likelihoods(pairs, channel_of(model))[0] for model in models]
    assert means == sorted(means)
    assert means[-1] > means[0] + 0.1


@pytest.mark.slow_interpreted
def test_states_of_a_pair_sum_to_one(pairs: Pairs, fitted: ErrorModel) -> None:
    """Which state a pair is in is a distribution; clean reads are in another one than bad ones."""
    _, states = log_likelihoods(pairs, channel_of(fitted))
    np.testing.assert_allclose(states.sum(axis=1), 1)
    clean = pairs.confidence > 0.9
    assert np.abs(states[clean].mean(axis=0) - states[~clean].mean(axis=0)).max() > 0.3


def test_pairs_without_text_are_left_out_and_counted() -> None:
    """Nothing read, or far too much: no pair to learn from."""
    chosen = pairs_of(["AB-12", "AB-12", "AB-12"], ["", "AB12", "A" * 30], [None, 0.5, None])
    assert (len(chosen), chosen.left_out) == (1, 2)
    assert chosen.lengths.tolist() == [[4, 4]]
    assert SEPARATOR not in chosen.tokens
    assert len(chosen.chosen(np.array([False]))) == 0


def test_separators_can_be_left_out_of_tokens() -> None:
    """What stays moves up; texts that have no tokens stay without."""
    tokens, lengths = text_tokens(["1-A.2", "B", "ß"])
    compact, fewer = without_separators(tokens, lengths)
    assert fewer.tolist() == [3, 1, -1]
    assert compact[0, :4].tolist() == [1, 10, 2, -1]


def test_a_model_file_comes_back_as_it_was(tmp_path: Path) -> None:
    """Written and read again it is equal, and written again it is the same file."""
    model = load_error_model()
    first, second = tmp_path / "one.json", tmp_path / "two.json"
    save_error_model(model, first)
    save_error_model(load_error_model(first), second)
    assert load_error_model(first) == model
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1, "name": "x"}', b"\xff"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    """The error names the file and how to make one."""
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"model\.json is no error model"):
        load_error_model(path)


def test_a_missing_model_file_is_a_wrong_usage(tmp_path: Path) -> None:
    """No trace, but the file's name."""
    with pytest.raises(UsageError, match="is no error model"):
        load_error_model(tmp_path / "none.json")


@pytest.mark.parametrize("change", [{"format": 2}, {"bands": [0.5]}])
def test_models_of_another_make_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """A format to come, or bands that do not belong to the mixtures."""
    path = tmp_path / "model.json"
    raw = msgspec.json.decode(msgspec.json.encode(load_error_model()))
    path.write_bytes(msgspec.json.encode(raw | change))
    with pytest.raises(UsageError, match="of another make"):
        load_error_model(path)


def right_by_band(tokens: NDArray[np.int8], bands: int) -> NDArray[np.float64]:
    """Give P(all read right) of one text in each band."""
    rows = np.repeat(tokens, bands, axis=0)
    starts = shipped_reading().starts(rows, np.arange(bands))
    return np.asarray(starts.sum(axis=1), np.float64)


def test_a_surer_reader_is_likelier_right() -> None:
    """In the model that ships, each higher band from 0.6 on is likelier all right."""
    tokens, _ = text_tokens(["1ABC123"])
    right = right_by_band(tokens, len(load_error_model().bands) + 1)
    assert right[4:].tolist() == sorted(right[4:])
    assert right[-1] > 0.9 > right[0]


def test_reads_without_confidence_have_the_mixture_of_all() -> None:
    """NaN is a band of its own, the last; others go by the bounds."""
    channel = shipped_reading().channel
    given = np.array([np.nan, 0.0, 0.3, 0.99, 1.0])
    last = len(channel.quality) - 1
    assert channel.band_of(given).tolist() == [last, 0, 2, last - 1, last - 1]


@pytest.mark.parametrize("model", [load_error_model(), start_model("start", "nothing")])
def test_a_channel_holds_probabilities(model: ErrorModel) -> None:
    """Rows of what is read sum to 1, mixtures too, and nothing is below 0 or above 1."""
    channel = channel_of(model)
    assert (channel.rates >= 0).all()
    assert (channel.rates <= 1).all()
    rows = channel.rates[: INSERTED + 1, :TOKENS].sum(axis=1)
    np.testing.assert_allclose(rows, 1, atol=1e-3)
    np.testing.assert_allclose(channel.quality.sum(axis=1), 1)
    assert channel.rates.shape[-1] == QUALITIES

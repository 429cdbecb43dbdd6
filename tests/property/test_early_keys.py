"""Keys that decoding makes while it has the texts are those that normalising would make."""

import json
from dataclasses import replace

import oracle_arrow
import strategies
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.kernels.plate_text import UNDECIDED
from anpr_engine.pipeline import decode as decoding
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.columns import REFUSED, ReadColumns

plates = st.one_of(
    strategies.plates,
    st.text(st.sampled_from("AZ09Ä -?\u0142"), max_size=20),
    st.text(st.sampled_from("0A1-"), min_size=12, max_size=40),
)


@given(st.lists(plates, min_size=1, max_size=9), st.integers(1, 16), st.integers(1, 4))
def test_early_keys_are_the_same(texts: list[str], characters_min: int, stretch: int) -> None:
    """For any number of characters that a plate must have, and however long a stretch is."""
    read = {"read_id": "r", "camera_id": "c", "captured_at": "2026-11-22T08:00:00Z"}
    values = [json.dumps(read | {"plate": text}, ensure_ascii=False).encode() for text in texts]
    whole, decoding.STRETCH_READS = decoding.STRETCH_READS, stretch
    try:
        reads = decode([*values, b"{"], 2**62)
    finally:
        decoding.STRETCH_READS = whole
    plates_found = normalise_plates(reads, characters_min)
    expected = [normalise(text, characters_min) for text in texts]
    assert plates_found.keys.tolist() == [*(each.key for each in expected), 0]
    assert plates_found.status.tolist() == [*(each.status for each in expected), REFUSED]
    late = normalise_plates(_without_early(reads), characters_min)
    assert plates_found.gaps.tolist() == late.gaps.tolist()
    assert reads.plates is not None
    early = oracle_arrow.read_keys_and_gaps(texts)
    for row, (each, status) in enumerate(zip(early, reads.plates.status.tolist(), strict=False)):
        if status != UNDECIDED and row not in reads.careful:
            assert int(reads.plates.keys[row]) == each.key


def _without_early(reads: ReadColumns) -> ReadColumns:
    return replace(reads, plates=None)

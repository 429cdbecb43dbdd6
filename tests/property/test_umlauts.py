"""Spellings with umlauts: the kernel against its twin, and the matcher that looks them up."""

import json

import numpy as np
import oracle
import oracle_umlauts
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.kernels.umlauts import SPELLINGS_MAX, umlaut_keys
from anpr_engine.replay.engine import Engine

TEXTS = st.text("AEOUÄBX19", min_size=1, max_size=9)


@given(st.lists(TEXTS, max_size=12))
def test_spellings_are_the_twins(texts: list[str]) -> None:
    """Every vowel of the first three letters may stand for its umlaut, with or without an E."""
    keys = np.array([oracle.key_of(text) for text in texts], dtype=np.uint64)
    found = np.empty((2, len(texts) * SPELLINGS_MAX), dtype=np.uint64)
    count = np.zeros(1, dtype=np.int64)
    umlaut_keys(keys, found, count)
    pairs = {(int(row), int(key)) for row, key in found[:, : count[0]].T}
    assert pairs == oracle_umlauts.umlaut_keys(texts)
    assert len(pairs) == count[0]


def test_a_listed_umlaut_is_found_however_it_was_read() -> None:
    """With its dots, without them, or spelled out; only the first is an exact match."""
    engine = Engine([{"plate": "WÜ-AA 17", "country": "DE"}], traffic_share=0.01)
    reads = [
        {"read_id": text, "camera_id": "c", "captured_at": "2026-11-22T05:00:00Z", "plate": text}
        for text in ("WÜ-AA 17", "WU-AA 17", "WUAA17", "WUEAA17")
    ]
    hits = engine.match_values([json.dumps(read).encode() for read in reads])
    assert [hit.tier for hit in hits] == ["exact", "fuzzy", "fuzzy", "fuzzy"]
    assert min(hit.probability for hit in hits) > 0.5

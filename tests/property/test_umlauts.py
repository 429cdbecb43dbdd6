"""Spellings with umlauts: the kernel against its twin, and the matcher that looks them up."""

import json

import numpy as np
import oracle
import oracle_umlauts
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.kernels.bloom import filter_rows
from anpr_engine.kernels.umlauts import SPELLINGS_MAX, plain_keys, umlaut_keys
from anpr_engine.replay.engine import Engine
from anpr_engine.watchlist.spelled import spelled_filter

TEXTS = st.text("AEOUÄÖBX19", min_size=1, max_size=9)


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


@given(st.lists(TEXTS, max_size=12))
def test_a_plate_is_filed_under_every_text_it_is_spelled_from(texts: list[str]) -> None:
    """Whatever text has a listed key among its spellings, the filter knows it: none is lost."""
    asked = np.array([oracle.key_of(text) for text in texts], dtype=np.uint64)
    found = np.empty((2, len(texts) * SPELLINGS_MAX), dtype=np.uint64)
    count = np.zeros(1, dtype=np.int64)
    umlaut_keys(asked, found, count)
    for row, key in found[:, : count[0]].T:
        maybe = np.empty(len(asked) + 1, dtype=np.int64)
        filter_rows(asked, spelled_filter(np.array([key])), maybe)
        assert int(row) in maybe[1 : maybe[0] + 1]


@given(st.lists(TEXTS, max_size=12))
def test_only_umlauts_are_filed(texts: list[str]) -> None:
    """Each key that is filed leads back to a listed one, and no other is; the twin agrees."""
    listed = np.array([oracle.key_of(text) for text in texts], dtype=np.uint64)
    plain = np.empty(len(texts) * SPELLINGS_MAX, dtype=np.uint64)
    count = np.zeros(1, dtype=np.int64)
    plain_keys(listed, plain, count)
    assert plain[: count[0]].tolist() == oracle_umlauts.plain_keys(texts)
    for key in plain[: count[0]]:
        found = np.empty((2, SPELLINGS_MAX), dtype=np.uint64)
        again = np.zeros(1, dtype=np.int64)
        umlaut_keys(np.array([key]), found, again)
        assert set(found[1, : again[0]].tolist()) & set(listed.tolist())
    umlauts = any(mark in text[:3] for text in texts for mark in "ÄÖÜ")
    assert bool(len(spelled_filter(listed))) == umlauts


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

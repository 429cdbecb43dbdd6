"""The plates that near matching searches for: those that are rare on the road."""

import numpy as np
import pytest

from anpr_engine.plates.normaliser import plate_key
from anpr_engine.plates.reading import shipped_reading
from anpr_engine.records.columns import country_code
from anpr_engine.watchlist import rare
from anpr_engine.watchlist.column import Column
from anpr_engine.watchlist.rare import (
    NO_COUNTRY,
    RARE_SHARE,
    UNCLAIMED_SHARE,
    RareHalves,
    claims_allow,
    rare_halves,
)

LISTED = [
    ("1ABC123", "BE"),
    ("1ABC124", "NL"),
    ("12GBK3", "NL"),
    ("12GBK4", ""),
    ("BIBA1234", "DE"),
    ("BIBA1235", ""),
    ("ZZZZZZZ", "BE"),
    ("12GBK5", "PL"),
]


def told_apart(listed: list[tuple[str, str]]) -> tuple[RareHalves, dict[str, int]]:
    """File plates; give the place of the group that each rare one is in."""
    rows = sorted(
        (plate_key(plate), country_code(country) if country else 0, plate)
        for plate, country in listed
    )
    keys = np.array([key for key, _, _ in rows], dtype=np.uint64)
    found = rare_halves(keys, Column(np.array([code for _, code, _ in rows], dtype=np.uint32)))
    places = {rows[row][2]: group.place for group in found.groups for row in group.rows.tolist()}
    for group in found.groups:
        assert (group.index.keys == keys[group.rows]).all()
    return found, places


def test_rare_plates_are_those_with_a_small_share_in_their_own_country(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A common text under a country that has none like it is rare; without a country any counts."""
    monkeypatch.setattr(rare, "KEYS_MIN", 0)
    found, places = told_apart(LISTED)
    countries = shipped_reading().countries
    common = {"12GBK3"}
    shares = shipped_reading().gate.densities(
        np.array([plate_key(plate) for plate, _ in LISTED], dtype=np.uint64)
    )
    for (plate, country), share in zip(LISTED, shares, strict=True):
        own = share.sum() if not country else 0.0
        if country in countries:
            own = share[countries.index(country)]
        limit = RARE_SHARE if country else UNCLAIMED_SHARE
        assert (plate in places) == (own < limit)
    assert not common & places.keys()
    assert places["1ABC124"] == countries.index("NL")
    assert places["12GBK5"] == len(countries) - 1
    assert places["BIBA1235"] == NO_COUNTRY
    assert found.gate == shipped_reading().gate.digest


def test_a_short_list_is_not_told_apart() -> None:
    """Its few plates are all searched; the empty digest is no gate's."""
    found, places = told_apart(LISTED)
    assert (found.gate, places) == ("", {})


def test_claims_that_say_next_to_nothing_do_not_tell_rare_plates_apart() -> None:
    """The arithmetic of `claims_allow`: shipped claims pass, cameras that hide a country do not."""
    assert claims_allow(shipped_reading().claims_least)
    assert not claims_allow(1e-6)

"""What an engine has ready before its first read, so that no first hit waits for it."""

import re

import pytest

from anpr_engine.plates import formats
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.identify import fits
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import reading_model

PLATES = ("1ABC123", "BAB1234", "GB012K", "AB123CD", "AB1234")
"""Of Belgium, Germany, the Netherlands, France and Luxembourg."""


def test_a_model_comes_with_every_pattern_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patterns of a country with hundreds of districts take a tenth of a second."""
    vars(formats)["_compiled"].cache_clear()
    reading_model(country_packs(), shipped_channel())

    def refuse(expression: str) -> None:
        raise AssertionError(f"{len(expression)} characters of pattern are compiled late")

    monkeypatch.setattr(re, "compile", refuse)
    assert all(fits(plate) for plate in PLATES)

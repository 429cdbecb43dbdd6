"""Case, separators and Unicode of plate texts."""

import pytest

from anpr_engine.kernels.plate_text import (
    BAD_CHARACTER,
    EMPTY,
    TOO_LONG,
    TOO_SHORT,
    UNREAD_POSITION,
    USABLE,
)
from anpr_engine.plates.normaliser import normalise

CASES = [
    ("hyphens and case", "1-abc-123", "1ABC123", USABLE),
    ("umlaut kept", "wü-ab 12", "WÜAB12", USABLE),
    ("umlaut from combining mark", "WU\u0308-AB 12", "WÜAB12", USABLE),
    ("accent dropped", "É12-ÇA", "E12CA", USABLE),
    ("fullwidth", "\uff11\uff21\uff22\uff23", "1ABC", USABLE),
    ("Cyrillic twins", "АВЕ 123", "ABE123", USABLE),
    ("Greek twins", "ΑΒΕ 123", "ABE123", USABLE),
    ("Cyrillic O stays a letter", "О1234", "O1234", USABLE),
    ("Arabic digits", "١٢٣٤AB", "1234AB", USABLE),
    ("zero width", "1\u200bA\u200dB\ufeffC1", "1ABC1", USABLE),
    ("bidi marks", "\u202e1ABC\u202c1", "1ABC1", USABLE),
    ("soft hyphen and NUL", "1\u00adA\x00BC", "1ABC", USABLE),
    ("minus sign", "12\u2212BBD\u22123", "12BBD3", USABLE),
    ("superscript digit", "12\u00b9AB", "121AB", USABLE),
    ("sharp s", "STRAßE1", "STRASSE1", BAD_CHARACTER),
    ("letter without twin", "Я1234", "1234", BAD_CHARACTER),
    ("unread position", "12-BB?-3", "12BB3", UNREAD_POSITION),
    ("unread run", "12-BB*", "12BB", UNREAD_POSITION),
    ("nothing", "", "", EMPTY),
    ("separators only", "--- .", "", EMPTY),
    ("three characters", "A-12", "A12", TOO_SHORT),
    ("seventeen characters", "1234567890ABCDEFG", "1234567890ABCDEFG", TOO_LONG),
    ("ten thousand characters", "A1" * 5000, "", TOO_LONG),
]


@pytest.mark.parametrize(
    ("raw", "text", "status"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_texts_become_canonical(raw: str, text: str, status: int) -> None:
    """Each kind of text gets its canonical form and says whether it can match."""
    found = normalise(raw, 4)
    assert (found.text, found.status) == (text, status)
    assert (found.key != 0) == (status == USABLE)


def test_rules_are_named() -> None:
    """What changed the text is said."""
    assert normalise("wü-\u0430b 12").rules == (
        "upper-case",
        "separators-removed",
        "look-alike-to-latin",
        "umlaut-kept",
    )

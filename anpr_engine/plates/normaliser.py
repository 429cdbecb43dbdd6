"""Raw plate text to canonical text: case, separators, Unicode.

The rules, in order: unread positions (`?`, `*`) are looked for first, for dropping them would make
another plate; NFKC (Unicode Annex 15) and upper case; capitals of other alphabets that look like
Latin ones become Latin, digits of any script become ASCII; combining marks go, but Ä Ö Ü stay;
separators, punctuation, spaces, control and format characters go. Any other letter marks the text
as bad: it is never repaired in silence and never matches.

`normalise` is the slow, complete path; `kernels.plate_text` gives the same for plain texts.
"""

import unicodedata
from dataclasses import dataclass

from anpr_engine.kernels.plate_text import (
    ALPHABET,
    BAD_CHARACTER,
    EMPTY,
    KEY_BASE,
    KEY_CHARACTERS_EXACT,
    LONG_KEYS,
    LONG_KEYS_FROM,
    PLATE_CHARACTERS_MAX,
    RAW_BYTES_MAX,
    TOO_LONG,
    TOO_SHORT,
    UNREAD_POSITION,
    USABLE,
)

STATUS_NAMES = {
    USABLE: "usable",
    UNREAD_POSITION: "unread-position",
    EMPTY: "no-character",
    TOO_SHORT: "too-short",
    TOO_LONG: "too-long",
    BAD_CHARACTER: "bad-character",
}
"""What a status is called in reports and metric labels."""

LOOK_ALIKES = str.maketrans(
    # Cyrillic capitals, Greek capitals, and the Latin letters they are drawn like.
    "АВЕЅІЈКМНОРСТУХҮԚԜ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",  # noqa: RUF001 - look-alikes are the point
    "ABESIJKMHOPCTYXYQW" + "ABEZHIKMNOPTYX",
)

UNDECODED = "\ufffd"
"""What a decoder puts for bytes that it cannot read: a lost letter, not a separator."""

_CODES = {character: code for code, character in enumerate(ALPHABET, start=1)}
_UMLAUTS = "ÄÖÜ"


@dataclass(frozen=True, slots=True)
class Normalised:
    """A canonical text, its key (0 unless usable), its status, and the rules that changed it."""

    text: str
    key: int
    status: int
    rules: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether the text can match anything."""
        return self.status == USABLE


def plate_key(text: str) -> int:
    """Give the key of a canonical text of 1 to 16 characters of the alphabet."""
    key = 0
    for place, character in enumerate(text):
        code = _CODES[character]
        if place < KEY_CHARACTERS_EXACT:
            key = key * KEY_BASE + code
        else:
            key = ((key ^ code) * 1099511628211) % 2**64
    if len(text) > KEY_CHARACTERS_EXACT:
        key = LONG_KEYS_FROM + key % LONG_KEYS
    return key


def _fold(character: str) -> str | None:
    """Fold one composed capital: itself, a Latin twin, nothing, or None for a bad one."""
    if character in _CODES:
        return character
    twin = character.translate(LOOK_ALIKES)
    if twin in _CODES:
        return twin
    if character == UNDECODED:
        return None
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category[0] in "ZPSC" or category in ("Mn", "Me", "Mc"):
        return ""
    base = unicodedata.normalize("NFD", character)
    stripped = "".join(part for part in base if unicodedata.category(part) != "Mn")
    folded = stripped.translate(LOOK_ALIKES)
    return folded if folded in _CODES and len(folded) == 1 else None


def _upper(text: str) -> tuple[str, bool]:
    """Give the capitals of a text, and whether a character has no capital of its own."""
    capitals = [character.upper() for character in text]
    return "".join(capitals), any(len(capital) > 1 for capital in capitals)


def normalise(raw: str, characters_min: int = 1) -> Normalised:
    """Turn one raw plate text into its canonical text.

    Args:
        raw: the text as read or listed, of any length and content.
        characters_min: fewest canonical characters that may match.

    """
    rules: list[str] = []
    if len(raw) > RAW_BYTES_MAX:
        return Normalised("", 0, TOO_LONG, ("raw-text-too-long",))
    unread = "?" in raw or "*" in raw
    composed = unicodedata.normalize("NFKC", raw)
    if composed != raw:
        rules.append("nfkc")
    capitals, expanded = _upper(composed)
    if capitals != composed:
        rules.append("upper-case")
    capitals = unicodedata.normalize("NFC", capitals)
    folded = [_fold(character) for character in capitals]
    text = "".join(part for part in folded if part)
    rules.extend(_rules_fired(capitals, folded))
    bad = expanded or None in folded
    status = _status(text, characters_min, unread=unread, bad=bad)
    return Normalised(text, plate_key(text) if status == USABLE else 0, status, tuple(rules))


def _rules_fired(capitals: str, folded: list[str | None]) -> list[str]:
    pairs = list(zip(capitals, folded, strict=True))
    fired = []
    if any(part == "" for _, part in pairs):
        fired.append("separators-removed")
    if any(part and part != character for character, part in pairs):
        fired.append("look-alike-to-latin")
    if any(part is None for _, part in pairs):
        fired.append("bad-character")
    if any(part in _UMLAUTS for _, part in pairs if part):
        fired.append("umlaut-kept")
    return fired


def _status(text: str, characters_min: int, *, unread: bool, bad: bool) -> int:
    if bad:
        return BAD_CHARACTER
    if unread:
        return UNREAD_POSITION
    if not text:
        return EMPTY
    if len(text) < characters_min:
        return TOO_SHORT
    if len(text) > PLATE_CHARACTERS_MAX:
        return TOO_LONG
    return USABLE

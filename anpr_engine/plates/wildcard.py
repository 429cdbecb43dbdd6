"""Listed plates of which some characters are not known: `?` is one character, `*` any run.

`?` may stand anywhere. `*` stands for any run of characters, also none, and only at an end of the
plate, or at both. Every position is true: `AB?1` is four characters long, and begins with `AB`.

Why ten positions: no plate on Europe's roads has more than nine characters, and ten of them fit
into one machine word, by which thousands of wildcards are compared at once.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from anpr_engine.kernels.plate_text import (
    BAD_CHARACTER,
    RAW_BYTES_MAX,
    WILDCARD_KEYS_FROM,
)
from anpr_engine.plates.normaliser import normalise

ANY_CHARACTER = "?"
ANY_RUN = "*"
POSITIONS_MAX = 10
"""Most positions of a wildcard, fixed ones and `?` together; a `*` is none."""
FIXED_MIN = 3
"""Fewest fixed characters; what has fewer is no description of a vehicle and matches nothing."""
_KEY_BYTES = 5
_REMEMBERED_MAX = 2**15
_MARKS = re.compile(r"([?*])")


class WildcardFault(StrEnum):
    """Why a text with `?` or `*` is no wildcard."""

    BAD_CHARACTER = "bad-character"
    TOO_LONG = "too-long"
    RUN_INSIDE = "run-inside"


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A wildcard in its canonical text: capitals of the key alphabet, `?`, and `*` at the ends."""

    text: str

    @property
    def positions(self) -> str:
        """Give the text without its `*`."""
        return self.text.strip(ANY_RUN)

    @property
    def open_start(self) -> bool:
        """Whether anything may come before the first position."""
        return self.text.startswith(ANY_RUN)

    @property
    def open_end(self) -> bool:
        """Whether anything may follow the last position."""
        return self.text.endswith(ANY_RUN)

    @property
    def fixed(self) -> str:
        """Give the known characters, in order."""
        return self.positions.replace(ANY_CHARACTER, "")

    @property
    def key(self) -> int:
        """Give the key it is filed under, 0 when it has too few fixed characters to be used.

        Two wildcards may share a key; it serves to find entries, never to match reads.
        """
        if len(self.fixed) < FIXED_MIN:
            return 0
        digest = hashlib.blake2b(self.text.encode(), digest_size=_KEY_BYTES).digest()
        return WILDCARD_KEYS_FROM + int.from_bytes(digest, "big")


@lru_cache(maxsize=_REMEMBERED_MAX)
def parse_wildcard(raw: str) -> Wildcard | WildcardFault | None:
    """Read a listed plate as a wildcard; None when it has neither `?` nor `*`.

    The characters between them are folded as those of any plate: case, separators, look-alikes.
    """
    if ANY_CHARACTER not in raw and ANY_RUN not in raw:
        return None
    if len(raw) > RAW_BYTES_MAX:
        return WildcardFault.TOO_LONG
    parts = _MARKS.split(raw)
    for place in range(0, len(parts), 2):
        if parts[place]:
            found = normalise(parts[place])
            if found.status == BAD_CHARACTER:
                return WildcardFault.BAD_CHARACTER
            parts[place] = found.text
    wildcard = Wildcard(_tidied("".join(parts)))
    if ANY_RUN in wildcard.positions:
        return WildcardFault.RUN_INSIDE
    return WildcardFault.TOO_LONG if len(wildcard.positions) > POSITIONS_MAX else wildcard


def _tidied(text: str) -> str:
    """Put the `*` of each end outermost, once: `A?**?` means `A??*`."""
    known = text.strip(ANY_CHARACTER + ANY_RUN)
    start, _, end = text.partition(known) if known else ("", "", text)
    return _run(start) + _anything(start) + known + _anything(end) + _run(end)


def _run(marks: str) -> str:
    return ANY_RUN if ANY_RUN in marks else ""


def _anything(marks: str) -> str:
    return ANY_CHARACTER * marks.count(ANY_CHARACTER)


def listed_text(raw: str) -> str:
    """Give the canonical text of a listed plate, wildcard or not; empty when it is of no use."""
    wildcard = parse_wildcard(raw)
    if wildcard is None:
        found = normalise(raw)
        return found.text if found.usable else ""
    return wildcard.text if isinstance(wildcard, Wildcard) and wildcard.key else ""


def listed_key(raw: str) -> int:
    """Give the key that a listed plate is filed under, 0 when it can match nothing."""
    wildcard = parse_wildcard(raw)
    if wildcard is None:
        return normalise(raw).key
    return wildcard.key if isinstance(wildcard, Wildcard) else 0

"""The naive twin of the spellings kernel."""

from collections.abc import Sequence

from oracle import key_of

FOLDED = {"A": "Ä", "O": "Ö", "U": "Ü"}


def umlaut_keys(texts: Sequence[str]) -> set[tuple[int, int]]:
    """Give (row, key) of every text with one umlaut more, in its first three letters."""
    found = set()
    for row, text in enumerate(texts):
        for place, character in enumerate(text[:3]):
            if character not in FOLDED:
                continue
            found.add((row, key_of(text[:place] + FOLDED[character] + text[place + 1 :])))
            if text[place + 1 : place + 2] == "E":
                found.add((row, key_of(text[:place] + FOLDED[character] + text[place + 2 :])))
    return found


def plain_keys(texts: Sequence[str]) -> list[int]:
    """Give the keys of all texts that have a listed one among their spellings."""
    plain = {umlaut: vowel for vowel, umlaut in FOLDED.items()}
    found = []
    for text in texts:
        for place, character in enumerate(text[:3]):
            if character in plain and len(text) <= 12:
                before, behind = text[:place] + plain[character], text[place + 1 :]
                found.append(key_of(before + behind))
                found += [key_of(f"{before}E{behind}")] if len(text) < 12 else []
    return found

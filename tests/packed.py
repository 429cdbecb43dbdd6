"""Finds what stands packed in some bytes, as the rows of the lists' history do."""

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path

BEGINS = b"\x78\x01"
"""How zlib begins what it packs fastest."""


def unpacked(data: bytes) -> Iterator[bytes]:
    """Unpack whatever looks packed; what is cut off in between is given as far as it goes."""
    whole, place = memoryview(data), data.find(BEGINS)
    while place >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj().decompress(whole[place:])
        place = data.find(BEGINS, place + 1)


def on_disk(folder: Path, text: str) -> set[str]:
    """Name the files that hold a text, as it is or packed."""
    found = set[str]()
    for path in folder.rglob("*"):
        try:
            data = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:
            continue
        if text.encode() in data or any(text.encode() in each for each in unpacked(data)):
            found.add(path.relative_to(folder).parts[0])
    return found

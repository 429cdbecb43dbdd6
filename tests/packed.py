"""Finds what stands packed in some bytes, as the rows of the lists' history do."""

import contextlib
import zlib
from collections.abc import Iterator

BEGINS = b"\x78\x01"
"""How zlib begins what it packs fastest."""


def unpacked(data: bytes) -> Iterator[bytes]:
    """Unpack whatever looks packed; what is cut off in between is given as far as it goes."""
    whole, place = memoryview(data), data.find(BEGINS)
    while place >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj().decompress(whole[place:])
        place = data.find(BEGINS, place + 1)

"""When each providing site's entries were last received, as deliveries write it down."""

from collections.abc import Sequence

import msgspec


class Cursor(msgspec.Struct, frozen=True):
    """How far the entries of a source have come, and when that was last true."""

    epoch: str
    version: int
    token: str
    confirmed_at_us: int


def read_cursor(text: bytes | None) -> Cursor | None:
    """Read what a delivery wrote; None where there is nothing, or nothing that can be read."""
    try:
        return None if text is None else msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError:
        return None


def receipts_from(reply: Sequence[bytes]) -> dict[str, int]:
    """Give each provider's last receipt, in microseconds since 1970.

    Args:
        reply: providers and cursors as HGETALL gives them. One that cannot be read is left out:
            of a list whose receipt is not known nothing is used.

    """
    found: dict[str, int] = {}
    for provider, text in zip(reply[::2], reply[1::2], strict=True):
        cursor = read_cursor(text)
        if cursor is not None:
            found[provider.decode(errors="replace")] = cursor.confirmed_at_us
    return found

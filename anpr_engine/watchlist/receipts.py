"""When each providing site's entries were last received, as deliveries write it down.

Why a receipt is signed where versions are: by it the law's days are counted. Whoever could write
it by hand could keep received entries in use after their time.
"""

from collections.abc import Sequence

import msgspec

from anpr_engine.watchlist.seals import NOBODY, Sealer, Trust

DOMAIN = "anpr-watchlist-receipt/1"
_ENCODER = msgspec.json.Encoder()


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the entries of a source have come, and when that was last true.

    signed_by: id of the key that signed, empty without; signature: in hexadecimal digits.
    """

    epoch: str
    version: int
    token: str
    confirmed_at_us: int
    signed_by: str = ""
    signature: str = ""

    def statement(self, provider: str) -> bytes:
        """Write what is signed: a JSON array, whose parts cannot run into each other."""
        parts = (self.epoch, self.version, self.token, self.confirmed_at_us, self.signed_by)
        return _ENCODER.encode([DOMAIN, provider, *parts])


def read_cursor(text: bytes | None) -> Cursor | None:
    """Read what a delivery wrote; None where there is nothing, or nothing that can be read."""
    try:
        return None if text is None else msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError:
        return None


def signed_cursor(text: bytes, provider: str, sealer: Sealer) -> bytes:
    """Sign a cursor as it is written; what is none stays as it is."""
    cursor = read_cursor(text)
    if cursor is None:
        return text
    named = msgspec.structs.replace(cursor, signed_by=sealer.key_id)
    signature = sealer.sign_text(named.statement(provider))
    return _ENCODER.encode(msgspec.structs.replace(named, signature=signature))


def receipts_from(reply: Sequence[bytes], trust: Trust = NOBODY) -> dict[str, int]:
    """Give each provider's last receipt, in microseconds since 1970.

    Args:
        reply: providers and cursors as HGETALL gives them. One that cannot be read or is not
            signed as it should be is left out: of a list whose receipt is not known nothing is
            used.
        trust: whose signatures are asked for.

    """
    found: dict[str, int] = {}
    for name, text in zip(reply[::2], reply[1::2], strict=True):
        provider, cursor = name.decode(errors="replace"), read_cursor(text)
        if cursor is None:
            continue
        signed = (cursor.signed_by, cursor.signature)
        if not trust or trust.signed(*signed, cursor.statement(provider)):
            found[provider] = cursor.confirmed_at_us
    return found

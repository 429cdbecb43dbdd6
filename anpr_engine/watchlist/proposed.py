"""The changes of a proposal as they are kept: written down exactly, and made into edits again."""

import zlib
from collections.abc import Iterable, Sequence

import msgspec

from anpr_engine.watchlist.edits import Edit, SharedPart
from anpr_engine.watchlist.manifest import unreadable
from anpr_engine.watchlist.redis_keys import bucket_of, entry_field
from anpr_engine.watchlist.stored import Profile, StoredEntry, decode_entry, decode_profile

_LEVEL = 6
_NONE = b"null"


class ProposedEdit(msgspec.Struct, frozen=True, array_like=True):
    """One entry to be put, or removed where `row` is JSON's null; `digest` names its profile."""

    list_id: str
    entry_id: str
    row: msgspec.Raw
    digest: str


class ProposedChunk(msgspec.Struct, frozen=True):
    """Edits that are written as one version, and the profiles they name by digest."""

    edits: list[ProposedEdit]
    profiles: dict[str, msgspec.Raw]


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ProposedChunk)


def packed(edits: Iterable[Edit]) -> bytes:
    """Write edits down."""
    rows: list[ProposedEdit] = []
    profiles: dict[str, msgspec.Raw] = {}
    for edit in edits:
        if edit.shared is None:
            rows.append(ProposedEdit(edit.list_id, edit.entry_id, msgspec.Raw(_NONE), ""))
            continue
        profiles[edit.shared.digest] = msgspec.Raw(edit.shared.text)
        row = msgspec.Raw(edit.row(0))
        rows.append(ProposedEdit(edit.list_id, edit.entry_id, row, edit.shared.digest))
    return zlib.compress(_ENCODER.encode(ProposedChunk(rows, profiles)), _LEVEL)


def unpacked(chunk: bytes) -> list[Edit]:
    """Give the edits of a chunk, byte for byte what they were.

    Raises:
        StoreError: it cannot be read.

    """
    try:
        found = _DECODER.decode(zlib.decompress(chunk))
        shared = {name: _shared(name, bytes(text)) for name, text in found.profiles.items()}
        return [_edit(each, shared) for each in found.edits]
    except (zlib.error, msgspec.MsgspecError, KeyError, ValueError):
        raise unreadable("a proposal") from None


def _shared(digest: str, text: bytes) -> SharedPart:
    return SharedPart(decode_profile(text), digest, text)


def _edit(proposed: ProposedEdit, shared: dict[str, SharedPart]) -> Edit:
    name = entry_field(proposed.list_id, proposed.entry_id)
    place = (proposed.list_id, proposed.entry_id, name, bucket_of(name))
    row = bytes(proposed.row)
    if row == _NONE:
        return Edit(*place)
    return Edit(*place, row[row.index(b",") :], shared[proposed.digest])


def contents(chunks: Sequence[bytes]) -> Iterable[tuple[Edit, StoredEntry | None, Profile | None]]:
    """Give every edit with the entry it puts, for a person to look at."""
    for chunk in chunks:
        for edit in unpacked(chunk):
            entry = None if edit.tail is None else decode_entry(edit.row(0))
            yield edit, entry, None if edit.shared is None else edit.shared.profile

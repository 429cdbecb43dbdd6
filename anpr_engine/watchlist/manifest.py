"""What the store says about itself: the manifest, the record of one version, a list's definition.

A version is written together with a random token and names the token of the version before it,
so that a follower notices when history was rewritten under it: an older copy restored, a
failover that lost writes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from anpr_engine.errors import StoreError
from anpr_engine.watchlist.stored import StoredEntry

CHANGES_KEPT_MIN = 100_000
"""Single changes that a follower may be behind before it has to load everything again."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What a signature adds to a version; see `seals`.

    previous: token of the version before. changes: digest of this version's changes.
    total: sum over all entries. key_id: of the key that signed.
    history: from which version on the records of the history are signed too; 0: none is.
    """

    previous: str
    changes: str
    total: str
    key_id: str
    signature: bytes
    history: int = 0

    def fields(self) -> list[str | int]:
        """Write the seal as fields and values."""
        return [
            *("sealed_previous", self.previous, "sealed_changes", self.changes),
            *("sealed_total", self.total, "sealed_by", self.key_id),
            *("signature", self.signature.hex(), "sealed_history", self.history),
        ]


def _read_seal(found: Mapping[bytes, bytes]) -> Seal | None:
    if b"signature" not in found:
        return None
    return Seal(
        previous=found[b"sealed_previous"].decode("ascii"),
        changes=found[b"sealed_changes"].decode("ascii"),
        total=found[b"sealed_total"].decode("ascii"),
        key_id=found[b"sealed_by"].decode("ascii"),
        signature=bytes.fromhex(found[b"signature"].decode("ascii")),
        history=int(found.get(b"sealed_history", 0)),
    )


class HistorySeal(msgspec.Struct, frozen=True):
    """What a signature adds to a record of the history; see `history_seals`.

    first: from which version on records are signed. previous, previous_at_us: token and time of
    the version before. signature: in hexadecimal.
    """

    first: int
    previous: str
    previous_at_us: int
    key_id: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The state of the store at one version.

    entries: how many there are. token: of the writer of this version.
    mark, previous_mark, changes_since_mark: versions and a count, for trimming the stream.
    seal: the signature of this version, None when it has none.
    """

    epoch: str
    version: int
    entries: int
    token: str
    changed_at_us: int
    mark: int
    previous_mark: int
    changes_since_mark: int
    seal: Seal | None = None

    def next(self, token: str, entries: int, changes: int, now_us: int) -> "Manifest":
        """Make the manifest of the next version.

        The stream keeps one to two times the changes of a full mark, a tenth of the entries for
        large lists: what is written while they are loaded must still be there afterwards.
        """
        version = self.version + 1
        since = self.changes_since_mark + changes
        full = since > max(CHANGES_KEPT_MIN, entries // 10)
        return Manifest(
            epoch=self.epoch,
            version=version,
            entries=entries,
            token=token,
            changed_at_us=now_us,
            mark=version if full else self.mark,
            previous_mark=self.mark if full else self.previous_mark,
            changes_since_mark=0 if full else since,
        )

    def after(self, record: "ChangeRecord") -> "Manifest":
        """Make the manifest as a follower knows it after a record.

        How many entries there are, only the store knows; until it says so, a fall shows nothing.
        """
        return replace(
            self, version=record.version, token=record.token, entries=0, seal=record.seal
        )

    def fields(self) -> list[str | int]:
        """Write the manifest as fields and values, for HSET; the epoch is written apart."""
        return [
            *("version", self.version, "entries", self.entries, "token", self.token),
            *("changed_at_us", self.changed_at_us, "mark", self.mark),
            *("previous_mark", self.previous_mark),
            *("changes_since_mark", self.changes_since_mark),
            *(self.seal.fields() if self.seal else ()),
        ]

    def record_fields(self, previous: str, changes: bytes) -> list[str | int | bytes]:
        """Write the record of this version as fields and values, for XADD."""
        return [
            *("token", self.token, "previous", previous),
            *("committed_at_us", self.changed_at_us, "changes", changes),
            *(("entries", self.entries, *self.seal.fields()) if self.seal else ()),
        ]


def read_manifest(reply: Sequence[bytes]) -> Manifest | None:
    """Read a manifest from fields and values as HGETALL gives them; None when there is none.

    Raises:
        StoreError: it is there but incomplete.

    """
    if not reply:
        return None
    found = dict(zip(reply[::2], reply[1::2], strict=True))
    try:
        return Manifest(
            epoch=found[b"epoch"].decode("ascii"),
            version=int(found[b"version"]),
            entries=int(found[b"entries"]),
            token=found[b"token"].decode("ascii"),
            changed_at_us=int(found[b"changed_at_us"]),
            mark=int(found[b"mark"]),
            previous_mark=int(found[b"previous_mark"]),
            changes_since_mark=int(found[b"changes_since_mark"]),
            seal=_read_seal(found),
        )
    except (KeyError, ValueError):
        raise unreadable("the manifest") from None


def unreadable(what: str) -> StoreError:
    """Make the error for content of the store that this engine did not write."""
    return StoreError(
        f"In Redis, {what} of the watchlists cannot be read.",
        "Another program or another version wrote it; restore a copy or import the lists again.",
    )


class StoredChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry put, or removed when `stored` is None; `was_plate` is empty for a new one."""

    list_id: str
    entry_id: str
    was_plate: str
    stored: StoredEntry | None


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """All changes of one version; the last three are there where it is sealed.

    entries: how many there are after it. digest: of the changes as they are stored.
    """

    version: int
    token: str
    previous: str
    committed_at_us: int
    changes: Sequence[StoredChange]
    entries: int = 0
    digest: str = ""
    seal: Seal | None = None


_CHANGES = msgspec.json.Decoder(list[StoredChange])


def changes_digest(changes: bytes) -> str:
    """Name the changes of a version, as they are stored."""
    return hashlib.blake2b(changes, digest_size=32).hexdigest()


def read_record(reply: Sequence[Any]) -> ChangeRecord:
    """Read one record as XREAD and XRANGE give it.

    Raises:
        StoreError: it is none of ours.

    """
    identity, pairs = reply
    found = dict(zip(pairs[::2], pairs[1::2], strict=True))
    try:
        seal = _read_seal(found)
        return ChangeRecord(
            version=int(identity.partition(b"-")[0]),
            token=found[b"token"].decode("ascii"),
            previous=found[b"previous"].decode("ascii"),
            committed_at_us=int(found[b"committed_at_us"]),
            changes=_CHANGES.decode(found[b"changes"]),
            entries=int(found[b"entries"]) if seal else 0,
            digest=changes_digest(found[b"changes"]) if seal else "",
            seal=seal,
        )
    except (KeyError, ValueError, msgspec.MsgspecError):
        raise unreadable("a change") from None


class ListRefusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """That a site refused a list it had received, and how far its destruction has come.

    at_us, destroyed_at_us: microseconds since 1970, the latter 0 before it is proved.
    received_version, entries, digest: of what was received, see `refusal`.
    gone_from: the first version without it. accepted: it may come again; `delivered`: and did.
    """

    at_us: int
    grounds: tuple[str, ...]
    explanation: str
    unit: str
    received_version: int = 0
    entries: int = 0
    digest: str = ""
    gone_from: int = 0
    destroyed_at_us: int = 0
    accepted: bool = False
    delivered: bool = False


class ListDefinition(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a list is; taken from its first entry. `provider` is the site that answers for it."""

    list_id: str
    category: str
    owner: str
    purpose: str
    legal_basis: str
    provider: str
    created_at: str
    refusal: ListRefusal | None = None

    @property
    def refused(self) -> bool:
        """Whether nothing of it may come in."""
        return self.refusal is not None and not self.refusal.accepted


_DEFINITIONS = msgspec.json.Decoder(ListDefinition)


def read_definition(text: bytes) -> ListDefinition:
    """Read a list's definition.

    Raises:
        StoreError: it is none.

    """
    try:
        return _DEFINITIONS.decode(text)
    except msgspec.MsgspecError:
        raise unreadable("the definition of a list") from None

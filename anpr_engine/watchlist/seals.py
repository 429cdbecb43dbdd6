"""The seal of a version of the watchlists: a signature that nobody makes who only reaches Redis.

A seal signs which store and version this is, what came before it, how many entries there are, the
sum over all of them and the changes of this very version. It stands in the manifest and in the
version's record, so a follower checks each change by itself, and whoever loads everything
compares the sum. Keys are Ed25519; the functions to sign and verify come from above.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import msgspec

from anpr_engine.errors import PolicyRefused, StoreNotTrusted
from anpr_engine.watchlist.manifest import ChangeRecord, Manifest, Seal, changes_digest
from anpr_engine.watchlist.row_sum import RowSum

DOMAIN = "anpr-watchlist-seal/1"
UNSIGNED = "unsigned"
FOREIGN_KEY = "foreign-key"
SIGNATURE_WRONG = "signature-wrong"
CONTENT_DIFFERS = "content-differs"

SENTENCES = {
    UNSIGNED: "is not signed",
    FOREIGN_KEY: "is signed with a key that is not trusted here",
    SIGNATURE_WRONG: "does not bear out its signature",
    CONTENT_DIFFERS: "holds other entries than were signed for",
}
_ENCODER = msgspec.json.Encoder()


class VerifyingKey(Protocol):
    """A public key."""

    @property
    def key_id(self) -> str:
        """Name the key."""
        ...

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether the key's secret signed a message."""
        ...


class SigningKey(Protocol):
    """A secret key."""

    @property
    def key_id(self) -> str:
        """Name the key, as its public half is named."""
        ...

    @property
    def public(self) -> VerifyingKey:
        """Give the public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        ...


class Trust:
    """The keys whose signatures count; without any, nothing is asked."""

    def __init__(self, keys: Sequence[VerifyingKey] = ()) -> None:
        """Trust some keys."""
        self._keys = {key.key_id: key for key in keys}
        self._proved: Manifest | None = None

    def __bool__(self) -> bool:
        """Say whether signatures are asked for."""
        return bool(self._keys)

    def objection(self, manifest: Manifest) -> str:
        """Say what is wrong with a manifest's seal; empty when nothing is."""
        if not self._keys or manifest == self._proved:
            return ""
        cause = self._cause(manifest)
        if not cause:
            self._proved = manifest
        return cause

    def record_objection(self, epoch: str, record: ChangeRecord) -> str:
        """Say what is wrong with a record's seal; empty when nothing is."""
        if not self._keys:
            return ""
        seal = record.seal
        if seal is not None and (seal.previous, seal.changes) != (record.previous, record.digest):
            return SIGNATURE_WRONG
        return self._cause(
            Manifest(
                *(epoch, record.version, record.entries, record.token, record.committed_at_us),
                *(0, 0, 0, seal),
            )
        )

    def take(self, manifest: Manifest) -> None:
        """Believe in what was signed just now."""
        self._proved = manifest

    def require(self, manifest: Manifest, where: str) -> None:
        """Raise `StoreNotTrusted` where there is an objection."""
        cause = self.objection(manifest)
        if cause:
            raise not_trusted(cause, where)

    def knows(self, key_id: str) -> bool:
        """Say whether a key is trusted."""
        return key_id in self._keys

    def signed(self, key_id: str, signature: str, message: bytes) -> bool:
        """Say whether a message was signed by a trusted key; the signature in hexadecimal."""
        key = self._keys.get(key_id)
        try:
            return key is not None and key.verifies(bytes.fromhex(signature), message)
        except ValueError:
            return False

    def _cause(self, manifest: Manifest) -> str:
        seal = manifest.seal
        if seal is None:
            return UNSIGNED
        key = self._keys.get(seal.key_id)
        if key is None:
            return FOREIGN_KEY
        holds = key.verifies(seal.signature, statement(manifest, seal))
        return "" if holds else SIGNATURE_WRONG


NOBODY = Trust()
"""Asks for no signature."""


class Sealer:
    """Signs versions with one key, on top of versions that are signed by trusted keys."""

    def __init__(self, key: SigningKey, trusted: Sequence[VerifyingKey] = ()) -> None:
        """Sign with a key; its own signatures are trusted, and those of further keys."""
        self._key = key
        self._trust = Trust([key.public, *trusted])

    def seal(self, after: Manifest, before: Manifest, changes: bytes, change: RowSum) -> Manifest:
        """Give a new version its seal.

        Args:
            after: the manifest of the new version.
            before: the one it follows.
            changes: the record of the changes, as it is stored.
            change: the sum of the rows put, less those replaced or removed.

        """
        total = RowSum() if before.seal is None else RowSum.read(before.seal.total)
        total.join(change)
        history = before.seal.history if before.seal is not None else 0
        signed = replace(after, seal=Seal("", "", "", "", b"", history or after.version))
        return self.sign(signed, before.token, changes_digest(changes), total)

    def sign(self, manifest: Manifest, previous: str, changes: str, total: RowSum) -> Manifest:
        """Sign what is given, whatever was there before; of a seal, `history` is kept."""
        history = 0 if manifest.seal is None else manifest.seal.history
        seal = Seal(previous, changes, total.text(), self._key.key_id, b"", history)
        signature = self._key.sign(statement(manifest, seal))
        sealed = replace(manifest, seal=replace(seal, signature=signature))
        self._trust.take(sealed)
        return sealed

    @property
    def key_id(self) -> str:
        """Name the key."""
        return self._key.key_id

    @property
    def trust(self) -> Trust:
        """The keys whose signatures it builds on, its own among them."""
        return self._trust

    def sign_text(self, message: bytes) -> str:
        """Sign a message; gives hexadecimal digits."""
        return self._key.sign(message).hex()

    def require(self, before: Manifest, where: str) -> None:
        """Refuse to build on a version that is not signed, unless there are no entries yet.

        Raises:
            StoreNotTrusted: a seal on top would bear out whatever somebody put underneath.

        """
        if before.version:
            self._trust.require(before, where)


def check_seal(sealer: Sealer | None, before: Manifest, where: str) -> None:
    """Refuse to write a version that would break the row of seals.

    Raises:
        StoreNotTrusted: the version before is not signed as it should be.
        PolicyRefused: it is signed, and there is no key to sign the next one with.

    """
    if sealer is not None:
        sealer.require(before, where)
    elif before.seal is not None:
        what = f"The watchlists in Redis at {where} are signed; a change without a key is refused."
        raise PolicyRefused(what, "Give the key with --signing-key or ANPR_WATCHLIST_KEY.")


def statement(manifest: Manifest, seal: Seal) -> bytes:
    """Write what is signed: a JSON array, whose parts cannot run into each other."""
    return _ENCODER.encode(
        [
            *(DOMAIN, manifest.epoch, manifest.version, manifest.entries, manifest.token),
            *(manifest.changed_at_us, seal.previous, seal.changes, seal.total, seal.key_id),
            # Left out where nothing is said of the history: so were versions signed before.
            *((seal.history,) if seal.history else ()),
        ]
    )


def not_trusted(cause: str, where: str) -> StoreNotTrusted:
    """Make the error for a cause."""
    remedy = (
        "Find out who changed Redis past the commands. If its content was checked and is right, "
        "`anpr watchlist seal` signs it."
    )
    what = f"The watchlists in Redis at {where}: the newest version {SENTENCES[cause]}."
    return StoreNotTrusted(what, remedy, cause)

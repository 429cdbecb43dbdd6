"""The signature of one record of the history, and what is wrong with records that carry one.

Signed are the record's parts, its version and token, and the token and time of the version before
it. So a record that is changed, swapped, or taken out between others is found, by its version. The
newest one has to be that of the manifest, which is signed too and says since which version records
are (`Seal.history`): a signature cannot be taken off again. What history too old to be kept leaves
behind may be missing; what is younger may not.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from anpr_engine.errors import PolicyRefused, StoreNotTrusted
from anpr_engine.watchlist.history import HistoryRecord
from anpr_engine.watchlist.manifest import HistorySeal, Manifest
from anpr_engine.watchlist.seals import (
    FOREIGN_KEY,
    SENTENCES,
    SIGNATURE_WRONG,
    UNSIGNED,
    Sealer,
    Trust,
)

DOMAIN = "anpr-watchlist-history/1"
MISSING = "missing"
_WORDS = {
    **{cause: SENTENCES[cause] for cause in (UNSIGNED, FOREIGN_KEY, SIGNATURE_WRONG)},
    MISSING: "is missing",
}
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class HistoryFlaw:
    """Versions whose records are not as they were written, and in which way."""

    first: int
    last: int
    cause: str

    def __str__(self) -> str:
        """Say it to a person."""
        one = self.first == self.last
        versions = f"version {self.first}" if one else f"versions {self.first} to {self.last}"
        return f"The history of the lists: the record of {versions} {_WORDS[self.cause]}."


def history_seal(
    epoch: str,
    version: int,
    texts: tuple[bytes, bytes, bytes],
    chained: HistorySeal,
    sealer: Sealer,
) -> HistorySeal:
    """Sign a record.

    Args:
        epoch: of the lists.
        version: its own.
        texts: its head, lists and rows, as they are stored.
        chained: what it says of the version before; key and signature are put in.
        sealer: signs.

    """
    named = msgspec.structs.replace(chained, key_id=sealer.key_id)
    signature = sealer.sign_text(_statement(epoch, version, texts, named))
    return msgspec.structs.replace(named, signature=signature)


def chained_to(before: Manifest, after: Manifest) -> HistorySeal:
    """Give what the record of a version says of the one before, yet without a signature."""
    first = after.seal.history if after.seal is not None else after.version
    return HistorySeal(first, before.token, before.changed_at_us)


def resealed(record: HistoryRecord, rows: bytes, epoch: str, sealer: Sealer | None) -> HistorySeal:
    """Sign a record anew, some rows of which were taken out; it has to be as it was signed.

    Raises:
        StoreNotTrusted: it is not, and would be made so.
        PolicyRefused: there is no key to sign it with.

    """
    if sealer is None:
        what = "The history of the lists is signed; a change without a key is refused."
        raise PolicyRefused(what, "Give the key with --signing-key or ANPR_WATCHLIST_KEY.")
    if record.seal is None or record_flaw(record, epoch, sealer.trust):
        flaw = HistoryFlaw(record.version, record.version, SIGNATURE_WRONG)
        raise StoreNotTrusted(str(flaw), _REMEDY, SIGNATURE_WRONG)
    head, lists, _ = record.texts
    return history_seal(epoch, record.version, (head, lists, rows), record.seal, sealer)


_REMEDY = "Find out who changed Redis past the commands, and restore a copy of before."


def record_flaw(record: HistoryRecord, epoch: str, trust: Trust) -> str:
    """Say what is wrong with a record's signature; empty when nothing is."""
    seal = record.seal
    if seal is None:
        return UNSIGNED
    if not trust.knows(seal.key_id):
        return FOREIGN_KEY
    message = _statement(epoch, record.version, record.texts, seal)
    holds = trust.signed(seal.key_id, seal.signature, message)
    return "" if holds else SIGNATURE_WRONG


@dataclass(slots=True)
class HistoryProof:
    """Checks records as they are read, newest first; without trusted keys it checks nothing.

    manifest: of the lists; its own signature was checked. found: what is wrong, newest first.
    """

    manifest: Manifest
    trust: Trust
    found: list[HistoryFlaw] = field(default_factory=list[HistoryFlaw])

    @property
    def first(self) -> int:
        """From which version on records are signed; 0 where none is."""
        seal = self.manifest.seal
        return 0 if seal is None or not self.trust else seal.history

    def require(self, record: HistoryRecord) -> None:
        """Raise `StoreNotTrusted` where a record is not as it was signed."""
        if not 0 < self.first <= record.version:
            return
        if cause := record_flaw(record, self.manifest.epoch, self.trust):
            flaw = HistoryFlaw(record.version, record.version, cause)
            raise StoreNotTrusted(str(flaw), _REMEDY, cause)

    def checked(
        self, records: Iterator[HistoryRecord], keep_from_us: int
    ) -> Iterator[HistoryRecord]:
        """Pass records on from the newest, and note what is wrong with them.

        Args:
            records: newest first, from the manifest's version on.
            keep_from_us: what is older than this may be missing, microseconds since 1970.

        """
        first, manifest = self.first, self.manifest
        wrong = False
        due, token, before_us = manifest.version, manifest.token, manifest.changed_at_us
        for record in records:
            if first and first <= due:
                gap = record.version != due
                if gap:
                    self.found.append(HistoryFlaw(max(record.version + 1, first), due, MISSING))
                wrong = record.version >= first and self._is_wrong(record, "" if gap else token)
            due, seal = record.version - 1, record.seal
            token, before_us = "", manifest.changed_at_us
            if seal is not None and not wrong:
                token, before_us = seal.previous, seal.previous_at_us
            yield record
        if first and first <= due and before_us >= keep_from_us:
            self.found.append(HistoryFlaw(first, due, MISSING))

    def _is_wrong(self, record: HistoryRecord, token: str) -> bool:
        """Note what is wrong with one record; token: as the one behind it says, where it does."""
        cause = record_flaw(record, self.manifest.epoch, self.trust)
        if not cause and token not in {"", record.head.token}:
            cause = SIGNATURE_WRONG
        if cause:
            self.found.append(HistoryFlaw(record.version, record.version, cause))
        return bool(cause)


def _statement(
    epoch: str, version: int, texts: tuple[bytes, bytes, bytes], seal: HistorySeal
) -> bytes:
    digests = (hashlib.blake2b(text, digest_size=32).hexdigest() for text in texts)
    return _ENCODER.encode(
        [
            *(DOMAIN, epoch, version, *digests),
            *(seal.first, seal.previous, seal.previous_at_us, seal.key_id),
        ]
    )

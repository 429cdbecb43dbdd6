"""Pseudonyms of plates under a key: a partner learns only whether there is something to ask.

BLAKE2b of 128 bits (RFC 7693), keyed, over a domain and the normalised plate. The domain names the
operation, the country, the form of the input and the normaliser's version, so that pseudonyms of
two operations, or of two versions, never meet by chance.

Why keyed: all plates of a country are known, and without a key each pseudonym of one is looked up
in a minute. Why keys die after 28 days: with its key gone a pseudonym can be traced to nothing.
Why no filter is handed over: a filter of plates that can be asked at will is the list.
A pseudonym remains personal data, and a partner with the key can try plates: count its questions
(`policy/daily_limit.py`) and put each on record.
A question names the plate's country in clear: texts of two countries may be the same.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest

import numpy as np
from numpy.typing import NDArray

from anpr_engine.errors import PolicyRefused, UsageError
from anpr_engine.records.questions import Question

NORMALISER_VERSION = 1
"""Raised when `plates/normaliser.py` gives another text for some plate; a test notices."""

SECRET_BYTES = 32
PSEUDONYM_BYTES = 16
LIFE = timedelta(days=28)
_PREFIX_BYTES = 4
_OPERATION = re.compile(r"[a-z0-9-]{1,40}")
_COUNTRY = re.compile(r"[A-Z]{2}")


class KeyDead(PolicyRefused):
    """The key is unknown, not yet in use, or its time is over: its pseudonyms mean nothing."""


class OperationKey:
    """The secret of one operation in one country, for a time; it is shown nowhere."""

    __slots__ = ("_secret", "country", "key_id", "operation", "valid_from", "valid_until")

    def __init__(
        self, secret: bytes, operation: str, country: str, valid_from: datetime, life: timedelta
    ) -> None:
        """Take a secret of 32 random bytes.

        Raises:
            UsageError: the secret is no 32 bytes, a name has another form, or the life is none.

        """
        if len(secret) != SECRET_BYTES:
            raise UsageError(f"A key has {SECRET_BYTES} bytes.", "Draw it from the system.")
        if not _OPERATION.fullmatch(operation) or not _COUNTRY.fullmatch(country):
            what = "An operation is named by small letters, digits and hyphens, a country as BE."
            raise UsageError(what, "Give the key such names.")
        if life <= timedelta():
            raise UsageError("A key lives for some time.", "Give it a life, such as 28 days.")
        self._secret = bytearray(secret)
        self.operation = operation
        self.country = country
        self.valid_from = valid_from
        self.valid_until = valid_from + life
        digest = hashlib.blake2b(key=secret, digest_size=8, person=b"anpr/key-id")
        digest.update(f"{operation}/{country}".encode())
        self.key_id = digest.hexdigest()

    def __repr__(self) -> str:
        """Name the key, not its secret."""
        return f"OperationKey({self.key_id}, {self.operation}, {self.country})"

    def __reduce__(self) -> str:
        """Refuse to be copied along with something else."""
        raise TypeError("A key is written into its own file alone.")

    def lives(self, at: datetime) -> bool:
        """Say whether the key is in use at an instant."""
        return bool(self._secret) and self.valid_from <= at < self.valid_until

    def written(self) -> bytes:
        """Give the secret for the file of keys, and for nothing else; empty once destroyed."""
        return bytes(self._secret)

    def destroy(self) -> None:
        """Overwrite the secret; what was made with it can no longer be made."""
        self._secret[:] = bytes(len(self._secret))
        self._secret.clear()

    def hasher(self, form: str) -> "hashlib.blake2b":
        """Give a hash that has taken in key and domain; each input goes into a copy of it.

        Raises:
            KeyDead: the key was destroyed.

        """
        if not self._secret:
            raise KeyDead("The key was destroyed.", "Use the key that followed it.")
        domain = f"anpr/plate/{form}/v{NORMALISER_VERSION}/{self.country}/{self.operation}\0"
        return hashlib.blake2b(domain.encode(), key=self._secret, digest_size=PSEUDONYM_BYTES)


def pseudonyms(key: OperationKey, plates: Iterable[str]) -> list[bytes]:
    """Give the pseudonym, 16 bytes, of each plate text as `normalise` gives it."""
    return [_of(base, plate.encode()) for base in (key.hasher("text"),) for plate in plates]


def key_pseudonyms(key: OperationKey, plate_keys: NDArray[np.uint64]) -> list[bytes]:
    """Give the pseudonym, 16 bytes, of each plate key (uint64, as the matcher has it).

    Plates of more than 12 characters share keys, and so pseudonyms; texts do not.
    """
    base = key.hasher("key")
    raw = plate_keys.astype("<u8").tobytes()
    return [_of(base, raw[at : at + 8]) for at in range(0, len(raw), 8)]


def _of(base: "hashlib.blake2b", value: bytes) -> bytes:
    digest = base.copy()
    digest.update(value)
    return digest.digest()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one operation in one country, each following the one before."""

    keys: tuple[OperationKey, ...] = field(default=())

    def current(self, at: datetime) -> OperationKey:
        """Give the key in use.

        Raises:
            KeyDead: none is.

        """
        found = next((key for key in reversed(self.keys) if key.lives(at)), None)
        if found is None:
            raise KeyDead("No key is in use now.", "Make the next key and give it to both sides.")
        return found

    def find(self, key_id: str, at: datetime) -> OperationKey:
        """Give the key of this name if it is in use.

        Raises:
            KeyDead: it is unknown, or its time has not come or is over.

        """
        found = next((key for key in self.keys if key.key_id == key_id and key.lives(at)), None)
        if found is None:
            raise KeyDead("That key is not in use.", "Ask again with the key of today.")
        return found

    def followed(self, secret: bytes, life: timedelta = LIFE) -> "KeyRing":
        """Add the key that takes over when the last one ends."""
        last = self.keys[-1]
        following = OperationKey(secret, last.operation, last.country, last.valid_until, life)
        return KeyRing((*self.keys, following))

    def replaced(self, secret: bytes, at: datetime, life: timedelta = LIFE) -> "KeyRing":
        """Put a new key in place at once, when an old one may have been seen; all others die."""
        last = self.keys[-1]
        fresh = OperationKey(secret, last.operation, last.country, at, life)
        for key in self.keys:
            key.destroy()
        return KeyRing((fresh,))

    def pruned(self, at: datetime) -> "KeyRing":
        """Drop the keys whose time is over, and destroy them."""
        for key in self.keys:
            if key.valid_until <= at:
                key.destroy()
        return KeyRing(tuple(key for key in self.keys if key.valid_until > at))


class Listed:
    """The pseudonyms of a list in memory; it answers questions and shows nothing of itself."""

    __slots__ = ("_by_prefix", "_key")

    def __init__(self, key: OperationKey, plates: Iterable[tuple[str, str]]) -> None:
        """Take a list: plate texts as `normalise` gives them, each with its country, or none.

        Raises:
            KeyDead: the key was destroyed.

        """
        self._key = key
        self._by_prefix: dict[bytes, tuple[tuple[bytes, str], ...]] = {}
        base = key.hasher("text")
        for plate, country in plates:
            each = _of(base, plate.encode())
            prefix = each[:_PREFIX_BYTES]
            self._by_prefix[prefix] = (*self._by_prefix.get(prefix, ()), (each, country))

    def holds(self, question: Question, at: datetime) -> bool:
        """Say whether there is something to ask: the same text, and no other country.

        Raises:
            KeyDead: the key's time has not come or is over.

        """
        if not self._key.lives(at):
            raise KeyDead("That key is not in use.", "Ask again with the key of today.")
        asked = bytes.fromhex(question.pseudonym)
        # Every candidate is compared in full, so that time tells nothing of how far they agree.
        stored = self._by_prefix.get(asked[:_PREFIX_BYTES])
        same = [
            compare_digest(one, asked) & (question.country in {None, country} or not country)
            for one, country in stored or ((bytes(PSEUDONYM_BYTES), ""),)
        ]
        return stored is not None and any(same)

"""X25519 keys, key wrapping and AES-GCM: what sealed fields need of `cryptography`.

The other door to that library is `audit/signing.py`; a key has one use, so that a signing key
never opens anything. Sources: RFC 7748 (X25519), RFC 3394 (key wrap), RFC 7518 (section 4.6).
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from anpr_engine.audit.signing import file_bytes, key_id_of, secret_bytes
from anpr_engine.errors import InputFileError

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
WRAPPING = "ECDH-ES+A256KW"
_MAKE = "Make a pair with `anpr audit keys new --seal --out FILE`."


@dataclass(frozen=True, slots=True)
class Agreement:
    """A key agreed with one recipient by an ephemeral key that is then forgotten.

    ephemeral: its public half, 32 bytes. wrapping_key: 32 bytes.
    """

    ephemeral: bytes
    wrapping_key: bytes

    def wrap(self, key: bytes) -> bytes:
        """Wrap a content key for the recipient."""
        return aes_key_wrap(self.wrapping_key, key)


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A recipient's public key, 32 bytes."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """The key's name."""
        return key_id_of(self.raw)

    def agree(self) -> Agreement:
        """Agree on a key with the recipient, who needs nothing but the public half of ours."""
        ephemeral = X25519PrivateKey.generate()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.raw))
        public = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Agreement(public, derived_key(shared, WRAPPING))

    def pem(self) -> bytes:
        """Write the key as PEM."""
        key = X25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class OpeningKey:
    """A recipient's secret key in use; it is shown nowhere."""

    __slots__ = ("_key", "public")

    def __init__(self, key: X25519PrivateKey) -> None:
        """Take a key."""
        self._key = key
        self.public = SealingKey(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def new(cls) -> Self:
        """Make a key from the system's randomness."""
        return cls(X25519PrivateKey.generate())

    @property
    def key_id(self) -> str:
        """The public key's name."""
        return self.public.key_id

    def unwrap(self, ephemeral: bytes, wrapped: bytes) -> bytes | None:
        """Give the content key that was wrapped for us; None when it was not."""
        try:
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(ephemeral))
            return aes_key_unwrap(derived_key(shared, WRAPPING), wrapped)
        except (InvalidUnwrap, ValueError):
            return None

    def pem(self) -> bytes:
        """Write the key as PEM, PKCS 8, not encrypted."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def derived_key(
    shared: bytes, algorithm: str, parties: tuple[bytes, bytes] = (b"", b""), bits: int = 256
) -> bytes:
    """Derive a key from a shared secret: Concat KDF, SHA-256 (RFC 7518, section 4.6.2).

    Args:
        shared: the secret, Z.
        algorithm: what the key is for.
        parties: what is said of sender and recipient, `apu` and `apv`.
        bits: of the key, 256 at most, so that one round is enough.

    """
    parts = (algorithm.encode(), *parties)
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    round_ = (1).to_bytes(4, "big") + shared + info + bits.to_bytes(4, "big")
    return hashlib.sha256(round_).digest()[: bits // 8]


def encrypt(text: bytes, associated: bytes) -> tuple[bytes, bytes, bytes]:
    """Encrypt with a fresh key and a fresh nonce (A256GCM); gives key, nonce, text with its tag."""
    key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
    return key, nonce, AESGCM(key).encrypt(nonce, text, associated)


def decrypt(key: bytes, nonce: bytes, text: bytes, associated: bytes) -> bytes | None:
    """Decrypt; None when text, key or what is associated is not what was encrypted."""
    try:
        return AESGCM(key).decrypt(nonce, text, associated)
    except (InvalidTag, ValueError):
        return None


def read_opening_key(path: Path) -> OpeningKey:
    """Read a secret key: PEM.

    Raises:
        UsageError: others may read the file.
        InputFileError: it cannot be read, or holds no X25519 secret key.

    """
    try:
        key = load_pem_private_key(secret_bytes(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, X25519PrivateKey):
        raise InputFileError(f"{path} holds no X25519 secret key without a password.", _MAKE)
    return OpeningKey(key)


def read_sealing_key(path: Path) -> SealingKey:
    """Read a public key: PEM.

    Raises:
        InputFileError: the file cannot be read, or holds no X25519 public key.

    """
    try:
        key = load_pem_public_key(file_bytes(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, X25519PublicKey):
        raise InputFileError(f"{path} holds no X25519 public key.", _MAKE)
    return SealingKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))

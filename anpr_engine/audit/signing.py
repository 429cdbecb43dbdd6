"""Ed25519 keys and signatures (RFC 8032): the door to `cryptography` for what is signed.

Why files and no agent: a site's secret key is best given to the service as a file that only it
may read. A secret file that others may read is refused. What is encrypted has keys of another
kind, in `audit/sealing.py`.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from anpr_engine.errors import InputFileError, UsageError

KEY_BYTES = 32
KEY_ID_DIGITS = 16
_OTHERS = 0o077


def key_id_of(public: bytes) -> str:
    """Name a public key (32 bytes): the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:KEY_ID_DIGITS]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key, 32 bytes."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """The key's name."""
        return key_id_of(self.raw)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether a signature of a message was made with this key's secret."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        """Write the key as PEM."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class SecretKey:
    """A secret key in use; it is shown nowhere."""

    __slots__ = ("_key", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Take a key."""
        self._key = key
        self.public = PublicKey(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def new(cls) -> Self:
        """Make a key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def key_id(self) -> str:
        """The public key's name."""
        return self.public.key_id

    def sign(self, message: bytes) -> bytes:
        """Sign a message; 64 bytes."""
        return self._key.sign(message)

    def pem(self) -> bytes:
        """Write the key as PEM, PKCS 8, not encrypted."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_path(secret: Path) -> Path:
    """Give the file of the public key beside a secret one."""
    return secret.with_name(f"{secret.name}.pub")


class Written(Protocol):
    """A key that can be written."""

    def pem(self) -> bytes:
        """Write the key as PEM."""
        ...


class Pair(Written, Protocol):
    """A secret key and its public half."""

    @property
    def public(self) -> Written:
        """The public half."""
        ...


def write_pair(path: Path, key: Pair) -> Path:
    """Write a secret key that only its owner may read, and the public one beside it.

    Raises:
        UsageError: one of the files is there already; a key is never overwritten.
        InputFileError: they cannot be written.

    """
    public = public_path(path)
    there = next((each for each in (path, public) if each.exists()), None)
    if there is not None:
        what = f"{there} is there already, and a key is never overwritten."
        raise UsageError(what, "Give --out another name.")
    try:
        _write_new(path, key.pem(), 0o600)
        _write_new(public, key.public.pem(), 0o644)
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror}."
        raise InputFileError(what, "Give --out another place.") from None
    return public


def _write_new(path: Path, text: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(text)


def read_secret(path: Path) -> SecretKey:
    """Read a secret key: PEM, or its 32 bytes as they are.

    Raises:
        UsageError: others may read the file.
        InputFileError: it cannot be read, or holds no Ed25519 secret key.

    """
    text = secret_bytes(path)
    if len(text) == KEY_BYTES:
        return SecretKey(Ed25519PrivateKey.from_private_bytes(text))
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        what = f"{path} holds no Ed25519 secret key without a password."
        raise InputFileError(what, "Make a pair with `anpr audit keys new --out FILE`.")
    return SecretKey(key)


def read_public(path: Path) -> PublicKey:
    """Read a public key: PEM, its 32 bytes as they are, or their 64 hex digits.

    Raises:
        InputFileError: the file cannot be read, or holds no Ed25519 public key.

    """
    text = file_bytes(path)
    if len(text) == KEY_BYTES:
        return PublicKey(text)
    try:
        if len(text.strip()) == 2 * KEY_BYTES:
            return PublicKey(bytes.fromhex(text.decode("ascii")))
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        what = f"{path} holds no Ed25519 public key."
        raise InputFileError(what, "Give the file that ends in .pub.")
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def secret_bytes(path: Path) -> bytes:
    """Read a file that holds a secret key.

    Raises:
        UsageError: others may read the file.
        InputFileError: it cannot be read.

    """
    text = file_bytes(path)
    mode = path.stat().st_mode & 0o777
    if mode & _OTHERS:
        raise UsageError(
            f"{path} holds a secret key and has mode {mode:04o}: others than its owner may use it.",
            f"Run `chmod 600 {path}`; if others may have read it, make a new pair.",
        )
    return text


def file_bytes(path: Path) -> bytes:
    """Read a key file.

    Raises:
        InputFileError: it cannot be read.

    """
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}."
        raise InputFileError(what, "Name a key file.") from None

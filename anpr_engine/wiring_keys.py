"""Puts together who signs the watchlists and whose signatures count, from files of keys.

Why these parts are loaded by name: keys need the package cryptography, which a site that neither
signs nor checks does without.
"""

from collections.abc import Sequence
from pathlib import Path

from anpr_engine.audit.key_modules import key_module
from anpr_engine.watchlist.seals import Sealer, VerifyingKey

SIGNED_LISTS = "Signed watchlists"


def list_keys(files: Sequence[str]) -> tuple[VerifyingKey, ...]:
    """Read the public keys by which watchlists must be signed.

    Raises:
        UsageError: a package is missing.
        InputFileError: a file holds no public key.

    """
    if not files:
        return ()
    door = key_module("signing", SIGNED_LISTS)
    return tuple(door.read_public(Path(file)) for file in files)


def list_sealer(secret: str, trusted: Sequence[str]) -> Sealer | None:
    """Give what signs changes of the watchlists; None where there is no key.

    Args:
        secret: file of the secret key; empty to sign nothing.
        trusted: files of the public keys of others who sign the same lists.

    Raises:
        UsageError: a package is missing, or others may read the secret key.
        InputFileError: a file is no key of its kind.

    """
    if not secret:
        return None
    door = key_module("signing", SIGNED_LISTS)
    return Sealer(door.read_secret(Path(secret)), list_keys(trusted))

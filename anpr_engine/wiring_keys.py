"""Puts together who signs the watchlists and whose signatures count, from files of keys.

Why these parts are loaded by name: keys need the package cryptography, which a site that neither
signs nor checks does without.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anpr_engine.errors import UsageError
from anpr_engine.watchlist.seals import Sealer, VerifyingKey


def list_keys(files: Sequence[str]) -> tuple[VerifyingKey, ...]:
    """Read the public keys by which watchlists must be signed.

    Raises:
        UsageError: a package is missing.
        InputFileError: a file holds no public key.

    """
    return tuple(_signing().read_public(Path(file)) for file in files) if files else ()


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
    return Sealer(_signing().read_secret(Path(secret)), list_keys(trusted))


def _signing() -> Any:  # noqa: ANN401 - a module whose library may not be installed
    try:
        return importlib.import_module("anpr_engine.audit.signing")
    except ModuleNotFoundError:
        what = "Signed watchlists need the package cryptography."
        raise UsageError(what, "Run pip install 'anpr-engine[sign]'.") from None

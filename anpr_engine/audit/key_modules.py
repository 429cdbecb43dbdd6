"""The modules that know keys, for whoever may have to do without: they need `cryptography`."""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from anpr_engine.audit.check_alerts import PinnedKey
from anpr_engine.audit.jws import Signer
from anpr_engine.errors import UsageError


def key_module(name: str, what: str = "Keys and signatures") -> Any:  # noqa: ANN401 - a module
    """Load a module of this room by name.

    Args:
        name: such as signing or sealing.
        what: is asked for, for the error's text.

    Raises:
        UsageError: the package that it needs is not installed.

    """
    try:
        return importlib.import_module(f"anpr_engine.audit.{name}")
    except ModuleNotFoundError:
        told = f"{what} need the package cryptography."
        raise UsageError(told, "Run pip install 'anpr-engine[sign]'.") from None


def pinned_keys(given: Iterable[str], what: str) -> dict[str, PinnedKey]:
    """Read the public keys whose signatures count, by their ids.

    Args:
        given: files, each perhaps with the site that alone may use the key, as in `be=be.pub`.
        what: as `key_module`.

    Raises:
        UsageError: a package is missing.
        InputFileError: a file holds no public key.

    """
    pinned: dict[str, PinnedKey] = {}
    for each in given:
        owner, mark, path = each.partition("=")
        key = key_module("signing", what).read_public(Path(path if mark else owner))
        pinned[key.key_id] = PinnedKey(key, owner if mark else "")
    return pinned


def secret_signer(file: str, what: str) -> Signer | None:
    """Read a site's secret key; None where no file is named.

    Args:
        file: of the Ed25519 key; or empty.
        what: as `key_module`.

    Raises:
        UsageError: a package is missing, or others may read the file.
        InputFileError: it holds no secret key.

    """
    if not file:
        return None
    signer: Signer = key_module("signing", what).read_secret(Path(file))
    return signer

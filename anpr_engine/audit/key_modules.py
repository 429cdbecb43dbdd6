"""The modules that know keys, for whoever may have to do without: they need `cryptography`."""

import importlib
from typing import Any

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

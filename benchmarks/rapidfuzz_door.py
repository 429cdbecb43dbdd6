"""rapidfuzz, where it is installed; the only module that asks for it.

Why optional: the peer's score is defined by arithmetic, and `quality_peers` computes the same
where the library is missing, so that no figure depends on what happens to be installed.
"""

import importlib
import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

INSTALLED = importlib.util.find_spec("rapidfuzz") is not None
_FUZZ: Any = importlib.import_module("rapidfuzz.fuzz") if INSTALLED else None
_PROCESS: Any = importlib.import_module("rapidfuzz.process") if INSTALLED else None


def ratios(read: str, plates: list[str]) -> NDArray[np.float64]:
    """Give `fuzz.ratio` of one read and each plate: float64 (n,), 0 to 100."""
    found = _PROCESS.cdist([read], plates, scorer=_FUZZ.ratio, dtype=np.float64)
    return np.asarray(found[0], np.float64)

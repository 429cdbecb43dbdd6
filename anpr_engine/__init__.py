"""ANPR matching across a border: reads against watchlists, with a probability for every hit.

    import anpr_engine as anpr
    engine = anpr.Engine(watchlist="entries.csv")
    hits = engine.match("reads.parquet")

What stands here is the whole public interface for notebooks and scripts. It is loaded when first
used, so that `import anpr_engine` costs nothing to a command that does not need it.
"""

import importlib
from typing import TYPE_CHECKING, Any

from anpr_engine.version import VERSION

if TYPE_CHECKING:
    from anpr_engine.records.hit import Hit
    from anpr_engine.replay.engine import Engine, Hits

__all__ = ["Engine", "Hit", "Hits", "__version__"]
__version__ = VERSION

_HOMES = {
    "Engine": "anpr_engine.replay.engine",
    "Hits": "anpr_engine.replay.engine",
    "Hit": "anpr_engine.records.hit",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes have no common type
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)

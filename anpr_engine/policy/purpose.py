"""Whether a look serves the purpose that a list was made for."""

from collections.abc import Iterable

from anpr_engine.records.fields import Category

_SAYS_NOTHING = frozenset({"", Category.OTHER.value})


def serves(purpose: str, said: Iterable[str]) -> bool:
    """Say whether a purpose is one that a list names, letters' case apart.

    Args:
        purpose: of the look.
        said: the list's purposes and categories; where they say nothing, any purpose serves.

    """
    named = {each.strip().casefold() for each in said} - _SAYS_NOTHING
    return not named or purpose.strip().casefold() in named

"""How much memory the arrays and bytes of a structure hold, counted one by one.

Why not the process's own memory: that holds the interpreter, compiled code and what the allocator
keeps for later, and changes in steps; this is what one more entry costs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import numpy as np


def _parts(found: object) -> Iterator[object]:
    if is_dataclass(found):
        yield from (getattr(found, field.name) for field in fields(found))
    elif isinstance(found, Mapping):
        yield from found.values()
    elif isinstance(found, tuple | list):
        yield from found
    else:
        names = [name for kind in type(found).__mro__ for name in getattr(kind, "__slots__", ())]
        names += list(getattr(found, "__dict__", ()))
        yield from (getattr(found, name) for name in names if hasattr(found, name))


def held_bytes(found: object) -> int:
    """Count the bytes of all arrays and byte strings within; what is shared counts once."""
    seen: set[int] = set()
    total, left = 0, [found]
    while left:
        each = left.pop()
        while isinstance(each, np.ndarray) and each.base is not None:
            each = each.base
        if id(each) in seen or isinstance(each, str | int | float | type | None):
            continue
        seen.add(id(each))
        if isinstance(each, np.ndarray | memoryview):
            total += each.nbytes
        elif isinstance(each, bytes | bytearray):
            total += len(each)
        else:
            left.extend(_parts(each))
    return total

"""Pieces of kernels made callable, as kernels call them: compiled, or as they are written."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

from anpr_engine.kernels._jit import JIT_DISABLED

P = ParamSpec("P")
R = TypeVar("R")


def alone(piece: Callable[P, R]) -> Callable[P, R]:
    """Compile a piece by itself, so that Python may call it."""
    if JIT_DISABLED:
        return piece
    within: Any = piece
    return cast("Callable[P, R]", numba.njit(error_model="numpy")(within.py_func))

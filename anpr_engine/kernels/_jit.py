"""The one door to numba: which flags a kernel is compiled with.

Eager signatures, so that nothing is compiled while reads wait; `nogil`, so that a batch does not
stop the other threads; read-only inputs, so that a kernel cannot change a snapshot that is in use.
Compiled code is kept in numba's file cache (`cache`): warm it once with `python -m
anpr_engine.kernels.warm`, which uses every core.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba import types
from numba.core import cgutils, config
from numba.core.registry import CPUDispatcher
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

from anpr_engine.kernels.cache import cache_folder, turn

codegen: Any = cgutils
kinds: Any = types
"""numba's helpers for generated machine code, and its types; `_memory` alone needs them."""

Word = Any
"""A machine word inside a kernel; the compiler infers whether it is signed and how wide."""

P = ParamSpec("P")
R = TypeVar("R")

_FOLDER = cache_folder()
_numba_config: Any = config
_numba_config.CACHE_DIR = str(_FOLDER)

_FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
"""Without numba's run time a kernel cannot allocate, and needs not count references to its arrays:
that, and inlined helpers, took the JSON scanner from 500 to 290 ns a read.
"""

_CALLED: dict[str, Any] = {**_FLAGS, "no_cfunc_wrapper": True}
_WITHIN: dict[str, Any] = {**_CALLED, "no_cpython_wrapper": True}
"""Of pieces that only kernels call: what would let Python call them is a third of compiling."""

JIT_DISABLED: bool = bool(_numba_config.DISABLE_JIT)

u8 = types.uint8
u16 = types.uint16
u32 = types.uint32
i8 = types.int8
i32 = types.int32
i64 = types.int64
u64 = types.uint64
f64 = types.float64


def given(dtype: Any, dimensions: int = 1) -> Any:  # noqa: ANN401 - numba types are untyped
    """Declare an input array: C order, never written."""
    return types.Array(dtype, dimensions, "C", readonly=True)


def written(dtype: Any, dimensions: int = 1) -> Any:  # noqa: ANN401 - numba types are untyped
    """Declare an output array: C order, filled by the kernel."""
    return types.Array(dtype, dimensions, "C")


def kernel(*signature: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:  # noqa: ANN401
    """Compile a loop over arrays that returns nothing and writes its outputs.

    Args:
        signature: the parameters' types, in order.

    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if JIT_DISABLED:
            return _interpreted(function)
        compiled = numba.njit(types.void(*signature), cache=True, **_CALLED)
        with turn(_FOLDER, f"{function.__module__}.{function.__name__}"):
            return cast("Callable[P, R]", compiled(function))

    return decorate


def _refuse(piece: Any, *_args: object, **_kwargs: object) -> NoReturn:  # noqa: ANN401
    raise TypeError(f"{piece.py_func.__name__} may be called by kernels only")


_Within: Any = type("_Within", (CPUDispatcher,), {"__call__": _refuse})
"""A piece that Python may not call: numba itself would not refuse, but end the process."""


def _piece(function: Callable[P, R], how: dict[str, Any] | None = None) -> Callable[P, R]:
    made: Any = numba.njit(**(how or {}), **_WITHIN)(function)
    if not JIT_DISABLED:
        made.__class__ = _Within
    return cast("Callable[P, R]", made)


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a piece that ends up within the kernels that call it; it is no kernel of its own.

    Why machine code is inlined and not source: a piece is then typed and translated once, not once
    a call. The JSON scanner compiles in 6 instead of 46 seconds, and is as fast.
    """
    return _piece(function, {"forceinline": True})


def view(function: Callable[P, R]) -> Callable[P, R]:
    """Inline the source of a piece that gives a part of an array, which no compiled one may."""
    return _piece(function, {"inline": "always"})


def routine(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a piece that is called, not inlined: for pieces used in several places."""
    return _piece(function)


def compiled_as(typed: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give a function its own machine code inside kernels; interpreted it runs as it is written.

    Args:
        typed: takes the types of the arguments, gives the signature and the code generator.

    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        return function if JIT_DISABLED else cast("Callable[P, R]", intrinsic(typed))

    return decorate


def declared(name: str, layout: Any) -> Any:  # noqa: ANN401 - numba types are untyped
    """Declare a kind of value that kernels alone hold.

    Args:
        name: of the kind.
        layout: its type in machine code.

    """
    made: Any = type(name, (types.Type,), {})
    model: Any = models.PrimitiveModel
    register_model(made)(lambda manager, kind: model(manager, kind, layout))
    return made(name=name)


def record(named: Any, *fields: Any) -> Any:  # noqa: ANN401 - numba types are untyped
    """Declare a named tuple of arrays; arrays given in it must be flagged read-only."""
    named_tuple: Any = types.NamedTuple
    return named_tuple(fields, named)


def kept(array: NDArray[Any]) -> NDArray[Any]:
    """Give an array as kernels take it in a named tuple: C order, flagged as never written."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _interpreted(function: Callable[P, R]) -> Callable[P, R]:
    # Hash arithmetic wraps at 64 bits on purpose; numpy scalars warn about it, compiled code not.
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(over="ignore"):
            return function(*args, **kwargs)

    return run

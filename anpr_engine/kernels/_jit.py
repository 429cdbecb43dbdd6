"""The one door to numba: which flags a kernel is compiled with.

Eager signatures, so that nothing is compiled while reads wait; `nogil`, so that a batch does not
stop the other threads; read-only inputs, so that a kernel cannot change a snapshot that is in use.
Compiled code is kept in numba's file cache: warm it once with `python -m
anpr_engine.kernels.warm`, for many processes that fill an empty cache at once race each other.

Why a folder per digest: numba looks only at the file that holds a kernel, so a change in a helper
of another file would leave stale code in use. The digest covers every file of this package.
"""

import hashlib
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic
from numpy.typing import NDArray

codegen: Any = cgutils
kinds: Any = types
"""numba's helpers for generated machine code, and its types; `_memory` alone needs them."""

Word = Any
"""A machine word inside a kernel; the compiler infers whether it is signed and how wide."""

P = ParamSpec("P")
R = TypeVar("R")

_HERE = Path(__file__).parent


def _cache_folder() -> Path:
    sources = b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))
    name = f"numba-{hashlib.blake2b(sources, digest_size=8).hexdigest()}"
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / name
    if os.access(_HERE, os.W_OK):
        return _HERE / "__pycache__" / name
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "anpr-engine" / name


_numba_config: Any = config
_numba_config.CACHE_DIR = str(_cache_folder())

_FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
"""Without numba's run time a kernel cannot allocate, and needs not count references to its arrays:
that, and helpers inlined before compilation, took the JSON scanner from 500 to 290 ns a read.
"""

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
        compiled = numba.njit(types.void(*signature), cache=True, **_FLAGS)
        return cast("Callable[P, R]", compiled(function))

    return decorate


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a piece that kernels of the same module call; it is no kernel of its own."""
    return cast("Callable[P, R]", numba.njit(inline="always", **_FLAGS)(function))


def routine(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a piece that is called, not inlined: for pieces used in several places."""
    return cast("Callable[P, R]", numba.njit(**_FLAGS)(function))


def compiled_as(typed: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give a function its own machine code inside kernels; interpreted it runs as it is written.

    Args:
        typed: takes the types of the arguments, gives the signature and the code generator.

    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        return function if JIT_DISABLED else cast("Callable[P, R]", intrinsic(typed))

    return decorate


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

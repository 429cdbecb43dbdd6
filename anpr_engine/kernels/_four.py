"""Four numbers worked on at once: what each state of quality is worth, in one vector register.

A row of an array may stand for the four numbers that it begins with. Compiled kernels and
interpreted ones add up in the same order, and so give the same to the last bit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, codegen, compiled_as, declared, f64, kinds
from anpr_engine.kernels.channel import QUALITIES

KNOWN = QUALITIES - 1
"""All states but the worst, which is the last."""
_HALF = QUALITIES // 2
_NUMBER_BYTES = 8
_LAYOUT: Any = codegen.ir.VectorType(codegen.ir.DoubleType(), QUALITIES)
FOUR = declared("Four", _LAYOUT)
"""Four numbers as a kernel holds them."""

Typed = Callable[..., Any]


def _place(number: int) -> Any:  # noqa: ANN401 - numba's types and builders are untyped
    return codegen.ir.Constant(codegen.ir.IntType(32), number)


def _address(context: Any, builder: Any, kind: Any, row: Any) -> Any:  # noqa: ANN401
    data = context.make_array(kind)(context, builder, row).data
    return builder.bitcast(data, _LAYOUT.as_pointer())


def _loaded(context: Any, builder: Any, kind: Any, value: Any) -> Any:  # noqa: ANN401
    if not isinstance(kind, kinds.Array):
        return value
    return builder.load(_address(context, builder, kind, value), align=_NUMBER_BYTES)


def _of_two(combined: Callable[[Any, Any, Any], Any]) -> Typed:
    def typed(_typing: Any, one: Any, other: Any) -> Any:  # noqa: ANN401
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
            first = _loaded(context, builder, signature.args[0], args[0])
            second = _loaded(context, builder, signature.args[1], args[1])
            return combined(builder, first, second)

        return FOUR(one, other), generate

    return typed


def _larger_of(builder: Any, one: Any, other: Any) -> Any:  # noqa: ANN401
    return builder.select(builder.fcmp_ordered(">", one, other), one, other)


def _smaller_of(builder: Any, one: Any, other: Any) -> Any:  # noqa: ANN401
    return builder.select(builder.fcmp_ordered("<", one, other), one, other)


def _takes(_typing: Any, row: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        return _loaded(context, builder, signature.args[0], args[0])

    return FOUR(row), generate


def _spreads(_typing: Any, _number: Any) -> Any:  # noqa: ANN401
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        empty = codegen.ir.Constant(_LAYOUT, codegen.ir.Undefined)
        first = builder.insert_element(empty, args[0], _place(0))
        zeros = codegen.ir.VectorType(codegen.ir.IntType(32), QUALITIES)
        return builder.shuffle_vector(first, empty, codegen.ir.Constant(zeros, [0] * QUALITIES))

    return FOUR(f64), generate


def _adds_up(_typing: Any, values: Any) -> Any:  # noqa: ANN401
    # One half onto the other: two additions that wait for each other instead of three.
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        loaded = _loaded(context, builder, signature.args[0], args[0])
        halves = codegen.ir.VectorType(codegen.ir.IntType(32), _HALF)
        first, second = (
            builder.shuffle_vector(
                loaded, loaded, codegen.ir.Constant(halves, list(range(start, start + _HALF)))
            )
            for start in (0, _HALF)
        )
        both = builder.fadd(first, second)
        one, other = (builder.extract_element(both, _place(state)) for state in range(_HALF))
        return builder.fadd(one, other)

    return f64(values), generate


def _adds_up_known(_typing: Any, values: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        loaded = _loaded(context, builder, signature.args[0], args[0])
        found = builder.extract_element(loaded, _place(0))
        for state in range(1, KNOWN):
            found = builder.fadd(found, builder.extract_element(loaded, _place(state)))
        return found

    return f64(values), generate


def _puts(_typing: Any, row: Any, _values: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        address = _address(context, builder, signature.args[0], args[0])
        builder.store(args[1], address, align=_NUMBER_BYTES)
        return context.get_dummy_value()

    return kinds.void(row, FOUR), generate


@compiled_as(_takes)
def four(row: NDArray[np.float64]) -> Word:
    """Take the first four numbers of a row."""
    return row[0], row[1], row[2], row[3]


@compiled_as(_spreads)
def even(number: Word) -> Word:
    """Give the same number for all states."""
    return number, number, number, number


@compiled_as(_of_two(lambda builder, one, other: builder.fmul(one, other)))
def times(one: Word, other: Word) -> Word:
    """Multiply state by state: what an edit leaves of each state's worth."""
    return one[0] * other[0], one[1] * other[1], one[2] * other[2], one[3] * other[3]


@compiled_as(_of_two(lambda builder, one, other: builder.fadd(one, other)))
def plus(one: Word, other: Word) -> Word:
    """Add state by state."""
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


@compiled_as(_of_two(lambda builder, one, other: builder.fsub(one, other)))
def less(one: Word, other: Word) -> Word:
    """Take the other away, state by state."""
    return one[0] - other[0], one[1] - other[1], one[2] - other[2], one[3] - other[3]


@compiled_as(_of_two(_larger_of))
def larger(one: Word, other: Word) -> Word:
    """Give the larger number of each state."""
    return tuple(map(max, one[:QUALITIES], other[:QUALITIES]))


@compiled_as(_of_two(_smaller_of))
def smaller(one: Word, other: Word) -> Word:
    """Give the smaller number of each state."""
    return tuple(map(min, one[:QUALITIES], other[:QUALITIES]))


@compiled_as(_adds_up)
def total(values: Word) -> Word:
    """Add up all states."""
    return (values[0] + values[2]) + (values[1] + values[3])


@compiled_as(_adds_up_known)
def known(values: Word) -> Word:
    """Add up all states but the worst."""
    return values[0] + values[1] + values[2]


@compiled_as(_puts)
def put(row: NDArray[np.float64], values: Word) -> None:
    """Write four numbers to the beginning of a row."""
    row[:QUALITIES] = values

"""What kernels may do beside elements of arrays: words, memory of a C library, its functions.

Nothing is checked here: an address must come from the library whose memory it is, and eight bytes
must be in the array. Each piece has machine code for compiled kernels and a plain meaning for
interpreted ones.

Why: numba can call a C function only at an address known when it compiles, which no cache of
compiled code survives; here the address is an argument.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, codegen, compiled_as, i32, i64, kinds, u8, u64

Typed = Callable[..., Any]

VECTOR_BYTES = 32
"""Bytes looked at together: what one register of most processors of today holds."""


def _reads(kind: Any) -> Typed:  # noqa: ANN401 - numba's types and builders are untyped
    def typed(_typing: Any, _address: Any) -> Any:  # noqa: ANN401
        def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
            pointer = context.get_value_type(kinds.CPointer(kind))
            value = builder.load(builder.inttoptr(args[0], pointer), align=1)
            return context.cast(builder, value, kind, i64)

        return i64(i64), generate

    return typed


def _reads_word(_typing: Any, source: Any, _at: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pointer = context.get_value_type(kinds.CPointer(u64))
        word = builder.bitcast(builder.gep(data, [args[1]]), pointer)
        return builder.load(word, align=1)

    return u64(source, i64), generate


def _vector(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:  # noqa: ANN401
    data = context.make_array(kind)(context, builder, array).data
    pointer = codegen.ir.VectorType(codegen.ir.IntType(8), VECTOR_BYTES).as_pointer()
    return builder.load(builder.bitcast(builder.gep(data, [at]), pointer), align=1)


def _bits(builder: Any, truths: Any) -> Any:  # noqa: ANN401
    word = builder.bitcast(truths, codegen.ir.IntType(VECTOR_BYTES))
    return builder.zext(word, codegen.ir.IntType(64))


def _marks_odd(_typing: Any, source: Any, _at: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        found = _vector(context, builder, signature.args[0], args[0], args[1])

        def each(byte: int) -> Any:  # noqa: ANN401
            return codegen.ir.Constant(found.type, [byte] * VECTOR_BYTES)

        quotes = builder.icmp_unsigned("==", found, each(0x22))
        backslashes = builder.icmp_unsigned("==", found, each(0x5C))
        # As signed numbers bytes beyond ASCII are below all others.
        odd = builder.icmp_signed("<", found, each(0x20))
        return _bits(builder, builder.or_(builder.or_(quotes, backslashes), odd))

    return u64(source, i64), generate


def _marks_differing(_typing: Any, source: Any, _one: Any, _other: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        one = _vector(context, builder, signature.args[0], args[0], args[1])
        other = _vector(context, builder, signature.args[0], args[0], args[2])
        return _bits(builder, builder.icmp_unsigned("!=", one, other))

    return u64(source, i64, i64), generate


def _marks_byte(_typing: Any, source: Any, _at: Any, _byte: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        found = _vector(context, builder, signature.args[0], args[0], args[1])
        empty = codegen.ir.Constant(found.type, codegen.ir.Undefined)
        wanted = builder.trunc(args[2], codegen.ir.IntType(8))
        each = builder.insert_element(empty, wanted, codegen.ir.Constant(codegen.ir.IntType(32), 0))
        places = codegen.ir.VectorType(codegen.ir.IntType(32), VECTOR_BYTES)
        zeros = codegen.ir.Constant(places, [0] * VECTOR_BYTES)
        each = builder.shuffle_vector(each, empty, zeros)
        return _bits(builder, builder.icmp_unsigned("==", found, each))

    return u64(source, i64, i64), generate


def _counts_zeros(_typing: Any, _word: Any) -> Any:  # noqa: ANN401
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        return builder.cttz(args[0], codegen.ir.Constant(codegen.ir.IntType(1), 1))

    return i64(u64), generate


def _copies(_typing: Any, target: Any, _at: Any, _from: Any, _size: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        source = builder.inttoptr(args[2], data.type)
        codegen.raw_memcpy(builder, builder.gep(data, [args[1]]), source, args[3], 1)
        return context.get_dummy_value()

    return kinds.void(target, i64, i64, i64), generate


def _calls(_typing: Any, _function: Any, passed: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        words = [
            context.cast(builder, value, kind, i64)
            for value, kind in zip(
                codegen.unpack_tuple(builder, args[1]), signature.args[1], strict=True
            )
        ]
        word = context.get_value_type(i64)
        kind = codegen.ir.FunctionType(word, [word] * len(words))
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), words)

    return i64(i64, passed), generate


@cache
def _callable(function: int, count: int) -> Callable[..., int]:
    kind: Any = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)
    return cast("Callable[..., int]", kind(function))


@compiled_as(_reads(u8))
def peek_u8(address: Word) -> Word:
    """Read the byte at an address."""
    return ctypes.c_uint8.from_address(int(address)).value


@compiled_as(_reads(i32))
def peek_i32(address: Word) -> Word:
    """Read the signed number of four bytes at an address."""
    return ctypes.c_int32.from_address(int(address)).value


@compiled_as(_reads(i64))
def peek_i64(address: Word) -> Word:
    """Read the signed number, or the address, of eight bytes at an address."""
    return ctypes.c_int64.from_address(int(address)).value


@compiled_as(_reads_word)
def eight_bytes(source: NDArray[np.uint8], at: Word) -> Word:
    """Read eight bytes of an array as one unsigned number, the first as its lowest byte."""
    return np.uint64(int.from_bytes(source[at : at + 8].tobytes(), "little"))


@compiled_as(_marks_odd)
def odd_marks(source: NDArray[np.uint8], at: Word) -> Word:
    """Mark those of `VECTOR_BYTES` bytes that do not stand for themselves in a JSON string.

    Bit k is set where byte k is a quote, a backslash, a control character or beyond ASCII.
    """
    found = source[at : at + VECTOR_BYTES]
    return _mask((found == 0x22) | (found == 0x5C) | (found < 0x20) | (found >= 0x80))


@compiled_as(_marks_differing)
def differing_marks(source: NDArray[np.uint8], one: Word, other: Word) -> Word:
    """Mark where two runs of `VECTOR_BYTES` bytes differ, the first byte as the lowest bit."""
    return _mask(source[one : one + VECTOR_BYTES] != source[other : other + VECTOR_BYTES])


@compiled_as(_marks_byte)
def byte_marks(source: NDArray[np.uint8], at: Word, byte: Word) -> Word:
    """Mark those of `VECTOR_BYTES` bytes that have a value."""
    return _mask(source[at : at + VECTOR_BYTES] == np.uint8(byte))


@compiled_as(_counts_zeros)
def lowest_bit(word: Word) -> Word:
    """Give the place of the lowest bit that is set; there must be one."""
    return (int(word) & -int(word)).bit_length() - 1


def _mask(truths: NDArray[np.bool_]) -> np.uint64:
    return np.uint64(int.from_bytes(np.packbits(truths, bitorder="little").tobytes(), "little"))


@compiled_as(_copies)
def copy_memory(target: NDArray[np.uint8], at: Word, address: Word, length: Word) -> None:
    """Copy bytes from an address to a place in an array; nothing is copied when there are none."""
    if length:
        ctypes.memmove(target.ctypes.data + int(at), int(address), int(length))


@compiled_as(_calls)
def call_foreign(function: Word, passed: tuple[Word, ...]) -> Word:
    """Call a C function of whole numbers by its address.

    The result is 64 bits wide: of an `int` only the lower 32 mean anything.
    """
    return _callable(int(function), len(passed))(*map(int, passed))

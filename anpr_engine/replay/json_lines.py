"""JSON lines of a file in pieces, scanned where they lie; a line is of the piece it begins in."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from anpr_engine.errors import InputFileError
from anpr_engine.pipeline.batches.forms import LINES
from anpr_engine.pipeline.batches.lines import text_reads
from anpr_engine.ports import RecordValues
from anpr_engine.records.columns import ReadColumns
from anpr_engine.replay.units import STREAM, Portion, Unit

CHUNK_BYTES = 8 * 1024 * 1024
LINE_BYTES_MAX = 64 * 1024 * 1024
"""A file without a line's end in so many bytes holds no JSON lines."""
_ANY_NUMBER = 1 << 30


def line_portions(unit: Unit) -> Iterator[Portion]:
    """Give the lines of a unit in batches.

    Raises:
        InputFileError: the file cannot be read, or holds no lines.

    """
    if unit.kind == STREAM:
        yield from _portions(unit, sys.stdin.buffer, None)
        return
    try:
        with Path(unit.name).open("rb") as stream:
            yield from _portions(unit, stream, unit.end - unit.begin)
    except OSError as error:
        what = f"The reads file {unit.name} cannot be read: {error.strerror}."
        raise InputFileError(what, "Check its name.") from None


def _portions(unit: Unit, stream: BinaryIO, size: int | None) -> Iterator[Portion]:
    left = _find_first(stream, unit, size)
    while left is None or left > 0:
        text = _whole_lines(stream, unit, left)
        if not text:
            return
        weight = len(text)
        if left is not None:
            weight = min(weight, left)
            left -= weight
        if text.strip():
            yield Portion(partial(_decoded, text), weight)


def _find_first(stream: BinaryIO, unit: Unit, size: int | None) -> int | None:
    # How many bytes are left in which a line may begin, once the unit before has its last line.
    if size is None or unit.begin == 0:
        return size
    stream.seek(unit.begin - 1)
    return size + 1 - len(_to_line_end(stream, unit))


def _whole_lines(stream: BinaryIO, unit: Unit, left: int | None) -> bytes:
    text = stream.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
    if text and not text.endswith(b"\n"):
        text += _to_line_end(stream, unit)
    return text


def _to_line_end(stream: BinaryIO, unit: Unit) -> bytes:
    rest = stream.readline(LINE_BYTES_MAX)
    if len(rest) == LINE_BYTES_MAX and not rest.endswith(b"\n"):
        raise InputFileError(
            f"{unit.name} has no line's end in {LINE_BYTES_MAX >> 20} MiB.",
            "Give one JSON read a line, or a .parquet file.",
        )
    return rest


def _decoded(text: bytes, latest_us: int) -> ReadColumns:
    values = RecordValues.joined([text])
    return text_reads(values, np.array([LINES], dtype=np.uint8), _ANY_NUMBER, latest_us)[0]

"""Naive twins of the kernels that take Arrow record batches where they lie: what pyarrow says."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from oracle import plate_keys

from anpr_engine.plates.normaliser import Normalised


def find_frames(values: Sequence[bytes]) -> list[list[int]]:
    """Count the reads of each record batch of each stream."""
    found = []
    for value in values:
        with pa.ipc.open_stream(value) as stream:
            found.append([batch.num_rows for batch in stream])
    return found


def take_columns(value: bytes, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Give some columns of a stream, row by row."""
    with pa.ipc.open_stream(value) as stream:
        table = stream.read_all().select(list(names))
    return [tuple(row.values()) for row in table.to_pylist()]


def number_columns(rows: Sequence[Sequence[int]]) -> list[tuple[int, int, float, float]]:
    """Give a time, a country and two shares of each row; NaN for a share below 0."""
    return [(row[0], row[1], _share(row[2]), _share(row[3])) for row in rows]


def _share(ppm: int) -> float:
    return ppm / 1e6 if ppm >= 0 else float("nan")


def read_keys_and_gaps(texts: Sequence[str]) -> list[Normalised]:
    """Normalise plates of any length by the complete path."""
    return plate_keys(texts, 1)

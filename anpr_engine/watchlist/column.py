"""A column of numbers that are mostly the same few: a small code a row, and what the codes mean.

Why: of ten million entries a handful of countries, forms and ends of validity are distinct, so
one byte says what four would. A column of many distinct numbers is kept as it is, so the worst
case costs no more than no coding at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

VALUES_MAX = 2**16
"""Most distinct numbers that are coded."""

Codes: TypeAlias = NDArray[np.uint8 | np.uint16 | np.uint32]


@dataclass(frozen=True, slots=True)
class Column:
    """Numbers of 32 bits, one a row.

    codes: (n,), the place of each row's number in `values`; without `values` the number itself.
    values: uint32 (distinct,), rising, or None.
    """

    codes: Codes
    values: NDArray[np.uint32] | None = None

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.codes)

    @overload
    def __getitem__(self, rows: int) -> int: ...
    @overload
    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint32]: ...
    def __getitem__(self, rows: int | NDArray[np.int64]) -> int | NDArray[np.uint32]:
        """Give one row's number, or the numbers of many: uint32 (rows,)."""
        if isinstance(rows, np.ndarray):
            return self._numbers(self.codes[rows])
        code = int(self.codes[rows])
        return code if self.values is None else int(self.values[code])

    def numbers(self) -> NDArray[np.uint32]:
        """Give all numbers: uint32 (n,)."""
        return self._numbers(self.codes)

    def chosen(self, order: NDArray[np.int64]) -> "Column":
        """Take rows in an order: int64 (chosen,), row numbers."""
        return Column(self.codes[order], self.values)

    def coded(self) -> "Column":
        """Give the same column in codes, where the numbers are few."""
        if self.values is not None:
            return self
        values, codes = np.unique(self.codes, return_inverse=True)
        if len(values) > VALUES_MAX:
            return self
        return Column(_small(codes, len(values)), values.astype(np.uint32))

    def _numbers(self, codes: Codes) -> NDArray[np.uint32]:
        if self.values is None:
            return codes.astype(np.uint32, copy=False)
        return self.values[codes]


def joined_columns(parts: Sequence[Column]) -> Column:
    """Put columns one after another; coded where the numbers of all are few."""
    coded = [part.coded() for part in parts]
    values = np.unique(np.concatenate([_distinct(part) for part in coded]))
    if len(values) > VALUES_MAX:
        return Column(np.concatenate([part.numbers() for part in coded]))
    # What each part's codes become: a small table, so that the rows are only looked up.
    tables = [_small(np.searchsorted(values, _distinct(part)), len(values)) for part in coded]
    codes = [table[part.codes] for table, part in zip(tables, coded, strict=True)]
    return Column(np.concatenate(codes), values)


def _distinct(part: Column) -> NDArray[np.uint32]:
    return part.numbers() if part.values is None else part.values


def _small(codes: NDArray[np.int64], values: int) -> Codes:
    return codes.astype(np.uint8) if values <= 2**8 else codes.astype(np.uint16)

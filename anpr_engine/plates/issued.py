"""The plates that a country has issued, as a filter: optional evidence.

The Netherlands publish every registered plate as open data. A text that is no registered plate is
hardly an innocent car read right, and one that is registered is likelier that car than the bare
grammar says. The filter may call a stranger registered, one in a thousand; that only makes an
innocent explanation likelier.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anpr_engine.errors import UsageError
from anpr_engine.kernels.bloom import filter_add, filter_rows, filter_words
from anpr_engine.plates.normaliser import normalise

NOT_ISSUED = 0.02
"""What is left of the share of a plate that is not in the file: it may be newer than the file."""
PLATE_COLUMNS = ("plate", "kenteken", "Kenteken")
"""Names of the column, the engine's own and the Dutch register's."""
_CHUNK = 100_000


@dataclass(frozen=True, slots=True)
class IssuedPlates:
    """One country's registered plates.

    country: ISO 3166 alpha-2.
    words: uint32 (blocks, 8), see `kernels.bloom`.
    count: how many plates are in it.
    """

    country: str
    words: NDArray[np.uint32]
    count: int

    def shares(
        self, keys: NDArray[np.uint64], guess: NDArray[np.float64], among: float
    ) -> NDArray[np.float64]:
        """Give each plate's share of the traffic: float64 (n,).

        Args:
            keys: uint64 (n,).
            guess: float64 (n,), what the formats say; 0 stays 0.
            among: the country's share of the traffic, which its registered plates share evenly.

        """
        found = guess * NOT_ISSUED
        maybe = np.empty(len(keys) + 1, dtype=np.int64)
        filter_rows(keys, self.words, maybe)
        rows = maybe[1 : maybe[0] + 1]
        found[rows[guess[rows] > 0]] = among / max(1, self.count)
        return found


def issued_plates(country: str, keys: NDArray[np.uint64]) -> IssuedPlates:
    """Build the filter from the keys of registered plates: uint64 (n,)."""
    words = filter_words(len(keys))
    filter_add(keys, words)
    return IssuedPlates(country, words, len(keys))


def read_issued(path: Path, country: str) -> IssuedPlates:
    """Read a CSV file of registered plates with a header.

    Raises:
        UsageError: the file cannot be read, or has no column of plates.

    """
    try:
        keys = np.concatenate([np.zeros(0, np.uint64), *_keys(path)])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{path} cannot be read as issued plates: {error}.", "Give a CSV file in UTF-8."
        ) from None
    return issued_plates(country, keys[keys != 0])


def _keys(path: Path) -> Iterator[NDArray[np.uint64]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        column = next((name for name in PLATE_COLUMNS if name in (rows.fieldnames or ())), None)
        if column is None:
            raise UsageError(
                f"{path} has no column of plates.", f"Name one of them {PLATE_COLUMNS[0]}."
            )
        chunk: list[int] = []
        for row in rows:
            chunk.append(normalise(row[column] or "").key)
            if len(chunk) == _CHUNK:
                yield np.array(chunk, dtype=np.uint64)
                chunk = []
        yield np.array(chunk, dtype=np.uint64)

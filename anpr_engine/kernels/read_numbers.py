"""The numbers of reads, a row each as a scan leaves them, as columns."""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, f64, given, helper, i64, kernel, u16, written
from anpr_engine.kernels.json_values import (
    CAPTURED_AT_US,
    CONFIDENCE_PPM,
    COUNTRY_CODE,
    COUNTRY_CONFIDENCE_PPM,
)


@helper
def _share(ppm: Word) -> Word:
    return np.float64(ppm) / 1e6 if ppm >= 0 else np.nan


@kernel(given(i64, 2), written(i64), written(u16), written(f64), written(f64))
def number_columns(
    numbers: NDArray[np.int64],
    captured_at_us: NDArray[np.int64],
    country: NDArray[np.uint16],
    confidence: NDArray[np.float64],
    country_confidence: NDArray[np.float64],
) -> None:
    """Part the numbers of reads.

    Args:
        numbers: int64 (n, NUMBERS), as `scan_reads` writes them.
        captured_at_us: int64 (n,), written.
        country: uint16 (n,), written.
        confidence: float64 (n,), written: shares, NaN for none.
        country_confidence: likewise.

    """
    for row in range(numbers.shape[0]):
        captured_at_us[row] = numbers[row, CAPTURED_AT_US]
        country[row] = np.uint16(numbers[row, COUNTRY_CODE])
        confidence[row] = _share(numbers[row, CONFIDENCE_PPM])
        country_confidence[row] = _share(numbers[row, COUNTRY_CONFIDENCE_PPM])

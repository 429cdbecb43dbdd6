"""Variable-length texts in one buffer: reorder and select them without Python objects."""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import given, i64, kernel, u8, u32, written


@kernel(given(u8), given(u32), given(i64), written(u8), written(u32))
def gather_blobs(
    buffer: NDArray[np.uint8],
    bounds: NDArray[np.uint32],
    order: NDArray[np.int64],
    gathered: NDArray[np.uint8],
    gathered_bounds: NDArray[np.uint32],
) -> None:
    """Copy blobs into a new order.

    Args:
        buffer: uint8 (bytes,), all blobs one after another.
        bounds: uint32 (blobs + 1,), where each begins, and the end of the last.
        order: int64 (chosen,), which blob comes at each place.
        gathered: uint8 (bytes of the chosen,), written.
        gathered_bounds: uint32 (chosen + 1,), written.

    """
    position = np.int64(0)
    gathered_bounds[0] = 0
    for place in range(order.shape[0]):
        start = np.int64(bounds[order[place]])
        end = np.int64(bounds[order[place] + 1])
        for step in range(start, end):
            gathered[position + step - start] = buffer[step]
        position += end - start
        gathered_bounds[place + 1] = position

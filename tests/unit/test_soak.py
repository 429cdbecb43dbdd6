"""What the soak says of an engine's memory."""

import os

import pytest

from benchmarks.bench_soak import memory_figures, resident_mib


def test_the_slope_of_memory_leaves_out_how_it_settled() -> None:
    """What grows early is no leak; ten MiB an hour after that are told as such."""
    filling = [(at, 100.0 + at) for at in range(0, 900, 100)]
    steady = [(at, 1000.0 + 10 * at / 3600) for at in range(900, 3600, 100)]
    found = memory_figures([*filling, *steady])
    assert found["slope"] == pytest.approx(10)
    assert found["settled_mib"] == pytest.approx(1002.5)
    assert found["end_mib"] == found["largest_mib"] == steady[-1][1]
    assert resident_mib(os.getpid()) > 1

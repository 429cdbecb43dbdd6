"""Fill the cache of compiled kernels: `python -m anpr_engine.kernels.warm`.

Run once after an installation. Modules are shared out among as many processes as there are cores,
each with kernels of its own; what several build on is compiled by one, and loaded by the others.
"""

import importlib
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from anpr_engine.kernels.cache import cache_folder, is_whole, note_whole, turn

WARMED = (
    # What others build on, then the longest first.
    "plate_text",
    "table",
    "explained",
    "neighbours",
    "json_nested",
    "json_scan",
    "avro",
    "arrow_take",
    "traffic",
    "arrow_frames",
    "bloom",
    "channel",
    "channel_counts",
    "gate",
    "gate_reads",
    "halves",
    "json_candidates",
    "lines",
    "native_messages",
    "plate_forms",
    "read_numbers",
    "set_sum",
    "surroundings",
    "text_columns",
    "tokens",
    "umlauts",
    "wildcards",
)
"""Modules that hold kernels."""
PROCESSES_MAX = 4
"""More would wait for the longest module, and each takes some 400 MB while it compiles."""


def load(name: str) -> None:
    """Compile a module's kernels, or load them."""
    importlib.import_module(f"anpr_engine.kernels.{name}")


def warm() -> None:
    """Compile what is missing, and load every kernel."""
    folder = cache_folder()
    if not is_whole(folder):
        with turn(folder, "whole"):
            _fill()
            note_whole(folder)
    for name in WARMED:
        load(name)


def _fill() -> None:
    processes = min(PROCESSES_MAX, len(os.sched_getaffinity(0)))
    # Started anew: a copy of this process would have its threads' locks without the threads.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, fresh) as pool:
        list(pool.map(load, WARMED))


def main() -> None:
    """Compile, and say what is ready."""
    warm()
    sys.stderr.write(f"kernels ready: {', '.join(WARMED)}\n")


if __name__ == "__main__":
    main()

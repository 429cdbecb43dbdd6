"""Fill the cache of compiled kernels: `python -m anpr_engine.kernels.warm`.

Run once after an installation, before several engines start at the same time.
"""

import sys

from anpr_engine.kernels import (
    arrow_frames,
    arrow_take,
    avro,
    bloom,
    channel,
    channel_counts,
    explained,
    gate,
    halves,
    json_candidates,
    json_nested,
    json_scan,
    lines,
    native_messages,
    neighbours,
    plate_forms,
    plate_text,
    read_numbers,
    set_sum,
    surroundings,
    table,
    text_columns,
    tokens,
    traffic,
    umlauts,
    wildcards,
)

WARMED = (
    arrow_frames,
    arrow_take,
    avro,
    bloom,
    channel,
    channel_counts,
    explained,
    gate,
    halves,
    json_candidates,
    json_nested,
    json_scan,
    lines,
    native_messages,
    neighbours,
    plate_forms,
    plate_text,
    read_numbers,
    set_sum,
    surroundings,
    table,
    text_columns,
    tokens,
    traffic,
    umlauts,
    wildcards,
)
"""Modules whose kernels were compiled, or loaded, by importing them."""


def main() -> None:
    """Say what is ready; the imports above did the work."""
    names = ", ".join(module.__name__.rsplit(".", 1)[-1] for module in WARMED)
    sys.stderr.write(f"kernels ready: {names}\n")


if __name__ == "__main__":
    main()

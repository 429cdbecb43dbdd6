"""The load generator, a process of its own: `python -m benchmarks.load`, JSON out.

Why a process: a generator in the measured one would take turns with it for the interpreter.

Open loop: each read has its time from the schedule and is sent then, however late the system is,
so that a stall shows in every read that should have come during it.
"""

import argparse
import hashlib
import json
import time

from anpr_engine.kafka.writer import ReadWriter
from benchmarks import workloads
from benchmarks.lab import READS_TOPIC

TICK_S = 0.001
"""Reads that are due within a tick are sent together: a look at the clock for each of twenty
thousand a second took half of a processor that broker and engine need."""


def fill(writer: ReadWriter, plan: workloads.ReadPlan) -> str:
    """Write all reads as fast as possible; give their digest."""
    digest = hashlib.blake2b(digest_size=8)
    for chunk in workloads.read_chunks(plan, digest):
        for key, value in zip(chunk.keys, chunk.values, strict=True):
            writer.write(READS_TOPIC, key, value)
    return digest.hexdigest()


def pace(writer: ReadWriter, plan: workloads.ReadPlan, reads_per_s: int) -> tuple[int, float]:
    """Write reads on a fixed schedule.

    Returns when the first was due, in nanoseconds since 1970, and how late the latest was sent,
    in milliseconds.
    """
    chunks = list(workloads.read_chunks(plan))
    due = [pair for chunk in chunks for pair in zip(chunk.keys, chunk.values, strict=True)]
    start_ns, start_s = time.time_ns(), time.monotonic()
    sent, late_s = 0, 0.0
    while sent < len(due):
        now_s = time.monotonic() - start_s
        late_s = max(late_s, now_s - sent / reads_per_s)
        ready = min(len(due), int(now_s * reads_per_s) + 1)
        for key, value in due[sent:ready]:
            writer.write(READS_TOPIC, key, value)
        sent = ready
        time.sleep(TICK_S)
    return start_ns, late_s * 1000


def main() -> None:
    """Write what was asked for and say what was done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka", required=True)
    for name in ("reads", "entries", "one-in", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--rate", type=int, default=0)
    given = parser.parse_args()
    plan = workloads.ReadPlan(given.reads, given.entries, given.one_in, given.seed)
    with ReadWriter(given.kafka) as writer:
        writer.check(READS_TOPIC)
        if given.rate:
            start_ns, late_ms = pace(writer, plan, given.rate)
            told: dict[str, object] = {"start_ns": start_ns, "late_ms": late_ms}
        else:
            told = {"digest": fill(writer, plan)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()

"""What a read and an entry cost as the list grows, each size in a process of its own.

The list is of numbered plates and the traffic is ordinary, misreads included, so that at ten
million entries the list is about as dense around a read as the plates of two countries are.
"""

import json
import sys

from anpr_engine.plates.normaliser import normalise
from anpr_engine.watchlist.redis_client import RedisSession
from benchmarks import quality_data as data
from benchmarks import workloads
from benchmarks.definitions import Size
from benchmarks.lab import Lab, expect, run_json
from benchmarks.measure import Outcome
from benchmarks.quality_trial import CHARACTERS_MIN

REPEATS_MAX = 2
ROUNDS = 3
Shown = tuple[str, str]
"""A text as normalised, and the country that its read claims."""
COLUMNS = ("exact", "all", "entry", "redis", "resident", "peak", "load")


def sizes_of(size: Size) -> dict[str, int]:
    """Give the sizes of the list, by the name that their figures begin with."""
    return {name: entries for name, entries in size.items() if name.startswith("list")}


def run(lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure each size; every process's exact hits must be those of plain set look-ups."""
    traffic = data.ordinary(size["reads"])
    sizes = sizes_of(size)
    digests = {"traffic": data.traffic_digest(traffic)}
    digests["list"] = workloads.entries_digest(max(sizes.values()))
    seen = shown_by([read.json_bytes for read in traffic])
    expected = {name: listed_reads(seen, entries) for name, entries in sizes.items()}
    outcome = Outcome(digests=digests)
    for _ in range(min(repeats, REPEATS_MAX)):
        figures: dict[str, float] = {}
        for name, entries in sizes.items():
            url = lab.redis(entries)
            command = [sys.executable, "-m", "benchmarks.list_cost", "--redis", url]
            told = run_json([*command, "--reads", str(size["reads"]), "--rounds", str(ROUNDS)])
            expect(f"entries loaded of {name}", told["listed"], entries)
            hits = (told["exact_hits"], told["all_hits"])
            expect(f"exact hits of {name}", hits, (expected[name], expected[name]))
            told["redis"] = used_bytes(url) / entries
            figures |= {f"{name}_{column}": told[column] for column in COLUMNS}
        outcome.add(figures)
    return outcome


def used_bytes(redis_url: str) -> int:
    """Ask a Redis how much memory its data takes, what an empty one takes included."""
    with RedisSession(redis_url) as session:
        page: bytes = session.ask("INFO", "memory")
    lines = (line.partition(":") for line in page.decode().splitlines())
    return next(int(rest) for key, _, rest in lines if key == "used_memory")


def shown_by(values: list[bytes]) -> list[Shown]:
    """Give the usable texts that reads show, with the country that they claim."""
    found = []
    for value in values:
        read = json.loads(value)
        text = normalise(read["plate"], CHARACTERS_MIN)
        if text.usable:
            found.append((text.text, str(read.get("country") or "")))
    return found


def listed_reads(seen: list[Shown], entries: int) -> int:
    """Count the reads that show a listed text and claim no other country, by a plain set."""
    shown = {text for text, _ in seen}
    listed: set[str] = set()
    for first in range(0, entries, workloads.CHUNK_READS):
        texts = workloads.plates(first, min(workloads.CHUNK_READS, entries - first))
        listed |= shown.intersection(map(workloads.canonical, texts))
    # Belgian plates of these lists begin with a digit, Dutch ones with a letter.
    countries = {text: "BE" if text[0].isdigit() else "NL" for text in listed}
    return sum(
        text in countries and claimed.upper() in {"", countries[text]} for text, claimed in seen
    )

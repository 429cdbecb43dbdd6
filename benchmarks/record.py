"""Dated records of what was measured: `record/<date>-<machine>.json`, newest last by name.

A day's record holds what was measured that day; documents show the newest of each benchmark.
"""

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import confluent_kafka

from anpr_engine.kafka.jars import kafka_version
from anpr_engine.version import VERSION
from anpr_engine.watchlist.redis_client import RedisSession
from benchmarks.definitions import Definition
from benchmarks.measure import Outcome, Spread
from benchmarks.peer_programs import program_versions

FOLDER = Path(__file__).with_name("record")
PACKAGES = ("confluent-kafka", "numba", "numpy", "orjson", "rbloom", "redis")
OPTIONAL_PACKAGES = ("pyarrow", "rapidfuzz")
DATE_LENGTH = len("2026-11-22")

Json = dict[str, Any]
"""A JSON object; `read_records` is the only place that reads one from outside."""


def machine() -> Json:
    """Describe this machine without naming it."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def _cpu_model() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def versions(redis_url: str) -> dict[str, str]:
    """Give the versions of everything that takes part; without a Redis URL its server is left out.

    librdkafka is the C library inside confluent-kafka.
    """
    optional = [name for name in OPTIONAL_PACKAGES if find_spec(name)]
    found = {name: version(name) for name in (*PACKAGES, *optional)} | program_versions()
    found["anpr-engine"] = VERSION
    found["kafka broker"] = kafka_version()
    found["librdkafka"] = confluent_kafka.libversion()[0]
    found["python"] = platform.python_version()
    if redis_url:
        with RedisSession(redis_url) as session:
            page: bytes = session.ask("INFO", "server")
        lines = (line.partition(":") for line in page.decode().splitlines())
        found["redis server"] = next(rest for key, _, rest in lines if key == "redis_version")
    return dict(sorted(found.items()))


def result_of(definition: Definition, outcome: Outcome, load: float) -> Json:
    """Write one benchmark's outcome: spreads, and ratios to peers taken round by round.

    A peer that this machine lacks has no spread but says what is missing.

    Args:
        definition: what was measured.
        outcome: each figure's value in each round.
        load: what others did on the machine before it began, as its one-minute load.

    """
    figures: Json = {}
    for figure in definition.figures:
        if figure.id in outcome.missing:
            figures[figure.id] = {"missing": outcome.missing[figure.id]}
            continue
        values = outcome.figures[figure.id]
        figures[figure.id] = {**_spread(Spread.of(values)), "repeats": len(values)}
        if figure.peer_of:
            ours = outcome.figures[figure.peer_of]
            pairs = zip(ours, values, strict=True)
            times = [o / p if figure.more_is_better else p / o for o, p in pairs]
            figures[figure.id]["times_ours_better"] = _spread(Spread.of(times))
    told: Json = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": round(load, 2),
        "size": dict(definition.full),
        "digests": outcome.digests,
        "figures": figures,
    }
    return {**told, "curves": outcome.curves} if outcome.curves else told


def _spread(spread: Spread) -> dict[str, float]:
    found = {"min": spread.least, "median": spread.median, "max": spread.largest}
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def save(results: Mapping[str, Json], found_versions: Mapping[str, str]) -> Path:
    """Write results into the record of this day and machine; other benchmarks' results stay."""
    here = machine()
    about = hashlib.blake2b(json.dumps([here, platform.node()]).encode(), digest_size=3)
    path = FOLDER / f"{datetime.now(UTC):%Y-%m-%d}-{about.hexdigest()}.json"
    former: Json = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    record = {
        "machine": here,
        "versions": {**former.get("versions", {}), **found_versions},
        "results": {**former.get("results", {}), **results},
    }
    FOLDER.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def newest() -> tuple[str, Json] | None:
    """Give the newest record with its name, without ending; None when there is none.

    What was not measured that day is taken from earlier records. A benchmark's result comes from
    one record in whole, and says on which of the `machines` it was measured.
    """
    found: Json = {"machines": {}, "versions": {}, "results": {}}
    name = ""
    for name, later in _records():
        machine_name = name[DATE_LENGTH + 1 :]
        results = {each: {**one, "machine": machine_name} for each, one in later["results"].items()}
        found = {
            "machines": {**found["machines"], machine_name: later["machine"]},
            "versions": {**found["versions"], **later["versions"]},
            "results": {**found["results"], **results},
        }
    return (name, found) if name else None


def newest_together(wanted: Sequence[str]) -> Json | None:
    """Give the newest results of one machine that measured all of some benchmarks; else None."""
    by_machine: dict[str, Json] = {}
    for name, later in _records():
        machine_name = name[DATE_LENGTH + 1 :]
        former = by_machine.pop(machine_name, {})
        by_machine[machine_name] = {**former, **later["results"]}
    whole = [each for each in by_machine.values() if all(one in each for one in wanted)]
    return whole[-1] if whole else None


def _records() -> Iterator[tuple[str, Json]]:
    # By date; of one day, by the machine's name.
    for path in sorted(FOLDER.glob("????-??-??-*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))

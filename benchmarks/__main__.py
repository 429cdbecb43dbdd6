"""`python -m benchmarks`: measure, keep a dated record, rewrite tables and pictures.

`--small` checks answers only: it ends in seconds, prints figures and writes nothing.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping

from anpr_engine.errors import AnprError, UsageError
from anpr_engine.kernels import warm
from benchmarks import (
    bench_account,
    bench_alert,
    bench_audit,
    bench_curve,
    bench_end_to_end,
    bench_evidence,
    bench_forms,
    bench_import,
    bench_kernels,
    bench_latency,
    bench_list_change,
    bench_list_size,
    bench_near,
    bench_parquet,
    bench_pipeline,
    bench_places,
    bench_probe,
    bench_quality,
    bench_recall,
    bench_scaling,
    bench_soak,
    curve_pictures,
    evidence_pictures,
    pictures,
    quality_pictures,
    record,
    report,
)
from benchmarks.definitions import Definition, Size, read_definitions
from benchmarks.lab import Lab, WrongAnswer, expect
from benchmarks.measure import Outcome

REPEATS = 5
ONLY_WHEN_ASKED = ("huge", "list_size_huge", "soak")

RUNNERS: Mapping[str, Callable[[Lab, Size, int], Outcome]] = {
    "kernels": bench_kernels.run,
    "probe": bench_probe.run,
    "near": bench_near.run,
    "quality": bench_quality.run,
    "rendered": bench_quality.run_rendered,
    "evidence": bench_evidence.run,
    "places": bench_places.run,
    "pipeline": bench_pipeline.run,
    "start": bench_pipeline.run_start,
    "huge": bench_pipeline.run_huge,
    "throughput": bench_end_to_end.run,
    "latency": bench_latency.run,
    "list_size": bench_list_size.run,
    "list_size_huge": bench_list_size.run,
    "latency_curve": bench_curve.run,
    "scaling": bench_scaling.run,
    "forms": bench_forms.run,
    "parquet": bench_parquet.run,
    "list_change": bench_list_change.run,
    "account": bench_account.run,
    "alert": bench_alert.run,
    "audit": bench_audit.run,
    "recall": bench_recall.run,
    "import": bench_import.run,
    "soak": bench_soak.run,
}

DRAWN_BY = {
    **dict.fromkeys(report.CURVES, quality_pictures.draw),
    "evidence": evidence_pictures.draw,
    "latency_curve": curve_pictures.draw_latency,
    "list_size": curve_pictures.draw_sizes,
    "scaling": curve_pictures.draw_scaling,
}
"""Pictures that are not of bars."""


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("measure", "report"), default="measure")
    parser.add_argument("--small", action="store_true", help="small sizes; nothing is written")
    parser.add_argument("--only", nargs="+", choices=sorted(RUNNERS), metavar="ID", help="these")
    parser.add_argument("--repeats", type=int, default=0, help=f"rounds, default {REPEATS}")
    parser.add_argument(
        "--huge", action="store_true", help="also with ten million entries, and for an hour"
    )
    return parser.parse_args(words)


def chosen(given: argparse.Namespace) -> list[Definition]:
    """Give the benchmarks asked for, in the order of the definitions."""
    found = read_definitions()
    if given.only:
        return [found[name] for name in found if name in given.only]
    left_out = set() if given.huge else set(ONLY_WHEN_ASKED)
    left_out |= {name for name, each in found.items() if each.needs not in {"", *os.environ}}
    return [definition for name, definition in found.items() if name not in left_out]


def measure(given: argparse.Namespace) -> None:
    """Measure what was asked for; a full run is recorded and reported."""
    results: dict[str, record.Json] = {}
    repeats = given.repeats or (1 if given.small else REPEATS)
    warm.main()
    with Lab() as lab:
        for definition in chosen(given):
            size = definition.small if given.small else definition.full
            load = os.getloadavg()[0]
            print(f"{definition.id}: {definition.measures}", file=sys.stderr)
            outcome = RUNNERS[definition.id](lab, size, repeats)
            expected = definition.digest["small" if given.small else "full"]
            expect(f"workload of {definition.id}", outcome.digests, dict(expected))
            results[definition.id] = record.result_of(definition, outcome, load)
            print(json.dumps({definition.id: results[definition.id]["figures"]}), flush=True)
        found_versions = {} if given.small else record.versions(lab.any_redis())
    if not given.small:
        print(f"recorded in {record.save(results, found_versions)}", file=sys.stderr)
        rewrite()


def rewrite() -> None:
    """Rewrite README's block and the pictures from the newest record.

    Raises:
        UsageError: there is no record, or README.md has no place for it.

    """
    found = record.newest()
    if found is None:
        raise UsageError("There is no record.", "Run `python -m benchmarks` first.")
    name, kept = found
    definitions = read_definitions()
    for old in record.FOLDER.glob("*.svg"):
        old.unlink()
    for picture in report.PICTURES:
        if picture in kept["results"]:
            draw = DRAWN_BY.get(picture, pictures.draw)
            draw(definitions[picture], name, kept["results"][picture])
    text = report.README.read_text(encoding="utf-8")
    made = report.with_block(text, report.current_block())
    report.README.write_text(made, encoding="utf-8")


def main(words: list[str] | None = None) -> int:
    """Do what the command line says; give the exit status."""
    given = parse(sys.argv[1:] if words is None else words)
    try:
        if given.action == "report":
            rewrite()
        else:
            measure(given)
    except (AnprError, WrongAnswer) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What near matching costs a read, on ordinary traffic, beside exact matching alone.

Only `match` is timed: the JSON is scanned and the plates are normalised beforehand. The list is
of plates as they are on the road, so it is as dense around a read as a real one of its size.
"""

from functools import partial

from anpr_engine.pipeline.columns import EXACT
from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.match import MatchRules, match, near_rules
from anpr_engine.pipeline.near import through_gate
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import reading_model, shipped_reading
from anpr_engine.records.columns import PlateColumns, ReadColumns
from anpr_engine.simulate.camera_noise import MISREAD_SHARE
from anpr_engine.simulate.rendering import SimulatedRead
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from benchmarks import quality_data as data
from benchmarks.bench_kernels import BATCH_READS, NS
from benchmarks.definitions import Size
from benchmarks.lab import Lab, expect
from benchmarks.measure import Outcome, rounds, timed
from benchmarks.quality_trial import CHARACTERS_MIN, LATEST_US

FLOORS = {"050": 0.5, "005": 0.05}
EXACT_ONLY = MatchRules(near=False)
US = 1e6

Batch = tuple[ReadColumns, PlateColumns]


def batches_of(values: list[bytes]) -> list[Batch]:
    """Scan and normalise reads as the engine's earlier stages do."""
    made = []
    for at in range(0, len(values), BATCH_READS):
        reads = decode(values[at : at + BATCH_READS], LATEST_US)
        made.append((reads, normalise_plates(reads, CHARACTERS_MIN)))
    return made


def exact_hits(batches: list[Batch], snapshot: Snapshot, rules: MatchRules) -> int:
    """Match all batches; give how many hits are of the very text that is listed."""
    found = (match(reads, plates, snapshot, rules, 0) for reads, plates in batches)
    return sum(int((hits.tier == EXACT).sum()) for hits in found)


def _through_gate(batches: list[Batch], snapshot: Snapshot, rules: MatchRules) -> int:
    """Count the reads that are searched for beyond their own text."""
    model, worth = rules.model or shipped_reading(), near_rules(rules, snapshot)
    return sum(len(through_gate(reads, plates, model, worth)[0]) for reads, plates in batches)


def run(_lab: Lab, size: Size, repeats: int) -> Outcome:
    """Measure near matching at two floors, in alternation with exact matching."""
    traffic = data.ordinary(size["reads"])
    values = [read.json_bytes for read in traffic]
    plates = _listed(traffic, size)
    snapshot = snapshot_of(data.entries_of(plates))
    digests = {"list": data.plates_digest(plates), "traffic": data.traffic_digest(traffic)}
    batches = batches_of(values)
    rules = {"exact": EXACT_ONLY}
    # As a site runs: doubtful reads are believed as far as a road with that many misreads allows.
    road = reading_model(country_packs(), shipped_channel().on_the_road(MISREAD_SHARE))
    rules |= {
        name: MatchRules(near_probability_min=floor, model=road) for name, floor in FLOORS.items()
    }
    exact = exact_hits(batches, snapshot, EXACT_ONLY)
    expect("whether there are exact hits", exact > 0, expected=True)
    for name in FLOORS:
        expect(f"exact hits at {name}", exact_hits(batches, snapshot, rules[name]), exact)
    passed = {name: _through_gate(batches, snapshot, rules[name]) for name in FLOORS}
    work = {
        name: timed(partial(exact_hits, batches, snapshot, chosen))
        for name, chosen in rules.items()
    }
    taken = rounds(work, repeats)
    outcome = Outcome(digests=digests)
    for turn in range(repeats):
        outcome.add(_figures({name: each[turn] for name, each in taken.items()}, passed, values))
    return outcome


def _listed(traffic: list[SimulatedRead], size: Size) -> list[tuple[str, str]]:
    """List a vehicle of one read in `one_in`, and otherwise vehicles that are not on the road."""
    seen = {read.truth_plate for read in traffic}
    chosen = {read.truth_plate: read.truth_country for read in traffic[:: size["one_in"]]}
    strangers = data.vehicles(size["entries"] + len(seen))
    others = [row for row in strangers if data.canonical(row[0]) not in seen]
    return [*chosen.items(), *others[: size["entries"] - len(chosen)]]


def _figures(
    seconds: dict[str, float], passed: dict[str, int], values: list[bytes]
) -> dict[str, float]:
    reads = len(values)
    figures = {"exact": seconds["exact"] / reads * NS}
    for name in FLOORS:
        figures[f"match_{name}"] = seconds[name] / reads * NS
        figures[f"gate_{name}"] = 100 * passed[name] / reads
        more_s = max(0.0, seconds[name] - seconds["exact"])
        figures[f"scored_{name}"] = more_s / max(1, passed[name]) * US
    return figures

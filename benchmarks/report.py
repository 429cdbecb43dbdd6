"""Tables from the newest record, written between two marks of README.md; generated, never typed."""

from collections.abc import Iterator
from pathlib import Path

from anpr_engine.errors import UsageError
from benchmarks.definitions import Definition, FigureDefinition, read_definitions
from benchmarks.model_inputs import NEEDED
from benchmarks.model_tables import model_lines
from benchmarks.quality_scores import BINS, FALSE_SHARES
from benchmarks.record import Json, newest, newest_together

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- benchmarks:begin -->"
END = "<!-- benchmarks:end -->"
CURVES = ("rendered", "quality")
RELIABILITY = ("reliability", "reliability_near")
NOT_IN_RECORD: Json = {"missing": "newer than this record"}
GROWTH = ("latency_curve", "list_size", "scaling")
PICTURES = ("throughput", "latency", *GROWTH, *CURVES, "evidence")
GRIDS = ("evidence", "latency_curve", "list_size", "list_size_huge")
"""Benchmarks whose figures are a line for each kind or size, and a column for each question."""


def block(name: str, record: Json, together: Json | None = None) -> str:
    """Write everything that stands between the marks.

    Args:
        name: of the newest record.
        record: see `benchmarks.record.newest`.
        together: the results of one machine that the model starts from; None for no model.

    """
    return "\n".join(_lines(name, record, together or {})) + "\n"


def _lines(name: str, record: Json, together: Json) -> Iterator[str]:
    results = record["results"]
    shown = {result["machine"] for result in results.values()}
    told = "; ".join(
        f"{each}: {here['cores']} cores ({here['cpu']}), {here['memory_gb']:g} GB, {here['system']}"
        for each, here in record["machines"].items()
        if each in shown
    )
    yield ""
    yield (
        f"Measured up to {name[:10]}; broker, Redis, load generator and engine share the machine. "
        "Medians, with least and largest of the repeats. Ratios are taken within each round. "
        f"Machines, not to be compared with each other: {told}."
    )
    for picture in PICTURES:
        if picture in results:
            yield ""
            yield f"![{picture}](benchmarks/record/{name}-{picture}.svg)"
    for definition in read_definitions().values():
        if definition.id in results:
            yield ""
            if definition.id in GRIDS:
                yield from grid(definition, results[definition.id])
                continue
            yield from table(definition, results[definition.id])
            if definition.id in CURVES:
                yield ""
                yield from _reliability(results[definition.id]["curves"])
    # The model fits one line through all of its points: they must be of one machine.
    yield from model_lines({"results": together})
    yield ""
    told = ", ".join(f"{key} {value}" for key, value in record["versions"].items())
    yield f"Versions: {told}. The newest of the [records](benchmarks/record): {name}.json."
    yield ""


def _head(definition: Definition, result: Json) -> Iterator[str]:
    size = ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in result["size"].items())
    repeats = max(found.get("repeats", 0) for found in result["figures"].values())
    yield f"**{definition.id}**: {definition.measures} Checked: {definition.answer} (Size: {size};"
    day, load = result["measured_at"][:10], result["load_before"]
    place = f", machine {result['machine']}" if "machine" in result else ""
    yield f"{repeats} rounds on {day}{place}; its load before: {load}.)"
    yield ""


def table(definition: Definition, result: Json) -> Iterator[str]:
    """Write a line for each figure; one that was not measured says why."""
    yield from _head(definition, result)
    yield "| figure | median | least to largest | target | our speed to it |"
    yield "|---|---:|---:|---:|---:|"
    for figure in definition.figures:
        found = result["figures"].get(figure.id, NOT_IN_RECORD)
        if "missing" in found:
            yield f"| {figure.label} | not measured: {found['missing']} | | {figure.target} | |"
        else:
            yield _row(figure, found)


def grid(definition: Definition, result: Json) -> Iterator[str]:
    """Write a line for each kind or size, a column for each question that is asked of all."""
    yield from _head(definition, result)
    columns = {figure.id.partition("_")[2]: figure.label for figure in definition.figures}
    told = [label.partition(": ")[2] for label in columns.values()]
    first = "told" if definition.id == "evidence" else "at"
    yield f"| {first} | {' | '.join(told)} |"
    yield f"|---|{'---:|' * len(told)}"
    for source in dict.fromkeys(figure.id.partition("_")[0] for figure in definition.figures):
        figures = [definition.figure(f"{source}_{column}") for column in columns]
        label = figures[0].label.partition(": ")[0]
        cells = [_cell(f, result["figures"].get(f.id, NOT_IN_RECORD)) for f in figures]
        # A reason that holds for all of a line is told once.
        told_once = [cells[0], *[""] * len(cells[1:])] if len(set(cells)) == 1 else cells
        yield f"| {label} | {' | '.join(told_once)} |"


def _cell(figure: FigureDefinition, found: Json) -> str:
    if "missing" in found:
        return str(found["missing"])
    text = f"{number(found['median'])} {figure.unit}"
    ratio = found.get("times_ours_better")
    if ratio:
        text += f", ours {1 / ratio['median']:.2g} times as long"
    if not figure.target:
        return text
    met = figure.meets(found["median"], ratio["median"] if ratio else None)
    return f"{text} ({_bound(figure)} {'met' if met else '**missed**'})"


def _bound(figure: FigureDefinition) -> str:
    # In a grid a peer's ratio is told as how many times as long ours takes.
    return f"≤ {1 / figure.times_at_least:g} times" if figure.times_at_least else figure.target


def _reliability(curves: Json) -> Iterator[str]:
    told = ", ".join(
        f"{share:.2%} above {curves['thresholds'][name]:.3f}"
        for name, share in FALSE_SHARES.items()
    )
    yield f"False alerts by probability, median of the rounds: {told}. Hits of all rounds:"
    yield ""
    yield "| probability | all hits | said | true | near hits | said | true |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    all_hits, near = ({row["bin"]: row for row in curves[name]} for name in RELIABILITY)
    for number in sorted(all_hits):
        place = f"{number / BINS:.2f} to {(number + 1) / BINS:.2f}"
        cells = (*_bin(all_hits[number]), *_bin(near.get(number)))
        yield f"| {' | '.join((place, *cells))} |"


def _bin(row: Json | None) -> tuple[str, str, str]:
    if row is None:
        return "", "", ""
    return f"{row['hits']:,}", f"{row['said']:.3f}", f"{row['true']:.3f}"


def _row(figure: FigureDefinition, found: Json) -> str:
    target = figure.target
    ratio = found.get("times_ours_better")
    if target:
        met = figure.meets(found["median"], ratio["median"] if ratio else None)
        target += " met" if met else " **missed**"
    cells = (
        figure.label,
        f"{number(found['median'])} {figure.unit}",
        f"{number(found['min'])} to {number(found['max'])}",
        target,
        _times(ratio) if ratio else "",
    )
    return f"| {' | '.join(cells)} |"


def _times(ratio: Json) -> str:
    least, median, largest = (f"{ratio[name]:.3g}" for name in ("min", "median", "max"))
    return f"{median} times" + (f" ({least} to {largest})" if least != largest else "")


def number(value: float) -> str:
    """Write a number with three or more digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def with_block(text: str, made: str) -> str:
    """Put a block between the marks of a text.

    Raises:
        UsageError: the text has not both marks, in order.

    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        remedy = f"Put {BEGIN} and, on a later line, {END} where the tables belong."
        raise UsageError("README.md has no place for the benchmarks.", remedy)
    return f"{before}{BEGIN}\n{made}{END}{after}"


def current_block() -> str:
    """Write the block of the newest record.

    Raises:
        UsageError: there is no record.

    """
    found = newest()
    if found is None:
        raise UsageError("There is no record.", "Run `python -m benchmarks` first.")
    return block(*found, newest_together(NEEDED))

"""The model past one machine as tables: what is assumed, what is needed, how far off it is."""

from collections.abc import Iterator

from benchmarks.model import SCALES, Need, breaks_first, checks, needs
from benchmarks.model_inputs import ASSUMED, Points
from benchmarks.record import Json


def model_lines(record: Json) -> Iterator[str]:
    """Write the tables; nothing where the record lacks what the model starts from."""
    points = Points.of(record)
    if points is None:
        return
    yield ""
    yield "**model**: Past one machine, from the points above; `benchmarks/README.md` says how."
    yield ""
    yield f"| | {' | '.join(_scale_head())} |"
    yield f"|---|{'---:|' * len(SCALES)}"
    for row in zip(*(list(needs(points, scale)) for scale in SCALES), strict=True):
        yield f"| {row[0].what} | {' | '.join(_cell(need) for need in row)} |"
    yield ""
    yield _breaking(points)
    yield ""
    yield from _checks(points)
    yield ""
    yield "| assumed | value | why |"
    yield "|---|---:|---|"
    for name, each in ASSUMED.items():
        yield f"| {name.replace('_', ' ')} | {_number(each.value)} {each.unit} | {each.why} |"


def _scale_head() -> Iterator[str]:
    for scale in SCALES:
        told = f"{scale.cameras:,} cameras, {scale.entries:,} entries, sites: {scale.sites}"
        yield f"{scale.name}: {told}"


def _cell(need: Need) -> str:
    text = f"{_number(need.value)} {need.unit}".strip()
    return f"{text} ({need.used:.0%} of {_number(need.limit)})" if need.limit else text


def _breaking(points: Points) -> str:
    first, *others = breaks_first(points, SCALES[-1])
    beyond = [need for need in (first, *others) if need.used > 1]
    told = ", then ".join(f"{need.what} ({need.used:.2g} of its limit)" for need in beyond)
    if told:
        return f"What breaks first on the way to {SCALES[-1].name}: {told}."
    return f"Nothing breaks on the way to {SCALES[-1].name}; nearest: {first.what}."


def _checks(points: Points) -> Iterator[str]:
    yield "| checked against what was measured | model | measured | error |"
    yield "|---|---:|---:|---:|"
    for check in checks(points):
        cells = (
            check.what,
            f"{_number(check.predicted)} {check.unit}",
            f"{_number(check.measured)} {check.unit}",
            f"{check.error:+.0%}",
        )
        yield f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"

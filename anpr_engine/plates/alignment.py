"""How a read and a listed plate line up: which characters were replaced, lost or added.

Of all ways with the fewest edits (Levenshtein 1966) the one that readers' habits make likeliest:
of two twin letters that one was lost says the model, not the order of the search.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.channel import DROPPED_INSIDE, INSERTED
from anpr_engine.kernels.tokens import CHARACTERS, JUNK, TOKEN_OF, TOKENS
from anpr_engine.plates.error_model import Channel, shipped_channel
from anpr_engine.plates.normaliser import normalise
from anpr_engine.plates.wildcard import ANY_CHARACTER, Wildcard, parse_wildcard

_EDIT = 1e6
"""What an edit costs; unlikely characters together never cost as much."""
_LEAST = 1e-9


class StepKind(StrEnum):
    """What became of one character."""

    SAME = "same"
    REPLACED = "replaced"
    LOST = "lost"
    ADDED = "added"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Step:
    """One character: as listed, as read; empty where there is none. `open`: any would do."""

    kind: StepKind
    listed: str
    read: str


@dataclass(frozen=True, slots=True)
class _Costs:
    """Negative logarithms of rates: float64 (CHARACTERS, TOKENS), (CHARACTERS,), (TOKENS,)."""

    replaced: NDArray[np.float64]
    lost: NDArray[np.float64]
    added: NDArray[np.float64]


def read_text(raw: str) -> str:
    """Give a read's canonical text, with `?` for the characters that the reader could not read."""
    found = parse_wildcard(raw)
    return found.text if isinstance(found, Wildcard) else normalise(raw).text


def marked(read: str, listed: str) -> tuple[str, str]:
    """Mark the characters in which two plates differ, with [ ] around each run.

    Args:
        read: as read.
        listed: as listed; where characters are unknown, the text with its `?` and `*` is given
            and nothing is marked.

    """
    wildcard = parse_wildcard(listed)
    if isinstance(wildcard, Wildcard):
        return read_text(read), wildcard.text
    return marks(aligned(read, listed))


def marks(steps: tuple[Step, ...]) -> tuple[str, str]:
    """Write the texts of an alignment, what was read first, with [ ] around what differs."""
    left: list[str] = []
    right: list[str] = []
    inside = False
    for step in steps:
        differs = step.kind not in (StepKind.SAME, StepKind.OPEN)
        if differs != inside:
            left.append("[" if differs else "]")
            right.append("[" if differs else "]")
            inside = differs
        left.append(step.read)
        right.append(step.listed)
    end = "]" if inside else ""
    return "".join(left) + end, "".join(right) + end


def aligned(read: str, listed: str, channel: Channel | None = None) -> tuple[Step, ...]:
    """Line a read up with a listed plate.

    Args:
        read: as read.
        listed: as listed, `?` and `*` included.
        channel: which confusions are likelier; the shipped model's if None.

    """
    seen = read_text(read)
    wildcard = parse_wildcard(listed)
    if isinstance(wildcard, Wildcard):
        return _aligned_wildcard(seen, wildcard)
    costs = _shipped_costs() if channel is None else _costs(channel)
    return _aligned_texts(seen, normalise(listed).text, costs)


@cache
def _shipped_costs() -> _Costs:
    return _costs(shipped_channel())


def _costs(channel: Channel) -> _Costs:
    rates = np.maximum(channel.rates @ channel.quality[-1], _LEAST)
    return _Costs(
        replaced=-np.log(rates[:CHARACTERS, :TOKENS]),
        lost=-np.log(rates[DROPPED_INSIDE, :CHARACTERS]),
        added=-np.log(rates[INSERTED, :TOKENS]),
    )


def _aligned_texts(seen: str, listed: str, costs: _Costs) -> tuple[Step, ...]:
    tokens = [TOKEN_OF.get(character, JUNK) for character in seen]
    best: dict[tuple[int, int], tuple[float, tuple[Step, ...]]] = {(0, 0): (0.0, ())}
    for spot in range(len(listed) + 1):
        for place in range(len(seen) + 1):
            ways = []
            if spot and place:
                ways.append(_kept(best[spot - 1, place - 1], listed[spot - 1], seen[place - 1]))
                cost = float(costs.replaced[TOKEN_OF[listed[spot - 1]], tokens[place - 1]])
                if ways[0][1][-1].kind is StepKind.REPLACED:
                    ways[0] = (ways[0][0] + _EDIT + cost, ways[0][1])
            if spot:
                before, steps = best[spot - 1, place]
                cost = before + _EDIT + float(costs.lost[TOKEN_OF[listed[spot - 1]]])
                ways.append((cost, (*steps, Step(StepKind.LOST, listed[spot - 1], ""))))
            if place:
                before, steps = best[spot, place - 1]
                cost = before + _EDIT + float(costs.added[tokens[place - 1]])
                ways.append((cost, (*steps, Step(StepKind.ADDED, "", seen[place - 1]))))
            if ways:
                best[spot, place] = min(ways, key=lambda way: way[0])
    return best[len(listed), len(seen)][1]


def _kept(
    way: tuple[float, tuple[Step, ...]], listed: str, read: str
) -> tuple[float, tuple[Step, ...]]:
    kind = StepKind.SAME if listed == read else StepKind.REPLACED
    return way[0], (*way[1], Step(kind, listed, read))


def _aligned_wildcard(seen: str, wildcard: Wildcard) -> tuple[Step, ...]:
    wanted = wildcard.positions
    spare = max(0, len(seen) - len(wanted))
    firsts = [0] if not wildcard.open_start else list(range(spare + 1))
    if wildcard.open_start and not wildcard.open_end:
        firsts = [spare]
    first = min(firsts, key=lambda start: _misfits(seen[start:], wanted))
    steps = [Step(StepKind.OPEN, "", character) for character in seen[:first]]
    end = first + len(wanted)
    for listed, read in zip(wanted, seen[first:end], strict=False):
        fits = StepKind.SAME if listed == read else StepKind.REPLACED
        steps.append(Step(StepKind.OPEN if listed == ANY_CHARACTER else fits, listed, read))
    return (*steps, *(Step(StepKind.OPEN, "", character) for character in seen[end:]))


def _misfits(seen: str, wanted: str) -> int:
    return sum(a not in (ANY_CHARACTER, b) for a, b in zip(wanted, seen, strict=False))

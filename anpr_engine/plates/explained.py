"""What edits of a text come to, by format and position, see `kernels.explained`."""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.channel import (
    DROPPED_AT_EDGE,
    DROPPED_INSIDE,
    INSERTED,
    QUALITIES,
    RATE,
)
from anpr_engine.kernels.edits import ADDED, LOST, REPLACED
from anpr_engine.kernels.explained import explained_parts
from anpr_engine.kernels.explained_tables import (
    BOUND_COLUMNS,
    LEAST,
    MOST,
    NOTHING,
    Named,
    ReadTables,
    SeenReads,
    empty_room,
)
from anpr_engine.kernels.gate import COUNTRY, GATE_CHARACTERS_MAX, SHARE, GateTables
from anpr_engine.kernels.neighbours import EditModel
from anpr_engine.kernels.plate_text import KEY_BASE
from anpr_engine.kernels.tokens import PLAIN, TOKENS
from anpr_engine.plates.error_model import Channel
from anpr_engine.plates.gate import Gate
from anpr_engine.plates.normaliser import plate_key

_NAMED_LEAST = 2**14
_NAMED_PER_READ = 16
"""Room for plates that are named; where there are more, all is done once more."""
_ROWS = (DROPPED_INSIDE, DROPPED_AT_EDGE)


def read_tables(
    channel: Channel, right: NDArray[np.float64], edits: EditModel, gate: Gate
) -> ReadTables:
    """Work the tables out.

    Args:
        channel: the errors.
        right: float64 (TOKENS, QUALITIES), see `plates.reading.ReadingModel`.
        edits: upper bounds of what single edits come to.
        gate: the formats.

    """
    ratios = np.stack([_least(channel.rates), _most(edits)])
    classes: dict[str, int] = {"": NOTHING}
    places = np.zeros((len(gate.positions), GATE_CHARACTERS_MAX), dtype=np.int32)
    for row, positions in enumerate(gate.positions):
        for place, characters in enumerate(positions):
            places[row, place] = classes.setdefault(characters, len(classes))
    sums = np.zeros((2, len(classes), KEY_BASE, QUALITIES))
    for characters, place in classes.items():
        codes = [plate_key(character) for character in characters]
        if codes:
            sums[LEAST, place] = ratios[LEAST][:, codes].sum(axis=1)
            sums[MOST, place] = ratios[MOST][:, codes].max(axis=1)
    sums[:, NOTHING] = ratios[:, :, NOTHING]
    sums[:, NOTHING, NOTHING] = 1.0
    best = np.zeros((3, KEY_BASE, QUALITIES))
    best[REPLACED] = ratios[MOST][:, 1:].max(axis=1)
    best[ADDED] = ratios[MOST][:, NOTHING]
    best[LOST, NOTHING] = ratios[MOST][NOTHING].max(axis=0)
    ranked, rest = _ranked(ratios[MOST])
    by_code = np.ones((KEY_BASE, QUALITIES))
    by_code[1:] = right[: KEY_BASE - 1]
    return ReadTables(
        kept(places),
        kept(sums),
        kept(ratios),
        kept(by_code),
        kept(best),
        kept(ranked),
        kept(rest),
        kept(channel.quality),
        kept(_densest(gate)),
    )


def _ranked(most: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    # By the code read, what may have been printed; last, that nothing was, which is no such edit.
    printed = most.copy()
    printed[:, NOTHING] = -1.0
    ranked = np.argsort(-printed.sum(axis=2), axis=1, kind="stable").astype(np.int8)
    ratios = np.take_along_axis(np.maximum(printed, 0.0), ranked[:, :, None], axis=1)
    return ranked, np.maximum.accumulate(ratios[:, ::-1], axis=1)[:, ::-1]


def _densest(gate: Gate) -> NDArray[np.float64]:
    found = np.zeros((GATE_CHARACTERS_MAX + 1, gate.countries))
    for row, positions in enumerate(gate.positions):
        place = (len(positions), int(gate.tables.values[row, COUNTRY]))
        found[place] = max(found[place], gate.tables.values[row, SHARE])
    return found


def _most(edits: EditModel) -> NDArray[np.float64]:
    # By the codes read and printed; twins are no edit.
    codes = KEY_BASE - 1
    found = np.zeros((KEY_BASE, KEY_BASE, QUALITIES))
    found[1:, 1:] = edits.ratios[REPLACED, :codes, :codes]
    found[np.arange(KEY_BASE), np.arange(KEY_BASE)] = 0.0
    found[NOTHING, 1:] = edits.ratios[LOST, :2, :codes].max(axis=0)
    found[1:, NOTHING] = edits.ratios[ADDED, :2, :codes].max(axis=0)
    return found


def _least(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    # Lower bounds, wherever in the plate the edit is.
    right = np.diagonal(rates[:TOKENS, :TOKENS]).T[:PLAIN]
    lost, rate = rates[_ROWS, :PLAIN], rates[_ROWS, RATE]
    stays = 1 - lost
    end = slice(1, PLAIN + 1)
    found = np.zeros((KEY_BASE, KEY_BASE, QUALITIES))
    for seen in range(PLAIN):
        staying = (stays / stays[:, seen, None]).min(axis=0)
        found[seen + 1, end] = rates[:PLAIN, seen] / right[seen] * staying
        found[seen + 1, seen + 1] = 0.0
    found[NOTHING, end] = lost.min(axis=0) * (1 - rate).min(axis=0)
    kept_best = right * stays.max(axis=0) * (1 - rate).max(axis=0)
    found[end, NOTHING] = rate.min(axis=0) * rates[INSERTED, :PLAIN] / kept_best
    edge = (1 - rate[1]) ** 2 / (1 - rate[0]) * ((stays[1] / stays[0]).min(axis=0)) ** 2
    edge = np.minimum(edge, 1.0)
    found *= edge
    found[NOTHING, NOTHING] = edge
    return found


def explained(
    seen: SeenReads, gate: GateTables, tables: ReadTables
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint64]]:
    """Bound what reads may have been, see `kernels.explained`.

    Args:
        seen: the reads.
        gate: the formats.
        tables: what edits come to.

    Returns float64 (n, BOUND_COLUMNS); and the plates that reads may mostly be: int64 (k,), the
    read, and uint64 (k,), the plate's key.

    """
    bounds = np.empty((len(seen.keys), BOUND_COLUMNS))
    columns = SeenReads(
        kept(seen.keys),
        kept(seen.gaps),
        kept(seen.bands),
        kept(seen.claims),
        kept(seen.shares),
        kept(seen.limits),
    )
    work = empty_room()
    room = max(_NAMED_LEAST, len(bounds) * _NAMED_PER_READ)
    while True:
        named = Named(np.empty(room, np.uint64), np.empty(room, np.int64), np.zeros(1, np.int64))
        explained_parts(columns, gate, tables, work, bounds, named)
        count = int(named.found[0])
        if count <= room:
            return bounds, named.reads[:count], named.keys[:count]
        room = count

"""Decoded reads to hits: the engine's own stages up to the match, and nothing after them."""

from collections.abc import Sequence

import msgspec

from anpr_engine.pipeline.batches.rows import plan_rows
from anpr_engine.pipeline.columns import TIERS, plate_text
from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.match import match
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.records.columns import HitColumns, ReadColumns
from anpr_engine.records.hit import Hit
from anpr_engine.watchlist.snapshot import Snapshot


class _Told(msgspec.Struct):
    read_id: str
    camera_id: str
    captured_at: str


_TOLD = msgspec.json.Decoder(_Told)


def matched(reads: ReadColumns, snapshot: Snapshot, rules: StepRules) -> HitColumns:
    """Match one batch; each entry counts for the reads made while it was in force."""
    plates = normalise_plates(reads, rules.characters_min)
    # An entry that ended after the plate was seen still tells what happened then.
    return match(reads, plates, snapshot, rules.match, 0)


def told_hits(
    reads: ReadColumns, hits: HitColumns, snapshot: Snapshot, places: Sequence[int]
) -> tuple[list[Hit], list[bytes]]:
    """Write some hits out, and give each one's own read as JSON.

    Args:
        reads: the batch.
        hits: all of the batch's.
        snapshot: what was matched against.
        places: which of the hits, in the order wanted.

    """
    rows = hits.read[list(places)].tolist()
    plan_rows(reads.values, rows)
    values = [reads.values[row] for row in rows]
    told = [
        _hit(reads, hits, place, snapshot, value)
        for place, value in zip(places, values, strict=True)
    ]
    return told, values


def _hit(reads: ReadColumns, hits: HitColumns, place: int, snapshot: Snapshot, value: bytes) -> Hit:
    told = _TOLD.decode(value)
    entry = snapshot.entry(int(hits.entry[place]), recent=bool(hits.recent[place]))
    return Hit(
        read_id=told.read_id,
        camera_id=told.camera_id,
        captured_at=told.captured_at,
        plate=plate_text(reads, int(hits.read[place])),
        watchlist_plate=entry.plate,
        entry_id=entry.entry_id,
        list_id=entry.list_id,
        category=entry.category.value,
        probability=round(float(hits.probability[place]), 6),
        tier=TIERS[int(hits.tier[place])].value,
        edits=int(hits.edits[place]),
    )

"""A batch of records to columns: one JSON read each, or many in one of several forms.

A bad line or row is refused by itself. A record that cannot be opened has one row, refused: so
every record gives reads or a dead letter, and nothing is lost in silence.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from anpr_engine.logs import get_logger
from anpr_engine.pipeline.batches.arrow_stream import NOT_INSTALLED
from anpr_engine.pipeline.batches.avro import avro_reads
from anpr_engine.pipeline.batches.forms import ARROW, AVRO, JSON, LINES, Forms, forms_of
from anpr_engine.pipeline.batches.lines import text_reads
from anpr_engine.pipeline.batches.merge import merged, refused_records
from anpr_engine.pipeline.batches.rules import RecordRefused, RecordRules, too_many
from anpr_engine.pipeline.crew import ALONE, Crew
from anpr_engine.pipeline.decode import decode_rows
from anpr_engine.ports import RecordValues, Texts
from anpr_engine.records.columns import ReadColumns, Reject
from anpr_engine.records.rejected_read import RejectReason
from anpr_engine.wire import Header


class Incoming(Texts):
    """The values of one poll's records, and the headers of those that may hold many reads."""

    __slots__ = ("headers", "values")

    def __init__(self, values: Sequence[bytes], headers: Mapping[int, tuple[Header, ...]]) -> None:
        """Take both as a batch gives them; headers by row."""
        self.values, self.headers = values, headers

    def __len__(self) -> int:
        """Count the records."""
        return len(self.values)

    def text(self, row: int) -> bytes:
        """Give the value of a record."""
        return self.values[row]

    def __iter__(self) -> Iterator[bytes]:
        """Give value after value."""
        return iter(self.values)


def reads_in(
    values: Sequence[bytes], rules: RecordRules, latest_us: int, crew: Crew = ALONE
) -> ReadColumns:
    """Decode a batch of records, whatever form each has.

    Args:
        values: the records' values; `Incoming` where headers may tell the form.
        rules: what is accepted in a record of many reads.
        latest_us: see `decode.decode`.
        crew: who shares the work.

    """
    headers: Mapping[int, tuple[Header, ...]] = {}
    if isinstance(values, Incoming):
        headers, values = values.headers, values.values
    packed = RecordValues.of(values)
    forms = forms_of(packed, headers)
    if forms is None:
        return decode_rows(packed, values, latest_us, crew=crew)
    return _parts(packed, forms, (rules, latest_us), crew)


def _parts(
    values: RecordValues, forms: Forms, by: tuple[RecordRules, int], crew: Crew
) -> ReadColumns:
    rules, latest_us = by
    kind = forms.kind.copy()
    rejects = _impossible(values, kind, rules)
    kind[[reject.row for reject in rejects]] = _REFUSED
    parts: list[ReadColumns] = []
    if np.any((kind == JSON) | (kind == LINES)):
        part, over = text_reads(values, kind, rules.reads_max, latest_us, crew)
        parts.append(part)
        rejects += [_refused(row, too_many(rules.reads_max)) for row in over.tolist()]
    avro = np.flatnonzero(kind == AVRO)
    if len(avro):
        found, refused = avro_reads(values, avro, forms.schema_ids, by, crew)
        parts += found
        rejects += refused
    arrow = np.flatnonzero(kind == ARROW)
    if len(arrow):
        found, refused = _arrow_reads(values, arrow, by, crew)
        parts += found
        rejects += refused
    if rejects:
        parts.append(refused_records(rejects, values))
    return merged(parts)


_REFUSED = 255


def _impossible(values: RecordValues, kind: NDArray[np.uint8], rules: RecordRules) -> list[Reject]:
    size = np.diff(values.bounds)
    rejects = [
        Reject(row, RejectReason.EMPTY, "the record holds nothing")
        for row in np.flatnonzero((kind != JSON) & (size == 0)).tolist()
    ]
    return rejects + [
        Reject(row, RejectReason.OVERSIZED, f"over {rules.bytes_max} bytes")
        for row in np.flatnonzero((kind != JSON) & (size > rules.bytes_max)).tolist()
    ]


def _refused(row: int, why: RecordRefused) -> Reject:
    return Reject(row, why.reason, why.detail)


@lru_cache(maxsize=1)
def arrow_door() -> ModuleType | None:
    """Load what knows Arrow; None, and one log line, where pyarrow is not installed."""
    # Loaded when the first Arrow record comes, not before: it takes a tenth of a second.
    try:
        return importlib.import_module("anpr_engine.pipeline.batches.arrow_records")
    except ModuleNotFoundError:
        get_logger().warning("arrow_not_installed", remedy="pip install 'anpr-engine[parquet]'")
        return None


def _arrow_reads(
    values: RecordValues, rows: NDArray[np.intp], by: tuple[RecordRules, int], crew: Crew
) -> tuple[list[ReadColumns], list[Reject]]:
    door = arrow_door()
    if door is None:
        return [], [Reject(row, *NOT_INSTALLED) for row in rows.tolist()]
    found: tuple[list[ReadColumns], list[Reject]]
    found = door.arrow_reads(values, rows, *by, crew)
    return found

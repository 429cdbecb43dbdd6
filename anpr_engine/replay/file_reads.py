"""The reads of units of files: row groups of Parquet, pieces of JSON lines, standard input."""

from collections.abc import Callable, Generator, Iterator

from anpr_engine.replay.json_lines import line_portions
from anpr_engine.replay.sources import TABLE_READS, arrow_door
from anpr_engine.replay.units import PARQUET, Lane, Portion, Unit


class FileReads:
    """`units.Source` over files."""

    def portions(
        self, lane: Lane, stop: Callable[[], bool]
    ) -> Generator[tuple[Unit, Portion], None, None]:
        """Give the portions of a lane's units in order.

        Raises:
            InputFileError: a file cannot be read, or holds no reads.

        """
        for unit in lane:
            yield unit, Portion(None, 0)
            for portion in _of_row_groups(unit) if unit.kind == PARQUET else line_portions(unit):
                if stop():
                    return
                yield unit, portion


def _of_row_groups(unit: Unit) -> Iterator[Portion]:
    door = arrow_door()
    groups = range(unit.begin, unit.end)
    reads = sum(door.row_group_reads(unit.name)[unit.begin : unit.end])
    for count, take in door.sized_columns(unit.name, TABLE_READS, groups):
        yield Portion(take, unit.weight * count // max(reads, 1))

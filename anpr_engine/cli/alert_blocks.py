"""Which blocks a terminal has shown: alerts of one vehicle on several lists are one for a room.

Records of one read come by several topics in any order, and the alert that goes abroad names none
that stays at home. So a block is left out, or shortened, by what was shown before it.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from anpr_engine.records.alert import Alert

BLOCKS_MAX = 10_000
"""Blocks remembered."""


class Told(Enum):
    """How an alert is shown."""

    WHOLE = "a block of its own"
    ADDED = "a block that adds to one before it, and repeats nothing of it"
    BEFORE = "not again: a block before it told of its list, too"


class Showing(NamedTuple):
    """How an alert is shown; the alert it adds to, and whom it names that was not told of yet."""

    told: Told
    before: Alert | None = None
    new: Collection[str] = ()


class _Block(NamedTuple):
    alert: Alert
    key_id: str
    named: frozenset[str]
    told: frozenset[str]


@dataclass(slots=True)
class ShownBlocks:
    """The last blocks that were shown, by alert id; `most` of them."""

    most: int = BLOCKS_MAX
    _blocks: OrderedDict[str, _Block] = field(default_factory=OrderedDict[str, _Block], init=False)
    _named_by: dict[str, str] = field(default_factory=dict[str, str], init=False)

    def place(self, alert: Alert, key_id: str, *, was_sealed: bool) -> Showing:
        """Say how an alert is shown beside those before it, and remember it.

        Args:
            alert: as it is shown; sealed fields in place where they could be opened.
            key_id: of the key that signed it; empty where nobody did, or nobody looked.
            was_sealed: others say no more of it than is open, so it is shown in any case.

        Nothing is left out because of an alert that somebody else may have written: both are
        signed by one key, or nobody's and name each other.

        """
        named = frozenset(each.alert_id for each in alert.also or ())
        told = named | {alert.alert_id}
        before = self._before(alert, named)
        if before is None:
            self._remember(_Block(alert, key_id, named, told))
            return Showing(Told.WHOLE)
        vouched = key_id == before.key_id and (bool(key_id) or before.alert.alert_id in named)
        if vouched and alert.alert_id in before.named and not was_sealed:
            return Showing(Told.BEFORE)
        self._remember(_Block(alert, key_id, named, told | before.told))
        return Showing(Told.ADDED, before.alert, named - before.told)

    def _before(self, alert: Alert, named: frozenset[str]) -> _Block | None:
        namer = self._named_by.get(alert.alert_id)
        for other in (*([namer] if namer else ()), *sorted(named)):
            block = self._blocks.get(other)
            if block is not None and _is_one_read(block.alert, alert):
                return block
        return None

    def _remember(self, block: _Block) -> None:
        self._blocks[block.alert.alert_id] = block
        for other in block.named:
            self._named_by.setdefault(other, block.alert.alert_id)
        if len(self._blocks) > self.most:
            _, oldest = self._blocks.popitem(last=False)
            for other in oldest.named:
                if self._named_by.get(other) == oldest.alert.alert_id:
                    del self._named_by[other]


def _is_one_read(one: Alert, other: Alert) -> bool:
    return (one.site, one.read.read_id) == (other.site, other.read.read_id)

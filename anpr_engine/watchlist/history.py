"""The history of the lists: one record a version, with who, why, and what stood there before.

Why: the stream of changes is there for followers and is cut off after a fixed number of changes;
this one is cut off by age alone. It holds an entry as it was before a change and not as it became,
for that stands in the next record or in the store itself: so a list of a million entries that is
new costs its ids, and the state at any time is had by going back from today's.

A record is written in the transaction of its version, so that neither is ever without the other.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from anpr_engine.errors import StoreError
from anpr_engine.watchlist.acts import Act
from anpr_engine.watchlist.edits import Planned
from anpr_engine.watchlist.manifest import HistorySeal, Manifest, unreadable
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import HISTORY
from anpr_engine.watchlist.stored import StoredEntry

RECORDS_A_PAGE = 64
_FASTEST = 1
DAY_US = 86_400_000_000


class HistoryRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry that changed; `before` is None for one that was new."""

    list_id: str
    entry_id: str
    put: bool
    before: StoredEntry | None

    @property
    def what(self) -> "Happened":
        """Say what happened to the entry."""
        if not self.put:
            return Happened.REMOVED
        return Happened.ADDED if self.before is None else Happened.CHANGED


class Happened(StrEnum):
    """What happened to one entry."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class HistoryHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who made one version, when and why; the fields are those of `Act`, and sums."""

    at_us: int
    token: str
    kind: str
    by: str = ""
    reason: str = ""
    purpose: str = ""
    case_ref: str = ""
    operation: str = ""
    proposal: str = ""
    approved_by: str = ""
    part: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One version: its head, the lists it touched, and its rows, unpacked when asked for.

    texts: head, lists and rows as they are stored. seal: None where it is not signed.
    """

    version: int
    head: HistoryHead
    lists: tuple[str, ...]
    texts: tuple[bytes, bytes, bytes]
    seal: HistorySeal | None = None

    @property
    def at(self) -> datetime:
        """When it was written."""
        return datetime.fromtimestamp(self.head.at_us / 1e6, UTC)

    def rows(self) -> list[HistoryRow]:
        """Give what changed; raises `StoreError` where it cannot be read."""
        try:
            return _ROWS.decode(zlib.decompress(self.texts[2]))
        except (zlib.error, msgspec.MsgspecError):
            raise _unreadable(self.version) from None


def _unreadable(version: int | str) -> StoreError:
    return unreadable(f"the record of version {version} in the history")


_ENCODER = msgspec.json.Encoder()
_HEADS = msgspec.json.Decoder(HistoryHead)
_LISTS = msgspec.json.Decoder(tuple[str, ...])
_SEALS = msgspec.json.Decoder(HistorySeal)
_ROWS = msgspec.json.Decoder(list[HistoryRow])


def history_texts(act: Act, planned: Planned, after: Manifest) -> tuple[bytes, bytes, bytes]:
    """Write the head, lists and rows of one version's record.

    Args:
        act: who does it.
        planned: what changes.
        after: the manifest of the version it makes.

    """
    token, now_us = after.token, after.changed_at_us
    head = HistoryHead(
        *(now_us, token, act.kind.value, act.by, act.reason, act.purpose, act.case_ref),
        *(act.operation, act.proposal, act.approved_by, act.part),
        *(planned.added, planned.changed, planned.removed),
    )
    changed = zip(planned.changes, planned.before, strict=True)
    rows = [
        (edit.list_id, edit.entry_id, edit.tail is not None, row and msgspec.Raw(row))
        for (edit, _), row in changed
    ]
    lists = sorted(planned.counts)
    packed = zlib.compress(_ENCODER.encode(rows), _FASTEST)
    return _ENCODER.encode(head), _ENCODER.encode(lists), packed


def history_fields(
    texts: tuple[bytes, bytes, bytes], seal: HistorySeal | None
) -> list[str | bytes]:
    """Write a record as fields and values, for XADD."""
    signed = () if seal is None else ("seal", _ENCODER.encode(seal))
    head, lists, rows = texts
    return ["head", head, "lists", lists, "rows", rows, *signed]


def read_history(reply: Sequence[Any]) -> HistoryRecord:
    """Read one record as XRANGE gives it; raises `StoreError` where it cannot be read."""
    identity, pairs = reply
    found = dict(zip(pairs[::2], pairs[1::2], strict=True))
    try:
        texts = found[b"head"], found[b"lists"], found[b"rows"]
        return HistoryRecord(
            int(identity.partition(b"-")[0]),
            _HEADS.decode(texts[0]),
            _LISTS.decode(texts[1]),
            texts,
            _SEALS.decode(found[b"seal"]) if b"seal" in found else None,
        )
    except (KeyError, ValueError, msgspec.MsgspecError):
        raise _unreadable(identity.decode("ascii", "replace")) from None


class History:
    """Reads and cuts the history over one session; methods raise `StoreError`."""

    def __init__(self, session: RedisSession) -> None:
        """Read over a session, which stays the caller's to close."""
        self._session = session

    def newest_first(self, until: int | None = None) -> Iterator[HistoryRecord]:
        """Give the records from a version, or the newest, back to the oldest that is kept."""
        end = "+" if until is None else f"{until}-0"
        while True:
            ask = ("XREVRANGE", HISTORY.name, end, "-", "COUNT", RECORDS_A_PAGE)
            page = [read_history(each) for each in self._session.ask(*ask)]
            yield from page
            if len(page) < RECORDS_A_PAGE:
                return
            end = f"({page[-1].version}-0"

    def oldest_first(self, after: int = 0) -> Iterator[HistoryRecord]:
        """Give the records after a version, in order."""
        while True:
            ask = ("XRANGE", HISTORY.name, f"{after + 1}-0", "+", "COUNT", RECORDS_A_PAGE)
            page = [read_history(each) for each in self._session.ask(*ask)]
            yield from page
            if len(page) < RECORDS_A_PAGE:
                return
            after = page[-1].version

    def oldest(self) -> HistoryRecord | None:
        """Give the oldest record that is kept; None where there is none."""
        found = self._session.ask("XRANGE", HISTORY.name, "-", "+", "COUNT", 1)
        return read_history(found[0]) if found else None

    def purge(self, now_us: int, days: float) -> int:
        """Take out what is older than so many days; gives how many records went."""
        keep_from_us = now_us - int(days * DAY_US)
        oldest = self.oldest()
        if oldest is None or oldest.head.at_us >= keep_from_us:
            return 0
        keep_from = oldest.version
        for record in self.oldest_first():
            if record.head.at_us >= keep_from_us:
                break
            keep_from = record.version + 1
        return int(self._session.ask("XTRIM", HISTORY.name, "MINID", f"{keep_from}-0"))

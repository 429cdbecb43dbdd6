"""Which changes of the lists one person may make, and which wait for a second one.

Why withdrawal never waits: an entry that should not be there may stop an innocent driver every
minute; whoever withdraws one says who and why, and both stay in the history.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice

import msgspec

from anpr_engine.errors import PolicyRefused
from anpr_engine.ports import Clock
from anpr_engine.records.watchlist_entry import OWN, WatchlistEntry
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.edits import Edit, EditMaker, plan, rows_asked
from anpr_engine.watchlist.history import History
from anpr_engine.watchlist.listed_row import ListedRow
from anpr_engine.watchlist.manifest import read_definition
from anpr_engine.watchlist.proposals import (
    REQUESTS,
    Asked,
    Decision,
    Proposal,
    ProposalKind,
    Proposals,
    ProposalState,
)
from anpr_engine.watchlist.proposed import packed, unpacked
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import GUARDED, LISTS
from anpr_engine.watchlist.redis_reader import StoreReader, read_entry
from anpr_engine.watchlist.redis_writer import CHUNK_ROWS, WINDOW_ROWS, StoreWriter, WriteTally


class Approval(StrEnum):
    """Which changes wait for a second person: none, those seen abroad, all."""

    NONE = "none"
    ABROAD = "abroad"
    ALL = "all"


class Leave(StrEnum):
    """Which looks need a second person's leave, each time: none, replays of reads, all."""

    NONE = "none"
    REPLAY = "replay"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """A site's rule; `hours` is how long a proposal stays open."""

    when: Approval = Approval.NONE
    hours: float = 72.0


class Guards:
    """Knows the lists of which every change waits, whatever the site's rule."""

    def __init__(self, session: RedisSession, clock: Clock) -> None:
        """Work over a session, which stays the caller's to close."""
        self._session = session
        self._clock = clock

    def put(self, list_id: str, by: str) -> None:
        """Have a list's changes wait from now on."""
        at = datetime.fromtimestamp(self._clock.now_us() // 1_000_000, UTC).isoformat()
        text = msgspec.json.encode({"by": by, "at": at})
        self._session.ask("HSETNX", GUARDED.name, list_id, text)

    def remove(self, list_id: str) -> None:
        """Have a list's changes wait no longer, unless the site's rule says so."""
        self._session.ask("HDEL", GUARDED.name, list_id)

    def lists(self) -> set[str]:
        """Name the lists of which every change waits."""
        return {name.decode(errors="replace") for name in self._session.ask("HKEYS", GUARDED.name)}


class GuardedWriter:
    """Writes to one list what one person may, and gathers the rest for a proposal."""

    def __init__(
        self,
        session: RedisSession,
        site: str,
        clock: Clock,
        act: Act,
        *,
        rule: Approval = Approval.NONE,
    ) -> None:
        """Write over a session, which stays the caller's to close; `rule` is the list's own."""
        self._session = session
        self._site = site
        self._clock = clock
        self._act = act
        self._rule = rule
        self._writer = StoreWriter(session, site, clock, act)
        self._reader = StoreReader(session)
        self._edits = EditMaker(site)
        self._waiting: list[Edit] = []
        self._chunks: list[bytes] = []
        self._sums = [0, 0, 0]

    @property
    def waiting(self) -> int:
        """Count the changes that wait."""
        return sum(self._sums)

    def put(self, entries: Iterable[WatchlistEntry | ListedRow]) -> WriteTally:
        """Add or change entries, or gather that."""
        if self._rule is Approval.NONE:
            return self._writer.put(entries)
        return self._sort_out(self._edits.put(entry) for entry in entries)

    def remove(self, identities: Iterable[tuple[str, str]]) -> WriteTally:
        """Remove entries by list id and entry id, or gather that; widening nothing, it is free."""
        if self._rule is not Approval.ALL:
            return self._writer.remove(identities)
        return self._sort_out(self._edits.removal(*identity) for identity in identities)

    def submit(self, list_id: str, hours: float) -> Proposal | None:
        """Make a proposal of what was gathered; None where nothing was."""
        if self._waiting:
            self._pack(len(self._waiting))
        if not self._chunks:
            return None
        added, changed, removed = self._sums
        kind = ProposalKind.LISTING if added or changed else ProposalKind.REMOVAL
        if self._rule is Approval.ABROAD:
            kind = ProposalKind.WIDENING
        asked = Asked(kind, self._site, list_id, hours, (added, changed, removed))
        return Proposals(self._session, self._clock).submit(asked, self._act, self._chunks)

    def _sort_out(self, edits: Iterator[Edit]) -> WriteTally:
        tally = WriteTally()
        while window := list(islice(edits, WINDOW_ROWS)):
            latest = {edit.field: edit for edit in window}
            ordered = sorted(latest.values(), key=lambda edit: edit.bucket)
            self._check_lists({edit.list_id for edit in ordered})
            rows = self._rows(ordered)
            wait = [self._waits(edit, row) for edit, row in zip(ordered, rows, strict=True)]
            held = [each for each, waits in zip(ordered, wait, strict=True) if waits]
            held_rows = [each for each, waits in zip(rows, wait, strict=True) if waits]
            tally.unchanged += self._gather(held, held_rows)
            free = [each for each, waits in zip(ordered, wait, strict=True) if not waits]
            tally.add_other(self._writer.apply(free))
        return tally

    def _waits(self, edit: Edit, row: bytes | None) -> bool:
        if self._rule is Approval.ALL or edit.shared is None:
            return self._rule is Approval.ALL
        wanted = _sites(edit.shared.profile.sharing)
        if not wanted or row is None:
            return bool(wanted)
        digest = read_entry(row).profile
        return not wanted <= _sites(self._reader.profiles([digest])[digest].sharing)

    def _gather(self, edits: list[Edit], rows: list[bytes | None]) -> int:
        planned = plan(edits, rows)
        sums = (planned.added, planned.changed, planned.removed)
        self._sums = [old + new for old, new in zip(self._sums, sums, strict=True)]
        self._waiting.extend(edit for edit, _ in planned.changes)
        while len(self._waiting) >= CHUNK_ROWS:
            self._pack(CHUNK_ROWS)
        return planned.unchanged

    def _pack(self, count: int) -> None:
        self._chunks.append(packed(self._waiting[:count]))
        del self._waiting[:count]

    def _rows(self, edits: list[Edit]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for first in range(0, len(edits), CHUNK_ROWS):
            chunk = edits[first : first + CHUNK_ROWS]
            replies = self._session.ask_all(rows_asked(chunk))
            found.extend(row for reply in replies for row in reply)
        return found

    def _check_lists(self, list_ids: set[str]) -> None:
        texts = self._session.ask("HMGET", LISTS.name, *sorted(list_ids))
        for definition in [read_definition(text) for text in texts if text is not None]:
            if definition.provider != self._site:
                what = f"List {definition.list_id} is provided by site {definition.provider}."
                raise PolicyRefused(what, "Ask that site, or use another list id.")


def _sites(sharing: str) -> frozenset[str]:
    return frozenset() if sharing == OWN else frozenset(sharing.split(","))


def approve(
    session: RedisSession, clock: Clock, proposal_id: str, decision: Decision
) -> tuple[Proposal, WriteTally]:
    """Let a proposal through and put it in force, or go on where that was interrupted.

    Raises:
        PolicyRefused: the same person, another digest, or no open proposal.
        StoreError: its changes are not those that were proposed, or Redis fails.

    """
    proposals = Proposals(session, clock)
    proposal = proposals.one(proposal_id)
    waits = proposal.state in {ProposalState.OPEN, ProposalState.APPLYING}
    chunks = proposals.chunks(proposal) if waits and proposal.chunks else []
    manifest = StoreReader(session).manifest()
    proposal = proposals.claim(proposal_id, decision, manifest.version if manifest else 0)
    tally = WriteTally()
    if proposal.kind is ProposalKind.UNGUARDING:
        Guards(session, clock).remove(proposal.list_id)
    elif proposal.kind not in REQUESTS:
        done = _parts_done(session, proposal)
        for part, chunk in enumerate(chunks):
            if part not in done:
                act = _act_of(proposal, part)
                writer = StoreWriter(session, proposal.site, clock, act)
                tally.add_other(writer.apply(unpacked(chunk)))
    return proposals.finish(proposal), tally


def _parts_done(session: RedisSession, proposal: Proposal) -> set[int]:
    since = History(session).oldest_first(proposal.from_version)
    return {each.head.part for each in since if each.head.proposal == proposal.proposal_id}


def _act_of(proposal: Proposal, part: int) -> Act:
    return Act(
        ActKind(proposal.act),
        by=proposal.by,
        reason=proposal.reason,
        purpose=proposal.purpose,
        case_ref=proposal.case_ref,
        operation=proposal.proposal_id,
        proposal=proposal.proposal_id,
        approved_by=proposal.decided_by,
        part=part,
    )

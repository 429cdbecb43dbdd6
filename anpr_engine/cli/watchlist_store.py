"""A site's watchlists, open for one act of one person, and a change of a list on its way."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from anpr_engine.cli.watchlist_record import ListRecord, Noted
from anpr_engine.cli.watchlist_site import ListSite, act_of, list_site, require_by
from anpr_engine.clock import SystemClock
from anpr_engine.ports import Clock
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.approval import Approval, GuardedWriter, Guards
from anpr_engine.watchlist.proposals import Proposal
from anpr_engine.watchlist.purge import forget_older
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter, WriteTally


@dataclass(frozen=True, slots=True)
class Store:
    """A site's watchlists, open for one act: for reading, writing and the record."""

    settings: ListSite
    act: Act
    reader: StoreReader
    session: RedisSession
    clock: Clock
    record: ListRecord

    @property
    def site(self) -> str:
        """The site whose lists these are; empty where nobody said."""
        return self.settings.site

    @property
    def writer(self) -> StoreWriter:
        """Write in this act's name, with no second person asked."""
        return StoreWriter(self.session, self.site, self.clock, self.act)


@contextmanager
def open_store(
    given: Mapping[str, Any], *, writing: bool = True, kind: ActKind = ActKind.OTHER
) -> Iterator[Store]:
    """Open the store that the options name; for reading alone the site need not be known.

    Raises:
        UsageError: an option is missing.
        ConfigError: the file given with `--config` is wrong.

    """
    settings, act = list_site(given, writing=writing), act_of(given, kind)
    session = RedisSession(settings.redis_url, sealer=settings.sealer, trust=settings.trust)
    with session:
        record = ListRecord(settings, act)
        yield Store(settings, act, StoreReader(session), session, SystemClock(), record)


@dataclass(slots=True)
class Change:
    """One change of a list on its way: at once, or as a proposal, which `close` makes."""

    store: Store
    list_id: str
    writer: GuardedWriter
    proposal: Proposal | None = None

    @property
    def waits(self) -> str:
        """Say what became of changes that wait; empty where none does."""
        if self.proposal is None:
            return ""
        return f"{self.writer.waiting} changes wait for approval: {self.proposal.proposal_id}"

    def close(self, tally: WriteTally) -> None:
        """Submit what waits, write the record, and forget history that is too old."""
        store, kind = self.store, self.store.act.kind.value
        self.proposal = self.writer.submit(self.list_id, store.settings.rule.hours)
        count = tally.added + tally.changed + tally.removed
        subject = f"{kind}: {tally.added} added, {tally.changed} changed, {tally.removed} removed"
        if self.proposal is not None:
            subject = f"{subject}; {self.writer.waiting} wait as {self.proposal.proposal_id}"
        store.record.done(
            Noted(AuditAction.WATCHLIST_CHANGED, subject, self.list_id, "", count, tally.version)
        )
        forget_older(store.session, store.clock, store.settings.history_days)


def begin_change(store: Store, given: Mapping[str, Any]) -> Change:
    """Begin to change a list: who does it is known, and the record can be written.

    Raises:
        UsageError: changes wait for a second person, and nobody says who the first one is.
        PolicyRefused: no record can be written where one has to be.

    """
    list_id, guards = given["list_id"], Guards(store.session, store.clock)
    guarded = list_id in guards.lists()
    rule = Approval.ALL if guarded or given.get("needs_approval") else store.settings.rule.when
    if rule is not Approval.NONE:
        require_by(given, "changes of this list wait for a second person")
    subject = f"{store.act.kind.value}: begun"
    store.record.begin(Noted(AuditAction.WATCHLIST_CHANGED, subject, list_id))
    if given.get("needs_approval") and not guarded:
        guards.put(list_id, store.act.by)
    writer = GuardedWriter(store.session, store.site, store.clock, store.act, rule=rule)
    return Change(store, list_id, writer)

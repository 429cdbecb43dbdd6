"""Writes what is done to the lists, and who looks at them, into the site's record.

Why twice where the record is required: the first line says what somebody is about to do, so that
nothing can be done that is not in the record; the second how many entries it came to. Where it is
not required there is the second line alone, and a record that cannot be written is told.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from anpr_engine.cli.desk import record_act
from anpr_engine.cli.watchlist_site import ListSite
from anpr_engine.errors import BrokerError, PolicyRefused
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.watchlist.acts import Act

SUBJECT_MAX = 256


@dataclass(frozen=True, slots=True)
class Noted:
    """What an act was about; `rows` is how many entries it changed or showed."""

    action: AuditAction
    subject: str
    list_id: str = ""
    entry_id: str = ""
    rows: int | None = None
    version: int = 0


class ListRecord:
    """The record of one act at one site."""

    def __init__(self, site: ListSite, act: Act) -> None:
        """Prepare without speaking to anybody."""
        self._site = site
        self._act = act

    def begin(self, noted: Noted) -> None:
        """Write what is about to be done, where nothing may be done without.

        Raises:
            PolicyRefused: no record can be written where one has to be.
            BrokerError: it cannot be written.

        """
        if not self._site.audit_required:
            return
        if self._site.log is None or not self._site.site:
            what = "This site asks for a record of every act on the lists, and has none to write."
            raise PolicyRefused(f"{what} Nothing was done.", "Give --kafka and --site.")
        self._write(noted)

    def done(self, noted: Noted) -> None:
        """Write what was done.

        Raises:
            BrokerError: it has to be written, and cannot be.

        """
        if self._site.log is None or not self._site.site:
            return
        try:
            self._write(noted)
        except BrokerError as error:
            if self._site.audit_required:
                raise
            click.echo(f"anpr: warning: done, but not in the record: {error.what}", err=True)

    def shown(self, noted: Noted) -> None:
        """Write who is about to see what.

        Raises:
            PolicyRefused: no record can be written where one has to be.
            BrokerError: it has to be written, and cannot be.

        """
        if self._site.audit_required:
            self.begin(noted)
        else:
            self.done(noted)

    def _write(self, noted: Noted) -> None:
        if self._site.log is not None:
            record_act(self._site.log, self.event(noted))

    def event(self, noted: Noted) -> AuditEvent:
        """Make the line of the record that says what was done."""
        why = f"; reason: {self._act.reason}" if self._act.reason else ""
        return AuditEvent(
            event_id=uuid.uuid4().hex,
            occurred_at=datetime.now(UTC),
            site=self._site.site,
            actor=self._act.by[:128],
            action=noted.action,
            purpose=self._act.purpose,
            case_ref=self._act.case_ref,
            list_id=noted.list_id,
            entry_id=noted.entry_id,
            rows=noted.rows,
            watchlist_version=noted.version,
            subject=f"{noted.subject}{why}"[:SUBJECT_MAX],
        )

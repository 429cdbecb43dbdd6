"""The record of a site that asks another one: of each vehicle who asked, for which case, whom."""

import uuid
from collections.abc import Mapping
from typing import Any

import click

from anpr_engine.cli.audit_source import UNUSED_REDIS
from anpr_engine.cli.desk import record_acts
from anpr_engine.cli.watchlist_site import list_site
from anpr_engine.errors import PolicyRefused
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.records.questions import Questions


class AskerRecord:
    """Writes questions into the record of the site that asks them."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        """Find the site and its record.

        Raises:
            PolicyRefused: the site asks for a record, and has none to write.
            ConfigError: a setting is wrong.

        """
        place = list_site({**given, "redis_url": given["redis_url"] or UNUSED_REDIS}, writing=False)
        self.site, self._log = place.site, place.log
        if self._log is None and place.audit_required:
            what = "This site asks for a record of every look-up, and has none to write."
            raise PolicyRefused(f"{what} Nothing was asked.", "Give --kafka and --site.")

    def write(self, message: Questions) -> None:
        """Write a line for each question; raises `BrokerError` where that cannot be."""
        if self._log is None:
            click.echo("anpr: no --kafka: these questions are in no record here", err=True)
            return
        record_acts(self._log, [self._line(message, at) for at in range(len(message.questions))])

    def _line(self, message: Questions, at: int) -> AuditEvent:
        question = message.questions[at]
        return AuditEvent(
            event_id=uuid.uuid4().hex,
            occurred_at=message.created_at,
            site=self.site,
            actor=question.official,
            action=AuditAction.DATA_LOOKED_UP,
            purpose=message.purpose,
            case_ref=question.case_ref,
            target=question.pseudonym,
            subject=f"hit/no-hit: asked in questions {message.message_id}",
            given_to=[message.receiver],
        )

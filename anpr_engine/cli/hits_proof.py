"""What a desk makes of signatures on events and reports: what counts, and what is said of it."""

from dataclasses import dataclass, field

import click

from anpr_engine.audit.message_proof import Doubt, MessageChecker
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.records.messages import ReportB
from anpr_engine.wire import json_bytes


def tell_refused(doubt: Doubt) -> None:
    """Name a record that counts for nothing by its place; of what else is unsigned views tell."""
    if not doubt.heeded:
        click.echo(f"anpr: {doubt}", err=True)


@dataclass(slots=True)
class Proofs:
    """Weighs what a desk reads; `states` holds what each event's signature is worth.

    By the whole event: somebody may lay another one under its id.
    """

    checker: MessageChecker = field(default_factory=lambda: MessageChecker({}))
    states: dict[bytes, str] = field(default_factory=dict[bytes, str])

    def event_counts(self, event: HandlingEvent, site: str, record: TailedRecord) -> bool:
        """Say whether an event on a site's topic counts."""
        found = self.checker.weigh(event, site, record)
        if found.state and found.heeded:
            # The same event signed once is signed, in whatever order its copies come.
            name = json_bytes(event)
            signed = "signed" in (found.state, self.states.get(name))
            self.states[name] = "signed" if signed else found.state
        return found.heeded

    def state_of(self, event: HandlingEvent) -> str:
        """Say `signed` or `unsigned`; empty where nobody looked."""
        return self.states.get(json_bytes(event), "")

    def report_counts(self, report: ReportB, record: TailedRecord) -> bool:
        """Say whether a report to this site counts."""
        return self.checker.heeds(report, report.provider, record)

    def tell_unsigned(self) -> None:
        """Say how many events counted that nobody signed."""
        count = sum(state == "unsigned" for state in self.states.values())
        if count:
            click.echo(f"anpr: {count} events are unsigned: nobody vouches for them", err=True)

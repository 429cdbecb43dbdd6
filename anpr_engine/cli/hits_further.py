"""One person's request to use one hit for more than to act on it, and what the record says of it.

The other country is whose list it is; where that is ours, whose cameras saw the vehicle. A consent
is a line of the site's own chain, by alert, use and receiver, with its end and who signed it.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import click
from pydantic import ValidationError

from anpr_engine.audit.chain import chain_name, chain_start
from anpr_engine.cli.hits_deed import About, Clerk
from anpr_engine.cli.hits_options import HitOptions, require_reasons
from anpr_engine.kafka.audit_desk import Deed
from anpr_engine.policy.case import Case, FurtherUse
from anpr_engine.policy.decide import examine
from anpr_engine.policy.handling_records import subject_of_alert
from anpr_engine.policy.rules import Rule
from anpr_engine.policy.rulings import NOT_PERMITTED
from anpr_engine.policy.vocabulary import FURTHER
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.records.consent import FurtherUseName
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring import settings_of
from anpr_engine.wiring_policy import policies_of

SIGNED, UNSIGNED = "consent.signed", "consent.unsigned"
"""Reasons of a line by which a consent is recorded: whether its site signed it."""


class Known(NamedTuple):
    """A consent on record, and what it is worth now, in the words of a policy case."""

    event: AuditEvent | None
    state: Any


class Answer(NamedTuple):
    """What the rules say of a further use: whether it may be, by which, in the policy's version."""

    permitted: bool
    rules: tuple[Rule, ...]
    version: str

    @property
    def names(self) -> list[str]:
        """Give the ids of the rules, or what stands for one where none speaks."""
        return [rule.id for rule in self.rules] or [NOT_PERMITTED]


class Further:
    """One person's request about one alert."""

    def __init__(self, options: HitOptions, alert_id: str) -> None:
        """Find the alert, and hold the reasons that were given against it.

        Raises:
            AnprError: there is none, or it may not be asked about.

        """
        self.desk = options.desk()
        self.settings = settings_of(options.config, options.where())
        self.alert = self.desk.alert(alert_id)
        require_reasons(options, self.alert)
        id_ = subject_of_alert(self.alert)
        self._about = About(id_, self.alert.site, self.alert.category, self.alert)
        self._clerk = Clerk(self.desk, options)
        self._provider = id_.provider
        ours = self._provider == self.desk.site
        self.other = self.alert.site if ours else self._provider
        self.own = self.other == self.desk.site

    def write(self, action: AuditAction, use: str, to: str, why: str, **more: object) -> AuditEvent:
        """Write a line of the record; gives it as it was sent."""
        told: dict[str, object] = {"action": action, "given_to": [to], "reasons": [reason_of(use)]}
        act = self._clerk.act(self._about, f"{use}: {why}"[:256], **told | more)
        self._clerk.write(lambda: Deed((), act))
        return AuditEvent.model_validate_json(act[0])

    def decided(self, use: FurtherUseName, known: Known) -> Answer:
        """Ask the rules in force."""
        policies = policies_of(self.settings.policy.folder)
        case = Case(
            case_id=self.alert.alert_id,
            now=datetime.now(UTC),
            site=self.alert.site,
            provider=self._provider,
            further_use=FurtherUse(use, known.state),
        )
        verdict, fired = examine(case, policies)
        rules = tuple(one.rule for one in fired if one.rule.stage == FURTHER)
        refusing = tuple(rule for rule in rules if "refuse_further" in rule.then)
        return Answer(bool(verdict.further_use), refusing or rules, policies.version)

    def consent(self, use: str, to: str) -> Known:
        """Find the consent on record that fits: one that holds before one that ended."""
        found, now = Known(None, "none"), datetime.now(UTC)
        for event in self._recorded():
            if event.given_to != [to] or reason_of(use) not in event.reasons:
                continue
            signed = SIGNED in event.reasons
            if not signed and self.settings.feedback.signed_only:
                continue
            if event.expires_at is not None and event.expires_at <= now:
                found = Known(event, "expired") if found.state == "none" else found
            elif signed or found.state != "signed":
                found = Known(event, "signed" if signed else "unsigned")
        return found

    def _recorded(self) -> Iterator[AuditEvent]:
        mark = self.alert.alert_id.encode()
        begins_with = chain_start(chain_name(self.desk.site, "desk"))
        for record in self.desk.records(SiteTopics(self.desk.site).audit):
            if not record.value.startswith(begins_with) or mark not in record.value:
                continue
            try:
                event = AuditEvent.model_validate_json(record.value)
            except ValidationError:
                continue
            if (event.action, event.alert_id) == (
                AuditAction.CONSENT_RECORDED,
                self.alert.alert_id,
            ):
                yield event

    @staticmethod
    def tell(told: dict[str, Any]) -> None:
        """Give the answer as one line of JSON."""
        click.echo(json.dumps(told, ensure_ascii=False))


def reason_of(use: str) -> str:
    """Name the further use as a reason of a line."""
    return f"treaty.9-10.{use}"

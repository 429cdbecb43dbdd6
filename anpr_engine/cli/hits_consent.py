"""`anpr hits consent` and `hand-over`: what another country's hit may be used for beyond itself.

As evidence, by another authority, or told to whom it is about: only with the prior written consent
of who provided the list (Benelux police treaty, articles 9 and 10; agreement, article 21). The
consent is a line of the site's own chain, by alert, use and receiver; a hit is handed over only by
one that fits, and who got it, and by which consent, is the next line. A site's own hits need no
other country's.
"""

import json
from collections.abc import Iterator
from typing import Any

import click
from pydantic import ValidationError

from anpr_engine.audit.chain import chain_name, chain_start
from anpr_engine.cli.hits_deed import About, Clerk
from anpr_engine.cli.hits_options import HitOptions, act_options, options_of, require_reasons
from anpr_engine.errors import PolicyRefused, UsageError
from anpr_engine.kafka.audit_desk import Deed
from anpr_engine.policy.handling_records import subject_of_alert
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.wire import SiteTopics, json_bytes

USES = ("evidence", "onward", "inform")
"""Evidence in a procedure; another authority; the person concerned or a third party."""

use_option = click.option("--use", required=True, type=click.Choice(USES), help="What for.")
_TO = "Who gets it: an authority, a court, a person by reference."


@click.command(
    epilog="Example:  anpr hits consent 5f0c… --use evidence --to 'prosecutor, Ghent' "
    "--reference NL-2026-17 --unit desk …"
)
@click.argument("alert")
@use_option
@click.option("--to", required=True, help=_TO)
@click.option("--reference", required=True, help="The provider's written consent, as it is filed.")
@act_options
def consent(alert: str, use: str, to: str, reference: str, **given: Any) -> None:  # noqa: ANN401
    """Record that the country whose list it is consents to a further use of a hit, in writing."""
    desk = _HandingOver(options_of(given), alert)
    if desk.own:
        raise UsageError("The list is this site's own.", "No other country has to consent.")
    if not reference.strip():
        raise UsageError("--reference is empty.", "Say where the written consent is filed.")
    consent_id = desk.write(AuditAction.CONSENT_RECORDED, use, to, reference)
    desk.tell({"consent": consent_id, "alert_id": alert, "use": use, "to": to})


@click.command(
    "hand-over",
    epilog="Example:  anpr hits hand-over 5f0c… --use evidence --to 'prosecutor, Ghent' …",
)
@click.argument("alert")
@use_option
@click.option("--to", required=True, help=_TO)
@act_options
def hand_over(alert: str, use: str, to: str, **given: Any) -> None:  # noqa: ANN401 - as above
    """Give a hit out for a further use, as JSON; exit code 4 without a consent that is recorded."""
    desk = _HandingOver(options_of(given), alert)
    found = desk.consent(use, to)
    if found is None and not desk.own:
        desk.write(AuditAction.REQUEST_REFUSED, use, to, "no consent is recorded")
        raise PolicyRefused(
            f"treaty.9-10: nobody recorded the consent of {desk.provider} to this use by {to}.",
            "Ask its contact point for consent in writing, then `anpr hits consent`.",
        )
    by = "own list" if found is None else found.event_id
    desk.write(AuditAction.DATA_EXPORTED, use, to, f"by consent {by}")
    told: dict[str, Any] = {"alert": json.loads(json_bytes(desk.alert)), "use": use, "to": to}
    desk.tell(told | {"consent": None if found is None else found.event_id})


class _HandingOver:
    """One person's request about one alert."""

    def __init__(self, options: HitOptions, alert_id: str) -> None:
        self._desk = options.desk()
        self.alert = self._desk.alert(alert_id)
        require_reasons(options, self.alert)
        id_ = subject_of_alert(self.alert)
        self._about = About(id_, self.alert.site, self.alert.category, self.alert)
        self._clerk = Clerk(self._desk, options)
        self.provider = id_.provider
        self.own = self.provider == self._desk.site

    def write(self, action: AuditAction, use: str, to: str, why: str) -> str:
        """Write a line; gives its id."""
        more = {"action": action, "given_to": [to], "reasons": [_reason(use)]}
        act = self._clerk.act(self._about, f"{use}: {why}"[:256], **more)
        self._clerk.write(lambda: Deed((), act))
        return AuditEvent.model_validate_json(act[0]).event_id

    def consent(self, use: str, to: str) -> AuditEvent | None:
        """Find the newest recorded consent that fits; None where there is none."""
        found = None
        for event in self._recorded():
            fits = event.given_to == [to] and event.reasons == [_reason(use)]
            found = event if fits else found
        return found

    def _recorded(self) -> Iterator[AuditEvent]:
        mark = self.alert.alert_id.encode()
        begins_with = chain_start(chain_name(self._desk.site, "desk"))
        for record in self._desk.records(SiteTopics(self._desk.site).audit):
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


def _reason(use: str) -> str:
    return f"treaty.9-10.{use}"

"""Options of `anpr hits`: who acts, what for, in which case, and what a report goes by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from anpr_engine.cli.audit_source import UNUSED_REDIS, Asked, log_of, missing_reasons, site_of
from anpr_engine.cli.hits_proof import Proofs, tell_refused
from anpr_engine.cli.hits_source import Desk
from anpr_engine.cli.options import logged_in, place_options
from anpr_engine.errors import PolicyRefused, UsageError
from anpr_engine.policy.purpose import serves
from anpr_engine.records.alert import Alert
from anpr_engine.wiring import Overrides, settings_of
from anpr_engine.wiring_alerts import alert_opener
from anpr_engine.wiring_hits import message_checker

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)
PERSON_LENGTH_MAX = 128


@dataclass(frozen=True, slots=True)
class HitOptions:
    """What was asked for; the fields are options that commands of the group share."""

    config: Path | None = None
    site: str | None = None
    kafka: str | None = None
    redis_url: str | None = None
    by: str | None = None
    unit: str | None = None
    purpose: str | None = None
    case_ref: str | None = None
    secret: Path | None = None
    urgent: bool = False
    contact: str | None = None
    joint_action: str | None = None
    joint_actions: Path | None = None
    facts: Path | None = None
    as_json: bool = False

    @property
    def person(self) -> str:
        """Who acts."""
        return self.by or logged_in()

    @property
    def asked(self) -> Asked:
        """The same for the record of looks."""
        return Asked(
            *(self.config, self.site, self.kafka, self.redis_url),
            purpose=self.purpose,
            case_ref=self.case_ref,
            actor=self.person,
        )

    def where(self) -> Overrides:
        """Say what goes before the settings; Redis is not looked at."""
        return Overrides(self.site, self.kafka, self.redis_url or UNUSED_REDIS)

    def desk(self) -> Desk:
        """Say what is read, and where."""
        opener = None if self.secret is None else alert_opener(self.secret)
        rules = settings_of(self.config, self.where()).feedback
        proofs = Proofs(message_checker(rules, tell_refused))
        return Desk(site_of(self.asked), log_of(self.asked), opener, proofs)


def options_of(given: Mapping[str, Any]) -> HitOptions:
    """Take the shared options out of a command's."""
    return HitOptions(**{name: given[name] for name in HitOptions.__slots__ if name in given})


def look_options(command: Command) -> Command:
    """Add where, who, what for, in which case, and how it is shown."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="JSON on stdout."),
        click.option("--secret", type=_FILE, help="This site's secret key: open sealed fields."),
        click.option("--case", "case_ref", help="In which case; goes into the record."),
        click.option("--purpose", help="What for; goes into the record."),
        click.option("--by", envvar="ANPR_USER", help="Who acts; default: the user logged in."),
    ):
        command = option(command)
    return place_options(command)


def act_options(command: Command) -> Command:
    """Add the unit too: whoever decides acts for one."""
    return look_options(click.option("--unit", help="The service that acts.")(command))


def report_options(command: Command) -> Command:
    """Add what a report holds, and what decides its way."""
    for option in (
        click.option("--joint-actions", type=_FILE, help="The file of joint actions."),
        click.option("--joint-action", help="The joint action in which the hit arose, by id."),
        click.option(
            "--contact",
            type=click.Choice(["regional", "joint-centre"]),
            help="Agreed for the entry, which is used in the border area only.",
        ),
        click.option("--urgent", is_flag=True, help="Any other way would delay urgent work."),
        click.option("--facts", type=_FILE, help="JSON: what the report holds, by field."),
    ):
        command = option(command)
    return act_options(command)


def require_reasons(options: HitOptions, alert: Alert | None = None) -> None:
    """Refuse an act for which nobody says why, or for what the list was not made.

    Raises:
        PolicyRefused: purpose or case are not given, or the purpose is another.
        UsageError: nobody says for which unit.

    """
    missing = missing_reasons(options.purpose, options.case_ref)
    if missing:
        what = f"Whoever decides on a hit says why: {' and '.join(missing)} is not given."
        raise PolicyRefused(what, "Give both; they go into the record.")
    if not (options.unit or "").strip():
        raise UsageError("--unit is not given.", "Name the service that acts.")
    if len(options.person) > PERSON_LENGTH_MAX:
        raise UsageError("--by is too long.", f"Give {PERSON_LENGTH_MAX} characters at most.")
    if alert is None:
        return
    if not serves(options.purpose or "", (alert.entry.purpose, alert.category.value)):
        what = f"The purpose given is not that of list {alert.entry.list_id}."
        raise PolicyRefused(what, "Give the purpose or the category of the list.")

"""`anpr topics`: what topics and access rules a site needs, and how to get them."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from anpr_engine.cli.options import config_option
from anpr_engine.errors import PolicyRefused
from anpr_engine.kafka.access_rules import AccessRule, access_rules
from anpr_engine.kafka.kept import kept_findings, settings_by_name
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import TOPICS, Step, Topic, plan, read_topics, wanted_topics
from anpr_engine.policy.periods import countries
from anpr_engine.records.finding import Finding
from anpr_engine.version import VERSION
from anpr_engine.wiring import Overrides, place_of, settings_of
from anpr_engine.wiring_policy import policies_of

_WORDS = {"create": "create", "grow": "grow  ", "set": "set   ", "leave": "leave "}


@dataclass(frozen=True, slots=True)
class TopicsOptions:
    """What was asked for; the fields are the options that both commands have."""

    config: Path | None
    kafka: str | None
    sites: tuple[str, ...]
    partitions: int | None
    replication: int
    file: Path | None
    as_json: bool


def _parse_sites(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    sites = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
    wrong = [site for site in sites if len(site) != len("be") or not site.isalpha()]
    if wrong:
        message = f"{', '.join(map(repr, wrong))} is no site; a site is two letters, like be."
        raise click.BadParameter(message)
    return tuple(site.lower() for site in sites)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say for whom, and where."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object a step."),
        click.option(
            "--file",
            "file",
            type=click.Path(path_type=Path),
            help="A table of topics in place of the built-in one; see deploy/topics.toml.",
        ),
        click.option("--replication", type=click.IntRange(1, 9), default=1, show_default=True),
        click.option(
            "--partitions", type=click.IntRange(1, 4096), help="Of the topics of reads only."
        ),
        click.option("--sites", callback=_parse_sites, default="be,nl", show_default=True),
        click.option("--kafka", help="host:port of the brokers [ANPR_KAFKA]."),
        config_option,
    ):
        command = option(command)
    return command


@click.group(epilog="Example:  ANPR_KAFKA=127.0.0.1:9092 anpr topics plan --sites be")
@click.version_option(VERSION, prog_name="anpr topics", message="%(prog)s %(version)s")
def command() -> None:
    """Plan and apply the topics, their settings and access rules.

    No topic is ever removed, and none loses partitions.
    """


@command.command("plan", epilog="Example:  anpr topics plan --sites be,nl --replication 3")
@_options
def plan_command(**given: Any) -> None:  # noqa: ANN401 - click hands over the options
    """Show what `apply` would do, and the access rules; changes nothing."""
    options = TopicsOptions(**given)
    _admin, steps, rules = _look(options)
    for finding in _kept(options):
        click.echo(f"anpr: {finding.what}. {finding.remedy}", err=True)
    _tell(steps, rules, as_json=options.as_json)


@command.command("apply", epilog="Example:  anpr topics apply --sites be,nl --replication 3")
@click.option("--acls", is_flag=True, help="Put the access rules in force too.")
@_options
def apply_command(*, acls: bool, **given: Any) -> None:  # noqa: ANN401 - as above
    """Create what is missing and set what differs."""
    options = TopicsOptions(**given)
    for finding in _kept(options):
        if finding.state == "fail":
            raise PolicyRefused(f"{finding.what}.", finding.remedy)
    admin, steps, rules = _look(options)
    admin.apply(steps)
    if acls:
        admin.apply_rules(rules)
    _tell(steps, rules if acls else (), as_json=options.as_json)


def _kept(options: TopicsOptions) -> Iterator[Finding]:
    """Hold the table against the rules of the sites whose country's law is known."""
    overrides = Overrides(options.sites[0], options.kafka, "redis://unused")
    policies = policies_of(settings_of(options.config, overrides).policy.folder)
    for site in sorted(set(options.sites) & set(countries(policies))):
        planned = settings_by_name(wanted_topics(_table(options), [site], replication=1))
        yield from kept_findings(planned, policies, site)


def _table(options: TopicsOptions) -> tuple[Topic, ...]:
    return TOPICS if options.file is None else read_topics(options.file)


def _look(options: TopicsOptions) -> tuple[TopicAdmin, list[Step], list[AccessRule]]:
    wanted = wanted_topics(
        _table(options),
        options.sites,
        replication=options.replication,
        reads_partitions=options.partitions or 0,
    )
    # Neither a site of our own nor Redis plays a part here.
    overrides = Overrides(options.sites[0], options.kafka, "redis://unused")
    place = place_of(options.config, overrides)
    admin = TopicAdmin(place.kafka, place.security)
    steps = plan(admin.existing(topic.name for topic in wanted), wanted)
    return admin, steps, access_rules(options.sites)


def _tell(steps: Sequence[Step], rules: Sequence[AccessRule], *, as_json: bool) -> None:
    if as_json:
        for step in steps:
            told = {"step": step.kind, "topic": step.topic.name, "detail": step.detail}
            click.echo(json.dumps(told | {"settings": dict(step.settings)}))
        for rule in rules:
            click.echo(json.dumps({"step": "permit"} | asdict(rule)))
        return
    for step in steps:
        click.echo(f"{_WORDS[step.kind]}  {step.topic.name}  {step.detail}")
        if step.kind == "create":
            for key, value in step.settings:
                click.echo(f"          {key}={value}")
    if not steps:
        click.echo("Every topic is as planned.")
    for rule in rules:
        click.echo(f"permit  {rule.line()}")

"""`anpr policy`: the rules in force, why a case is decided so, and cases answered from a file."""

import difflib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click
import msgspec
from rich.table import Table

from anpr_engine.cli.inputs import STDIN, opened
from anpr_engine.cli.reads_view import EXIT_REJECTED, REJECTS_SHOWN_MAX, with_progress
from anpr_engine.cli.text_console import echo_console, text_console
from anpr_engine.errors import ConfigError, UsageError
from anpr_engine.kafka.kept import kept_findings, settings_by_name
from anpr_engine.kafka.topics import TOPICS, Topic, read_topics, wanted_topics
from anpr_engine.policy.case import Case, NoCase, read_case
from anpr_engine.policy.decide import decide as decide_case
from anpr_engine.policy.difference import changes_between
from anpr_engine.policy.explain import explain_case, explain_rule
from anpr_engine.policy.periods import countries
from anpr_engine.policy.policy_set import PolicySet, load_policies, read_rules, shipped_policies
from anpr_engine.policy.rules import Rule
from anpr_engine.whole_files import whole_file

CASES_A_CHUNK = 1000


def _folder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--folder",
        type=click.Path(path_type=Path),
        help="The folder of policy files; default: those that come with the engine.",
    )(command)


def _policies(folder: Path | None) -> PolicySet:
    return shipped_policies() if folder is None else load_policies(folder)


@click.group(name="policy", epilog="Example:  anpr policy check")
def command() -> None:
    """Show the rules in force, explain what they decide, and answer policy cases."""


@command.command(epilog="Example:  anpr policy check --folder policy/")
@_folder_option
@click.option(
    "--topics",
    type=click.Path(path_type=Path),
    help="A table of topics to hold against the periods; default: the built-in one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(folder: Path | None, topics: Path | None, *, as_json: bool) -> None:
    """List every rule with its reference and sentence, and every setting with its doubt.

    A folder with anything wrong in it is refused whole: every problem is named with its file,
    line and rule, and the exit code is 2. So is a topic planned to keep longer than the rules let.
    """
    policies = _policies(folder)
    _hold_topics(policies, TOPICS if topics is None else read_topics(topics))
    if as_json:
        click.echo(msgspec.json.encode(_as_json(policies)))
        return
    console = text_console()
    for file in policies.files:
        since = f", in force from {file.in_force_from}" if file.in_force_from else ""
        console.print(f"{file.name}: {file.kind}, version {file.version}{since}")
        console.print(f"  {file.source}")
        console.print(_rules_table(file.rules))
        for one in file.settings:
            doubt = f" In doubt: {one.doubt}" if one.doubt else ""
            console.print(f"  setting {one.name} = {one.value}: {one.says}{doubt}")
        console.print()
    console.print(f"{len(policies.rules)} rules in {len(policies.files)} files, all good; ", end="")
    console.print(f"policy {policies.version}")
    echo_console(console)


def _hold_topics(policies: PolicySet, table: tuple[Topic, ...]) -> None:
    for site in countries(policies):
        planned = settings_by_name(wanted_topics(table, [site], replication=1))
        for finding in kept_findings(planned, policies, site):
            if finding.state == "fail":
                raise ConfigError(f"{finding.what}.", finding.remedy)
            click.echo(f"anpr: {finding.what}. {finding.remedy}", err=True)


def _rules_table(rules: tuple[Rule, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("rule", no_wrap=True)
    table.add_column("reference", ratio=2)
    table.add_column("sentence", ratio=3)
    for rule in rules:
        table.add_row(rule.id, rule.reference, rule.says)
    return table


def _as_json(policies: PolicySet) -> dict[str, Any]:
    return {
        "version": policies.version,
        "rules": [
            {
                "id": rule.id,
                "reference": rule.reference,
                "says": rule.says,
                "when": rule.condition_words(),
                "then": dict(rule.then),
                "over": rule.over,
                "file": rule.file,
                "line": rule.line,
            }
            for rule in policies.rules.values()
        ],
        "settings": [
            {"file": file.name, **asdict(one)} for file in policies.files for one in file.settings
        ],
    }


@command.command(epilog="Example:  anpr policy explain art13.14-age")
@click.argument("rule_id", required=False)
@click.option("--case", "cases", help="JSONL of cases to explain; - for stdin.")
@_folder_option
def explain(rule_id: str | None, cases: str | None, folder: Path | None) -> None:
    """Say in words what a rule means, or why each case is decided as it is.

    Lines that are no case are named on stderr; the rest is explained, and the exit code is then 3.
    """
    if (rule_id is None) == (cases is None):
        raise UsageError("Name a rule or a file of cases.", "Give RULE_ID, or --case FILE.")
    policies = _policies(folder)
    if rule_id is not None:
        click.echo("\n".join(explain_rule(_rule(policies, rule_id))))
        return
    lines = _Lines()
    with opened(cases or STDIN, "cases", "--case") as file:
        for case in _cases(file, lines):
            click.echo("\n".join(explain_case(case, policies)))
    lines.leave()


def _rule(policies: PolicySet, rule_id: str) -> Rule:
    rule = policies.rules.get(rule_id)
    if rule is None:
        near = difflib.get_close_matches(rule_id, policies.rules, n=3, cutoff=0.4)
        meant = f"Did you mean {', '.join(near)}? " if near else ""
        raise UsageError(f"No rule is called {rule_id!r}.", f"{meant}See `anpr policy check`.")
    return rule


@command.command(epilog="Example:  anpr policy diff policy-old/ policy-new/")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
def diff(old: Path, new: Path, *, as_json: bool) -> None:
    """Say in words what differs between two folders, or two files, of rules."""
    changes = changes_between(read_rules(old), read_rules(new))
    for change in changes:
        line = f"{change.kind:<8}{change.what}: {change.words}"
        click.echo(msgspec.json.encode(change) if as_json else line)
    if not as_json:
        click.echo(f"{len(changes)} differences", err=True)


@command.command(epilog="Example:  anpr policy decide --cases cases.jsonl --out verdicts.jsonl")
@click.option("--cases", required=True, help="JSONL, one case a line; - for stdin.")
@click.option("--out", required=True, help="JSONL, one verdict a line; - for stdout.")
@_folder_option
def decide(cases: str, out: str, folder: Path | None) -> None:
    """Answer policy cases, without broker or Redis.

    Lines that are no case are named on stderr; the rest is answered, and the exit code is then 3.
    The output is written whole or not at all.
    """
    policies = _policies(folder)
    lines = _Lines()
    with opened(cases, "cases", "--cases") as file, _written(out) as result:
        answered = _chunks(decide_case(case, policies) for case in _cases(file, lines))
        for chunk in with_progress(answered, "deciding", lambda: f"{lines.cases:,} cases"):
            result.write(b"".join(msgspec.json.encode(verdict) + b"\n" for verdict in chunk))
    lines.leave()


def _chunks(items: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(islice(items, CASES_A_CHUNK)):
        yield chunk


class _Lines:
    """Names lines that are no case, the first ones each, and counts both kinds of lines."""

    def __init__(self) -> None:
        self.count = 0
        self.cases = 0

    def take(self, number: int, error: NoCase) -> None:
        self.count += 1
        if self.count <= REJECTS_SHOWN_MAX:
            click.echo(f"case line {number}: {error}", err=True)

    def leave(self) -> None:
        if self.count:
            click.echo(f"{self.count} lines are no case", err=True)
            sys.exit(EXIT_REJECTED)


def _cases(file: IO[bytes], lines: _Lines) -> Iterator[Case]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            try:
                case = read_case(line)
            except NoCase as error:
                lines.take(number, error)
            else:
                lines.cases += 1
                yield case


@contextmanager
def _written(path: str) -> Iterator[IO[bytes]]:
    """Open the output; nothing of it is seen before everything has been written."""
    if path == STDIN:
        kept = BytesIO()
        yield kept
        sys.stdout.buffer.write(kept.getvalue())
        sys.stdout.flush()
        return
    remedy = "Give another path with --out."
    with whole_file(Path(path), f"The output {path}", remedy) as part, part.open("wb") as file:
        yield file

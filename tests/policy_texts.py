"""Small policy files for tests, and what is said of them when they are refused."""

import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from anpr_engine.policy.policy_set import load_policies
from anpr_engine.policy.problems import PolicyError, Problem

HEAD = 'version = "1"\nkind = "common"\nsource = "a test"\n'
AGREEMENT = 'version = "1"\nkind = "agreement"\nsource = "a test"\nsites = ["be", "nl"]\n'
GOOD = """[[rule]]
id = "good"
reference = "Law, article 1"
says = "A good rule."
when.exchange.is = "own"
then.permit_entry = true
"""


def rule(name: str, *lines: str) -> str:
    """Write a rule of six lines, or of more."""
    start = f'[[rule]]\nid = "{name}"\nreference = "Law, article 1"\nsays = "Something."\n'
    return start + "".join(f"{line}\n" for line in lines)


def written(folder: Path, texts: Mapping[str, str]) -> Path:
    """Write policy files."""
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def copied_rules(folder: Path, file: str, more: str) -> Path:
    """Copy the policies that come with the engine, with more at the end of one file."""
    folder.mkdir()
    for one in (files("anpr_engine.policy") / "rules").iterdir():
        shutil.copy(str(one), folder)
    with (folder / file).open("a", encoding="utf-8") as added:
        added.write(more)
    return folder


def problems_of(folder: Path, texts: Mapping[str, str]) -> tuple[Problem, ...]:
    """Load policy files that must be refused, and give what was said of them."""
    with pytest.raises(PolicyError) as refused:
        load_policies(written(folder, texts))
    for problem in refused.value.problems:
        assert str(problem) in str(refused.value)
    return refused.value.problems

"""Each tidy rule can fail: a seeded bad snippet is caught, and its good twin is not."""

from pathlib import Path

import pytest
import tidy_tables
import tidy_wording
from tidy_snippets import IMPORTS_AND_TABLES, LIMITS, TREES, WORDING, Case, TreeCase
from tidy_sources import Source, listed_files


@pytest.mark.parametrize("case", [*LIMITS, *WORDING, *IMPORTS_AND_TABLES])
def test_rule_tells_bad_from_good(case: Case) -> None:
    """A rule on one file reports the bad snippet at its line and lets the good one pass."""
    found = list(case.rule(Source(case.path, case.bad)))
    assert [(offence.path, offence.line) for offence in found] == [(case.path, case.line)]
    assert list(case.rule(Source(case.path, case.good))) == []


@pytest.mark.parametrize("case", TREES)
def test_rule_over_files_tells_bad_from_good(case: TreeCase) -> None:
    """A rule over several files reports each offender and lets good files pass."""
    bad = [Source(path, text) for path, text in case.bad.items()]
    found = {offence.path for offence in case.rule(bad)}
    assert found == case.offenders
    assert list(case.rule([Source(path, text) for path, text in case.good.items()])) == []


def test_second_broad_except_is_caught() -> None:
    """Even where everything may be caught, it may be caught once."""
    once = "try:\n    f()\nexcept Exception:\n    raise\n"
    source = Source(tidy_wording.BROAD_EXCEPT_PLACE, once * 2)
    assert [offence.line for offence in tidy_wording.errors_are_caught_by_name(source)] == [7]


@pytest.mark.parametrize(
    "bad",
    [
        f"see {'/ho'}me/somebody/notes",
        f"WORKDIR {'/wo'}rk",
        f"url = 'https://{'PyPI'}.org/simple'",
        f"index: {'files.python'}hosted.org",
        f"registry = {'npm'}js.com",
        f"<url>https://repo1.{'maven'}.org</url>",
    ],
)
def test_places_are_caught(bad: str) -> None:
    """A machine's folder or a registry's host is found in any file, at its line."""
    found = list(tidy_tables.text_is_placeless("notes.md", f"first\n{bad}\n"))
    assert [offence.line for offence in found] == [2]


@pytest.mark.parametrize("good", ["a/work/b", "~/home-made", "/workspace", "the root/home"])
def test_other_paths_are_not_places(good: str) -> None:
    """A relative path or a longer word is no machine's folder."""
    assert list(tidy_tables.text_is_placeless("notes.md", good)) == []


def test_missing_papers_are_caught() -> None:
    """A folder without README and a record without schema are reported by path."""
    files = {"schemas/alert.v1.json", "tests/README.md", "tests/oracle.py"}
    readmes = [offence.path for offence in tidy_tables.folders_explain_themselves(files)]
    assert readmes == ["schemas/README.md"]
    schemas = {offence.path for offence in tidy_tables.schemas_are_complete(files)}
    assert schemas == {
        f"schemas/{name}.v1.json"
        for name in (
            *("audit_event", "plate_read", "rejected_read", "verdict", "watchlist_entry"),
            *("report_a", "report_b", "refusal", "correction", "recall_receipt"),
        )
    }


def test_ignored_files_are_not_read(tmp_path: Path) -> None:
    """What `.gitignore` names is no part of the repository, at any depth."""
    for name in (".gitignore", "kept.py", "build/left.py", "a/.cache_x", "a/kept.txt", ".git/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("build/\n.cache_*\n", encoding="utf-8")
    names = [path.relative_to(tmp_path).as_posix() for path in listed_files(tmp_path)]
    assert names == [".gitignore", "a/kept.txt", "kept.py"]

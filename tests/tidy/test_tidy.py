"""The repository keeps its own rules; a failure lists every offender with file and line."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
import tidy_imports
import tidy_limits
import tidy_tables
import tidy_wording
from tidy_sources import (
    Offence,
    Source,
    repository_files,
    repository_sources,
    repository_texts,
)

FileRule = Callable[[Source], Iterator[Offence]]
TreeRule = Callable[[Sequence[Source]], Iterator[Offence]]

EVERYWHERE: tuple[FileRule, ...] = (
    tidy_limits.file_is_short,
    tidy_limits.lines_are_narrow,
    tidy_limits.functions_are_short,
    tidy_limits.parameters_are_few,
    tidy_limits.docstrings_are_short,
    tidy_wording.everything_is_annotated,
    tidy_wording.nothing_is_undone,
    tidy_wording.ignored_types_have_reasons,
    tidy_wording.errors_are_caught_by_name,
    tidy_wording.tests_state_their_behaviour,
    tidy_imports.imports_stand_at_the_top,
)
IN_PACKAGE: tuple[FileRule, ...] = (
    tidy_wording.public_names_are_documented,
    tidy_imports.libraries_have_one_door,
    tidy_tables.metrics_are_made_in_the_table,
    tidy_tables.kernels_are_small,
)
OVER_ALL: tuple[TreeRule, ...] = (
    tidy_limits.mean_is_low,
    tidy_wording.ignored_types_are_few,
    tidy_imports.config_is_read_by_few,
    tidy_imports.imports_make_no_cycle,
    tidy_tables.kernels_have_twins,
)


def _hold(rule: str | None, offences: Iterable[Offence]) -> None:
    found = sorted(set(offences))
    if found:
        lines = "\n".join(f"  {offence}" for offence in found)
        pytest.fail(f"{rule}\n{lines}", pytrace=False)


def _name(rule: Callable[..., object]) -> str:
    return rule.__name__


@pytest.mark.parametrize("rule", EVERYWHERE, ids=_name)
def test_every_python_file_keeps(rule: FileRule) -> None:
    """Package, tests and benchmarks keep the rules that hold everywhere."""
    sources = repository_sources()
    _hold(rule.__doc__, (offence for source in sources for offence in rule(source)))


@pytest.mark.parametrize("rule", IN_PACKAGE, ids=_name)
def test_every_package_file_keeps(rule: FileRule) -> None:
    """The package keeps the rules for what is installed."""
    sources = [source for source in repository_sources() if source.in_package]
    _hold(rule.__doc__, (offence for source in sources for offence in rule(source)))


@pytest.mark.parametrize("rule", OVER_ALL, ids=_name)
def test_all_python_files_together_keep(rule: TreeRule) -> None:
    """The files together keep the rules that no single file can break."""
    _hold(rule.__doc__, rule(repository_sources()))


def test_metric_table_is_complete() -> None:
    """Every metric constant is in `METRICS`, so that none is declared but never registered."""
    tables = [one for one in repository_sources() if one.path == tidy_tables.METRIC_TABLE]
    assert tables, f"{tidy_tables.METRIC_TABLE} does not exist"
    rule = tidy_tables.metrics_stand_in_the_table
    _hold(rule.__doc__, rule(tables[0]))


def test_no_file_names_a_machine_or_a_registry() -> None:
    """No file, the lock included, holds a machine's folder or a package registry's host."""
    rule = tidy_tables.text_is_placeless
    texts = repository_texts()
    _hold(rule.__doc__, (offence for path, text in texts for offence in rule(path, text)))


def test_each_folder_has_a_readme() -> None:
    """A reader finds a README.md in each top-level folder."""
    rule = tidy_tables.folders_explain_themselves
    _hold(rule.__doc__, rule(repository_files()))


def test_each_record_has_a_schema_file() -> None:
    """The other side finds a schema file for each of the five records."""
    rule = tidy_tables.schemas_are_complete
    _hold(rule.__doc__, rule(repository_files()))

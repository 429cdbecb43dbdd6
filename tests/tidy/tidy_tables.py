"""Rules on the whole tree: papers, schemas, the metric table, the kernels and their twins."""

import ast
import re
from collections.abc import Collection, Iterator, Sequence

from tidy_sources import PACKAGE, FunctionNode, Offence, Source, dotted_name, functions, parameters

METRIC_TABLE = f"{PACKAGE}/metrics/table.py"
KERNEL_LINES_MAX = 40
KERNEL_PARAMETERS_MAX = 6
FOLDERS_WITH_README = (PACKAGE, "benchmarks", "deploy", "schemas", "tests")
SCHEMAS = (
    *("alert", "audit_event", "plate_read", "rejected_read", "verdict", "watchlist_entry"),
    *("report_a", "report_b", "refusal", "correction", "recall_receipt"),
)

_MACHINE_PATH = re.compile(r"(?<![\w.])/(root|home|work|tmp/w)(?![\w-])")
_PACKAGE_HOST = re.compile(
    r"pypi\.org|python[h]osted|npm[j]s|maven\.org|maven\.apache|crates\.io|debian\.org"
    r"|proxy\.golang",
    re.IGNORECASE,
)
_TWIN_FILE = re.compile(r"tests/oracle(_\w+)?\.py")


def text_is_placeless(path: str, text: str) -> Iterator[Offence]:
    """A file names no folder of one machine and no host of a package registry."""
    for number, line in enumerate(text.splitlines(), start=1):
        for found in (_MACHINE_PATH.search(line), _PACKAGE_HOST.search(line)):
            if found:
                yield Offence(path, number, f"names {found[0]}")


def folders_explain_themselves(files: Collection[str]) -> Iterator[Offence]:
    """Each top-level folder that holds a file holds a README.md."""
    for folder in FOLDERS_WITH_README:
        exists = any(path.startswith(f"{folder}/") for path in files)
        if exists and f"{folder}/README.md" not in files:
            yield Offence(f"{folder}/README.md", 0, "does not exist")


def schemas_are_complete(files: Collection[str]) -> Iterator[Offence]:
    """Each record has its schema file, version 1."""
    for name in SCHEMAS:
        path = f"schemas/{name}.v1.json"
        if path not in files:
            yield Offence(path, 0, "does not exist")


def metrics_stand_in_the_table(source: Source) -> Iterator[Offence]:
    """Every metric is declared in the one table and listed once in `METRICS`."""
    declared: dict[str, int] = {}
    listed: list[str] = []
    for node in source.tree.body:
        target = _assigned_name(node)
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and dotted_name(value) == "Metric":
            declared[target] = node.lineno
        elif target == "METRICS" and isinstance(value, ast.Tuple):
            listed = [dotted_name(element) for element in value.elts]
    for name, line in declared.items():
        if listed.count(name) != 1:
            yield Offence(source.path, line, f"{name} is listed {listed.count(name)} times")
    for name in listed:
        if name not in declared:
            yield Offence(source.path, 0, f"{name or 'a value'} is listed but not declared")


def metrics_are_made_in_the_table(source: Source) -> Iterator[Offence]:
    """No other module declares a metric."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or source.path == METRIC_TABLE:
            continue
        if dotted_name(node).rpartition(".")[2] == "Metric":
            yield source.at(node, "declares a metric outside the table")


def _assigned_name(node: ast.stmt) -> str:
    if isinstance(node, ast.AnnAssign):
        return dotted_name(node.target)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return dotted_name(node.targets[0])
    return ""


def kernels_are_small(source: Source) -> Iterator[Offence]:
    """A kernel has at most 40 code lines and six parameters."""
    for kernel in kernels(source):
        size, count = source.code_size(kernel), len(parameters(kernel))
        if size > KERNEL_LINES_MAX:
            what = f"kernel {kernel.name} has {size} code lines, limit {KERNEL_LINES_MAX}"
            yield source.at(kernel, what)
        if count > KERNEL_PARAMETERS_MAX:
            what = f"kernel {kernel.name} has {count} parameters, limit {KERNEL_PARAMETERS_MAX}"
            yield source.at(kernel, what)


def kernels_have_twins(sources: Sequence[Source]) -> Iterator[Offence]:
    """Every kernel has a naive twin of the same name in a `tests/oracle*.py`."""
    twins = {
        name
        for source in sources
        if _TWIN_FILE.fullmatch(source.path)
        for node in source.tree.body
        for name in _defined_names(node)
    }
    for source in sources:
        for kernel in kernels(source):
            if kernel.name not in twins:
                yield source.at(kernel, f"kernel {kernel.name} has no twin in tests/oracle*.py")


def kernels(source: Source) -> Iterator[FunctionNode]:
    """Give the functions that carry the decorator `kernel` of `kernels/_jit.py`."""
    if source.in_package:
        for function in functions(source):
            marks = {dotted_name(mark).rpartition(".")[2] for mark in function.decorator_list}
            if "kernel" in marks:
                yield function


def _defined_names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return [node.name] if isinstance(node, FunctionNode) else []

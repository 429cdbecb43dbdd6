"""Rules with a number: how long, how wide, how many.

Why: a limit that no test holds is a wish. Aims are lower than limits (a file of 200 lines, a
function of 30, four parameters); only the limits fail.
"""

import ast
from collections.abc import Iterator, Sequence

from tidy_sources import (
    DocumentedNode,
    FunctionNode,
    Offence,
    Source,
    functions,
    parameters,
    places,
)

FILE_LINES_MAX = 300
MEAN_FILE_LINES_MAX = 160
FUNCTION_LINES_MAX = 50
PARAMETERS_MAX = 6
DOCSTRING_LINES_MAX = 12
PORT_DOCSTRING_LINES_MAX = 20
LINE_COLUMNS_MAX = 100


def file_is_short(source: Source) -> Iterator[Offence]:
    """A file has at most 300 lines."""
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield Offence(source.path, lines, f"file has {lines} lines, limit {FILE_LINES_MAX}")


def lines_are_narrow(source: Source) -> Iterator[Offence]:
    """A line has at most 100 columns."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        if len(line) > LINE_COLUMNS_MAX:
            what = f"line has {len(line)} columns, limit {LINE_COLUMNS_MAX}"
            yield Offence(source.path, number, what)


def functions_are_short(source: Source) -> Iterator[Offence]:
    """A function has at most 50 code lines; docstring, blank lines and comments are free."""
    for function in functions(source):
        size = source.code_size(function)
        if size > FUNCTION_LINES_MAX:
            what = f"{function.name} has {size} code lines, limit {FUNCTION_LINES_MAX}"
            yield source.at(function, what)


def parameters_are_few(source: Source) -> Iterator[Offence]:
    """A function has at most six parameters, `self` and `cls` not counted."""
    for place in places(source):
        if isinstance(place.node, ast.ClassDef):
            continue
        count = len(own_parameters(place.node, in_class=place.in_class))
        if count > PARAMETERS_MAX:
            what = f"{place.node.name} has {count} parameters, limit {PARAMETERS_MAX}"
            yield source.at(place.node, what)


def own_parameters(function: FunctionNode, *, in_class: bool) -> list[ast.arg]:
    """Give the parameters that a caller fills in."""
    found = parameters(function)
    is_static = any(
        isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list
    )
    return found[1:] if in_class and not is_static else found


def docstrings_are_short(source: Source) -> Iterator[Offence]:
    """A docstring has 1 to 12 lines; 20 for a contract (`ports.py`) or a tree (`errors.py`)."""
    limit = DOCSTRING_LINES_MAX
    if source.path in {"anpr_engine/ports.py", "anpr_engine/errors.py"}:
        limit = PORT_DOCSTRING_LINES_MAX
    for node in ast.walk(source.tree):
        if not isinstance(node, DocumentedNode):
            continue
        text = ast.get_docstring(node)
        if text is None:
            continue
        lines = len(text.splitlines())
        if not 1 <= lines <= limit:
            name = "module" if isinstance(node, ast.Module) else node.name
            what = f"docstring of {name} has {lines} lines, allowed 1 to {limit}"
            yield source.at(node.body[0], what)


def mean_is_low(sources: Sequence[Source]) -> Iterator[Offence]:
    """The package's files have at most 160 lines in the mean; `__init__` files do not count."""
    sizes = sorted(
        (len(source.text.splitlines()), source.path)
        for source in sources
        if source.in_package and not source.path.endswith("__init__.py")
    )
    if not sizes:
        return
    mean = sum(size for size, _ in sizes) / len(sizes)
    if mean > MEAN_FILE_LINES_MAX:
        for size, path in reversed(sizes[-5:]):
            what = f"{size} lines; the mean is {mean:.0f}, limit {MEAN_FILE_LINES_MAX}"
            yield Offence(path, size, what)

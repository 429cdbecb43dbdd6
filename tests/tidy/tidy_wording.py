"""Rules on what a reader is told: docstrings, annotations, comments, caught errors."""

import ast
import re
import tokenize
from collections.abc import Iterator, Sequence

from tidy_limits import own_parameters
from tidy_sources import DocumentedNode, Offence, Source, dotted_name, places

TYPE_IGNORES_MAX = 3
BROAD_EXCEPT_PLACE = "anpr_engine/pipeline/run.py"
"""The one file where everything may be caught once: it counts the failure and raises it again."""

_BROAD_NAMES = frozenset({"Exception", "BaseException"})
_UNDONE = re.compile(r"\b(TODO|FIXME)\b")
_TYPE_IGNORE = re.compile(r"#\s*(type|pyright):\s*ignore")
_REASONED_IGNORE = re.compile(
    r"#\s*(type|pyright):\s*ignore\[[\w, -]+\](\s*#\s*noqa:[ \w,]+)?\s*(#|-|:)\s*\w{3,}"
)


def public_names_are_documented(source: Source) -> Iterator[Offence]:
    """Every module, public class and public function of the package has a docstring."""
    if not ast.get_docstring(source.tree):
        yield Offence(source.path, 1, "module has no docstring")
    for place in places(source):
        if place.public and not ast.get_docstring(place.node) and not _is_variant(place.node):
            yield source.at(place.node, f"{place.node.name} has no docstring")


def _is_variant(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    marks = [dotted_name(mark).rpartition(".")[2] for mark in node.decorator_list]
    return not {"overload", "setter", "deleter"}.isdisjoint(marks)


def everything_is_annotated(source: Source) -> Iterator[Offence]:
    """Every parameter and every result of every function is annotated."""
    for place in places(source):
        node = place.node
        if isinstance(node, ast.ClassDef):
            continue
        for parameter in own_parameters(node, in_class=place.in_class):
            if parameter.annotation is None:
                what = f"{node.name}: parameter {parameter.arg} is not annotated"
                yield source.at(node, what)
        if node.returns is None:
            yield source.at(node, f"{node.name}: result is not annotated")


def tests_state_their_behaviour(source: Source) -> Iterator[Offence]:
    """Every test function has a docstring."""
    for place in places(source):
        node = place.node
        is_test = not isinstance(node, ast.ClassDef) and node.name.startswith("test_")
        if is_test and not place.in_function and not ast.get_docstring(node):
            yield source.at(node, f"{node.name} does not state its behaviour")


def nothing_is_undone(source: Source) -> Iterator[Offence]:
    """No comment or docstring puts work off."""
    for line, text in _prose(source):
        if mark := _UNDONE.search(text):
            yield Offence(source.path, line, f"{mark[0]} stands in the text")


def _prose(source: Source) -> Iterator[tuple[int, str]]:
    for token in source.tokens:
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(source.tree):
        if isinstance(node, DocumentedNode) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def ignored_types_have_reasons(source: Source) -> Iterator[Offence]:
    """An ignored type error names its code and says why."""
    for line, comment in _type_ignores(source):
        if not _REASONED_IGNORE.match(comment):
            yield Offence(source.path, line, "ignored type error without code and reason")


def ignored_types_are_few(sources: Sequence[Source]) -> Iterator[Offence]:
    """At most three type errors are ignored in all."""
    found = [
        Offence(source.path, line, f"ignored type error, limit {TYPE_IGNORES_MAX} in all")
        for source in sources
        for line, comment in _type_ignores(source)
        if "type:" in comment
    ]
    if len(found) > TYPE_IGNORES_MAX:
        yield from found


def _type_ignores(source: Source) -> Iterator[tuple[int, str]]:
    for token in source.tokens:
        if token.type == tokenize.COMMENT and (mark := _TYPE_IGNORE.search(token.string)):
            yield token.start[0], token.string[mark.start() :]


def errors_are_caught_by_name(source: Source) -> Iterator[Offence]:
    """No `except` catches everything, but for one that counts and raises again."""
    allowed = 1 if source.path == BROAD_EXCEPT_PLACE else 0
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            if allowed and _raises_again(node):
                allowed -= 1
            else:
                yield source.at(node, "catches every error")
        elif isinstance(node, ast.Call) and _suppresses_all(node):
            yield source.at(node, "suppresses every error")


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(one) for one in caught.elts)
    return dotted_name(caught).rpartition(".")[2] in _BROAD_NAMES


def _suppresses_all(call: ast.Call) -> bool:
    is_suppress = dotted_name(call).rpartition(".")[2] == "suppress"
    return is_suppress and any(_is_broad(argument) for argument in call.args)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))

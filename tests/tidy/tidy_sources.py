"""What the tidy rules look at: the repository's files, read and parsed once.

Why: the files are found by walking the tree and not by asking git, so that the rules also hold
for an unpacked source archive; what `.gitignore` names is left out.
"""

import ast
import io
import os
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "anpr_engine"
PYTHON_FOLDERS = (PACKAGE, "tests", "benchmarks")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
DocumentedNode = ast.Module | ast.ClassDef | FunctionNode

_SPACE_TOKENS = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
)


class Offence(NamedTuple):
    """One place that breaks a rule; lines count from 1, and 0 means the file as a whole."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        """Write it so that an editor can jump there."""
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file's syntax tree."""
        return ast.parse(self.text, filename=self.path)

    @cached_property
    def tokens(self) -> tuple[tokenize.TokenInfo, ...]:
        """The file's tokens, comments included."""
        return tuple(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @cached_property
    def code_lines(self) -> frozenset[int]:
        """The lines that hold code: no blank line, comment or docstring."""
        lines: set[int] = set()
        for token in self.tokens:
            if token.type not in _SPACE_TOKENS:
                lines.update(range(token.start[0], token.end[0] + 1))
        for node in ast.walk(self.tree):
            if isinstance(node, DocumentedNode) and ast.get_docstring(node) is not None:
                lines.difference_update(range(node.body[0].lineno, _end(node.body[0]) + 1))
        return frozenset(lines)

    @property
    def in_package(self) -> bool:
        """Say whether the file is part of what is installed."""
        return self.path.startswith(f"{PACKAGE}/")

    @property
    def module(self) -> str:
        """The dotted name; a package's own file has the package's name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def at(self, node: ast.stmt | ast.expr | ast.excepthandler, what: str) -> Offence:
        """Make an offence at a node."""
        return Offence(self.path, node.lineno, what)

    def code_size(self, function: FunctionNode) -> int:
        """Count a function's code lines from `def` on; decorators are not counted."""
        span = range(function.lineno, _end(function) + 1)
        return len(self.code_lines.intersection(span))


class Place(NamedTuple):
    """A class or function and where it stands."""

    node: ast.ClassDef | FunctionNode
    in_class: bool
    in_function: bool
    public: bool


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def places(source: Source) -> Iterator[Place]:
    """Give every class and function of a file with what encloses it."""
    yield from _places_in(source.tree, in_class=False, in_function=False, public=True)


def _places_in(
    parent: ast.AST, *, in_class: bool, in_function: bool, public: bool
) -> Iterator[Place]:
    for child in ast.iter_child_nodes(parent):
        if not isinstance(child, ast.ClassDef | FunctionNode):
            yield from _places_in(child, in_class=in_class, in_function=in_function, public=public)
            continue
        is_class = isinstance(child, ast.ClassDef)
        is_public = public and not in_function and not child.name.startswith("_")
        yield Place(child, in_class, in_function, is_public)
        yield from _places_in(
            child, in_class=is_class, in_function=in_function or not is_class, public=is_public
        )


def functions(source: Source) -> Iterator[FunctionNode]:
    """Give every function of a file, methods and nested ones too."""
    for node in ast.walk(source.tree):
        if isinstance(node, FunctionNode):
            yield node


def parameters(function: FunctionNode) -> list[ast.arg]:
    """Give all parameters in order, `self` and `cls`, starred ones included."""
    given = function.args
    starred = [arg for arg in (given.vararg, given.kwarg) if arg is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *starred]


def dotted_name(node: ast.expr) -> str:
    """Write a name or attribute as text; a call gives what is called; others are empty."""
    if isinstance(node, ast.Call):
        return dotted_name(node.func)
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def listed_files(root: Path) -> list[Path]:
    """List every file under a root that its `.gitignore` does not name, sorted."""
    ignore = root / ".gitignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    patterns = [line.strip("/") for line in lines if line and not line.startswith("#")]
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git" and not _named(name, patterns)]
        found.extend(Path(folder, name) for name in names if not _named(name, patterns))
    return sorted(path for path in found if path.is_file())


def _named(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


@cache
def repository_files() -> tuple[str, ...]:
    """List the repository's files, relative to its root."""
    return tuple(path.relative_to(ROOT).as_posix() for path in listed_files(ROOT))


@cache
def repository_texts() -> tuple[tuple[str, str], ...]:
    """Read the repository's text files: path and content; files with a NUL byte are not text."""
    found: list[tuple[str, str]] = []
    for path in repository_files():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            found.append((path, content.decode("utf-8", errors="replace")))
    return tuple(found)


@cache
def repository_sources() -> tuple[Source, ...]:
    """Read the repository's Python files, those of the package, the tests and the benchmarks."""
    return tuple(
        Source(path, text)
        for path, text in repository_texts()
        if path.endswith(".py") and path.split("/")[0] in PYTHON_FOLDERS
    )

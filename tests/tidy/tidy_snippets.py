"""Seeded snippets for the tidy rules: a bad one that must be caught beside a good one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import tidy_imports
import tidy_limits
import tidy_tables
import tidy_wording
from tidy_sources import Offence, Source

PLACE = "anpr_engine/place.py"
CONFIG = "anpr_engine/config.py"
LONG_BODY = "    pass\n" * 50


class Case(NamedTuple):
    """One rule on one file: the bad text, the good one, and the line of the offence."""

    rule: Callable[[Source], Iterator[Offence]]
    bad: str
    good: str
    line: int = 1
    path: str = PLACE


class TreeCase(NamedTuple):
    """One rule on several files, path to text: the bad ones and the good ones."""

    rule: Callable[[Sequence[Source]], Iterator[Offence]]
    bad: Mapping[str, str]
    good: Mapping[str, str]
    offenders: set[str]


def _docstring(lines: int) -> str:
    return "'''Say." + "\n" * (lines - 1) + "More.'''"


LIMITS = (
    Case(tidy_limits.file_is_short, "x = 1\n" * 301, "x = 1\n" * 300, 301),
    Case(tidy_limits.lines_are_narrow, f"ok = 1\nx = '{'a' * 95}'", f"x = '{'a' * 94}'", 2),
    Case(
        tidy_limits.functions_are_short,
        f"@mark\ndef f():\n    '''Say.'''\n{LONG_BODY}",
        f"def f():\n    '''Say.\n\n    More.\n    '''\n    # why\n\n{LONG_BODY[9:]}",
        2,
    ),
    Case(
        tidy_limits.parameters_are_few,
        "def f(a, b, c, /, d, *e, f, **g): ...",
        "class C:\n    def f(self, a, b, c, d, e, *, f): ...",
    ),
    Case(
        tidy_limits.parameters_are_few,
        "class C:\n    @staticmethod\n    def f(a, b, c, d, e, f, g): ...",
        "class C:\n    @classmethod\n    def f(cls, a, b, c, d, e, f): ...",
        3,
    ),
    Case(
        tidy_limits.docstrings_are_short,
        _docstring(13),
        _docstring(12),
    ),
    Case(tidy_limits.docstrings_are_short, "def f():\n    ''''''", "def f():\n    '''Say.'''", 2),
    Case(
        tidy_limits.docstrings_are_short,
        _docstring(21),
        _docstring(20),
        path="anpr_engine/ports.py",
    ),
)
WORDING = (
    Case(tidy_wording.public_names_are_documented, "x = 1", "'''Say.'''"),
    Case(
        tidy_wording.public_names_are_documented,
        "'''Say.'''\nclass C:\n    '''Say.'''\n    def f(self): ...",
        "'''Say.'''\nclass _C:\n    def f(self): ...\ndef _f():\n    def g(): ...",
        4,
    ),
    Case(
        tidy_wording.everything_is_annotated,
        "def f(a: int, *rest) -> None: ...",
        "class C:\n    def f(self, a: int, *rest: int) -> None: ...",
    ),
    Case(tidy_wording.everything_is_annotated, "async def f(): ...", "async def f() -> int: ..."),
    Case(
        tidy_wording.tests_state_their_behaviour,
        "def test_it() -> None: ...",
        "def test_it() -> None:\n    '''It holds.'''\n\ndef helper() -> None: ...",
        path="tests/unit/test_it.py",
    ),
    Case(tidy_wording.nothing_is_undone, f"x = 1  # {'TO'}DO later", f"x = '{'TO'}DO'"),
    Case(tidy_wording.nothing_is_undone, f"def f():\n    '''{'FIX'}ME.'''", "'''Say.'''", 2),
    Case(
        tidy_wording.ignored_types_have_reasons,
        "x = 1  # type: ignore[arg-type]",
        "x = 1  # type: ignore[arg-type] - the stub lacks it",
    ),
    Case(
        tidy_wording.ignored_types_have_reasons,
        "x = 1  # type: ignore - the stub lacks it",
        "x = '# type: ignore'",
    ),
    Case(
        tidy_wording.errors_are_caught_by_name,
        "try:\n    f()\nexcept (OSError, Exception):\n    pass",
        "try:\n    f()\nexcept OSError:\n    pass",
        3,
    ),
    Case(
        tidy_wording.errors_are_caught_by_name,
        "try:\n    f()\nexcept:\n    raise",
        "with suppress(OSError):\n    f()",
        3,
    ),
    Case(
        tidy_wording.errors_are_caught_by_name,
        "with contextlib.suppress(builtins.BaseException):\n    f()",
        "with suppress(*CAUGHT):\n    f()",
    ),
    Case(
        tidy_wording.errors_are_caught_by_name,
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept Exception:\n    count()\n    raise",
        3,
        tidy_wording.BROAD_EXCEPT_PLACE,
    ),
)
IMPORTS_AND_TABLES = (
    Case(
        tidy_imports.imports_stand_at_the_top,
        "def f():\n    if True:\n        from json import loads",
        "if True:\n    import json",
        3,
    ),
    Case(tidy_imports.libraries_have_one_door, "import numba", "import numpy"),
    Case(
        tidy_imports.libraries_have_one_door,
        "from redis.client import Redis",
        "from anpr_engine.watchlist.redis_store import open_store",
    ),
    Case(
        tidy_imports.libraries_have_one_door,
        "import os\nimport numba.typed",
        "import confluent_kafka as client\nfrom confluent_kafka import admin",
        2,
        "anpr_engine/kafka/stream.py",
    ),
    Case(
        tidy_tables.metrics_stand_in_the_table,
        "A = Metric('a')\nB = Metric('b')\nMETRICS = (A,)",
        "A: Metric = Metric('a')\nMETRICS: tuple[Metric, ...] = (A,)",
        2,
        tidy_tables.METRIC_TABLE,
    ),
    Case(
        tidy_tables.metrics_stand_in_the_table,
        "A = Metric('a')\nMETRICS = (A, A)",
        "A = Metric('a')\nMETRICS = (A,)",
        path=tidy_tables.METRIC_TABLE,
    ),
    Case(
        tidy_tables.metrics_are_made_in_the_table,
        "def f(): return table.Metric('a')",
        "def f(metric: Metric): ...",
    ),
    Case(
        tidy_tables.kernels_are_small,
        "@kernel('void()')\ndef f():\n" + "    pass\n" * 40,
        "@kernel('void()')\ndef f():\n" + "    pass\n" * 39,
        2,
    ),
    Case(
        tidy_tables.kernels_are_small,
        "@_jit.kernel\ndef f(a, b, c, d, e, f, g): ...",
        "@_jit.kernel\ndef f(a, b, c, d, e, f): ...\ndef g(a, b, c, d, e, f, g): ...",
        2,
    ),
)
TREES = (
    TreeCase(
        tidy_limits.mean_is_low,
        {"anpr_engine/a.py": "\n" * 161, "anpr_engine/__init__.py": ""},
        {"anpr_engine/a.py": "\n" * 219, "anpr_engine/b.py": "\n" * 101, "tests/c.py": "\n" * 300},
        {"anpr_engine/a.py"},
    ),
    TreeCase(
        tidy_wording.ignored_types_are_few,
        {PLACE: "x = 1  # type: ignore[misc] - reason\n" * 4},
        {PLACE: "x = 1  # type: ignore[misc] - reason\n" * 3},
        {PLACE},
    ),
    TreeCase(
        tidy_imports.config_is_read_by_few,
        {CONFIG: "", "anpr_engine/kafka/stream.py": "from ..config import Settings"},
        {CONFIG: "", "anpr_engine/wiring.py": "from anpr_engine.config import Settings"},
        {"anpr_engine/kafka/stream.py"},
    ),
    TreeCase(
        tidy_imports.config_is_read_by_few,
        {f"anpr_engine/cli/{name}.py": "from anpr_engine import config" for name in "abc"},
        {f"anpr_engine/cli/{name}.py": "import anpr_engine.config" for name in "ab"},
        {f"anpr_engine/cli/{name}.py" for name in "abc"},
    ),
    TreeCase(
        tidy_imports.imports_make_no_cycle,
        {
            "anpr_engine/a.py": "from anpr_engine import b",
            "anpr_engine/b.py": "from .c import name",
            "anpr_engine/c/__init__.py": "import anpr_engine.a",
        },
        {
            "anpr_engine/__init__.py": "from anpr_engine.a import name",
            "anpr_engine/a.py": "from anpr_engine.b import name\nfrom anpr_engine.c import name",
            "anpr_engine/b.py": "from anpr_engine.c import name",
            "anpr_engine/c/__init__.py": "import json",
        },
        {"anpr_engine/c/__init__.py"},
    ),
    TreeCase(
        tidy_tables.kernels_have_twins,
        {PLACE: "@kernel('void()')\ndef f(): ...", "tests/oracle.py": "def g(): ..."},
        {
            PLACE: "@kernel('void()')\ndef f(): ...\n@kernel\ndef g(): ...\ndef h(): ...",
            "tests/oracle.py": "from more import naive as g",
            "tests/oracle_more.py": "def f(): ...",
        },
        {PLACE},
    ),
)

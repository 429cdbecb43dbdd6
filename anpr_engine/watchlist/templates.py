"""How other systems write their lists: one TOML file a form in `templates/`.

Adding a file adds a form; `Template` and `TemplateColumn` say what stands in one.
"""

import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

import msgspec

from anpr_engine.errors import UsageError
from anpr_engine.watchlist.file_rows import COLUMNS

KNOWN = frozenset(COLUMNS)
SUFFIX = ".toml"
MEANINGLESS = frozenset({"entry_id", "list_id", "plate"})
"""Columns that no fixed word may fill."""


class TemplateColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[column]]` of the file.

    name: as the header has it, in any case. begin, end (`from`, `to`): in a fixed form, characters
    from, up to and without, counted from 0. fills (`as`): columns of ours; none for one that is
    known and left out. characters: texts put in place of others first, such as 0 = "O". dates:
    forms in which it gives a time. until_day_end: a day given means its end. values: what its
    values, in lower case, are called here, by column of ours; `*` for all others.
    """

    name: str
    begin: int = msgspec.field(default=0, name="from")
    end: int = msgspec.field(default=0, name="to")
    fills: tuple[str, ...] = msgspec.field(default=(), name="as")
    characters: dict[str, str] = {}
    dates: tuple[str, ...] = ()
    until_day_end: bool = False
    values: dict[str, dict[str, str]] = {}


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form as written.

    says, source: what it is, and where it is described. delimiters: those that may part the
    columns; the commonest of the first line counts. skip_lines: lines before the rows that say
    nothing. names: of the columns, where no line of the file gives them. defaults: of a column of
    ours where the file says nothing.
    """

    says: str
    source: str
    form: Literal["delimited", "fixed"]
    column: tuple[TemplateColumn, ...]
    delimiters: str = ",;\t"
    skip_lines: int = 0
    names: tuple[str, ...] = ()
    defaults: dict[str, str] = {}


def template_names() -> list[str]:
    """Name the forms that come with the engine."""
    found = (each.name for each in _folder().iterdir())
    return sorted(name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX))


def template_of(name: str) -> Template:
    """Read a form: one that comes with the engine, by name, or a file of one's own.

    Raises:
        UsageError: there is none of that name, or the file is wrong; names the file and the key.

    """
    if name.endswith(SUFFIX):
        return read_template(Path(name))
    if name not in template_names():
        known = ", ".join(template_names())
        raise UsageError(f"There is no template {name}.", f"Use {known}, or a file NAME{SUFFIX}.")
    return _shipped(name)


@cache
def _shipped(name: str) -> Template:
    return read_template(_folder() / f"{name}{SUFFIX}")


def _folder() -> Traversable:
    return files("anpr_engine.watchlist") / "templates"


def read_template(file: Traversable) -> Template:
    """Read one file.

    Raises:
        UsageError: it cannot be read, or is wrong.

    """
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Template)
    except OSError as error:
        what = f"The template {file.name} cannot be read: {error.strerror}."
        raise UsageError(what, "Check its name and permissions.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        what = f"The template {file.name} is wrong: {error}."
        raise UsageError(what, "Correct it; the shipped ones show the form.") from None
    wrong = next(iter(_problems(found)), None)
    if wrong is not None:
        raise UsageError(f"The template {file.name} is wrong: {wrong}.", "Correct it.")
    return found


def _problems(template: Template) -> list[str]:
    wrong = [f"[defaults] knows no column {name}" for name in template.defaults.keys() - KNOWN]
    wrong += [f"[defaults] may not fill {name}" for name in template.defaults.keys() & MEANINGLESS]
    filled: list[str] = []
    for column in template.column:
        filled += column.fills
        wrong += [f"{column.name}: there is no column {each}" for each in {*column.fills} - KNOWN]
        strange = column.values.keys() - {*column.fills}
        wrong += [f"{column.name}: values of {each}, which it does not fill" for each in strange]
        if template.form == "fixed" and not 0 <= column.begin < column.end:
            wrong.append(f"{column.name}: from and to are no range of characters")
    twice = {each for each in filled if filled.count(each) > 1}
    wrong += [f"{each} is filled by two columns" for each in sorted(twice)]
    if "plate" not in filled:
        wrong.append("no column fills plate")
    return wrong

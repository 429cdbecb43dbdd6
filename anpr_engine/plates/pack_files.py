"""Load the country packs: one TOML file a country in `packs/`, all its formats as data.

country, name, sign, alpha3    of the country; the last three are also taken as its hints
traffic_share, free_share      see `CountryPack`
[sets]   x = "ABC"             characters that a form names by one small letter
[words]  district = [...]      words that a form names by <district>; or a file, one word a line
[length_shares.district]       how often a word of each length is seen, 2 = 0.45
[[format]]                     in the order in which they are tried
  id, share, meaning, classes, first_year, last_year    see `PlateFormat`
  forms                        list of forms (see `plates.forms`), or table of form = share
  never                        forms of combinations that are not issued
  characters_max               longer layouts are left out
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from anpr_engine.errors import ConfigError
from anpr_engine.kernels.plate_text import ALPHABET, PLATE_CHARACTERS_MAX
from anpr_engine.plates.formats import (
    CharacterSet,
    CountryPack,
    Layout,
    Part,
    PlateFormat,
    WordSet,
)
from anpr_engine.plates.forms import (
    BUILT_IN_SETS,
    FormError,
    Item,
    Vocabulary,
    check_set,
    expression_of,
    read_form,
    spell_out,
)

SHARES_TOLERANCE = 1e-6

Row = tuple[Part, ...]


class FormatTable(msgspec.Struct, forbid_unknown_fields=True):
    """One `[[format]]` as written."""

    id: str
    forms: list[str] | dict[str, float]
    share: float
    meaning: str
    never: list[str] = msgspec.field(default_factory=list)
    classes: list[str] = msgspec.field(default_factory=list)
    first_year: int | None = None
    last_year: int | None = None
    characters_max: int = PLATE_CHARACTERS_MAX


class PackTable(msgspec.Struct, forbid_unknown_fields=True):
    """One file as written."""

    country: str
    name: str
    sign: str
    alpha3: str
    traffic_share: float
    format: list[FormatTable]
    free_share: float = 0.0
    odd: dict[str, float] = msgspec.field(default_factory=dict)
    sets: dict[str, str] = msgspec.field(default_factory=dict)
    words: dict[str, list[str] | str] = msgspec.field(default_factory=dict)
    length_shares: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)


@cache
def country_packs() -> tuple[CountryPack, ...]:
    """Give the packs that come with the engine, by country code; they are read once."""
    return read_packs(files("anpr_engine.plates") / "packs")


def read_packs(folder: Traversable) -> tuple[CountryPack, ...]:
    """Read every pack of a folder, by country code.

    Raises:
        ConfigError: for the first thing wrong, with file and key.

    """
    found: dict[str, CountryPack] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            pack = _read_pack(file, folder)
            with _at(file.name, "country"):
                if pack.country in found:
                    raise FormError(f"{pack.country} has another pack already")
            found[pack.country] = pack
    with _at("the packs", "traffic_share"):
        if sum(pack.traffic_share for pack in found.values()) > 1 + SHARES_TOLERANCE:
            raise FormError("together the countries have more than 1")
    return tuple(found[country] for country in sorted(found))


@contextmanager
def _at(file: str, key: str) -> Iterator[None]:
    """Say where it stands when something in a pack is wrong."""
    try:
        yield
    except FormError as error:
        raise _wrong(file, key, str(error)) from error


def _wrong(file: str, key: str, what: str) -> ConfigError:
    return ConfigError(f"{file}, {key}: {what}.", "Correct the country pack.")


def _read_pack(file: Traversable, folder: Traversable) -> CountryPack:
    table = _table(file)
    name = file.name
    with _at(name, "sets"):
        _check_sets(table.sets)
    words = {}
    for key, value in table.words.items():
        with _at(name, f"words.{key}"):
            words[key] = _words(value, folder)
    vocabulary = Vocabulary(table.sets, words)
    for key, shares in table.length_shares.items():
        with _at(name, f"length_shares.{key}"):
            _check_length_shares(shares, vocabulary.word_sets(key))
    formats = []
    for entry in table.format:
        with _at(name, f"format {entry.id}"):
            formats.append(_format(entry, table, vocabulary))
    with _at(name, "format.id"):
        if len({entry.id for entry in table.format}) != len(formats):
            raise FormError("two formats have the same id")
    with _at(name, "odd"):
        odd = _odd(table, vocabulary)
    with _at(name, "format.share, free_share, odd"):
        all_shares = [*(entry.share for entry in table.format), table.free_share]
        _check_shares([*all_shares, *table.odd.values()])
    with _at(name, "traffic_share"):
        if not 0 <= table.traffic_share <= 1:
            raise FormError("it is not within 0 and 1")
    return CountryPack(
        country=table.country,
        name=table.name,
        sign=table.sign,
        alpha3=table.alpha3,
        traffic_share=table.traffic_share,
        free_share=table.free_share,
        formats=tuple(formats),
        odd=odd,
    )


def _table(file: Traversable) -> PackTable:
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), PackTable)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(file.name, "whole file", f"it is no TOML in UTF-8, {error}") from error
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        raise _wrong(file.name, place.strip("`$.") or "top level", what) from error


def _check_sets(sets: Mapping[str, str]) -> None:
    for name, characters in sets.items():
        if not re.fullmatch("[a-z]", name) or name in BUILT_IN_SETS:
            raise FormError(f"`{name}` is no small letter that is free to name a set")
        check_set(characters)


def _words(words: list[str] | str, folder: Traversable) -> tuple[str, ...]:
    if isinstance(words, str):
        try:
            lines = (folder / words).read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise FormError(f"the word list {words} cannot be read") from error
        words = [line for line in lines if line and not line.startswith("#")]
    if not words or not all(word and set(word) <= set(ALPHABET) for word in words):
        raise FormError("the list is empty, or a word holds more than plate characters")
    if len(set(words)) != len(words):
        raise FormError("a word stands there twice")
    return tuple(words)


def _check_length_shares(shares: Mapping[str, float], words: Sequence[WordSet]) -> None:
    if set(shares) != {str(len(some.words[0])) for some in words}:
        raise FormError("other lengths than those of the words")
    _check_shares(shares.values())


def _check_shares(shares: Collection[float]) -> None:
    if min(shares) < 0 or abs(sum(shares) - 1) > SHARES_TOLERANCE:
        raise FormError(f"the shares sum to {sum(shares):g} instead of 1, or one is below 0")


def _odd(table: PackTable, vocabulary: Vocabulary) -> tuple[Layout, ...]:
    found = []
    for form, share in table.odd.items():
        spelled = _spelled(read_form(form, vocabulary), PLATE_CHARACTERS_MAX, table.length_shares)
        found += [Layout(row, share * part) for row, part in spelled.rows]
    return tuple(found)


def _format(entry: FormatTable, table: PackTable, vocabulary: Vocabulary) -> PlateFormat:
    forms = [read_form(form, vocabulary) for form in entry.forms]
    spelled = [_spelled(form, entry.characters_max, table.length_shares) for form in forms]
    if isinstance(entry.forms, dict):
        shares = list(entry.forms.values())
        _check_shares(shares)
    else:
        size = sum(form.size for form in spelled)
        shares = [form.size / size for form in spelled]
    layouts = [
        Layout(row, form_share * share)
        for form_share, form in zip(shares, spelled, strict=True)
        for row, share in form.rows
    ]
    return PlateFormat(
        format_id=entry.id,
        country=table.country,
        expression=_expression(entry, forms, vocabulary),
        layouts=tuple(layouts),
        share=entry.share,
        classes=tuple(entry.classes),
        first_year=entry.first_year,
        last_year=entry.last_year,
        meaning=entry.meaning,
    )


@dataclass(frozen=True, slots=True)
class _Spelled:
    """The layouts of one form, each with its share of the form, and how many plates they are."""

    rows: list[tuple[Row, float]]
    size: int


def _spelled(
    form: Sequence[Item], characters_max: int, length_shares: Mapping[str, Mapping[str, float]]
) -> _Spelled:
    """Spell a form out; a layout's share is by size, within each length of a word list."""
    rows = [row for row in spell_out(form) if _characters(row) <= characters_max]
    if not rows:
        raise FormError(f"no plate of a form has {characters_max} characters or fewer")
    sizes = [Layout(row, 1).size for row in rows]
    listed = [item.words for item in form if item.words is not None]
    weights = next((length_shares[name] for name in listed if name in length_shares), None)
    lengths = [_word_length(row) if weights else "" for row in rows]
    totals = dict.fromkeys(lengths, 0)
    for length, size in zip(lengths, sizes, strict=True):
        totals[length] += size
    seen = sum(weights[length] for length in totals) if weights else 1
    shares = {length: weights[length] / seen if weights else 1 for length in totals}
    shared = [
        (row, shares[length] * size / totals[length])
        for row, length, size in zip(rows, lengths, sizes, strict=True)
    ]
    return _Spelled(shared, sum(sizes))


def _characters(row: Row) -> int:
    return sum(
        len(part.words[0]) if isinstance(part, WordSet) else isinstance(part, CharacterSet)
        for part in row
    )


def _word_length(row: Row) -> str:
    return str(next(len(part.words[0]) for part in row if isinstance(part, WordSet)))


def _expression(entry: FormatTable, forms: Sequence[Sequence[Item]], vocabulary: Vocabulary) -> str:
    never = "|".join(expression_of(read_form(form, vocabulary)) for form in entry.never)
    plates = "|".join(expression_of(form) for form in forms)
    longest = max(sum(item.characters_max for item in form) for form in forms)
    short = f"(?=.{{1,{entry.characters_max}}}$)" if longest > entry.characters_max else ""
    return short + (f"(?!(?:{never})$)" if never else "") + f"(?:{plates})"

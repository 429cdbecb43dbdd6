"""The language in which a pack writes the shapes of its plates, and what it stands for.

    aaa-ddd            a small letter is a set: `d` 0-9, `i` 1-9, `a` A-Z, others as the pack names
    S-[ABPU]aa-ddd     a set on the spot
    CD-aa-ddd          capitals and digits stand for themselves
    id{0,3}  d{2}      the place before is repeated: from 0 to 3 times, twice
    <district> iddd    a whole word of a list that the pack names
    hyphen, space      a gap that is printed, but no part of the canonical text

Why: short enough to be read beside a photo of the plate, and strict enough to give both what is
needed: a regular expression, and every fixed-length layout. Free regular expressions do not.
"""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from anpr_engine.kernels.plate_text import ALPHABET
from anpr_engine.plates.formats import CharacterSet, Part, Separator, WordSet

BUILT_IN_SETS = {"d": "0123456789", "i": "123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
REPEATS_MAX = 8
LAYOUTS_MAX = 100
"""Most layouts a form may spell out to; each costs the traffic model time and memory."""

_ITEM = re.compile(
    r"(?:(?P<mark>[- ])|\[(?P<inline>[^]]*)\]|<(?P<words>[^>]*)>|(?P<one>[^-\s\[\]<>{}]))"
    r"(?:\{(?P<least>\d+)(?:,(?P<most>\d+))?\})?"
)


class FormError(ValueError):
    """A form is not written in this language, or names a set or list that is not there."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The sets and word lists that the forms of one pack may name."""

    sets: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]
    _word_sets: dict[str, tuple[WordSet, ...]] = field(default_factory=dict)

    def characters(self, name: str) -> str:
        """Give the characters behind one character of a form."""
        if name in ALPHABET:
            return name
        found = self.sets.get(name) or BUILT_IN_SETS.get(name)
        if not found:
            raise FormError(f"`{name}` is no set of this pack")
        return found

    def word_sets(self, name: str) -> tuple[WordSet, ...]:
        """Give a list's words, one set for each length, shortest first."""
        if name not in self.words:
            raise FormError(f"`<{name}>` is no word list of this pack")
        if name not in self._word_sets:
            by_length = itertools.groupby(sorted(self.words[name], key=len), len)
            self._word_sets[name] = tuple(WordSet(tuple(sorted(some))) for _, some in by_length)
        return self._word_sets[name]


@dataclass(frozen=True, slots=True)
class Item:
    """One place of a form: what may stand there, and how often it is repeated."""

    choices: tuple[Part, ...]
    least: int
    most: int
    words: str | None

    @property
    def characters_max(self) -> int:
        """Give the most characters that the item stands for."""
        last = self.choices[-1]
        if isinstance(last, WordSet):
            return len(last.words[0])
        return self.most if isinstance(last, CharacterSet) else 0

    @property
    def expression(self) -> str:
        """Give the item as a piece of a regular expression."""
        first = self.choices[0]
        if isinstance(first, Separator):
            return ""
        if isinstance(first, CharacterSet):
            body = f"[{first.characters}]"
        else:
            body = _any_word(word for part in self.choices for word in getattr(part, "words", ()))
        repeated = "" if self.most == self.least == 1 else f"{{{self.least},{self.most}}}"
        return body + repeated


def _any_word(words: Iterable[str]) -> str:
    """Give an expression for a list of words: by all but their last letter, to compile fast."""
    endings: dict[str, str] = {}
    for word in words:
        endings[word[:-1]] = endings.get(word[:-1], "") + word[-1]
    return "(?:" + "|".join(f"{start}[{ends}]" for start, ends in endings.items()) + ")"


def read_form(form: str, vocabulary: Vocabulary) -> tuple[Item, ...]:
    """Read one form.

    Raises:
        FormError: with what is wrong in it.

    """
    items = []
    place = 0
    while place < len(form):
        found = _ITEM.match(form, place)
        if found is None:
            raise FormError(f"`{form}` cannot be read from its place {place + 1} on")
        items.append(_item(found, vocabulary))
        place = found.end()
    if not any(item.expression for item in items):
        raise FormError("a form without any character")
    return tuple(items)


def _item(found: re.Match[str], vocabulary: Vocabulary) -> Item:
    least = int(found["least"] or 1)
    most = int(found["most"] or least) if found["least"] else 1
    choices = _choices(found, vocabulary)
    if not 0 <= least <= most <= REPEATS_MAX or most == 0:
        raise FormError(f"`{found[0]}` repeats out of 0 to {REPEATS_MAX}")
    if most > 1 and not isinstance(choices[0], CharacterSet):
        raise FormError(f"`{found[0]}`: only a set can be repeated")
    return Item(choices, least, most, found["words"])


def _choices(found: re.Match[str], vocabulary: Vocabulary) -> tuple[Part, ...]:
    if found["mark"]:
        return (Separator(found["mark"]),)
    if found["words"] is not None:
        return vocabulary.word_sets(found["words"])
    characters = found["one"] and vocabulary.characters(found["one"])
    characters = characters or found["inline"]
    check_set(characters)
    return (CharacterSet("".join(sorted(characters))),)


def check_set(characters: str) -> None:
    """Hold a set to plate characters, each once.

    Raises:
        FormError: with what is wrong.

    """
    if not characters:
        raise FormError("a set is empty")
    if strange := set(characters) - set(ALPHABET):
        raise FormError(f"`{min(strange)}` is no character of a plate")
    if len(set(characters)) != len(characters):
        raise FormError(f"the set `{characters}` holds a character twice")


def expression_of(items: Sequence[Item]) -> str:
    """Give the regular expression of a form; it holds no group that captures."""
    return "".join(item.expression for item in items)


def spell_out(items: Sequence[Item]) -> list[tuple[Part, ...]]:
    """Give every fixed-length row of parts that a form stands for.

    Raises:
        FormError: when there are more than `LAYOUTS_MAX`.

    """
    choices = [_choices_repeated(item) for item in items]
    count = math.prod(map(len, choices))
    if count > LAYOUTS_MAX:
        raise FormError(f"a form spells out to {count} layouts, allowed are {LAYOUTS_MAX}")
    return [tuple(itertools.chain.from_iterable(row)) for row in itertools.product(*choices)]


def _choices_repeated(item: Item) -> list[tuple[Part, ...]]:
    return [
        (choice,) * times for times in range(item.least, item.most + 1) for choice in item.choices
    ]

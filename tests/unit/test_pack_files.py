"""Country packs as files: what they hold, and what is said of a wrong one."""

import math
from pathlib import Path

import pytest

from anpr_engine.errors import ConfigError
from anpr_engine.plates.formats import CharacterSet, Separator, WordSet
from anpr_engine.plates.pack_files import country_packs, read_packs

PACK = """
country = "AT"
name = "Austria"
sign = "A"
alpha3 = "AUT"
traffic_share = 0.01
free_share = 0.1

[sets]
x = "CAB"

[words]
district = ["W", "BR", "GM"]

[length_shares.district]
1 = 0.25
2 = 0.75

[[format]]
id = "AT-standard"
forms = ["<district>-id{0,1} xx", "Z dd"]
never = ["<district>-1 AA"]
share = 0.9
characters_max = 5
meaning = "ordinary"
"""

WRONG = {
    "no TOML": ("country =", "country", "whole file"),
    "unknown key": ("free_share", "free_shares", "unknown field `free_shares`"),
    "unknown key of a format": ("never", "nevr", "format[0]: Object contains unknown field"),
    "missing key": ('sign = "A"', "", "missing required field `sign`"),
    "wrong type": ("traffic_share = 0.01", 'traffic_share = "much"', "traffic_share: Expected"),
    "shares of formats": ("share = 0.9", "share = 0.8", "sum to 0.9 instead of 1"),
    "share below 0": ("free_share = 0.1", "free_share = -0.1", "below 0"),
    "traffic share": ("traffic_share = 0.01", "traffic_share = 1.5", "traffic_share: "),
    "length shares": ("2 = 0.75", "2 = 0.5", "length_shares.district: the shares sum to 0.75"),
    "lengths": ("2 = 0.75", "3 = 0.75", "other lengths"),
    "empty set": ('x = "CAB"', 'x = ""', "sets: a set is empty"),
    "set with a stranger": ('x = "CAB"', 'x = "c"', "`c` is no character"),
    "set with a double": ('x = "CAB"', 'x = "AA"', "twice"),
    "set under a taken name": ("x = ", "d = ", "`d` is no small letter"),
    "empty list": ('["W", "BR", "GM"]', "[]", "words.district: the list is empty"),
    "list with a double": ('["W", "BR", "GM"]', '["W", "W"]', "a word stands there twice"),
    "list file missing": ('["W", "BR", "GM"]', '"gone.txt"', "gone.txt cannot be read"),
    "unknown set": ("xx", "xy", "`y` is no set"),
    "unknown list": ("<district>-id", "<town>-id", "`<town>` is no word list"),
    "form not readable": ("Z dd", "Z (dd)", "format AT-standard: `(` is no set"),
    "form open": ("Z dd", "Z [AB", "cannot be read from its place 3"),
    "form empty": ("Z dd", "-", "without any character"),
    "inline set empty": ("Z dd", "[]d", "a set is empty"),
    "repeat backwards": ("d{0,1}", "d{3,1}", "repeats out of 0 to 8"),
    "repeat too often": ("d{0,1}", "d{0,9}", "repeats out of 0 to 8"),
    "repeat of a word": ("<district>-i", "<district>{2}-i", "only a set can be repeated"),
    "no layout left": ("characters_max = 5", "characters_max = 2", "2 characters or fewer"),
    "too many layouts": ("Z dd", "x{1,8}d{1,8}x{1,8}", "layouts, allowed are 100"),
    "form shares": ('["<district>-id{0,1} xx", "Z dd"]', '{"Z dd" = 0.5}', "sum to 0.5"),
}


def write(folder: Path, text: str, name: str = "at.toml") -> Path:
    """Write a pack and give its folder."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_country_is_a_file(tmp_path: Path) -> None:
    """A new file gives a country with its layouts, their shares and what is not issued."""
    (pack,) = read_packs(write(tmp_path, PACK))
    (only,) = pack.formats
    digit, x = CharacterSet("0123456789"), CharacterSet("ABC")
    first, two = CharacterSet("123456789"), WordSet(("BR", "GM"))
    assert (pack.country, pack.sign, pack.free_share) == ("AT", "A", 0.1)
    assert [layout.parts for layout in only.layouts] == [
        (WordSet(("W",)), Separator("-"), first, Separator(" "), x, x),
        (WordSet(("W",)), Separator("-"), first, digit, Separator(" "), x, x),
        (two, Separator("-"), first, Separator(" "), x, x),
        (CharacterSet("Z"), Separator(" "), digit, digit),
    ]
    sizes = [81, 810, 162, 100]
    assert [layout.size for layout in only.layouts] == sizes
    long = 1053 / 1153
    expected = [0.25 * 81 / 891 * long, 0.25 * 810 / 891 * long, 0.75 * long, 100 / 1153]
    assert [layout.share for layout in only.layouts] == pytest.approx(expected)
    assert all(only.pattern.fullmatch(text) for text in ("W1AB", "BR9CC", "W10AA", "Z07"))
    assert not any(only.pattern.fullmatch(text) for text in ("W1AA", "BR10AA", "W1AB1", "Z7"))


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_pack_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    """What is wrong is said with the file, and nothing of the pack is taken."""
    before, after, words = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        read_packs(write(tmp_path, PACK.replace(before, after, 1)))
    assert caught.value.what.startswith("at.toml, ")
    assert words in caught.value.what
    assert caught.value.remedy


def test_what_stands_twice_is_refused(tmp_path: Path) -> None:
    """Two formats of one id, two packs of one country, and too much traffic are refused."""
    again = PACK[PACK.index("[[format]]") :].replace("share = 0.9", "share = 0")
    with pytest.raises(ConfigError, match=r"format\.id: two formats have the same id"):
        read_packs(write(tmp_path, PACK + again))
    write(tmp_path, PACK)
    with pytest.raises(ConfigError, match=r"b\.toml, country: AT has another pack"):
        read_packs(write(tmp_path, PACK, "b.toml"))
    write(tmp_path, PACK.replace("0.01", "0.6"))
    other = PACK.replace("0.01", "0.6").replace('"AT"', '"HU"')
    with pytest.raises(ConfigError, match="together the countries have more than 1"):
        read_packs(write(tmp_path, other, "b.toml"))


def test_the_packs_of_the_engine_add_up() -> None:
    """Every share is a share: of layouts, formats and countries; ids belong to their country."""
    packs = country_packs()
    assert [pack.country for pack in packs] == ["BE", "DE", "FR", "LU", "NL"]
    assert sum(pack.traffic_share for pack in packs) <= 1
    for pack in packs:
        odd = pack.free_share + sum(layout.share for layout in pack.odd)
        assert math.isclose(odd + sum(one.share for one in pack.formats), 1)
        for one in pack.formats:
            assert one.country == pack.country == one.format_id[:2]
            assert math.isclose(sum(layout.share for layout in one.layouts), 1)
            assert all(layout.share > 0 and layout.size > 0 for layout in one.layouts)
            assert one.meaning


def test_all_german_districts_are_there() -> None:
    """Layouts know the 769 districts by length, 47 of them with an umlaut."""
    (standard,) = [
        one for p in country_packs() for one in p.formats if one.format_id == "DE-standard"
    ]
    sets = {
        part for layout in standard.layouts for part in layout.parts if isinstance(part, WordSet)
    }
    words = [word for part in sets for word in part.words]
    assert sum(len(part.words) for part in sets) == 769
    assert len(words) == len(set(words)) == 769
    assert sum(bool(set("ÄÖÜ") & set(word)) for word in words) == 47
    assert (
        max(sum(not isinstance(p, Separator) for p in one.parts) for one in standard.layouts) <= 7
    )

"""The formats of NL, BE, DE, LU and FR, by plates written down by hand."""

import pytest

from anpr_engine.plates.identify import AMBIGUOUS, country_of, fits, identify
from anpr_engine.plates.normaliser import normalise
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.spellings import printed, spellings, splits

CASES = {
    "NL-special-AA": ("AA-7", "AA-52", "AA-418"),
    "NL-special-CDJ": ("CDJ-2", "CDJ-999"),
    "NL-special-CD": ("CD-5", "CD-417", "CD-2031"),
    "NL-dealer": ("FH-12-90", "12-HF-00", "33-41-OA", "HC-00-01"),
    "NL-special-BNGN": ("BN-70-01", "12-GN-44", "88-01-BN"),
    "NL-special-GV": ("GV-21-09", "41-GV-02", "1-GV-234", "567-GV-8"),
    "NL-special-ZZ": ("ZZ-80-17", "ZZZ-4-07"),
    "NL-sidecode-1": ("RK-62-15", "AM-07-33", "ye 00 99"),
    "NL-sidecode-2": ("31-07-KE", "00-00-ZZ"),
    "NL-sidecode-3": ("44-EU-19", "07-YB-80"),
    "NL-sidecode-4": ("WK-81-XD", "OF-00-YY", "KR-19-DO"),
    "NL-sidecode-5": ("BF-GH-21", "TX-ZD-00"),
    "NL-sidecode-6": ("12-GH-JK", "04-MR-PL"),
    "NL-sidecode-7": ("56-KLM-8", "00-VTZ-0"),
    "NL-sidecode-8": ("7-SRT-04", "0-VBB-99"),
    "NL-sidecode-9": ("NP-442-X", "DF-007-G"),
    "NL-sidecode-10": ("R-610-HT", "V-000-ZX"),
    "NL-sidecode-11": ("GKR-83-L", "VBD-00-T"),
    "NL-sidecode-12": ("T-45-HKL", "E-02-BBD", "V-18-NRT"),
    "NL-sidecode-13": ("3-JK-079", "9-ZX-000"),
    "NL-sidecode-14": ("019-PR-4", "777-BD-0"),
    "NL-oneday": ("A-04-31", "L-9-001", "X-12-34"),
    "BE-court": ("4", "17", "900"),
    "BE-official": ("A-2", "E-71", "P-305"),
    "BE-1953": ("K-4102", "7K-311", "80K-12", "512-K7", "0042-S"),
    "BE-1962": ("KB-417", "4-KB-17", "41-KB-7", "417-KB", "K-417-B"),
    "BE-1973": ("DFG-417", "TXB-002", "UAB-733"),
    "BE-2008": ("417-DFG", "000-ZZZ"),
    "BE-2010": ("1-DKL-417", "2-CAB-003", "7-ZZZ-999", "1-MBC-222"),
    "BE-index-8": ("8-KLM-100", "8-AAA-000"),
    "BE-index-9": ("9-JAN-042", "9-ABC-001"),
    "BE-index-Q": ("Q-ABK-310", "Q-ZZZ-999"),
    "BE-index-M": ("M-KLR-310", "M-AAA-001"),
    "BE-index-O": ("O-BAR-310", "O-AAB-012"),
    "BE-index-T": ("T-XKA-310", "T-LZZ-005"),
    "BE-index-G": ("G-AKA-310", "G-LBB-042"),
    "BE-index-S": ("S-AKL-310", "S-BAA-001", "S-PZZ-999", "S-UKK-400"),
    "BE-index-U": ("U-KAA-310", "UA-27-KLM"),
    "BE-index-V": ("V-KAA-310", "V-ABB-001"),
    "BE-index-Y": ("Y-KAA-310", "Y-ABB-001"),
    "BE-index-Z": ("Z-KAA-310", "Z-ABB-001"),
    "BE-temp-W": ("WK-27-LMN", "WA-30-ZZZ"),
    "BE-export-X": ("XK-27-LMN", "X-A30-ZZZ"),
    "BE-CD": ("CD-KL-310", "CD-AA-001"),
    "DE-standard": ("B-KL 4", "KLE-X 1", "AC-DN 9999", "MÜ-X 17", "WÜM-AB 123"),
    "DE-E": ("DN-E 417E", "M-KL 1E", "LÖ-KL 200E"),
    "DE-H": ("HS-K 54H", "K-LM 1H", "GÖ-XY 450H"),
    "DE-export": ("AC 417 L", "KÖN 9 Z", "B 1 A"),
    "DE-short-03-04": ("DN 04 4711", "B 03 1", "WÜ 04 017"),
    "DE-red-06": ("DN 06 471", "KLE 06 12"),
    "DE-red-05": ("DN 05 471", "K 05 1"),
    "DE-red-07": ("DN 07 471", "FÜ 07 0012"),
    "DE-authority": ("BP 81-234", "BG 21 417", "AC 34-170", "HH 71 170", "BBL 41-170"),
    "DE-bundeswehr": ("Y-417 003", "Y-41700", "X-4170"),
    "DE-diplomatic": ("0 44-7", "0 170-1", "0 12"),
    "DE-insurance": ("417 KLM", "001 AAA"),
    "LU-official-AA": ("AA 0417", "AA 9999"),
    "LU-CD": ("CD-41-70", "CD-00-01"),
    "LU-ZZ": ("ZZ 0001", "ZZ 4170"),
    "LU-P": ("P 4", "P 41"),
    "LU-current": ("KV 4170", "RW 0031", "QZ 0000"),
    "LU-moped": ("KV 41", "QZ 00"),
    "LU-old-2L3D": ("KV 417", "QZ 001"),
    "LU-old-1L4D": ("K 4170", "Z 0001"),
    "LU-digits": ("4170", "00417", "98765"),
    "FR-SIV": ("DF-417-QK", "AA-001-AA", "WX-999-ZZ"),
    "FR-WW": ("WW-417-QK", "WW-001-AA"),
    "FR-W-garage": ("W-417-QK", "W-001-AA"),
    "FR-FNI": ("4 K 59", "417 KLM 62", "4170 KL 02", "41 KL 2A", "9 ZZZ 20"),
    "FR-FNI-DOM": ("4 K 971", "417 KLM 974"),
    "FR-moped": ("K 41 L", "KL 417 M", "Z 999 Z"),
    "FR-CD": ("41 CD 417", "4 CMD 1", "E 204 CD 170", "S1CD4"),
    "FR-K": ("41 K 417", "U 417 K 9"),
}
FORMATS = {one.format_id: one for pack in country_packs() for one in pack.formats}

OPEN = [
    ("KV4170", ["DE-standard", "LU-current", "NL-sidecode-1"]),
    ("K4170", ["BE-1953", "DE-authority", "LU-old-1L4D", "NL-oneday"]),
    ("45KR67", ["FR-FNI", "NL-sidecode-3"]),
    ("417KLM", ["BE-2008", "DE-insurance"]),
    ("W417KR", ["FR-W-garage", "NL-sidecode-10"]),
    ("4CMD170", ["BE-2010", "FR-CD"]),
]
NOTHING = [
    ("12-KAB-3", "a vowel in a modern Dutch series"),
    ("0-KLM-123", "Belgian index 0"),
    ("I-ABC-123", "Belgian index I"),
    ("B-KL 0123", "a German number with a leading zero"),
    ("HH-KLM 123", "three German identifier letters"),
    ("HH-KL 12345", "nine characters"),
    ("QQ-KL 1E", "no German district"),
    ("SS-417-KL", "a French first pair that is not issued"),
    ("KL-417-SS", "a French last pair that is not issued"),
    ("KL-000-KL", "the French number 000"),
    ("417 KLM 98", "a French department that does not exist"),
    ("D HH-KL 1234", "the band's letter read as text"),
    ("", "nothing"),
    ("UNKNOWN", "what a reader writes for no read"),
    ("A1" * 5000, "ten thousand characters"),
    ("\ud800\udfff", "lone surrogates"),
]


def named(raw: str, hint: str | None) -> tuple[str | None, str | None]:
    """Give country and format of a raw text."""
    identity = identify(normalise(raw).text, hint)
    return identity.country, identity.format_id


def test_every_format_has_cases() -> None:
    """Each format of each pack is held by two plates at least."""
    assert set(CASES) == set(FORMATS)
    assert all(len(plates) >= 2 for plates in CASES.values())


@pytest.mark.parametrize("format_id", CASES)
def test_a_hinted_plate_is_named(format_id: str) -> None:
    """With its country, a plate gets its format, and prints in one of the format's layouts."""
    country = format_id[:2]
    for raw in CASES[format_id]:
        assert named(raw, country) == (country, format_id)
        assert printed(normalise(raw).text, FORMATS[format_id]) in splits(
            normalise(raw).text, country
        )


@pytest.mark.parametrize(("text", "also"), OPEN)
def test_a_text_of_several_countries_stays_open(text: str, also: list[str]) -> None:
    """Without a hint, and with one that does not fit, every country's format is named."""
    countries = {format_id[:2] for format_id in also}
    for hint in {None, "PL", *({"BE", "FR", "LU"} - countries)}:
        identity = identify(text, hint)
        assert (identity.country, identity.format_id) == (None, AMBIGUOUS)
        assert (identity.valid, list(identity.also)) == (True, also)
    for format_id in also:
        identity = identify(text, format_id[:2])
        assert identity.format_id == format_id
        assert [*identity.also] == [other for other in also if other != format_id]


@pytest.mark.parametrize("raw", [case[0] for case in NOTHING], ids=[case[1] for case in NOTHING])
def test_what_fits_nothing_is_not_valid(raw: str) -> None:
    """A text that no country has is not valid, whatever the hint."""
    for hint in (None, "NL", "BE", "DE", "LU", "FR", "XX"):
        identity = identify(normalise(raw).text, hint)
        assert (identity.country, identity.format_id, identity.valid) == (None, None, False)


@pytest.mark.parametrize("hint", ["DE", "XX", "", None])
def test_a_wrong_hint_does_not_hide_a_plate(hint: str | None) -> None:
    """A plate of one country alone is that country's, whatever the hint."""
    assert named("12-BBD-3", hint) == ("NL", "NL-sidecode-7")


def test_the_first_format_names_the_text() -> None:
    """Inside a country the order decides: NL 1234 is Nuremberg, not Lower Saxony."""
    assert named("NL 1234", "DE") == ("DE", "DE-standard")
    assert named("NL 12345", "DE") == ("DE", "DE-authority")
    assert splits("NL1234", "DE") == ("N-L 1234", "NL 1234")
    assert [one.format_id for one in fits("12HA34")] == ["FR-FNI", "NL-dealer"]


@pytest.mark.parametrize(
    ("country", "hints"),
    [
        ("NL", ["NL", "nl", "NLD", " nld "]),
        ("BE", ["BE", "B", "b", "bel"]),
        ("DE", ["DE", "D", "deu"]),
        ("LU", ["LU", "l", "LUX"]),
        ("FR", ["FR", "f", "Fra"]),
    ],
)
def test_hints_in_every_style(country: str, hints: list[str]) -> None:
    """Codes of two and three letters and the sign on the car mean the country, in any case."""
    assert [country_of(hint) for hint in hints] == [country] * len(hints)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("WÜAB12", ("WUAB12", "WUEAB12")),
        ("SÄKA1", ("SAKA1", "SAEKA1")),
        ("WUEAB12", ("WÜAB12",)),
        ("KOENA12", ("KÖNA12",)),
        ("UEAB12", ()),
        ("1ABC123", ()),
        ("AE" * 400, ()),
    ],
)
def test_spellings(text: str, others: tuple[str, ...]) -> None:
    """Umlauts are also written in two other ways; two letters are one where a district is so."""
    assert spellings(text) == others


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("BAB123", ("B-AB 123", "BA-B 123")),
        ("FUA123", ("F-UA 123",)),
        ("HHAB1234", ("HH-AB 1234",)),
        ("WÜAB12", ("WÜ-AB 12",)),
        ("QQ1", ()),
    ],
)
def test_german_splits(text: str, readings: tuple[str, ...]) -> None:
    """A compact German text stands for each plate whose district exists."""
    assert splits(text, "DE") == readings

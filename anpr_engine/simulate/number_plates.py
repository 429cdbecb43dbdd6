"""Number plates as issued, drawn by series: NL, BE, DE, LU and FR.

Patterns: `d` a digit, `i` a digit from 1, `l` a letter of the country's set, `f` a first letter of
a Dutch car; everything else stands for itself. Weights are guesses at what is on the road.

Sources: NL Regeling kentekens en kentekenplaten (BWBR0009071) and RDW's series; BE ministerial
decree of 23-7-2001 with index digits since 2010; DE Fahrzeug-Zulassungsverordnung; FR SIV (2009)
and FNI; LU series of 2003.
"""

import numpy as np
import numpy.typing as npt

COUNTRIES: tuple[str, ...] = ("NL", "BE", "DE", "LU", "FR")
VEHICLE_CLASSES: tuple[str, ...] = ("car", "van", "lorry", "bus", "motorcycle")

_DIGITS = "0123456789"
_LETTERS = {
    "NL": "BDFGHJKLMNPRSTVWXZ",
    "BE": "ABCDEFGHJKLNPRSTUVWXYZ",
    "DE": "ABCDEFGHJKLMNPRSTUVWXYZ",
    "LU": "ABCDEFGHJKLMNPRSTUVWXYZ",
    "FR": "ABCDEFGHJKLMNPQRSTVWXYZ",
}
_NL_CAR_FIRST = "GHJKLNPRSTXZ"
_NEVER_ISSUED = {
    "NL": ("SS", "SD", "GVD", "KKK", "NSB", "PKK", "PSV", "TBS", "PVV", "SGP", "VVD"),
    "BE": ("KKK",),
    "DE": ("HJ", "KZ", "NS", "SA", "SD", "SS"),
    "LU": ("HJ", "KK", "KZ", "PD", "SA", "SS", "WC"),
    "FR": ("SS", "WW"),
}

Series = tuple[tuple[str, float], ...]

_NL_CAR: Series = (
    ("ll-dd-ll", 2),  # sidecode 4
    ("ll-ll-dd", 3),  # 5
    ("dd-fl-ll", 14),  # 6
    ("dd-fll-d", 15),  # 7
    ("d-fll-dd", 17),  # 8
    ("fl-ddd-l", 20),  # 9
    ("f-ddd-ll", 20),  # 10
    ("Gll-dd-l", 5),  # 11, cars since 2024
    ("Hll-dd-l", 4),
)
_NL_VAN: Series = (
    ("dd-Vll-d", 15),
    ("d-Vll-dd", 25),
    ("Vl-ddd-l", 20),
    ("V-ddd-ll", 25),
    ("Vll-dd-l", 10),
    ("V-dd-lll", 5),  # sidecode 12, vans since 2024
)
_BE_CAR: Series = (
    ("1-lll-ddd", 58),
    ("2-lll-ddd", 28),
    ("lll-ddd", 6),  # 1973 to 2008
    ("ddd-lll", 2),  # 2008 to 2010
    ("9-lll-ddd", 1),  # personalised until 2014
    ("T-Xll-ddd", 1),  # taxi
    ("T-Lll-ddd", 1),  # hire with driver
    ("O-lll-ddd", 0.6),  # over 25 years old
    ("Z-lll-ddd", 0.6),  # dealer
    ("Y-lll-ddd", 0.3),  # test
    ("llll-dd", 0.5),  # personalised: at most eight characters with the hyphen
    ("lllll-d", 0.4),
    ("llllll", 0.6),
)
_DE_DISTRICTS = (
    *("AC", "DN", "HS", "KLE", "VIE", "WES", "BOR", "K", "D", "KR", "MG", "NE", "BM", "EU", "DU"),
    *("E", "ME", "RE", "MS", "ST", "BN", "SU", "BIT", "TR", "F", "B", "HH", "M", "KÖN", "GÖ"),
)


def _german_car() -> Series:
    border = frozenset({"AC", "DN", "HS", "KLE", "VIE", "WES", "BOR"})
    series: list[tuple[str, float]] = []
    for district in _DE_DISTRICTS:
        weight = 3.0 if district in border else 1.0
        last = "iddd" if len(district) < 3 else "idd"
        series += [(f"{district}-ll {last}", 4 * weight), (f"{district}-l {last}", 2 * weight)]
        series.append((f"{district}-ll {last[:-1]}E", weight / 2))  # electric
    return tuple(series)


_SERIES: dict[tuple[str, str], Series] = {
    ("NL", "car"): _NL_CAR,
    ("NL", "van"): _NL_VAN,
    ("NL", "lorry"): (("Bl-ll-dd", 15), ("dd-Bll-d", 70), ("d-Bll-dd", 15)),
    ("NL", "bus"): (("Bl-ll-dd", 20), ("dd-Bll-d", 80)),
    ("NL", "motorcycle"): (("Ml-ll-dd", 60), ("dd-Ml-ll", 40)),
    ("BE", "car"): _BE_CAR,
    ("BE", "lorry"): (("1-lll-ddd", 55), ("2-lll-ddd", 30), ("Q-lll-ddd", 15)),  # Q: its trailer
    ("BE", "motorcycle"): (("M-lll-ddd", 90), ("1-Mll-ddd", 10)),
    ("DE", "car"): _german_car(),
    ("LU", "car"): (("ll dddd", 95), ("ll ddd", 5)),
    ("FR", "car"): (
        ("ll-ddd-ll", 96),
        ("iddd ll 59", 2),  # before 2009, by department
        ("idd lll 62", 1),
        ("idd lll 02", 1),
    ),
}


def canonical(printed: str) -> str:
    """Give a plate's text without separators, in upper case."""
    return printed.replace("-", "").replace(" ", "").upper()


def is_issued(printed: str, country: str) -> bool:
    """Say whether the country issues this combination of letters at all."""
    text = canonical(printed)
    return not any(banned in text for banned in _NEVER_ISSUED[country])


def _fill(rng: np.random.Generator, pattern: str, country: str, count: int) -> npt.NDArray[np.str_]:
    """Draw plates of one pattern."""
    alphabets = {"d": _DIGITS, "i": _DIGITS[1:], "l": _LETTERS[country], "f": _NL_CAR_FIRST}
    codes = np.empty((count, len(pattern)), np.uint32)
    for column, mark in enumerate(pattern):
        choice = np.array([ord(letter) for letter in alphabets.get(mark, mark)], np.uint32)
        codes[:, column] = choice[rng.integers(0, len(choice), count)]
    return codes.view(f"<U{len(pattern)}")[:, 0]


def draw_plates(
    rng: np.random.Generator, country: str, vehicle_class: str, count: int
) -> list[str]:
    """Draw plates as printed, separators in place; a few may be equal or never issued."""
    series = _SERIES.get((country, vehicle_class)) or _SERIES[country, "car"]
    weights = np.array([weight for _, weight in series])
    kinds = rng.choice(len(series), size=count, p=weights / weights.sum())
    plates = np.empty(count, dtype="<U12")
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        plates[rows] = _fill(rng, series[int(kind)][0], country, len(rows))
    drawn: list[str] = plates.tolist()
    return drawn

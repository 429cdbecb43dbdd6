"""What property tests draw: plates, reads, entries, and broken ones of each."""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from anpr_engine.records.watchlist_entry import WatchlistEntry

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

LETTERS = "ABDFGHJKLNPRSTVXZ"
SEPARATORS = st.sampled_from(["", "-", " ", ".", " - "])


@st.composite
def belgian_plates(draw: st.DrawFn) -> str:
    """Draw plates such as 1-ABC-123 from a space small enough to collide."""
    gap = draw(SEPARATORS)
    letters = "".join(draw(st.lists(st.sampled_from("ABC"), min_size=3, max_size=3)))
    return f"{draw(st.sampled_from('12'))}{gap}{letters}{gap}{draw(st.integers(0, 20)):03d}"


@st.composite
def dutch_plates(draw: st.DrawFn) -> str:
    """Draw plates such as GB-001-B."""
    letters = draw(st.lists(st.sampled_from(LETTERS), min_size=3, max_size=3))
    return f"{letters[0]}{letters[1]}-{draw(st.integers(0, 999)):03d}-{letters[2]}"


odd_plates = st.one_of(
    st.text(max_size=24),
    st.text(alphabet="0123456789ABCxyzÄöÜäÖü-? *.ВЕМ\u0308\u200b\u202eß", max_size=20),
    st.sampled_from(["", "-", "0", "WÜ-AB 12", "КА 12-34", "1234567890ABCDEFG"]),
)
plates = st.one_of(belgian_plates(), dutch_plates(), odd_plates)
countries = st.sampled_from([None, "BE", "NL", "DE", "be"])
times = st.integers(-86_400, 0).map(lambda seconds: NOW + timedelta(seconds=seconds))


shares = st.floats(0, 1).map(lambda value: round(value, 4))
unknown_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), shares, st.text(max_size=6)
)
unknown_values = st.recursive(
    unknown_leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


def objects(
    lawful: dict[str, st.SearchStrategy[object]], optional: Collection[str] = ()
) -> st.SearchStrategy[object]:
    """Draw objects with some optional members, now and then one that nobody knows."""
    required = {name: drawn for name, drawn in lawful.items() if name not in optional}
    rest = {name: lawful[name] for name in optional} | {"seen_by": unknown_values}
    return st.fixed_dictionaries(required, optional=rest)


symbols = st.one_of(st.sampled_from(["0", "A", "Z-", "Ä", "1234"]), st.text(min_size=1, max_size=1))
traits = st.one_of(st.none(), st.text(max_size=12), st.just("Volvo"))
lawful_nested: dict[str, st.SearchStrategy[object]] = {
    "characters": st.lists(objects({"char": symbols, "confidence": shares}), max_size=9),
    "candidates": st.lists(objects({"plate": plates, "confidence": shares}), max_size=12),
    "position": objects({"lat": shares, "lon": st.integers(-180, 180)}),
    "vehicle": objects(
        {"class": traits, "make": traits, "model": traits, "colour": traits},
        ("class", "make", "model", "colour"),
    ),
}
"""What a read may hold beside plain texts and numbers."""

damaged_members = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(unknown_values, shares, st.text(min_size=3, max_size=5))
        for name in ("char", "plate", "confidence", "lat", "lon", "make", "vehicle_class")
    },
)
unlawful_nested = st.one_of(
    unknown_values, damaged_members, st.lists(damaged_members, min_size=1, max_size=70)
)
"""What mostly fits none of the known fields."""


@st.composite
def read_values(draw: st.DrawFn) -> bytes:
    """Draw well-formed reads, most of them plain, some with nested values and escapes."""
    read = draw(read_fields())
    return written(read, draw)


@st.composite
def odd_read_values(draw: st.DrawFn) -> bytes:
    """Draw reads one of whose nested fields holds anything."""
    read = draw(read_fields())
    read[draw(st.sampled_from(sorted(lawful_nested)))] = draw(unlawful_nested)
    return written(read, draw)


def written(read: dict[str, object], draw: st.DrawFn) -> bytes:
    """Write a read as JSON, wide or narrow, with escapes or without."""
    ascii_only = draw(st.booleans())
    spaces = draw(st.sampled_from([(",", ":"), (", ", ": "), ("\n,\t", " : ")]))
    text = json.dumps(read, ensure_ascii=ascii_only, separators=spaces)
    return text.encode(errors="surrogatepass")


@st.composite
def read_fields(draw: st.DrawFn) -> dict[str, object]:
    """Draw the fields of a lawful read."""
    read: dict[str, object] = {
        "read_id": f"r{draw(st.integers(0, 10**9))}",
        "camera_id": "BE-E19-014",
        "captured_at": draw(times).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "plate": draw(plates),
    }
    country = draw(countries)
    if country:
        read["country"] = country
    optional: dict[str, st.SearchStrategy[object]] = {
        "confidence": shares,
        "country_confidence": shares,
        "lane": st.one_of(st.integers(0, 9), st.sampled_from(["left", "right"])),
        "heading_deg": st.floats(0, 360).map(lambda value: round(value, 1)),
        "unknown": unknown_values,
        "sent_at": times.map(lambda value: value.isoformat()),
    } | lawful_nested
    for name in draw(st.sets(st.sampled_from(sorted(optional)))):
        read[name] = draw(optional[name])
    return read


@st.composite
def damaged_values(draw: st.DrawFn) -> bytes:
    """Draw reads with one to three bytes changed, cut or doubled."""
    return damaged(draw(st.one_of(read_values(), odd_read_values())), draw)


@st.composite
def alike_values(draw: st.DrawFn) -> list[bytes]:
    """Draw reads written by one program, with members too few, twice or late, some damaged."""
    fields, other = draw(read_fields()), draw(read_fields())
    shared = sorted(fields.keys() & other.keys())
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    values: list[bytes] = []
    for _ in range(draw(st.integers(2, 8))):
        read = fields | {name: other[name] for name in draw(st.sets(st.sampled_from(shared)))}
        members = [
            json.dumps(name) + colon + json.dumps(value, ensure_ascii=False)
            for name, value in read.items()
        ]
        chosen = draw(st.integers(0, len(members) - 1))
        change = draw(st.sampled_from(["none", "none", "gone", "twice", "late", "alone"]))
        if change in {"gone", "late"}:
            chosen_member = members.pop(chosen)
            members += [chosen_member] if change == "late" else []
        elif change == "twice":
            members.append(members[chosen])
        elif change == "alone":
            del members[chosen + 1 :]
        value = f"{{{comma.join(members)}}}".encode(errors="surrogatepass")
        value += draw(st.sampled_from([b"", b"", b"", b"\n", b" ", b"}", b",", b"\n{"]))
        value = damaged(value, draw) if draw(st.integers(0, 3)) == 0 else value
        values += [value] * draw(st.integers(1, 2))
    return values


def damaged(value_before: bytes, draw: st.DrawFn) -> bytes:
    """Change, cut or double one to three bytes."""
    value = bytearray(value_before)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(value) - 1)))
        kind = draw(st.sampled_from(["change", "cut", "double", "drop"]))
        if kind == "change" and value:
            value[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            del value[place:]
        elif kind == "double":
            value[place:place] = value[place : place + 5]
        else:
            del value[place : place + 1]
    return bytes(value)


@st.composite
def entries(draw: st.DrawFn) -> WatchlistEntry:
    """Draw entries whose plates can match."""
    start = draw(st.one_of(st.none(), times))
    end = draw(st.one_of(st.none(), st.integers(1, 2 * 86_400)))
    begin = start or NOW - timedelta(days=1)
    return WatchlistEntry(
        entry_id=f"e{draw(st.integers(0, 30))}",
        list_id=draw(st.sampled_from(["be-drugs", "nl-atm"])),
        plate=draw(st.one_of(belgian_plates(), dutch_plates())),
        country=draw(countries),
        valid_from=start,
        valid_until=None if end is None else begin + timedelta(seconds=end),
        sharing=draw(st.sampled_from(["own", "be,nl", "nl"])),
        provider=draw(st.sampled_from([None, "be", "nl"])),
        owner=draw(st.sampled_from(["unit 7", "unit 7", ""])),
        max_actions=draw(st.sampled_from([None, 1, 1, 1])),
    )

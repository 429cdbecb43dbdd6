"""Alerts made without a second check are those that a check would make, to the byte."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.pipeline.batches.records_in import reads_in
from anpr_engine.pipeline.batches.rules import RecordRules
from anpr_engine.pipeline.columns import Circumstances, read_of, seen_of
from anpr_engine.pipeline.core import StepResult, StepRules, step
from anpr_engine.pipeline.passages import PassageBook, PassageRules
from anpr_engine.pipeline.publish import alert_records
from anpr_engine.records.alert import Alert, AlertRead
from anpr_engine.records.audit_event import AuditEvent
from anpr_engine.records.fields import Category
from anpr_engine.records.read import Position, Vehicle
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import SiteTopics, json_bytes

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
IDS = st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=1, max_size=12)
SHARES = st.floats(0, 1) | st.sampled_from([0, 1, 1e-7, 5e-324])
STAMPS = st.builds(
    lambda ms, minutes, tail: (
        (NOW + timedelta(milliseconds=ms))
        .astimezone(timezone(timedelta(minutes=minutes)))
        .isoformat(timespec="milliseconds")
        .replace("+00:00", tail)
    ),
    st.integers(-9000, 9000),
    st.sampled_from([0, 0, 120, -330]),
    st.sampled_from(["Z", "z", "456Z", "456789Z", "+00:00"]),
)
LANES = st.sampled_from([1, -3, 2.0, "left", "é", "2", 10**20, None])
VEHICLES = st.sampled_from(
    [{"class": "car", "make": "VW"}, {"vehicle_class": "van"}, {"colour": "blå"}, {}, None]
)
READS = st.fixed_dictionaries(
    {
        "read_id": IDS,
        "camera_id": st.sampled_from(["c1", "c2"]),
        "captured_at": STAMPS,
        "plate": st.sampled_from(["1ABC123", "AB-123-C", "1ABC124"]),
    },
    optional={
        "country": st.sampled_from(["BE", "nl", None]),
        "confidence": SHARES | st.none(),
        "position": st.none()
        | st.fixed_dictionaries({"lat": st.floats(-90, 90), "lon": st.integers(-180, 180)}),
        "lane": LANES,
        "direction": TEXTS | st.none(),
        "heading_deg": st.floats(0, 360),
        "speed_kmh": st.integers(0, 300),
        "vehicle": VEHICLES,
        "image_ref": TEXTS | st.none(),
        "passage_id": st.sampled_from(["p1", "", None]),
        "seen_by": st.just({"plate": [1]}),
    },
)
ENTRIES = [
    WatchlistEntry(
        entry_id=f"e{number}",
        list_id="nl-joint",
        plate=plate,
        country="BE" if number == 0 else "NL",
        owner='unit 7 é"\\\n',
        provider="nl",
        sharing="be,nl",
        category=Category.BURGLARY,
        valid_until=until,
        max_actions=1,
        purpose="p\x7f\u2028",
        case_ref="c😀",
    )
    for number, (plate, until) in enumerate(
        [("1-ABC-123", NOW + timedelta(days=2)), ("AB-123-C", NOW + timedelta(hours=1))]
    )
]
SNAPSHOT = snapshot_of(ENTRIES)
RULES = StepRules(passages=PassageRules(window_us=2_000_000))


def values_of(reads: Sequence[object], *, ascii_only: bool) -> list[bytes]:
    """Write reads as JSON."""
    return [json.dumps(read, ensure_ascii=ascii_only).encode() for read in reads]


def stepped(values: Sequence[bytes]) -> StepResult:
    """Decide a batch."""
    where = Circumstances("be", NOW_US, 3, watchlist_stale=False)
    return step(values, SNAPSHOT, RULES, where, PassageBook())


@given(reads=st.lists(READS, min_size=1, max_size=6), ascii_only=st.booleans())
def test_a_read_is_told_as_the_model_reads_it(reads: list[object], *, ascii_only: bool) -> None:
    """Whatever it holds: times with offsets, lanes of any kind, vehicles, other people's fields."""
    columns = reads_in(values_of(reads, ascii_only=ascii_only), RecordRules(), NOW_US + 10**8)
    refused = {reject.row for reject in columns.rejects}
    for row in set(range(len(columns))) - refused:
        found = seen_of(columns, row)
        expected = AlertRead.model_validate(read_of(columns, row), from_attributes=True)
        assert found == expected
        assert list(found.__dict__) == list(expected.__dict__)
        assert [type(value) for value in found.__dict__.values()] == [
            type(value) for value in expected.__dict__.values()
        ]
        assert json_bytes(found) == found.model_dump_json(by_alias=True, exclude_none=True).encode()


@given(reads=st.lists(READS, min_size=1, max_size=6), ascii_only=st.booleans())
def test_alerts_and_lines_are_those_of_the_models(reads: list[object], *, ascii_only: bool) -> None:
    """Every alert passes its model unchanged; record values are what the models write."""
    result = stepped(values_of(reads, ascii_only=ascii_only))
    written = alert_records(result.alerts, SiteTopics("be"))
    for number, decided in enumerate(result.alerts):
        alert = decided.alert
        assert list(alert.__dict__) == list(Alert.model_fields)
        assert Alert.model_validate(alert.model_dump(by_alias=True)) == alert
        value, line = written[2 * number].value, written[2 * number + 1].value
        assert value == alert.model_dump_json(by_alias=True, exclude_none=True).encode()
        event = AuditEvent.model_validate_json(line)
        assert line == event.model_dump_json(by_alias=True, exclude_none=True).encode()
        assert (event.alert_id, event.recipients) == (alert.alert_id, alert.recipients)
        assert event.purpose == alert.entry.purpose


def test_such_reads_give_alerts() -> None:
    """The tests above are about something."""
    read = {"read_id": "r", "camera_id": "c", "plate": "1ABC123"}
    result = stepped(values_of([read | {"captured_at": "2026-11-22T09:00:00Z"}], ascii_only=True))
    assert [each.alert.read.read_id for each in result.alerts] == ["r"]


@given(SHARES, st.floats(-90, 90), st.floats(0, 1000), TEXTS, LANES)
def test_json_is_the_models_own(
    share: float, lat: float, speed: float, text: str, lane: str | int | None
) -> None:
    """Numbers of any size and text of any kind, nested parts and their other names included."""
    read = AlertRead(
        read_id="r",
        camera_id="c",
        captured_at=NOW,
        plate=text,
        confidence=share,
        position=Position(lat=lat, lon=1.0),
        lane=lane,
        speed_kmh=speed,
        vehicle=Vehicle.model_validate({"class": text}),
    )
    assert json_bytes(read) == read.model_dump_json(by_alias=True, exclude_none=True).encode()

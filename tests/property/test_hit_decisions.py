"""The engine's own decision of a hit against the plain reading of the articles."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_policy import answers

from anpr_engine.policy.case import Entry, HitPart
from anpr_engine.policy.hit_memory import Judgement, Memory
from anpr_engine.policy.hits import HitJudge
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.records.fields import Action, Category, Tier
from anpr_engine.records.watchlist_entry import WatchlistEntry

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR_US = 3_600_000_000
AGES_US = st.sampled_from([0, HOUR_US, 48 * HOUR_US, 120 * HOUR_US]).flatmap(
    lambda edge: st.sampled_from([edge - 1, edge, edge + 1, edge + 240 * 1_000_000])
)
REMEMBERED = Memory()
"""Of all examples, which are batches after batches to the judge."""
moments = st.sampled_from([-3600, -240, -1, 0, 1, 240]).map(lambda s: NOW + timedelta(seconds=s))


@st.composite
def listed(draw: st.DrawFn) -> WatchlistEntry:
    """Draw an entry that is mostly lawful."""
    mostly = st.sampled_from([True, True, True, True, False])
    start = draw(st.none() | st.sampled_from([NOW - timedelta(days=1), NOW - timedelta(minutes=3)]))
    return WatchlistEntry(
        entry_id="e",
        list_id="l",
        plate="1ABC123",
        country="BE" if draw(mostly) else None,
        owner="unit 7" if draw(mostly) else " ",
        provider=draw(st.sampled_from([None, "be", "nl", "nl", "nl", "lu"])),
        sharing=draw(st.sampled_from(["be,nl", "be", "nl", "own", "be,nl,lu"])),
        action=draw(st.sampled_from(Action)),
        sis_action=draw(st.none() | st.sampled_from(Action)),
        sis_derived=not draw(mostly),
        list_kind=draw(st.sampled_from(["structural", "ad_hoc", None])),
        valid_from=start,
        valid_until=NOW + timedelta(minutes=2) if draw(mostly) else None,
        max_actions=draw(st.sampled_from([None, 0, 1, 2])),
        area_cameras=draw(st.sampled_from([(), ("c1",), ("c2", "c1"), ("c2",)])),
        area_polygon=draw(st.sampled_from(["", "", SQUARE])),
        hours_utc=draw(st.sampled_from(["", "08:00-09:00", "09:00-08:56", "09:00-09:00"])),
        direction=draw(st.sampled_from(["", "North"])),
    )


def asked(
    entry: WatchlistEntry, hit: HitPart, received: datetime | None, now: datetime
) -> dict[str, Any]:
    """Write the question as outsiders do, and give the second reading's answers."""
    when = None if received is None else min(received, now)
    given_entry = entry.model_dump(mode="json", exclude={"area_cameras", "area_polygon"})
    corners = [list(map(float, corner.split(","))) for corner in entry.area_polygon.split()]
    area = {"cameras": list(entry.area_cameras), "polygon": corners}
    return answers(
        {
            "case_id": "x",
            "now": now.isoformat(),
            "site": "be",
            "provider": entry.provider or "be",
            "list": {
                "kind": entry.list_kind or "structural",
                "received_at": when and when.isoformat(),
                "sis_derived": entry.sis_derived,
            },
            "entry": given_entry | {"area": area if any(area.values()) else None},
            "hit": {
                "captured_at": hit.captured_at and hit.captured_at.isoformat(),
                "camera_id": hit.camera_id,
                "direction": hit.direction,
                "position": hit.position,
            },
            "state": {},
        }
    )


SQUARE = "51.2,4.4 51.3,4.4 51.3,4.5 51.2,4.5"
LAWFUL = WatchlistEntry(
    entry_id="e",
    list_id="l",
    plate="1ABC123",
    country="BE",
    owner="unit 7",
    provider="nl",
    sharing="be,nl",
    action=Action.SEIZE,
    valid_until=NOW + timedelta(minutes=2),
    max_actions=1,
)
OTHERS: dict[str, object] = {
    "plate": " ",
    "country": None,
    "category": Category.BURGLARY,
    "owner": " ",
    "provider": "lu",
    "sharing": "nl",
    "action": Action.OBSERVE,
    "sis_action": Action.ARREST,
    "sis_derived": True,
    "list_kind": "ad_hoc",
    "valid_from": NOW + timedelta(minutes=1),
    "valid_until": None,
    "max_actions": 0,
    "area_cameras": ("c2",),
    "area_polygon": SQUARE,
    "hours_utc": "10:00-11:00",
    "direction": "south",
    "border_area_only": True,
    "case_ref": "A-1",
}


@pytest.mark.parametrize("name", OTHERS)
def test_entries_that_differ_in_one_thing_are_told_apart(name: str) -> None:
    """Who was asked about the one entry before says of the other what nobody asked before says."""
    other = LAWFUL.model_copy(update={name: OTHERS[name]})
    hit = HitPart(NOW, "c1", 0.3, "exact", "north")
    receipts = {"nl": int(NOW.timestamp() * 1e6) - 49 * HOUR_US}

    def judged(*entries: WatchlistEntry) -> Judgement:
        judge = HitJudge(shipped_policies(), ("be", NOW), receipts)
        return [judge.of_hit(judge.of_entry(entry), hit) for entry in entries][-1]

    assert judged(LAWFUL, other) == judged(other)
    assert judged(other, LAWFUL) == judged(LAWFUL)
    assert judged(LAWFUL).refusal is None


def test_every_field_that_the_rules_look_at_is_among_those_told_apart() -> None:
    """What an entry hands to the rules is what the test above changes."""
    assert {*Entry.__struct_fields__} - {"area"} <= OTHERS.keys()


@settings(max_examples=600)
@given(
    entries=st.lists(listed(), min_size=1, max_size=4),
    hits=st.lists(
        st.builds(
            HitPart,
            captured_at=moments,
            camera_id=st.sampled_from(["c1", "c2", "c3"]),
            probability=st.sampled_from([0.0, 0.0499, 0.05, 0.3, 0.5, 1.0]),
            tier=st.sampled_from(Tier).map(str),
            direction=st.sampled_from([None, "north", "south"]),
            position=st.sampled_from([None, (51.25, 4.45), (51.25, 4.55), (51.35, 4.45)]),
        ),
        min_size=1,
        max_size=4,
    ),
    age_us=st.none() | AGES_US,
    now=st.sampled_from([0, 1, 120, 240]).map(lambda s: NOW + timedelta(seconds=s)),
)
def test_the_engine_decides_as_the_plain_reading_does(
    entries: list[WatchlistEntry], hits: list[HitPart], age_us: int | None, now: datetime
) -> None:
    """Alert or none, the action, and who waits: also where hits alike were asked before."""
    now_us = int(now.timestamp() * 1e6)
    receipts = {} if age_us is None else {"nl": now_us - age_us, "lu": now_us}
    judge = HitJudge(shipped_policies(), ("be", now), receipts, memory=REMEMBERED)
    for entry in entries:
        standing = judge.of_entry(entry)
        at = receipts.get(entry.provider or "be")
        received = None if at is None else now + timedelta(microseconds=at - now_us)
        for hit in hits:
            found = judge.of_hit(standing, hit)
            now_said = asked(entry, hit, received, now)
            moment = hit.captured_at or now
            then_said = asked(entry, hit, received, moment)
            misread = hit.tier in {"repaired", "fuzzy"}
            probability = hit.probability or 0.0
            stays = misread and probability < 0.05
            told = now_said["usable"] and then_said["usable"] and not stays
            assert (found.refusal is None) == told
            if told:
                assert found.action == now_said["action"]
                assert found.kept_days == then_said["kept"]["hit_days"]
                assert found.waits == (misread and probability < 0.5)
            else:
                assert found.recipients == ()

"""Matching, deciding and publishing, one rule at a time."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from anpr_engine.errors import RejectShareExceeded
from anpr_engine.pipeline.columns import EXACT, TIERS, Circumstances
from anpr_engine.pipeline.core import StepResult, StepRules, step
from anpr_engine.pipeline.decide import alert_id
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.pipeline.publish import Refused, alert_records, dead_letter
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.policy.sharing import RULES, decide_sharing
from anpr_engine.ports import RecordOrigin
from anpr_engine.records.rejected_read import RejectReason
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import SiteTopics

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HERE = Circumstances("be", int(NOW.timestamp() * 1e6), 120, watchlist_stale=False)


def entry(**fields: object) -> WatchlistEntry:
    """Give an entry with some fields set."""
    plain = {"entry_id": "e1", "list_id": "be-drugs", "plate": "1-ABC-123", "country": "BE"}
    return WatchlistEntry.model_validate(plain | fields)


def read(**fields: object) -> bytes:
    """Give a read with some fields set."""
    plain = {
        "read_id": "r1",
        "camera_id": "c1",
        "captured_at": "2026-11-22T08:59:59Z",
        "plate": "1ABC123",
        "country": "BE",
    }
    return json.dumps(plain | fields).encode()


def decided(
    values: list[bytes], entries: list[WatchlistEntry], probability_min: float = 0.0
) -> StepResult:
    """Run the step."""
    chosen = StepRules(MatchRules(probability_min))
    return step(values, snapshot_of(entries), chosen, HERE)


def test_an_alert_carries_what_a_person_needs_to_doubt_it() -> None:
    """Plates as read and as listed, the age of the list, the rules, and how late it is."""
    alert = decided([read(vehicle={"make": "BMW"})], [entry(vehicle_make="Oldsmobile")]).alerts[0]
    told = alert.alert
    assert (told.read.plate, told.entry.plate) == ("1ABC123", "1-ABC-123")
    assert told.read.vehicle is not None
    assert (told.read.vehicle.make, told.entry.vehicle_make) == ("BMW", "Oldsmobile")
    assert (told.watchlist_age_ms, told.lateness_ms, told.state) == (120, 1000, "unverified")
    assert told.reasons == [
        *("sharing.own", "be.own-entry", "be.own-use"),
        *("be.keep-hits", "be.keep-logs"),
    ]
    assert told.policy_version == shipped_policies().version


@pytest.mark.parametrize(
    ("seen", "listed", "hits"),
    [("BE", "BE", 1), ("be", "BE", 1), (None, "BE", 1), ("BE", None, 1), ("NL", "BE", 0)],
)
def test_country_is_part_of_an_exact_match(seen: str, listed: str, hits: int) -> None:
    """Known countries must agree; an unknown one on either side leaves doubt, not silence."""
    rules = StepRules(MatchRules(near=False))
    result = step([read(country=seen)], snapshot_of([entry(country=listed)]), rules, HERE)
    assert len(result.hits) == hits
    assert result.withheld == ({} if hits else {"other-country": 1})


def test_a_claim_that_the_text_refutes_does_not_hide_a_listed_vehicle() -> None:
    """No Dutch plate reads like that: the claim is what was misread, and the hit is no exact one.

    A text that the claimed country issues itself is that country's vehicle.
    """
    refuted = decided([read(country="NL")], [entry()]).hits
    assert [TIERS[tier] for tier in refuted.tier] == ["fuzzy"]
    assert refuted.edits[0] == 0
    shared = entry(plate="BN-KL 12", country="DE")
    many = [entry(entry_id=f"x{number}", plate=f"2-XY-{number:03}") for number in range(1000)]
    plain = decided([read(plate="BNKL12", country="DE")], [shared, *many]).hits.probability[0]
    claimed = decided([read(plate="BNKL12", country="NL")], [shared, *many]).hits
    assert not len(claimed) or claimed.probability[0] < plain / 3


def test_a_doubtful_country_lowers_the_probability() -> None:
    """A text that several countries issue is worth less when nobody knows the country."""
    listed = [entry(plate="AB-12-34", country="LU")]
    sure = decided([read(plate="AB1234", country="LU")], listed).hits.probability[0]
    unsure = decided([read(plate="AB1234", country=None)], listed).hits.probability[0]
    assert 0 < unsure < sure < 1


@pytest.mark.parametrize(
    ("start_s", "end_s", "hits"),
    [(None, None, 1), (-60, 60, 1), (None, -1, 0), (None, 0, 0), (0, None, 0), (-1, 60, 1)],
)
def test_an_entry_counts_only_while_it_is_in_force(
    start_s: int | None, end_s: int | None, hits: int
) -> None:
    """It must hold when the plate was seen, and must not have ended before now."""
    times = {
        name: None if seconds is None else NOW + timedelta(seconds=seconds)
        for name, seconds in (("valid_from", start_s), ("valid_until", end_s))
    }
    result = decided([read()], [entry(**times)])
    assert len(result.hits) == hits


def test_fractions_of_a_second_never_lengthen_an_entry() -> None:
    """Starts are rounded up, ends are rounded down."""
    made = entry(
        valid_from=NOW + timedelta(milliseconds=1), valid_until=NOW + timedelta(seconds=9.9)
    )
    assert made.valid_from == NOW + timedelta(seconds=1)
    assert made.valid_until == NOW + timedelta(seconds=9)


def test_a_plate_on_two_lists_gives_two_alerts() -> None:
    """No list hides another."""
    times = {"valid_until": NOW + timedelta(days=1), "max_actions": 1}
    both = [entry(), entry(list_id="nl-atm", provider="nl", sharing="be,nl", owner="u", **times)]
    alerts = [item.alert for item in decided([read()], both).alerts]
    assert {alert.entry.list_id for alert in alerts} == {"be-drugs", "nl-atm"}
    assert len({alert.alert_id for alert in alerts}) == 2


def test_long_plates_match_as_text_and_not_as_hash() -> None:
    """Thirteen to sixteen characters are compared character by character."""
    long = "ABCDEFGHIJKLM12"
    assert len(decided([read(plate=long)], [entry(plate=long)]).hits) == 1
    assert len(decided([read(plate=long[:-1] + "3")], [entry(plate=long)]).hits) == 0


@pytest.mark.parametrize("plate", ["", "---", "A-1", "1234567890ABCDEFG", "Я1ABC123"])
def test_useless_plates_never_match(plate: str) -> None:
    """No text without a usable plate matches, whatever is listed."""
    listed = [entry(plate=text, entry_id=text or "none") for text in ("A1", "1ABC123", "1BC123")]
    result = decided([read(plate=plate, country=None)], listed)
    assert (len(result.hits), len(result.rejects)) == (0, 0)


def test_a_position_that_was_not_read_is_a_near_match_never_an_exact_one() -> None:
    """The mark stands for any character: what is left of the plate is no other plate."""
    listed = [entry(), entry(entry_id="short", plate="1BC123", country=None)]
    hits = decided([read(plate="1?BC123")], listed).hits
    assert EXACT not in hits.tier
    assert hits.probability[list(hits.entry).index(max(hits.entry))] > 0


def test_hits_below_the_floor_are_withheld_and_counted() -> None:
    """The floor is a choice, so what it keeps back is counted apart from errors."""
    result = decided([read(confidence=0.2)], [entry()], probability_min=0.999_999)
    assert result.withheld == {"below-probability": 1}
    assert not result.alerts


def test_probability_follows_bayes() -> None:
    """More confidence is worth more, more entries share the same traffic, none exceeds one."""
    others = [entry(entry_id=f"x{number}", plate=f"2-XY-{number:03}") for number in range(1000)]
    few, many = (
        [decided([read(confidence=c)], listed).hits.probability[0] for c in (0.6, 0.8, 0.9, 0.97)]
        for listed in ([entry()], [entry(), *others])
    )
    assert many == sorted(many)
    assert all(0 < less < more <= 1 for less, more in zip(many, few, strict=True))


@pytest.mark.parametrize(
    ("fields", "recipients", "reasons"),
    [
        ({}, ("be",), ("sharing.own",)),
        ({"sharing": "be,nl"}, ("be", "nl"), ("sharing.partners",)),
        ({"sharing": "nl", "provider": "be"}, ("be", "nl"), ("sharing.partners",)),
        (
            {"sharing": "be,nl", "provider": "nl"},
            ("be", "nl"),
            ("sharing.partners", "sharing.provider"),
        ),
        ({"sharing": "own", "provider": "nl"}, (), ("sharing.not-here",)),
        ({"sharing": "nl,de", "provider": "nl"}, (), ("sharing.not-here",)),
        ({"sharing": "be,nl", "sis_derived": True}, ("be",), ("sharing.sis-derived",)),
        ({"sis_derived": True}, ("be",), ("sharing.own",)),
    ],
)
def test_sharing_decides_who_is_told(
    fields: dict[str, object], recipients: tuple[str, ...], reasons: tuple[str, ...]
) -> None:
    """The entry's own sharing names the recipients, and every rule that fired is named."""
    decision = decide_sharing(entry(**fields), "be")
    assert (decision.recipients, decision.reasons) == (recipients, reasons)
    assert set(reasons) <= RULES.keys()
    assert decision.crosses_border("be") == ("nl" in recipients)


def test_alerts_go_to_one_topic_each_with_their_audit_line() -> None:
    """National alerts stay; shared ones go on the cross-border topic, once."""
    topics = SiteTopics("be")
    listed = [entry(), entry(entry_id="e2", sharing="be,nl")]
    records = alert_records(decided([read()], listed).alerts, topics)
    places = sorted(record.topic for record in records)
    assert places == ["anpr.alerts.be", "anpr.alerts.crossborder", "anpr.audit.be", "anpr.audit.be"]
    for record in records:
        assert b"1ABC123" not in record.key
        assert dict(record.headers)["ce_specversion"] == b"1.0"


def test_no_audit_line_holds_a_plate() -> None:
    """The record of what was done names records by id."""
    records = alert_records(decided([read()], [entry()]).alerts, SiteTopics("be"))
    audit = [record.value for record in records if "audit" in record.topic]
    assert audit
    assert all(b"ABC" not in value for value in audit)


def test_alert_ids_are_the_same_each_time_and_differ_by_entry() -> None:
    """Working on a read again names the same alert."""
    assert alert_id("be", "r", "l", "e") == alert_id("be", "r", "l", "e")
    ids = {
        alert_id("be", "r", "l", "e"),
        alert_id("nl", "r", "l", "e"),
        alert_id("be", "rl", "", "e"),
    }
    assert len(ids) == 3


@pytest.mark.parametrize("keep", [False, True])
def test_a_dead_letter_holds_the_payload_only_where_asked(keep: bool) -> None:  # noqa: FBT001
    """Reason, place, size and digest always; the bytes only on request."""
    origin = RecordOrigin("anpr.reads.be", 3, 17, -1)
    record = dead_letter(
        origin,
        Refused(b"1-ABC", RejectReason.NOT_JSON, "x"),
        SiteTopics("be"),
        NOW,
        keep_payload=keep,
    )
    letter = json.loads(record.value)
    assert (letter["partition"], letter["offset"], letter["size_bytes"]) == (3, 17, 5)
    payload = letter.get("payload_base64")
    assert payload == (base64.b64encode(b"1-ABC").decode() if keep else None)


def test_the_guard_stops_when_too_much_is_unreadable() -> None:
    """One bad batch among good ones passes; a lasting share over the limit does not."""
    guard = RejectGuard(share_max=0.25, window_reads=2000)
    guard.admit(900, 900)
    guard.admit(3000, 0)
    guard.admit(400, 100)
    with pytest.raises(RejectShareExceeded, match="share_max"):
        guard.admit(2000, 1990)

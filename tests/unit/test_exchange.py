"""Another site's list and the clock: what the rules of the agreement say of using it at all."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepResult, StepRules, step
from anpr_engine.policy.case import HitPart
from anpr_engine.policy.hits import HitJudge
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.receipts import Cursor, receipts_from
from anpr_engine.watchlist.snapshot import snapshot_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FIVE_DAYS = timedelta(days=5)
READ = msgspec.json.encode(
    {
        "read_id": "r1",
        "camera_id": "c1",
        "captured_at": "2026-11-22T08:59:59Z",
        "plate": "1ABC123",
        "country": "BE",
    }
)


def us(when: datetime) -> int:
    """Give an instant as microseconds since 1970."""
    return round(when.timestamp() * 1e6)


def objection(
    age: timedelta, *, provider: str = "nl", site: str = "be", now: datetime = NOW
) -> str | None:
    """Ask about a hit by a list that was received some time ago."""
    return refusal({provider: us(now - age)}, provider, site, now)


def refusal(
    received_at_us: dict[str, int], provider: str = "nl", site: str = "be", now: datetime = NOW
) -> str | None:
    """Name the rule against a hit on an entry that is lawful by itself."""
    judge = HitJudge(shipped_policies(), (site, now), received_at_us)
    standing = judge.of_entry(listed(provider, now))
    return judge.of_hit(standing, HitPart(now, "c1", 1.0, "exact")).refusal


def listed(provider: str | None, now: datetime = NOW) -> WatchlistEntry:
    """Give an entry with all that the agreement asks for."""
    return WatchlistEntry(
        entry_id="e1",
        list_id="l1",
        plate="1-ABC-123",
        country="BE",
        owner="unit 7",
        valid_until=now + timedelta(days=9),
        max_actions=1,
        sharing="be,nl",
        provider=provider,
    )


@pytest.mark.parametrize(
    ("age", "rule"),
    [
        (timedelta(0), None),
        (FIVE_DAYS, None),
        (FIVE_DAYS + timedelta(seconds=1), "art13.14-age"),
        (timedelta(days=400), "art13.14-age"),
        (-timedelta(minutes=5), None),
        (-timedelta(minutes=5, seconds=1), "art13.14-received"),
    ],
)
def test_a_list_runs_out_five_days_after_its_last_receipt(age: timedelta, rule: str | None) -> None:
    """To the second; a receipt of tomorrow is none, but for clocks that differ a little."""
    assert objection(age) == rule
    assert objection(age, provider="be", site="nl") == rule


def test_a_list_of_unknown_receipt_is_not_used() -> None:
    """What a store does not say of a delivery is not known, and permits nothing."""
    assert refusal({}) == "art13.14-received"


def test_of_the_sites_own_list_nothing_is_asked() -> None:
    """It is not exchanged."""
    assert refusal({}, provider="be") is None


@pytest.mark.parametrize("provider", ["lu", "de", "fr", "es"])
def test_no_list_is_used_without_an_agreement(provider: str) -> None:
    """However fresh it is."""
    rule = objection(timedelta(0), provider=provider)
    assert rule is not None
    assert "refuse_entry" in shipped_policies().rules[rule].then


def test_no_list_is_used_before_the_agreement() -> None:
    """It has effect from its first day on."""
    eve = datetime(2025, 12, 11, 23, 59, tzinfo=UTC)
    assert objection(timedelta(0), now=eve) == "art13.23.4-not-yet"
    assert objection(timedelta(0), now=eve + timedelta(minutes=1)) is None


def decided(received_at_us: dict[str, int] | None, provider: str | None = "nl") -> StepResult:
    """Take one read of an entry through the pipeline."""
    here = Circumstances("be", us(NOW), 0, watchlist_stale=False, received_at_us=received_at_us)
    return step([READ], snapshot_of([listed(provider)]), StepRules(), here)


def test_no_alert_comes_of_a_list_that_ran_out() -> None:
    """The hit is withheld and counted by the rule's id; while the list holds it goes out."""
    assert len(decided({"nl": us(NOW - FIVE_DAYS)}).alerts) == 1
    late = decided({"nl": us(NOW - FIVE_DAYS) - 1})
    assert (list(late.alerts), late.withheld) == ([], {"art13.14-age": 1})
    unknown = decided({})
    assert (list(unknown.alerts), unknown.withheld) == ([], {"art13.14-received": 1})


def test_own_entries_and_files_need_no_receipt() -> None:
    """An own list is not received, and of a file nobody says when it was."""
    assert len(decided({}, provider="be").alerts) == 1
    assert len(decided({}, provider=None).alerts) == 1
    assert len(decided(None).alerts) == 1


def test_a_receipt_that_cannot_be_read_is_not_known() -> None:
    """The other providers' still are."""
    cursor = msgspec.json.encode(Cursor("epoch", 3, "token", 17))
    reply = [b"nl", cursor, b"lu", b"{", b"\xff", cursor]
    assert receipts_from(reply) == {"nl": 17, "\ufffd": 17}
    assert receipts_from([]) == {}

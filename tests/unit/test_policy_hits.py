"""What the engine makes of a hit: who is told, as what, by which rules, and what keeps it back."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from oracle_policy import example

from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepResult, StepRules, step
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.policy.case import HitPart, read_case
from anpr_engine.policy.explain import explain_case
from anpr_engine.policy.handled import Progress
from anpr_engine.policy.hit_memory import Judgement
from anpr_engine.policy.hits import HitJudge
from anpr_engine.policy.policy_set import PolicySet, load_policies, shipped_policies
from anpr_engine.policy.rulings import NOT_PERMITTED
from anpr_engine.records.alert import Alert
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)
STEP, OWN = StepRules(), ("be.keep-hits", "be.keep-logs")
Fields = dict[str, object]
DUTCH: Fields = {
    "provider": "nl",
    "owner": "unit 7",
    "sharing": "be,nl",
    "valid_until": NOW + timedelta(days=9),
    "max_actions": 1,
}


def entry(fields: Fields) -> WatchlistEntry:
    """Give an entry with some fields set."""
    plain = {"entry_id": "e1", "list_id": "l1", "plate": "1-ABC-123", "country": "BE"}
    return WatchlistEntry.model_validate(plain | fields)


SQUARE = "51.2,4.4 51.3,4.4 51.3,4.5 51.2,4.5"


def decided(
    fields: Fields,
    read: Fields | None = None,
    site: str = "be",
    rules: StepRules = STEP,
) -> StepResult:
    """Take one read of an entry through the pipeline."""
    plain: Fields = {
        "read_id": "r1",
        "camera_id": "be-1",
        "captured_at": "2026-11-22T08:59:59Z",
        "plate": "1ABC123",
        "country": "BE",
    }
    value = json.dumps(plain | (read or {})).encode()
    here = Circumstances(site, NOW_US, 0, watchlist_stale=False, received_at_us={"nl": NOW_US})
    return step([value], snapshot_of([entry(fields)]), rules, here)


def alert(fields: Fields, read: Fields | None = None) -> Alert:
    """Give the one alert of a read of an entry."""
    (found,) = decided(fields, read).alerts
    return found.alert


def judged(
    fields: Fields, probability: float, tier: str = "exact", policies: PolicySet | None = None
) -> Judgement:
    """Judge one hit at a site in Belgium."""
    judge = HitJudge(policies or shipped_policies(), ("be", NOW), {"nl": NOW_US})
    return judge.of_hit(judge.of_entry(entry(fields)), HitPart(NOW, "be-1", probability, tier))


def test_an_own_entry_needs_nothing_but_a_plate() -> None:
    """Whatever else is absent has the default of the list, and the country's rules let it pass."""
    told = alert({"country": None})
    assert told.reasons == ["sharing.own", "be.own-entry", "be.own-use", *OWN]
    assert told.kept_until == NOW + timedelta(days=365)
    assert (told.action, told.policy_version) == ("inquiry-check", shipped_policies().version)


def test_an_alert_names_every_rule_that_let_it_go() -> None:
    """Of an exchanged entry those of the agreement, each of which can be looked up."""
    told = alert(DUTCH)
    assert told.recipients == ["be", "nl"]
    assert told.reasons == [
        *("sharing.partners", "sharing.provider", "art13.1-parties", "treaty.13.3-comparison"),
        *("treaty.13.3-keep-hits", "be.keep-logs", "art13.17.2-procedure"),
    ]
    assert told.kept_until == NOW + timedelta(days=31)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"country": None}, "art13.15.1b-country"),
        ({"owner": " "}, "art13.15.1e-unit"),
        ({"action": "observe"}, "art13.10.1-no-observation"),
        ({"valid_until": None}, "art13.11.2-period-given"),
        ({"max_actions": None}, "art13.11.2-times-given"),
        ({"max_actions": 0}, "art13.11.2-times"),
        ({"sis_derived": True}, "art13.7.1-sis-list"),
        ({"area_cameras": ["be-2"]}, "art13.11.1-area"),
        ({"area_polygon": SQUARE}, "art13.11.1-area"),
        ({"hours_utc": "09:00-08:59"}, "common.hours"),
        ({"direction": "north"}, "common.direction"),
        ({"sharing": "nl"}, "sharing.not-here"),
        ({"provider": "lu"}, "lu.closed"),
    ],
)
def test_an_exchanged_entry_that_the_agreement_refuses_gives_no_alert(
    fields: Fields, rule: str
) -> None:
    """The hit is withheld and counted by the id of the rule."""
    result = decided(DUTCH | fields, {"direction": "south"})
    assert (list(result.alerts), result.withheld) == ([], {rule: 1})


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"max_actions": 0}, "be.own-times"),
        ({"area_cameras": ["be-2", "be-3"]}, "be.own-area"),
        ({"hours_utc": "22:00-06:00"}, "common.hours"),
        ({"direction": "North"}, "common.direction"),
    ],
)
def test_an_own_entry_outside_its_limits_gives_no_alert(fields: Fields, rule: str) -> None:
    """Where, when, whither and how often hold for the site's own entries too."""
    result = decided(fields, {"direction": "south"})
    assert (list(result.alerts), result.withheld) == ([], {rule: 1})


def test_an_area_may_be_a_polygon() -> None:
    """Where the camera stands counts, or which camera it is; without a position it lies outside."""
    within: Fields = {"position": {"lat": 51.25, "lon": 4.45}}
    beside: Fields = {"position": {"lat": 51.25, "lon": 4.55}}
    polygon: Fields = {"area_polygon": SQUARE}
    assert alert(polygon, within).state == "unverified"
    assert decided(polygon, beside).withheld == {"be.own-area": 1}
    assert decided(polygon).withheld == {"be.own-area": 1}
    assert alert(polygon | {"area_cameras": ["be-1"]}, beside).state == "unverified"
    assert decided(polygon | {"area_cameras": ["be-2"]}, beside).withheld == {"be.own-area": 1}


def test_an_own_entry_within_its_limits_gives_an_alert() -> None:
    """Inside area, hours and direction; a read that tells no direction leaves it open."""
    limits: Fields = {
        "area_cameras": ["be-2", "be-1"],
        "hours_utc": "08:59-09:00",
        "direction": "North",
        "max_actions": 3,
    }
    assert alert(limits, {"direction": "north"}).state == "unverified"
    assert alert(limits).state == "unverified"


def test_an_ad_hoc_list_runs_out_after_two_days() -> None:
    """A structural one, as every list that does not say, after five."""
    old = {"nl": NOW_US - 49 * 3600 * 1_000_000}
    hit = HitPart(NOW, "be-1", 1.0, "exact")
    for kind, refusal in (("ad_hoc", "art13.5-ad-hoc"), ("structural", None), (None, None)):
        judge = HitJudge(shipped_policies(), ("be", NOW), old)
        standing = judge.of_entry(entry(DUTCH | {"list_kind": kind}))
        assert judge.of_hit(standing, hit).refusal == refusal


def test_a_site_without_a_law_alerts_nobody() -> None:
    """What no rule permits is not permitted."""
    assert decided({}, site="es").withheld == {NOT_PERMITTED: 1}
    assert decided({}, site="fr").withheld == {"fr.closed": 1}


@pytest.mark.parametrize(
    ("provider", "rule"), [(None, "common.sis-wins"), ("nl", "art13.7.3-sis-wins")]
)
def test_the_action_of_the_sis_wins(provider: str | None, rule: str) -> None:
    """Where it differs; the same action is the list's."""
    fields = DUTCH | {"provider": provider, "action": "seize"}
    told = alert(fields | {"sis_action": "arrest"})
    assert told.action == "arrest"
    assert rule in told.reasons
    assert rule not in alert(fields | {"sis_action": "seize"}).reasons


def test_what_was_made_from_the_sis_is_told_at_home_only() -> None:
    """However widely the entry is shared."""
    told = alert({"sharing": "be,nl", "sis_derived": True})
    assert (told.recipients, told.reasons[0]) == (["be"], "sharing.sis-derived")


def test_the_danger_and_the_reliability_reach_the_officer() -> None:
    """They stand in the entry of the alert."""
    told = alert({"danger": "Armed.", "reliability": "B2"})
    assert (told.entry.danger, told.entry.reliability) == ("Armed.", "B2")


@pytest.mark.parametrize(
    ("tier", "probability", "waits", "refusal"),
    [
        ("fuzzy", 0.5, False, None),
        ("fuzzy", 0.4999, True, None),
        ("repaired", 0.05, True, None),
        ("repaired", 0.0499, False, "common.too-doubtful"),
        ("exact", 0.0001, False, None),
        ("wildcard", 0.01, False, None),
        ("candidate", 0.01, False, None),
    ],
)
def test_how_sure_a_misread_must_be(
    tier: str, probability: float, *, waits: bool, refusal: str | None
) -> None:
    """Above the shipped floor all goes out unverified; a doubtful one waits, or stays."""
    found = judged(DUTCH, probability, tier)
    assert (found.refusal, found.waits) == (refusal, waits)
    if refusal is None:
        assert found.recipients == (("be",) if waits else ("be", "nl"))
        assert ("common.doubtful-waits" in found.reasons) is waits


def test_a_site_may_ask_more_of_grave_actions(tmp_path: Path) -> None:
    """A rule on action and probability goes over the shipped one; other actions are as before."""
    for file in (files("anpr_engine.policy") / "rules").iterdir():
        shutil.copy(str(file), tmp_path)
    with (tmp_path / "be.toml").open("a", encoding="utf-8") as out:
        out.write(
            '\n[[rule]]\nid = "be.arrest-waits"\nreference = "A test"\nsays = "Surely."\n'
            'when.entry.action.is = "arrest"\nwhen.hit.probability.less_than = 0.9\n'
            'when.hit.probability.at_least = 0.05\nthen.release = "review"\n'
        )
    stricter = load_policies(tmp_path)
    assert judged({"action": "arrest"}, 0.8, policies=stricter).waits
    assert not judged({"action": "arrest"}, 0.9, policies=stricter).waits
    assert not judged({"action": "seize"}, 0.8, policies=stricter).waits
    assert not judged({"action": "arrest"}, 0.8).waits


@pytest.mark.parametrize(
    ("plate", "states", "withheld"),
    [
        ("1AEC123", [("review", ["be"])], {}),
        ("1A8C123", [("unverified", ["be", "nl"])], {}),
        ("1XBC123", [], {"common.too-doubtful": 1}),
    ],
)
def test_a_site_that_looks_for_less_likely_misreads_sees_those_alone_first(
    plate: str, states: list[tuple[str, list[str]]], withheld: dict[str, int]
) -> None:
    """They go out in the state `review` to the site alone, sure ones as ever, others not at all."""
    rules = StepRules(MatchRules(near_probability_min=0.001))
    result = decided(DUTCH, {"plate": plate, "confidence": 0.99}, rules=rules)
    assert [(one.alert.state, one.alert.recipients) for one in result.alerts] == states
    assert result.withheld == withheld


@pytest.mark.parametrize(("probability", "words"), [(0.2, "site of the read alone"), (0.01, "nob")])
def test_the_explanation_of_a_case_tells_how_a_doubtful_hit_goes_out(
    probability: float, words: str
) -> None:
    """With the rule that says so; of a sure hit there is nothing to tell."""
    changes: dict[str, object] = {"hit.tier": "fuzzy", "hit.probability": probability}
    told = explain_case(read_case(json.dumps(example(changes)).encode()), shipped_policies())
    (place,) = (row for row, line in enumerate(told) if line.startswith("how the hit goes out"))
    assert words in told[place]
    assert told[place + 1].startswith("  common.")
    sure = explain_case(read_case(json.dumps(example({})).encode()), shipped_policies())
    assert not any("goes out:" in line and line.startswith("how") for line in sure)


def progressed(fields: Fields, progress: Progress) -> Judgement:
    """Judge a hit on an entry about which something was done before."""
    received = {"nl": NOW_US}
    judge = HitJudge(shipped_policies(), ("be", NOW), received, lambda _about: progress)
    return judge.of_hit(judge.of_entry(entry(fields)), HitPart(NOW, "be-1", 1.0, "exact"))


def test_an_entry_acted_on_as_often_as_wanted_gives_no_more_alerts() -> None:
    """By the rule of article 11(2), once the last action is known to be done."""
    twice = DUTCH | {"max_actions": 2}
    assert progressed(twice, Progress(actions_done=1)).refusal is None
    assert progressed(twice, Progress(actions_done=2)).refusal == "art13.11.2-times"


def test_an_entry_that_people_refused_gives_no_more_alerts() -> None:
    """Article 12: whatever the rules of policy would permit."""
    assert progressed(DUTCH, Progress(ended=True)).refusal == "handling.refused"


def test_a_hit_that_waits_names_who_is_told_later() -> None:
    """Only the site of the read is told at once; the provider once somebody looked."""
    sure, doubtful = judged(DUTCH, 0.9, "fuzzy"), judged(DUTCH, 0.3, "fuzzy")
    assert (sure.waits, sure.held_back_from) == (False, ())
    assert (doubtful.recipients, doubtful.held_back_from) == (("be",), ("nl",))

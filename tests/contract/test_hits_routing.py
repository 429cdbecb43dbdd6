"""Which way a report goes, by command from the officer to the other side's contact points.

Articles 16 and 19: national, regional or joint contact points; direct when urgent or in joint
action; and whatever did not go by the national contact point is made known to it at once.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hits_world import FACTS, JOINT, NOW, WHY, HitsWorld, alert_of, hits_world

from anpr_engine.records.alert import Alert
from anpr_engine.records.messages import ReportA, ReportB
from anpr_engine.records.schema_files import accept
from anpr_engine.wire import REPORTS_TOPIC, SiteTopics

POINTS = ("national", "regional", "joint-centre", "direct")
AGREED = """
[[arrangement]]
list_id = "{list_id}"
provider = "nl"
receiver = "be"
cameras = ["be-1"]
from = {start}
until = {end}
frequency = "each-working-day"
hits_per_day_max = 20
contact = [
  {{ site = "nl", way = "national", service = "contact point nl", address = "desk 1" }},
  {{ site = "nl", way = "{way}", service = "border desk", address = "desk 9" }},
  {{ site = "be", way = "national", service = "contact point be", address = "desk 2" }},
]
signed = [
  {{ site = "nl", service = "unit north", at = {start} }},
  {{ site = "be", service = "unit south", at = {start} }},
]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give one world to the tests of this file; each has an entry of its own."""
    with hits_world(tmp_path_factory.mktemp("routing")) as made:
        yield made


def written(path: Path, text: str, **more: str) -> str:
    """Write a file of what was agreed, from an hour ago to an hour from now."""
    times = {"start": NOW - timedelta(hours=1), "end": NOW + timedelta(hours=1)}
    said = {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in times.items()}
    path.write_text(text.format(**said, **more), encoding="utf-8")
    return str(path)


def put(desk: HitsWorld, entry_id: str) -> Alert:
    """Write an alert on an entry."""
    hit = alert_of(entry_id, 1)
    desk.put(hit)
    return hit


def seen_at(desk: HitsWorld, hit: Alert) -> dict[str, list[dict[str, Any]]]:
    """Ask each Dutch contact point, by command, what it got of a hit."""
    found = {}
    for point in POINTS:
        done = desk.run("reports", "--at", point, *WHY, "--json", site="nl")
        assert done.exit_code == 0, done.output
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        found[point] = [each for each in lines if each["hit_id"] == hit.alert_id]
    return found


def test_the_national_contact_points_are_the_usual_way(desk: HitsWorld) -> None:
    """Article 19(1): whole at the national contact point, at no other, and nothing to notify."""
    hit = put(desk, "w1")
    told = desk.act("acted", hit.alert_id, "--facts", desk.facts())
    assert (told["via"], told["notify_national_now"]) == ("national", False)
    found = seen_at(desk, hit)
    (report,) = found.pop("national")
    assert isinstance(accept("report_a", json.dumps(report)), ReportA)
    assert report["facts"]["driver"]["name"] == "Canary Driver"
    assert list(found.values()) == [[], [], []]


@pytest.mark.parametrize(
    ("words", "via", "rule"),
    [
        (("--contact", "regional"), "regional", "art13.19.2-regional"),
        (("--contact", "joint-centre"), "joint-centre", "art13.19.2-joint-centre"),
        (("--urgent",), "direct", "art13.19.3a-urgent"),
        (("--contact", "regional", "--urgent"), "direct", "art13.19.3a-urgent"),
        (("--joint-action", "check-1"), "direct", "art13.19.3b-joint-action"),
    ],
)
def test_any_other_way_is_made_known_to_the_national_one(
    desk: HitsWorld, tmp_path: Path, words: tuple[str, ...], via: str, rule: str
) -> None:
    """Whole where it goes; a notice without vehicle or driver at the national contact point."""
    hit = put(desk, f"w2-{'-'.join(words)}")
    if "--joint-action" in words:
        words = (*words, "--joint-actions", written(tmp_path / "joint.toml", JOINT))
    told = desk.act("acted", hit.alert_id, *words, "--facts", desk.facts())
    assert (told["via"], told["notify_national_now"]) == (via, True)
    found = seen_at(desk, hit)
    (report,), (notice,) = found.pop(via), found.pop("national")
    assert list(found.values()) == [[], []]
    assert isinstance(accept("report_a", json.dumps(report)), ReportA)
    assert {rule, "art13.19.4-notice"} <= set(report["rules"])
    assert (notice["notice"], notice["via"], notice["hit_id"]) == (True, via, hit.alert_id)
    assert notice["message_id"] == report["message_id"]
    assert "facts" not in notice
    assert "Canary" not in json.dumps(notice)
    (line,) = (
        each
        for each in desk.records(SiteTopics("be").audit)
        if each.get("alert_id") == hit.alert_id
    )
    assert f"by way: {via}" in line["subject"]
    assert {rule, "art13.19.4-notice"} <= set(line["reasons"])


def test_a_report_b_takes_the_same_ways(desk: HitsWorld) -> None:
    """Not acted on, first looked at; urgent, so direct, with the notice."""
    hit = put(desk, "w3")
    desk.act("validate", hit.alert_id)
    facts = desk.facts({**FACTS})
    words = ("--reason", "too-far", "--urgent", "--facts", facts)
    assert desk.act("not-acted", hit.alert_id, *words)["via"] == "direct"
    found = seen_at(desk, hit)
    assert isinstance(accept("report_b", json.dumps(found["direct"][0])), ReportB)
    assert found["national"][0]["notice"] is True
    assert "asks_for_later" not in found["national"][0]


def test_an_arrangement_names_who_is_meant(
    desk: HitsWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Service and address stand in report and record; a contact nobody agreed on is no way."""
    agreed = written(tmp_path / "agreed.toml", AGREED, list_id="nl-joint", way="regional")
    monkeypatch.setenv("ANPR_POLICY__ARRANGEMENTS", agreed)
    hit, usual = put(desk, "w4"), put(desk, "w5")
    refused = desk.refused("acted", hit.alert_id, "--contact", "joint-centre")
    assert "art13.19.2-joint-centre: no arrangement names such a contact of nl" in refused
    told = desk.act("acted", hit.alert_id, "--contact", "regional", "--facts", desk.facts())
    assert (told["via"], told["contact"]) == ("regional", "border desk, desk 9")
    assert seen_at(desk, hit)["regional"][0]["contact"] == "border desk, desk 9"
    desk.act("acted", usual.alert_id, "--facts", desk.facts())
    (report,) = seen_at(desk, usual)["national"]
    assert report["contact"] == "contact point nl, desk 1"
    other = written(tmp_path / "other.toml", AGREED, list_id="nl-other", way="regional")
    monkeypatch.setenv("ANPR_POLICY__ARRANGEMENTS", other)
    last = put(desk, "w6")
    assert "nl-joint" in desk.refused("acted", last.alert_id, "--contact", "regional")
    reports = [each for each in desk.records(REPORTS_TOPIC) if each["entry_id"] == "w6"]
    assert reports == []


def test_a_person_sees_which_are_notices(desk: HitsWorld) -> None:
    """The table tells them apart; without `--at` all are shown whole, as to the site itself."""
    hit = put(desk, "w7")
    done = desk.run(
        "acted", hit.alert_id, "--urgent", "--facts", desk.facts(), *WHY, "--unit", "unit west"
    )
    assert "way: direct; the national contact point is told at once" in done.output
    rows = desk.run("reports", "--at", "national", *WHY, site="nl").stdout.splitlines()
    (row,) = (each for each in rows if hit.alert_id in each)
    assert "notice" in row
    (row,) = (
        each
        for each in desk.run("reports", *WHY, site="nl").stdout.splitlines()
        if hit.alert_id in each
    )
    assert "whole" in row

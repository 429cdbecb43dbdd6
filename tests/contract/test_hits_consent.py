"""A hit that holds another country's data goes further only with its consent, on record."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hits_world import ACTS, HitsWorld, alert_of, hits_world

from anpr_engine.records.alert import Alert
from anpr_engine.wire import SiteTopics

TO = "prosecutor, Ghent"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give one world to the tests of this file; each has an entry of its own."""
    with hits_world(tmp_path_factory.mktemp("consent")) as made:
        yield made


def put(desk: HitsWorld, entry_id: str, **entry: str) -> Alert:
    """Write an alert, perhaps on an entry of this site's own."""
    hit = alert_of(entry_id, 1)
    hit = hit.model_copy(update={"entry": hit.entry.model_copy(update=entry)})
    desk.put(hit)
    return hit


def asked(hit: Alert, use: str = "evidence", to: str = TO) -> tuple[str, ...]:
    """Ask for a hit to be handed over."""
    return "hand-over", hit.alert_id, "--use", use, "--to", to


def consent(hit: Alert, use: str = "evidence", to: str = TO) -> tuple[str, ...]:
    """Record a consent."""
    more = ("--use", use, "--to", to, "--reference", "NL-2026-17")
    return "consent", hit.alert_id, *more


def record(desk: HitsWorld, hit: Alert) -> list[dict[str, Any]]:
    """Give what the record says of an alert."""
    lines = desk.records(SiteTopics("be").audit)
    return [each for each in lines if each.get("alert_id") == hit.alert_id]


@pytest.mark.parametrize("use", ["evidence", "onward", "inform"])
def test_without_a_recorded_consent_nothing_is_handed_over(desk: HitsWorld, use: str) -> None:
    """Exit code 4, nothing shown, and the refusal is in the record."""
    hit = put(desk, f"none-{use}")
    assert "treaty.9-10-no-consent" in desk.refused(*asked(hit, use))
    (line,) = record(desk, hit)
    assert (line["action"], line["given_to"]) == ("request-refused", [TO])
    assert line["reasons"] == [f"treaty.9-10.{use}", "treaty.9-10-no-consent"]


def test_a_recorded_consent_lets_one_hit_go_for_one_use_to_one_receiver(desk: HitsWorld) -> None:
    """Who got it, and by which consent, stands in the record; nothing else is covered."""
    hit, other = put(desk, "c1"), put(desk, "c2")
    given = desk.act(*consent(hit))
    told = desk.act(*asked(hit))
    assert (told["consent"], told["proof"]) == (given["consent"], "unsigned")
    assert told["rules"] == ["treaty.10-evidence"]
    assert told["alert"]["read"]["plate"] == hit.read.plate
    lines = record(desk, hit)
    assert [each["action"] for each in lines] == ["consent-recorded", "data-exported"]
    assert (lines[0]["subject"], lines[0]["actor"]) == ("evidence: NL-2026-17", "officer.7")
    assert "consent.unsigned" in lines[0]["reasons"]
    assert lines[1]["subject"] == f"evidence: by consent {given['consent']} (unsigned)"
    assert lines[1]["reasons"] == ["treaty.9-10.evidence", "treaty.10-evidence"]
    assert {tuple(each["given_to"]) for each in lines} == {(TO,)}
    for refused in (asked(hit, "onward"), asked(hit, to="somebody else"), asked(other)):
        assert "treaty.9-10-no-consent" in desk.refused(*refused)


def test_a_refusal_s_line_is_no_consent(desk: HitsWorld) -> None:
    """Asking twice does not help."""
    hit = put(desk, "twice")
    desk.refused(*asked(hit))
    desk.refused(*asked(hit))


def test_a_site_s_own_hit_needs_no_other_country_s_consent(desk: HitsWorld) -> None:
    """It goes, and that is recorded; a consent to it is nobody's to give."""
    hit = put(desk, "own", provider="be")
    assert desk.act(*asked(hit))["consent"] is None
    assert [each["action"] for each in record(desk, hit)] == ["data-exported"]
    with pytest.raises(Exception, match="own"):
        desk.run(*consent(hit), *ACTS)


def test_a_line_of_another_chain_is_no_consent(desk: HitsWorld) -> None:
    """Only what the desk's own writer wrote counts."""
    hit = put(desk, "forged")
    line = {
        "event_id": "ab" * 16,
        "occurred_at": "2026-11-22T09:00:00Z",
        "site": "be",
        "actor": "x",
        "action": "consent-recorded",
        "alert_id": hit.alert_id,
        "reasons": ["treaty.9-10.evidence"],
        "given_to": [TO],
    }
    desk.write(SiteTopics("be").audit, b"be/desk", json.dumps(line).encode())
    desk.refused(*asked(hit))

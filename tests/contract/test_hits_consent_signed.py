"""A consent that the other country signed: given by its command, checked and recorded by ours."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hits_world import ACTS, HitsWorld, alert_of, hits_world

from anpr_engine.audit.signed_files import signed_file
from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.errors import PolicyRefused, UsageError
from anpr_engine.records.alert import Alert
from anpr_engine.records.consent import Consent
from anpr_engine.records.schema_files import accept
from anpr_engine.wire import SiteTopics

TO = "prosecutor, Ghent"
KEYS = {site: SecretKey.new() for site in ("be", "nl")}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give one world to the tests of this file; each has an entry of its own."""
    with hits_world(tmp_path_factory.mktemp("signed")) as made:
        for site, key in KEYS.items():
            write_pair(made.folder / f"{site}.key", key)
        yield made


@pytest.fixture(autouse=True)
def _keys(desk: HitsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both sites' public keys be known."""
    known = [f"{site}={desk.folder / site}.key.pub" for site in KEYS]
    monkeypatch.setenv("ANPR_FEEDBACK__KEYS", json.dumps(known))


def put(desk: HitsWorld, entry_id: str, **entry: str) -> Alert:
    """Write an alert of a Belgian camera, on a Dutch entry unless told."""
    hit = alert_of(entry_id, 1)
    hit = hit.model_copy(update={"entry": hit.entry.model_copy(update=entry)})
    desk.put(hit)
    return hit


def give(
    desk: HitsWorld, hit: Alert, monkeypatch: pytest.MonkeyPatch, site: str = "nl"
) -> tuple[Path, dict[str, Any]]:
    """Let a site consent by command; gives the file, and what the command told."""
    monkeypatch.setenv("ANPR_ALERTS__SIGNING_KEY", str(desk.folder / f"{site}.key"))
    out = desk.folder / f"{hit.alert_id}-{site}.txt"
    what = ("--use", "evidence", "--to", TO, "--reference", "NL-2026-17", "--days", "90")
    told = desk.act("give-consent", hit.alert_id, *what, "--out", str(out), site=site)
    return out, told


def record(desk: HitsWorld, hit: Alert, site: str = "be") -> list[dict[str, Any]]:
    """Give what a site's record says of an alert."""
    lines = desk.records(SiteTopics(site).audit)
    return [each for each in lines if each.get("alert_id") == hit.alert_id]


def hand_over(hit: Alert, to: str = TO, use: str = "evidence") -> tuple[str, ...]:
    """Ask for a hit to be handed over."""
    return "hand-over", hit.alert_id, "--use", use, "--to", to


def test_a_signed_consent_lets_a_hit_be_used_as_evidence(
    desk: HitsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given in the Netherlands, recorded in Belgium with key and end; both records say so."""
    hit = put(desk, "s1")
    desk.refused(*hand_over(hit))
    file, told = give(desk, hit, monkeypatch)
    value, signature = file.read_bytes().splitlines()
    assert isinstance(accept("consent", value), Consent)
    assert b".." in signature
    (given,) = record(desk, hit, "nl")
    assert (given["action"], given["recipients"]) == ("consent-given", ["be"])
    taken = desk.act("consent", hit.alert_id, "--signed", str(file))
    assert (taken["proof"], taken["key"], taken["to"]) == ("signed", KEYS["nl"].key_id, TO)
    handed = desk.act(*hand_over(hit))
    assert (handed["consent"], handed["proof"]) == (taken["consent"], "signed")
    _refused, recorded, exported = record(desk, hit)
    assert recorded["signed_by"] == KEYS["nl"].key_id == given["signed_by"] == told["key"]
    assert recorded["digest"] == given["digest"]
    assert recorded["expires_at"] == told["expires_at"]
    assert recorded["reasons"] == ["treaty.9-10.evidence", "consent.signed"]
    assert exported["reasons"] == ["treaty.9-10.evidence", "treaty.10-evidence"]
    assert exported["subject"].endswith(f"{taken['consent']} (signed)")
    desk.refused(*hand_over(hit, use="onward"))
    desk.refused(*hand_over(hit, to="somebody else"))


def test_the_country_whose_list_it_is_needs_the_other_s_consent_too(
    desk: HitsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where and when the vehicle was seen comes from the site of the read."""
    hit = put(desk, "s2")
    assert "treaty.9-10-no-consent" in desk.refused(*hand_over(hit), site="nl")
    file, _ = give(desk, hit, monkeypatch, site="be")
    desk.act("consent", hit.alert_id, "--signed", str(file), site="nl")
    assert desk.act(*hand_over(hit), site="nl")["proof"] == "signed"
    # It is the Netherlands' to use, and gives Belgium nothing.
    assert "consent.other-site" in desk.refused("consent", hit.alert_id, "--signed", str(file))


def test_a_consent_that_does_not_fit_is_refused_by_name(
    desk: HitsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another alert, another key, altered, unsigned; nothing of it is recorded."""
    hit, other = put(desk, "s3"), put(desk, "s4")
    file, _ = give(desk, hit, monkeypatch)
    assert "consent.other-alert" in desk.refused("consent", other.alert_id, "--signed", str(file))
    more = ("--signed", str(file), "--to", "somebody else")
    assert "consent.other-use" in desk.refused("consent", hit.alert_id, *more)
    data = file.read_bytes()
    real = Consent.model_validate_json(data.splitlines()[0])
    wrong = {
        b"consent.forged": data.replace(TO.encode(), b"prosecutor, Liege"),
        b"its key is none of those given": signed_file(real, SecretKey.new()),
        b"its key is another site's": signed_file(real, KEYS["be"]),
        b"consent.unsigned": data.splitlines()[0],
    }
    for words, text in wrong.items():
        bad = desk.folder / "bad.txt"
        bad.write_bytes(text)
        told = desk.refused("consent", hit.alert_id, "--signed", str(bad))
        assert words.decode() in told
    assert record(desk, hit) == record(desk, other) == []
    assert "treaty.9-10-no-consent" in desk.refused(*hand_over(hit))


def test_a_consent_ends(desk: HitsWorld) -> None:
    """What is on record and has ended lets nothing go any more, and says so."""
    hit = put(desk, "s5")
    line = {
        "event_id": "ab" * 16,
        "occurred_at": "2026-11-22T09:00:00Z",
        "site": "be",
        "actor": "officer.7",
        "action": "consent-recorded",
        "alert_id": hit.alert_id,
        "reasons": ["treaty.9-10.evidence", "consent.signed"],
        "given_to": [TO],
        "expires_at": (datetime.now(UTC) - timedelta(seconds=1)).isoformat(),
        "chain": "be/desk",
    }
    value = json.dumps({"chain": line.pop("chain")} | line, separators=(",", ":")).encode()
    desk.write(SiteTopics("be").audit, b"be/desk", value)
    assert "treaty.9-10-expired" in desk.refused(*hand_over(hit))


def test_a_site_may_want_signed_consents_only(
    desk: HitsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `feedback.signed_only` paper is refused, and what was recorded of it counts no more."""
    hit = put(desk, "s6")
    paper = ("--use", "evidence", "--to", TO, "--reference", "NL-2026-17")
    told = desk.run("consent", hit.alert_id, *paper, *ACTS)
    assert json.loads(told.stdout)["proof"] == "unsigned"
    assert "unsigned: nobody" in told.stderr
    monkeypatch.setenv("ANPR_FEEDBACK__SIGNED_ONLY", "true")
    assert "consent.unsigned" in desk.refused("consent", hit.alert_id, *paper)
    assert "treaty.9-10-no-consent" in desk.refused(*hand_over(hit))


def test_what_is_missing_is_named(desk: HitsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key to sign with, none to check by, no word on what the paper is for."""
    hit, file = put(desk, "s7"), desk.folder / "none.txt"
    what = ("--use", "evidence", "--to", TO, "--reference", "x", "--days", "1", "--out", str(file))
    with pytest.raises(UsageError, match="has no key"):
        desk.act("give-consent", hit.alert_id, *what, site="nl")
    with pytest.raises(UsageError, match="--use, --to and --reference"):
        desk.act("consent", hit.alert_id, "--to", TO)
    monkeypatch.setenv("ANPR_FEEDBACK__KEYS", "[]")
    with pytest.raises(UsageError, match="names no key"):
        desk.act("consent", hit.alert_id, "--signed", str(file))
    assert not issubclass(UsageError, PolicyRefused)

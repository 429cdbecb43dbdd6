"""Which alerts are recalled, why, to whom, and that none is forgotten or told twice."""

import json
from datetime import timedelta
from typing import Any

import pytest
from recall_worlds import BOTH, NOW, RECALL_TOPICS, TOPICS, Site, entry, found_in, until_known

from anpr_engine.errors import BrokerUnavailable
from anpr_engine.pipeline.open_alerts import OpenAlert, OpenAlerts, alerts_from
from anpr_engine.pipeline.recalls import LOOKS_AT_ONCE
from anpr_engine.watchlist.changes import ChangeNotes, Listed, listed_as
from anpr_engine.watchlist.editor import Change
from anpr_engine.watchlist.snapshot import ProfileTable, snapshot_of
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, None, [("e1", "withdrawn", BOTH)]),
        ({}, {"plate": "1-XYZ-999"}, [("e1", "corrected", BOTH)]),
        ({}, {"country": "NL"}, [("e1", "corrected", BOTH)]),
        ({"country": None}, {"country": "BE"}, [("e1", "corrected", BOTH)]),
        ({}, {"sharing": "own"}, [("e1", "withdrawn", ("nl",))]),
        ({}, {"valid_until": NOW - timedelta(hours=1)}, [("e1", "withdrawn", BOTH)]),
        ({}, {"valid_until": NOW + timedelta(hours=1)}, []),
        ({}, {"plate": "1ABC123"}, []),
        ({}, {"note": "in town", "case_ref": "AN-1", "priority": 99}, []),
        ({}, {"sharing": "be,de,nl"}, []),
        ({"sharing": "own"}, None, [("e1", "withdrawn", ("be",))]),
    ],
)
def test_what_makes_an_alert_fall(
    before: dict[str, Any], after: dict[str, Any] | None, expected: list[Any]
) -> None:
    """What was alerted counts, and nothing else; a recall goes to those for whom it fell."""
    site = Site([entry(**before)])
    site.run("1ABC123")
    if after is None:
        site.lists.put(gone=["e1"])
    else:
        site.lists.put(entry(**before | after))
    site.run()
    assert site.recalled() == expected
    topics = {each.topic for each in site.broker.published} & set(RECALL_TOPICS)
    abroad = {CROSS_BORDER_RECALLS if "nl" in told else TOPICS.recalls for _, _, told in expected}
    assert topics == abroad


def test_a_recall_names_its_alerts_and_is_recorded() -> None:
    """All alerts on an entry in one recall, keyed as they are, with an audit line each."""
    site = Site([entry(), entry("e2", plate="1-XYZ-999")])
    site.run("1ABC123", "1ABC123", "1XYZ999")
    alerts = [
        each for each in site.published(CROSS_BORDER_TOPIC) if each["read"]["read_id"] != "r3"
    ]
    site.lists.put(gone=["e1"])
    site.run()
    (recall,) = site.published(CROSS_BORDER_RECALLS)
    assert recall["alerts"] == [each["alert_id"] for each in alerts]
    assert (recall["watchlist_version"], recall["provider"]) == (2, "be")
    lines = [each for each in site.published(TOPICS.audit) if each["action"] == "alert-recalled"]
    assert [each["alert_id"] for each in lines] == recall["alerts"]
    assert {each["subject"] for each in lines} == {recall["recall_id"]}
    keys = {r.key for r in site.broker.published if r.topic == CROSS_BORDER_RECALLS}
    assert keys == {b"l1/e1"}
    named = {
        (dict(r.headers)["ce_type"], dict(r.headers)["ce_id"].decode())
        for r in site.broker.published[-3:]
    }
    assert named == {(b"eu.anpr.recall.v1", recall["recall_id"])} | {
        (b"eu.anpr.audit_event.v1", each["event_id"]) for each in lines
    }
    assert "123" not in json.dumps([recall["list_id"], recall["entry_id"], lines[0]["reasons"]])


def test_an_alert_is_recalled_once_for_each_recipient() -> None:
    """Taken from one site, then withdrawn: each hears once, also when both come together."""
    site = Site([entry()])
    site.run("1ABC123")
    site.lists.put(entry(sharing="own"))
    site.lists.put(gone=["e1"])
    site.run()
    site.lists.put(entry())
    site.lists.put(gone=["e1"])
    site.run()
    assert site.recalled() == [("e1", "withdrawn", ("nl",)), ("e1", "withdrawn", ("be",))]
    assert len(site.book) == 0


def test_an_entry_that_ended_by_itself_recalls_nothing() -> None:
    """Tidying away what is past takes back no alert that was right."""
    site = Site([entry(valid_until=NOW + timedelta(hours=1))])
    site.run("1ABC123")
    site.lists.entries["e1"] = entry()
    changes, table = [Change("l1", "e1", "1-ABC-123")], ProfileTable()
    late_us = int((NOW + timedelta(hours=2)).timestamp() * 1e6)
    site.lists.changes.follow(2, late_us, changes, table)
    site.run()
    assert site.recalled() == []


def test_an_alert_of_a_newer_version_is_not_touched_by_an_older_change() -> None:
    """Removed and listed again before the camera saw it: the alert is right."""
    site = Site([entry()])
    site.lists.put(gone=["e1"])
    site.lists.put(entry())
    site.run("1ABC123")
    assert site.recalled() == []


def test_what_is_not_saved_is_due_again() -> None:
    """A recall that was rolled back comes once the broker takes it, and the book keeps it."""
    site = Site([entry()])
    site.run("1ABC123")
    site.lists.put(gone=["e1"])
    removed = site.broker.topics.pop(CROSS_BORDER_RECALLS)
    site.run()
    assert (site.recalled(), len(site.book)) == ([], 1)
    site.broker.topics[CROSS_BORDER_RECALLS] = removed
    site.run()
    assert site.recalled() == [("e1", "withdrawn", BOTH)]


def test_a_start_compares_open_alerts_with_the_lists() -> None:
    """What changed while nobody looked is found once; recalls of before are not repeated."""
    entries = [entry(f"e{n}", plate=f"1-ABC-12{n}") for n in range(4)]
    first = Site(entries)
    first.run(*(each.plate for each in entries))
    first.lists.put(gone=["e0"])
    first.run()
    left = [entry("e1", plate="1-XYZ-999"), entry("e3", plate="1-ABC-123", note="x")]
    second = Site(left, first.broker, lambda _: found_in(first.broker))
    second.reads = first.reads
    until_known(second)
    second.run()
    second.run()
    told = [("e1", "not-as-alerted", BOTH), ("e2", "not-as-alerted", BOTH)]
    assert second.recalled() == [("e0", "withdrawn", BOTH), *told]
    assert len(second.book) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alert_id", "AB" * 16),
        ("alert_id", "ab" * 16 + "\n"),
        ("recipients", []),
        ("recipients", ["be", "NLD"]),
        ("watchlist_version", -1),
        ("entry", {"list_id": "l1", "entry_id": "e" * 65}),
        ("entry", {"list_id": "", "entry_id": "e1"}),
    ],
)
def test_what_could_be_in_no_alert_of_ours_is_passed_over(field: str, value: object) -> None:
    """What is taken from a topic goes out again in a recall, which readers check."""
    first = Site([entry()])
    first.run("1ABC123")
    (alert,) = first.published(CROSS_BORDER_TOPIC)
    assert len(alerts_from("be", [json.dumps(alert).encode()], [], 9)) == 1
    assert alerts_from("be", [json.dumps(alert | {field: value}).encode()], [], 9) == []


def test_no_recall_goes_out_before_the_earlier_alerts_are_known() -> None:
    """A search that fails is made again later; nothing noted meanwhile is lost."""
    first = Site([entry()])
    first.run("1ABC123")
    answers = [BrokerUnavailable("gone", "wait")]

    def earlier(_stop: object) -> list[OpenAlert]:
        if answers:
            raise answers.pop()
        return found_in(first.broker)

    site = Site([entry()], earlier=earlier)
    site.lists.put(gone=["e1"])
    while answers:
        assert not site.recalls.pending()
    until_known(site)
    assert [record.topic for record in site.recalls.due()] == [CROSS_BORDER_RECALLS, TOPICS.audit]
    site.recalls.settle(saved=True)
    assert site.recalls.due() == []
    site.recalls.settle(saved=True)
    assert not site.recalls.pending()


def test_an_empty_store_recalls_nothing_at_a_start() -> None:
    """Lists that were wiped withdraw no alert; a person decides what they should hold."""
    first = Site([entry()])
    first.run("1ABC123")
    second = Site([], first.broker, lambda _: found_in(first.broker))
    second.lists.current = snapshot_of([], epoch="", version=0)
    until_known(second)
    second.run()
    assert second.recalled() == []


def test_sealed_alerts_are_known_by_the_plate_that_was_replaced() -> None:
    """Without the plate at hand a note changes nothing, and another plate is a correction."""
    sealed = OpenAlert("ab" * 16, ("l1", "e1"), "be", BOTH, 1, 1, "", None, -1)
    for after, expected in (({"note": "x"}, []), ({"plate": "1-XYZ-999"}, ["corrected"])):
        site = Site([entry()], earlier=lambda _: [sealed])
        until_known(site)
        site.lists.put(entry(**after))
        site.run()
        assert [reason for _, reason, _ in site.recalled()] == expected


def test_the_book_keeps_the_newest_and_not_for_ever() -> None:
    """Over the bound the oldest goes; so does what is older than the days that were set."""
    day_us = 86_400 * 1_000_000
    book = OpenAlerts("be", 3, 2.0)

    def sent(number: int, day: float) -> OpenAlert:
        about = ("l1", f"e{number}"), "be", BOTH, round(day * day_us), 1, "1ABC", "BE", 2**32 - 1
        return OpenAlert(f"{number:032x}", *about)

    book.put(sent(number, 10 + number / 10) for number in range(5))
    assert [identity[1] for identity in book.identities()] == ["e2", "e3", "e4"]
    book.put([sent(9, 12.35)])
    assert [identity[1] for identity in book.identities()] == ["e4", "e9"]
    book.join_older(book.older([sent(8, 12.0), sent(1, 10.1)]))
    assert {identity[1] for identity in book.identities()} == {"e4", "e8", "e9"}


def test_too_many_changes_become_one_note() -> None:
    """What does not fit is told as a change of any entry, and later changes follow it."""
    notes, table = ChangeNotes(entries_max=2), ProfileTable()
    changes = [Change("l1", f"e{number}", "1ABC") for number in range(3)]
    notes.follow(5, 1, changes[:2], table)
    notes.follow(6, 2, changes[2:], table)
    notes.follow(7, 3, changes[:1], table)
    assert notes
    first, second = notes.take()
    assert (first.version, first.entries) == (6, None)
    assert second.entries is not None
    assert [each.entry_id for each in second.entries] == ["e0"]
    assert not notes


def test_overflowed_notes_still_find_every_recall() -> None:
    """With one note for all, each open alert is compared with the lists, in pieces."""
    entries = [entry(f"e{n}", plate=f"1-AAA-{n:03d}") for n in range(20)]
    site = Site(entries)
    site.run(*(each.plate for each in entries))
    site.lists.put(gone=[f"e{n}" for n in range(0, 20, 2)], noted=False)
    site.lists.changes.anew(2, 1)
    site.run()
    assert {name for name, _, _ in site.recalled()} == {f"e{n}" for n in range(0, 20, 2)}


def test_an_entry_is_found_by_its_plate_however_it_is_written() -> None:
    """Also one with wildcards; another entry of the plate, or another plate, is not it."""
    snapshot = snapshot_of([entry(), entry("e2", plate="1-AB?-12*", sharing="own")])
    wanted = [
        *(Listed("l1", "e1", "1ABC123"), Listed("l1", "e2", "1-AB?-12*")),
        *(Listed("l1", "e9", "1ABC123"), Listed("l1", "e1", "1XYZ999")),
    ]
    plain, wildcard, other_entry, other_plate = listed_as(snapshot, wanted)
    assert plain is not None
    assert (plain.country, plain.sharing) == ("BE", "be,nl")
    assert wildcard is not None
    assert (other_entry, other_plate) == (None, None)


def test_matching_goes_on_between_looks_at_open_alerts() -> None:
    """After a start alerts are looked at a few at a time; what is told to change comes first."""
    entries = [entry(f"e{n}", plate=f"1-AAA-{n:03d}") for n in range(LOOKS_AT_ONCE + 1)]
    first = Site(entries)
    first.run(*(each.plate for each in entries))
    second = Site(entries[:1], first.broker, lambda _: found_in(first.broker))
    until_known(second)
    assert not second.recalls.pressing()
    looked_at = [record for record in second.recalls.due() if record.topic != TOPICS.audit]
    assert len(looked_at) == LOOKS_AT_ONCE - 1
    second.recalls.settle(saved=False)
    second.lists.put(gone=["e0"])
    assert second.recalls.pressing()
    (told,) = [record for record in second.recalls.due() if record.topic != TOPICS.audit]
    assert told.key == b"l1/e0"
    second.recalls.settle(saved=True)
    second.run()
    names = sorted(name for name, _, _ in second.recalled())
    assert names == sorted(each.entry_id for each in entries[1:])

"""One plate on several lists: alerts that name each other, shown to a person as one."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from anpr_engine.cli.alert_blocks import ShownBlocks, Told
from anpr_engine.cli.alert_proof import ProofView, show_placed
from anpr_engine.cli.alert_text import ASKED
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.pipeline.columns import Circumstances, DecidedAlert
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.pipeline.decide import alert_id
from anpr_engine.pipeline.together import together
from anpr_engine.records.alert import Alert
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of
from anpr_engine.wire import json_bytes

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)


def entry(list_id: str, **values: object) -> WatchlistEntry:
    """Make an entry of one plate; of a list of its own."""
    told = {"entry_id": f"e-{list_id}", "list_id": list_id, "plate": "1-ABC-123", "country": "BE"}
    return WatchlistEntry.model_validate(told | values)


def read(read_id: str = "r1") -> bytes:
    """Make a read of that plate."""
    return (
        b'{"read_id":"%b","camera_id":"be-e19-014a","captured_at":"2026-11-22T08:59:58Z",'
        b'"plate":"1ABC123","country":"BE"}' % read_id.encode()
    )


def alerts_of(entries: Sequence[WatchlistEntry], *read_ids: str) -> list[Alert]:
    """Give what the engine makes of reads of that plate."""
    where = Circumstances("be", NOW_US, 0, watchlist_stale=False)
    reads = [read(each) for each in read_ids or ("r1",)]
    found = step(reads, snapshot_of(list(entries)), StepRules(), where).alerts
    return [each.alert for each in found]


def others(alert: Alert) -> list[str]:
    """Name the lists that an alert names beside its own."""
    return [each.list_id for each in alert.also or ()]


def test_each_alert_names_the_others_most_urgent_first() -> None:
    """With what they ask, by which rules, and the very id that their own alert has."""
    entries = [
        entry("a", priority=10),
        entry("b", priority=90, category="burglary", action="seize", danger="armed", owner="unit"),
        entry("c", priority=50),
    ]
    found = {each.entry.list_id: each for each in alerts_of(entries)}
    assert {name: others(each) for name, each in found.items()} == {
        "a": ["b", "c"],
        "b": ["c", "a"],
        "c": ["b", "a"],
    }
    told = (found["a"].also or [])[0]
    own = found["b"]
    assert told.alert_id == own.alert_id == alert_id("be", "r1", "b", "e-b")
    assert (told.action, told.category, told.priority) == (own.action, own.category, 90)
    assert (told.reasons, told.danger, told.owner) == (own.reasons, "armed", "unit")
    again = Alert.model_validate_json(json_bytes(found["a"]))
    assert again == found["a"]


def test_a_plate_on_one_list_names_no_other() -> None:
    """Nor do alerts of two reads name each other; the field is left out."""
    found = alerts_of([entry("a")], "r1", "r2")
    assert [each.also for each in found] == [None, None]
    assert b'"also"' not in json_bytes(found[0])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["a"]),
        ({"plate": "1ABC123"}, ["a"]),
        ({"country": None}, ["a"]),
        ({"country": "NL"}, []),
        ({"plate": "1-ABC-12?"}, []),
        ({"sharing": "nl"}, []),
    ],
)
def test_the_same_plate_and_the_same_recipients_alone(
    values: dict[str, object], expected: list[str]
) -> None:
    """Another country's plate is another vehicle; who is not told of one list learns nothing."""
    found = alerts_of([entry("a"), entry("b", **values)])
    of_b = [each for each in found if each.entry.list_id == "b"]
    assert all(others(each) == expected for each in of_b)
    assert of_b or values == {"country": "NL"}


def linked(*changes: dict[str, object]) -> list[list[str]]:
    """Let copies of one read's alert stand beside each other; gives whom each one names."""
    made = []
    for number, values in enumerate(changes):
        one = alerts_of([entry(f"l{number}")])[0]
        country = values.get("country", "BE")
        told = one.entry.model_copy(update={"country": country})
        others_ = {name: value for name, value in values.items() if name != "country"}
        made.append(DecidedAlert(7, one.model_copy(update=others_ | {"entry": told})))
    return [others(each.alert) for each in together(made)]


def test_what_waits_for_a_look_is_no_part_of_what_does_not() -> None:
    """A room acts on the one and looks at the other, though both are for it alone."""
    assert linked({}, {"state": "review"}, {}) == [["l2"], [], ["l0"]]


def test_plates_of_two_countries_are_two_vehicles() -> None:
    """One of no country goes with neither of two, and with the only one."""
    assert linked({}, {"country": "NL"}, {"country": None}, {}) == [["l3"], [], [], ["l0"]]
    assert linked({"country": "be"}, {"country": None}, {}) == [
        ["l1", "l2"],
        ["l0", "l2"],
        ["l0", "l1"],
    ]


def view(*, as_json: bool = False) -> ProofView:
    """Make what a terminal shows alerts with."""
    return ProofView(None, None, lambda: NOW_US / 1e6, as_json)


def record(alert: Alert, place: int = 0) -> TailedRecord:
    """Put an alert into a record of a topic."""
    return TailedRecord("anpr.alerts.be", 0, place, -1, b"", (), json_bytes(alert))


def test_a_room_sees_one_block_with_all_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever comes first; the others are not shown again, a later read of it is."""
    entries = [entry("a"), entry("b", action="seize", danger="armed", owner="unit 4")]
    first, second = alerts_of(entries)
    shown = view()
    assert [shown.show(each, record(each)) for each in (second, first)] == [True, False]
    text = capsys.readouterr().out
    assert text.count("probability") == 1
    assert "ALSO LISTED   other, priority 50" in text
    assert f"alert {first.alert_id}" in text
    assert shown.show(first, record(first)) is False
    later = alerts_of(entries, "r2")[0]
    assert shown.show(later, record(later)) is True
    text = capsys.readouterr().out
    assert f"seize: {ASKED['seize']}; b of unit 4, because" in text
    assert "DANGER        armed" in text


def test_machines_get_every_alert_as_it_was_published(capsys: pytest.CaptureFixture[str]) -> None:
    """One a line, each by its entry."""
    found, shown = alerts_of([entry("a"), entry("b")]), view(as_json=True)
    assert [shown.show(each, record(each)) for each in found] == [True, True]
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_what_names_a_vehicle_s_other_alert_hides_nothing_by_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An alert nobody signed is left out only if it names the one that was shown, too."""
    first, second = alerts_of([entry("a"), entry("b")])
    alone = second.model_copy(update={"also": None})
    shown = view()
    assert [shown.show(each, record(each)) for each in (first, alone)] == [True, True]
    assert capsys.readouterr().out.count("probability") == 2


HOME_AND_ABROAD = (
    entry("own", category="drug-smuggling", action="arrest", danger="armed", priority=90),
    entry("own-too", priority=20),
    entry("shared", sharing="nl"),
)


def home_and_abroad() -> dict[str, Alert]:
    """Give the alerts of a plate on two lists for home alone and one that is shared, by list."""
    return {each.entry.list_id: each for each in alerts_of(HOME_AND_ABROAD)}


def test_an_alert_for_home_alone_names_the_one_that_goes_abroad_and_not_the_other_way() -> None:
    """Who is told of the one list must not learn of the other."""
    found = home_and_abroad()
    assert {name: (others(each), each.recipients) for name, each in found.items()} == {
        "own": (["shared", "own-too"], ["be"]),
        "own-too": (["own", "shared"], ["be"]),
        "shared": ([], ["be", "nl"]),
    }


def test_a_list_for_home_alone_changes_nothing_of_what_goes_abroad() -> None:
    """Two shared ones name each other or not, whatever country a list has that stays at home."""
    shared = [entry("s", sharing="nl"), entry("t", sharing="nl", country=None)]
    for more in ([], [entry("own")]):
        found = alerts_of([*shared, *more])
        abroad = [each for each in found if each.recipients == ["be", "nl"]]
        assert [others(each) for each in abroad] == [["t"], ["s"]]
    told: list[dict[str, object]] = [
        {"recipients": ["be", "nl"]},
        {"recipients": ["be", "nl"], "country": None},
    ]
    assert linked(*told, {"country": "NL"}) == [["l1"], ["l0"], []]


@pytest.mark.parametrize("order", list(itertools.permutations(("own", "own-too", "shared"))))
@pytest.mark.parametrize("signed", [True, False])
def test_a_room_sees_one_vehicle_whichever_topic_is_read_first(
    order: tuple[str, str, str],
    signed: bool,  # noqa: FBT001 - a parameter of a test
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was seen stands once; each list's reasons and dangers are told, whoever came first."""
    found, blocks = home_and_abroad(), ShownBlocks()
    shown = []
    for name in order:
        place = blocks.place(found[name], "k" if signed else "", was_sealed=False)
        shown.append(place.told)
        if place.told is not Told.BEFORE:
            show_placed(found[name], place)
    text = capsys.readouterr().out
    assert shown[0] is Told.WHOLE
    assert Told.WHOLE not in shown[1:]
    assert text.count("plate read") == text.count(" UTC at ") == 1
    assert text.count("DANGER        armed") == 1
    # Nobody vouches that an unsigned block tells the truth of another, so that one is shown, too.
    again = "shared" if order[0] != "shared" and not signed else ""
    for name, alert in found.items():
        assert text.count(f" {name} of unknown owner") == 1 + (name == again), name
        assert f"{alert.action.value}: {ASKED[alert.action.value]}" in text
    assert shown.count(Told.ADDED) == (order[0] == "shared" or bool(again))


def test_a_block_that_adds_repeats_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    """Who is told that a vehicle is the same still sees where two alerts do not agree."""
    found, blocks = home_and_abroad(), ShownBlocks()
    other = found["own"].read.model_copy(update={"plate": "2XYZ999"})
    liar = found["own"].model_copy(update={"read": other})
    for alert in (liar, found["shared"]):
        show_placed(alert, blocks.place(alert, "", was_sealed=False))
    assert "as read: 1-ABC-123" in capsys.readouterr().out.replace("1ABC123", "1-ABC-123")


def test_neither_a_sealed_alert_nor_one_of_another_key_is_left_out() -> None:
    """Others say no more of the one than is open; and may have been written to hide the other."""
    found = home_and_abroad()

    def second(first_key: str, key: str, *, was_sealed: bool) -> Told:
        blocks = ShownBlocks()
        blocks.place(found["own"], first_key, was_sealed=False)
        return blocks.place(found["shared"], key, was_sealed=was_sealed).told

    assert second("k", "k", was_sealed=False) is Told.BEFORE
    assert second("k", "k", was_sealed=True) is Told.ADDED
    assert second("", "k", was_sealed=False) is Told.ADDED
    assert second("j", "k", was_sealed=False) is Told.ADDED
    assert second("", "", was_sealed=False) is Told.ADDED


def test_blocks_of_other_reads_and_forgotten_ones_add_nothing() -> None:
    """A name alone makes no vehicle of two reads; the oldest block is forgotten first."""
    found, blocks = home_and_abroad(), ShownBlocks(2)
    elsewhere = found["shared"].read.model_copy(update={"read_id": "r2"})
    blocks.place(found["shared"].model_copy(update={"read": elsewhere}), "", was_sealed=False)
    assert blocks.place(found["own"], "", was_sealed=False).told is Told.WHOLE
    for name in ("x", "y"):
        alert_id_ = alert_id("be", name, "l", "e")
        other = found["shared"].model_copy(update={"alert_id": alert_id_})
        blocks.place(other, "", was_sealed=False)
    assert blocks.place(found["shared"], "", was_sealed=False).told is Told.WHOLE

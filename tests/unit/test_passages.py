"""One vehicle at one camera site is one alert: what is joined, upgraded, and never joined."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.memory_stream import MemoryBroker, MemoryReadStream

from anpr_engine.cli.alert_text import alert_block
from anpr_engine.config import load_settings
from anpr_engine.errors import ConfigError
from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.columns import Circumstances, DecidedAlert
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.passages import PassageBook, PassageRules, camera_site, join_passages
from anpr_engine.pipeline.report import EngineReport
from anpr_engine.pipeline.run import EnginePorts, EngineRules, SiteEngine
from anpr_engine.records.alert import Alert
from anpr_engine.records.fields import Tier
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import Snapshot, snapshot_of
from anpr_engine.wire import SiteTopics

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
HERE = Circumstances("be", NOW_US, 120, watchlist_stale=False)
TEN_SECONDS = PassageRules(window_us=10_000_000)
ENTRY = WatchlistEntry(entry_id="e1", list_id="l1", plate="1-ABC-123", country="BE")
FIRST, SECOND, THIRD = (f"{number:032x}" for number in (1, 2, 3))


def read(number: int, seconds: float = 0.0, **fields: object) -> bytes:
    """Write a read captured some seconds after the first."""
    plain: dict[str, object] = {
        "read_id": f"r{number}",
        "camera_id": "c1",
        "captured_at": (NOW + timedelta(seconds=seconds - 60)).isoformat(),
        "plate": "1ABC123",
        "country": "BE",
    }
    return json.dumps(plain | fields).encode()


def base() -> Alert:
    """Give an alert of the engine's own making."""
    result = step([read(1)], snapshot_of([ENTRY]), StepRules(), HERE)
    return result.alerts[0].alert


def sight(alert_id: str, seconds: float = 0.0, **fields: object) -> DecidedAlert:
    """Give a decided alert: fuzzy and 0.9 sure, unless said otherwise."""
    plain = base()
    changed = {"read_id": alert_id, "captured_at": NOW + timedelta(seconds=seconds)}
    changed |= {name: fields.pop(name) for name in ("camera_id", "plate") if name in fields}
    seen = plain.read.model_copy(update=changed)
    about = {"alert_id": alert_id, "read": seen, "probability": 0.9, "tier": Tier.FUZZY}
    return DecidedAlert(0, plain.model_copy(update=about | fields))


def sent(
    sights: list[DecidedAlert], rules: PassageRules = TEN_SECONDS
) -> list[tuple[str, str | None]]:
    """Give the alerts that go out and what each supersedes, one batch a read."""
    book, out = PassageBook(), []
    for item in sights:
        outcome = join_passages([item], book, rules)
        book.apply(outcome.changes)
        out += [(each.alert.alert_id, each.alert.supersedes) for each in outcome.alerts]
    return out


@pytest.mark.parametrize("batches", [1, 2])
def test_two_reads_of_a_named_passage_are_one_alert(batches: int) -> None:
    """The reader's own passage counts by default, in one batch or over two; no hit is uncounted."""
    book, snapshot = PassageBook(), snapshot_of([ENTRY])
    values = [read(1, 0, passage_id="p7"), read(2, 40, passage_id="p7")]
    results = []
    for batch in [values] if batches == 1 else [[value] for value in values]:
        results.append(step(batch, snapshot, StepRules(), HERE, book))
        book.apply(results[-1].passages)
    alerts = [decided.alert for result in results for decided in result.alerts]
    assert [alert.read.read_id for alert in alerts] == ["r1"]
    assert alerts[0].passage is not None
    assert alerts[0].supersedes is None
    assert results[-1].withheld == {"same-passage": 1}
    assert len(book) == 1


def test_reads_that_nobody_joined_are_alerts_of_their_own_by_default() -> None:
    """Without a passage id and without a window each read is an alert, as without a book."""
    values, snapshot = [read(1), read(2)], snapshot_of([ENTRY])
    book = PassageBook()
    result = step(values, snapshot, StepRules(), HERE, book)
    assert [decided.alert.passage for decided in result.alerts] == [None, None]
    assert result.alerts == step(values, snapshot, StepRules(), HERE).alerts
    assert len(book) == len(result.passages) == 0


def test_a_passage_has_the_same_name_under_any_engine() -> None:
    """After a crash the running passage alerts once more, under the name it had."""
    values, snapshot = [read(1, 0, passage_id="p7"), read(2, 1, passage_id="p7")], [ENTRY]
    names = {
        step([value], snapshot_of(snapshot), StepRules(), HERE, PassageBook())
        .alerts[0]
        .alert.passage
        for value in values
    }
    assert len(names) == 1


def test_a_misread_is_upgraded_by_the_plain_read() -> None:
    """The second alert names the one it upgrades and the passage, and a control room is told."""
    values = [read(1, 0, plate="1ABCI23"), read(2, 1)]
    rules = StepRules(passages=TEN_SECONDS)
    result = step(values, snapshot_of([ENTRY]), rules, HERE, PassageBook())
    misread, plain = (decided.alert for decided in result.alerts)
    assert (misread.tier, plain.tier) == (Tier.REPAIRED, Tier.EXACT)
    assert plain.supersedes == misread.alert_id
    assert plain.passage == misread.passage
    assert f"upgrades      alert {misread.alert_id}" in alert_block(plain)
    assert "upgrades" not in alert_block(misread)


@pytest.mark.parametrize(
    ("better", "goes_out"),
    [
        ({"probability": 0.95}, True),
        ({"probability": 0.9499}, False),
        ({"probability": 0.5}, False),
        ({"tier": Tier.REPAIRED, "probability": 0.8}, True),
        ({"tier": Tier.EXACT}, True),
        ({"tier": Tier.CANDIDATE}, False),
        ({"recipients": ["be", "nl"]}, True),
    ],
)
def test_what_counts_as_better(better: dict[str, object], goes_out: bool) -> None:  # noqa: FBT001
    """More probable by 0.05, a better tier, or somebody to tell who knows of none yet."""
    expected = [(FIRST, None), (SECOND, FIRST)][: 1 + goes_out]
    assert sent([sight(FIRST), sight(SECOND, 1, **better)]) == expected


def test_an_upgrade_is_measured_against_what_was_sent() -> None:
    """Small gains add up, and each upgrade names the alert that stood before it."""
    sights = [sight(FIRST, probability=0.8), sight(SECOND, 1, probability=0.84)]
    sights += [sight(THIRD, 2, probability=0.86), sight("4", 3, tier=Tier.EXACT)]
    assert sent(sights) == [(FIRST, None), (THIRD, FIRST), ("4", THIRD)]


def test_two_reads_in_turn_do_not_upgrade_one_another() -> None:
    """One more probable, one of a better tier: each goes out once, however often they come."""
    unsure = {"probability": 0.8, "tier": Tier.EXACT}
    sights = [sight(FIRST), sight(SECOND, 1, **unsure), sight(THIRD, 2, probability=0.92)]
    assert sent([*sights, sight(SECOND, 3, **unsure)]) == [(FIRST, None), (SECOND, FIRST)]


def test_a_late_read_belongs_where_it_was_captured() -> None:
    """A better read that arrives late upgrades, and the passage begins earlier from then on."""
    late = sight(SECOND, -9, probability=0.99)
    assert sent([sight(FIRST), late]) == [(FIRST, None), (SECOND, FIRST)]
    later_still = sight(THIRD, -18, probability=0.99)
    assert sent([sight(FIRST), late, later_still]) == [(FIRST, None), (SECOND, FIRST)]
    assert sent([sight(FIRST), later_still]) == [(FIRST, None), (THIRD, None)]


@pytest.mark.parametrize(("seconds", "alerts"), [(10.0, 1), (10.000001, 2), (-10.0, 1), (-10.1, 2)])
def test_the_window_is_closed_at_both_ends(seconds: float, alerts: int) -> None:
    """Ten seconds to the last read are the same passage, a microsecond more is another."""
    assert len(sent([sight(FIRST), sight(SECOND, seconds)])) == alerts


def test_a_read_between_two_passages_belongs_to_the_nearer() -> None:
    """Where windows overlap, the better read upgrades the passage it lies closer to."""
    sights = [sight(FIRST), sight(SECOND, 15), sight(THIRD, 8, tier=Tier.EXACT)]
    assert sent(sights)[-1] == (THIRD, SECOND)


def test_a_vehicle_that_stands_is_one_passage() -> None:
    """Each read prolongs the passage, also those that are held back."""
    assert len(sent([sight(f"{n + 1:032x}", 9.0 * n) for n in range(20)])) == 1


def test_another_entry_camera_or_site_is_never_the_same_passage() -> None:
    """A second listed vehicle right behind the first is an alert, and so is the next camera."""
    entry = base().entry
    others = [
        sight(SECOND),
        sight(SECOND, entry=entry.model_copy(update={"entry_id": "e2"})),
        sight(SECOND, entry=entry.model_copy(update={"list_id": "l2"})),
        sight(SECOND, camera_id="c2"),
        sight(SECOND, site="nl"),
    ]
    assert [len(sent([sight(FIRST), other])) for other in others] == [1, 2, 2, 2, 2]


def test_two_vehicles_that_fit_one_wildcard_are_two_alerts() -> None:
    """By time alone the second would be swallowed: the plate tells them apart."""
    wild: dict[str, Any] = {"tier": Tier.WILDCARD}
    one, again = sight(FIRST, **wild), sight(SECOND, 1, plate="1 abc 123", **wild)
    other = sight(THIRD, 2, plate="1ABC124", **wild)
    assert sent([one, again, other]) == [(FIRST, None), (THIRD, None)]


def test_two_named_passages_in_one_window_are_two() -> None:
    """The reader knows better than the clock; an id that comes again much later is a new one."""
    rules, snapshot = StepRules(passages=TEN_SECONDS), snapshot_of([ENTRY])
    values = [read(1, -700, passage_id="p7"), read(2, 0, passage_id="p7")]
    values += [read(3, 1, passage_id="p8"), read(4, 2, passage_id="p8"), read(5, 3, passage_id="")]
    alerts = step(values, snapshot, rules, HERE, PassageBook()).alerts
    assert [decided.alert.read.read_id for decided in alerts] == ["r1", "r2", "r3", "r5"]
    unjoined = StepRules(passages=replace(TEN_SECONDS, id_window_us=0))
    assert len(step(values, snapshot, unjoined, HERE, PassageBook()).alerts) == 5


def test_the_same_read_again_is_no_upgrade_of_itself() -> None:
    """A read sent twice is held back, and does not stand in the way of a second look."""
    sights = [sight(FIRST), sight(FIRST, 1, tier=Tier.EXACT), sight(SECOND, 2, tier=Tier.EXACT)]
    assert sent(sights) == [(FIRST, None), (SECOND, FIRST)]


@pytest.mark.parametrize(
    ("pattern", "camera", "found"),
    [
        ("", "E19-north-2", "E19-north-2"),
        (r"^(.+)-\d+$", "E19-north-2", "E19-north"),
        (r"^E\d+", "E19-north-2", "E19"),
        (r"^(N\d+)?", "E19-north-2", "E19-north-2"),
    ],
)
def test_the_camera_site_is_taken_from_the_name(pattern: str, camera: str, found: str) -> None:
    """The first group or all that was found; a name that says nothing is its own site."""
    assert camera_site(camera, re.compile(pattern)) == found


def test_lanes_of_one_site_are_one_alert() -> None:
    """With a pattern, two cameras side by side see one passage."""
    rules = replace(TEN_SECONDS, camera_site=re.compile(r"^(.+)-\d$"))
    sights = [sight(FIRST, camera_id="E19-1"), sight(SECOND, 1, camera_id="E19-2")]
    assert len(sent(sights, rules)) == 1
    assert len(sent(sights)) == 2


def test_a_bad_pattern_stops_the_start() -> None:
    """The key, what was found and what is wrong with it."""
    place: dict[str, Any] = {"site": "be", "kafka": "k:1", "redis_url": "redis://r"}
    with pytest.raises(ConfigError, match=r"passages.camera_site = '\(\[' - .*regular expression"):
        load_settings(**place, passages={"camera_site": "(["})


class _Still:
    """A clock that stands and lists that do not change."""

    def __init__(self, current: Snapshot) -> None:
        self.current = current
        self.verified_at_us = NOW_US
        self.received_at_us = None

    def now_us(self) -> int:
        """Give the time of day."""
        return NOW_US

    def monotonic_s(self) -> float:
        """Give no passing time."""
        return 0.0


def test_a_rolled_back_batch_leaves_no_passage_behind() -> None:
    """The reads that come again alert; only what was committed holds later reads back."""
    topics, broker, metrics = SiteTopics("be"), MemoryBroker(), Metrics()
    for topic in (topics.reads, topics.alerts):
        broker.add_topic(topic, 1)
    broker.write(topics.reads, 0, [read(1, 0, passage_id="p", plate="1ABCI23")])
    still = _Still(snapshot_of([ENTRY]))
    stream = MemoryReadStream(broker, topics.reads, "g", still)
    report = EngineReport(metrics, still)
    ports = EnginePorts(stream, still, still)
    engine = SiteEngine(EngineRules("be"), ports, RejectGuard(0.5, 1000), report)
    rounds: list[int] = []

    def stop() -> bool:
        rounds.append(len(broker.published))
        if len(rounds) == 3:
            broker.add_topic(topics.audit, 1)
        if len(rounds) == 5:
            later = [read(n + 2, n, passage_id=name) for n, name in enumerate("ppq")]
            broker.write(topics.reads, 0, later)
        return len(rounds) > 8

    engine.run(stop)
    assert rounds[:3] == [0, 0, 0]
    alerts = [json.loads(each.value) for each in broker.published if each.topic == topics.alerts]
    assert [alert["read"]["read_id"] for alert in alerts] == ["r1", "r2", "r4"]
    assert "supersedes" not in alerts[0]
    assert alerts[1]["supersedes"] == alerts[0]["alert_id"]
    assert alerts[1]["passage"] == alerts[0]["passage"]
    assert metrics.value("anpr_alerts_upgraded_total") == 1
    assert metrics.value("anpr_hits_withheld_total", reason="same-passage") == 1

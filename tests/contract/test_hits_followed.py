"""An engine's book of handled entries kept by a real topic; two desks that decide at once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer
from hits_world import WAIT_S, HitsWorld, alert_of, hits_world
from stream_worlds import WAIT_S as STEP_S

from anpr_engine.cli.hits_act import Office
from anpr_engine.cli.hits_options import HitOptions
from anpr_engine.clock import SystemClock
from anpr_engine.errors import PolicyRefused
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.handled_book import handled_entries
from anpr_engine.policy.handling_book import HandledBook
from anpr_engine.policy.handling_events import SubjectId
from anpr_engine.records.fields import Category
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.wire import SiteTopics, json_bytes

FEEDBACK = SiteTopics("be").feedback
COUNT, ENTRIES = 2000, 500


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HitsWorld]:
    """Give one world to the tests of this file."""
    with hits_world(tmp_path_factory.mktemp("hits"), ["be"]) as made:
        yield made


def acted(number: int, entry_id: str) -> bytes:
    """Write that one of an entry's hits was acted on."""
    event = HandlingEvent(
        event_id=f"{number:032x}",
        occurred_at=datetime.now(UTC),
        event="acted",
        site="be",
        role="officer",
        unit="unit west",
        provider="nl",
        list_id="nl-joint",
        entry_id=entry_id,
        category=Category.BURGLARY,
        alert_id=f"{number:032x}",
    )
    return json_bytes(event)


def settings(desk: HitsWorld, site: str = "be") -> StreamSettings:
    """Say how an engine reaches the broker."""
    return StreamSettings(desk.bootstrap, SiteTopics(site).reads, f"anpr.engine.{site}", "x")


def actions(book: HandledBook, entry_id: str) -> int:
    """Give how often the book says that the action was done."""
    return book.of(SubjectId("nl", "nl-joint", entry_id)).actions_done


def test_the_book_is_whole_before_the_first_batch_and_follows(desk: HitsWorld) -> None:
    """All that the topic holds is known when the engine begins, verdicts passed over."""
    producer = Producer({"bootstrap.servers": desk.bootstrap})
    for number in range(COUNT):
        name = f"e-{number % ENTRIES}"
        producer.produce(FEEDBACK, acted(number, name), f"nl-joint/{name}".encode())
        producer.produce(FEEDBACK, b'{"alert_id":"x","verdict":"confirmed"}')
        producer.poll(0)
    assert producer.flush(WAIT_S) == 0
    with handled_entries("be", settings(desk), SystemClock()) as book:
        done = {actions(book, f"e-{number}") for number in range(ENTRIES)}
        assert (done, len(book) >= ENTRIES) == ({COUNT // ENTRIES}, True)
        desk.write(FEEDBACK, b"nl-joint/new", acted(COUNT, "new"))
        clock = SystemClock()
        deadline_s = clock.monotonic_s() + STEP_S
        pause = threading.Event()
        while not actions(book, "new") and clock.monotonic_s() < deadline_s:
            pause.wait(0.01)
        assert actions(book, "new") == 1


def test_a_start_that_may_take_no_time_reads_on_beside_the_engine(desk: HitsWorld) -> None:
    """Past its time the start ends; what is missing is read in the thread."""
    desk.write(FEEDBACK, b"nl-joint/late", acted(COUNT + 1, "late"))
    clock, pause = SystemClock(), threading.Event()
    with handled_entries("be", settings(desk), clock, catch_up_s_max=-1.0) as book:
        deadline_s = clock.monotonic_s() + STEP_S
        while not actions(book, "late") and clock.monotonic_s() < deadline_s:
            pause.wait(0.01)
        assert actions(book, "late") == 1


def test_a_site_without_the_topic_starts_all_the_same(desk: HitsWorld) -> None:
    """Nothing is known then."""
    with handled_entries("zz", settings(desk, "zz"), SystemClock()) as book:
        assert len(book) == 0


def test_of_two_who_decide_at_once_one_counts(desk: HitsWorld) -> None:
    """Each one's step is judged on the newest state: one is written, the other refused by name."""
    hit = alert_of("race", 1)
    desk.put(hit)
    refusals: list[str] = []
    options = HitOptions(
        site="be",
        kafka=desk.bootstrap,
        by="officer.7",
        unit="unit west",
        purpose="burglary",
        case_ref="BE-12",
    )

    def decide() -> None:
        try:
            Office(options).look(hit.alert_id, "validated")
        except PolicyRefused as refused:
            refusals.append(refused.what)

    threads = [threading.Thread(target=decide) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S * 3)
    told = [each["event"] for each in desk.records(FEEDBACK) if each.get("entry_id") == "race"]
    assert told == ["validated"]
    assert refusals == ["handling.validated: The hit was validated already."] * 2

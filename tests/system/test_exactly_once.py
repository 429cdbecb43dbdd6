"""Kills, restarts and rebalances under load: each expected alert once, none else."""

import json
import random
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sites import Engine, World, alert_topics, await_true, read_json, world

from anpr_engine.clock import SystemClock
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.tail import follow_alerts
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.pipeline.decide import alert_id
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.wire import SiteTopics

SITES = ("be", "nl")
READS_PER_SITE = 100_000
HITS_PER_SITE = 2_500
KILLS = 5
CHUNK = 2_000
SEED = 20_261_122


def listed_plate(site: str, number: int) -> str:
    """Give the plate of a site's entry."""
    return f"{number % 7 + 1}-{'B' if site == 'be' else 'N'}ZZ-{number:03d}"


def entries(site: str) -> list[WatchlistEntry]:
    """Give a site's list: half shared across the border, half its own."""
    return [
        WatchlistEntry(
            entry_id=f"e{number:03d}",
            list_id=f"{site}-list",
            plate=listed_plate(site, number),
            country=site.upper(),
            sharing="be,nl" if number % 2 else "own",
        )
        for number in range(500)
    ]


class Feeder:
    """Writes both sites' reads chunk by chunk, each chunk when it is allowed to."""

    def __init__(self, bootstrap: str) -> None:
        """Prepare the reads and what must come of them."""
        self._bootstrap = bootstrap
        self._now = datetime.now(UTC).isoformat()
        self.expected: set[str] = set()
        draw = random.Random(SEED)
        self._hits = {
            site: set(draw.sample(range(READS_PER_SITE), HITS_PER_SITE)) for site in SITES
        }

    def write(self, writer: ReadWriter, first: int) -> set[str]:
        """Write one chunk of each site and name the alerts that must come of it."""
        of_chunk: set[str] = set()
        for site in SITES:
            for number in range(first, first + CHUNK):
                hit = number in self._hits[site]
                plate = listed_plate(site, number % 500) if hit else f"1-TTT-{number % 1000:03d}"
                if hit:
                    entry = f"e{number % 500:03d}"
                    name = alert_id(site, f"{site}-{number:07d}", f"{site}-list", entry)
                    of_chunk.add(name)
                value = read_json(site, number, plate, self._now)
                writer.write(SiteTopics(site).reads, f"cam{number % 40}".encode(), value)
        writer.flush()
        self.expected |= of_chunk
        return of_chunk


class Counting:
    """Counts the alerts that a reader of committed records sees as they come."""

    def __init__(self, bootstrap: str) -> None:
        """Begin to follow."""
        self.seen: Counter[str] = Counter()
        self._stop = threading.Event()
        records = follow_alerts(bootstrap, NO_SECURITY, alert_topics(SITES), self._stop.is_set)

        def follow() -> None:
            for record in records:
                self.seen[json.loads(record.value)["alert_id"]] += 1

        self._thread = threading.Thread(target=follow)
        self._thread.start()

    def await_any(self, alert_ids: set[str]) -> None:
        """Wait until one of some alerts has come out."""
        await_true(lambda: not alert_ids.isdisjoint(self.seen), "alerts of the chunk")

    def stop(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join()


def test_kills_and_rebalances_neither_lose_nor_repeat_an_alert(tmp_path: Path) -> None:
    """200,000 reads with 5,000 hits, five SIGKILLs, a third engine coming and going: exact."""
    draw = random.Random(SEED)
    kill_after = sorted(draw.sample(range(5, READS_PER_SITE // CHUNK - 5), KILLS))
    join_after, leave_after = 12, 32
    with world(tmp_path) as made:
        for site in SITES:
            made.load(site, entries(site))
        engines = [made.engine(site, slot) for site in SITES for slot in (0, 1)]
        for engine in engines:
            engine.start()
        for engine in engines:
            await_true(engine.ready, f"{engine.site}-{engine.slot} ready")
        counting = Counting(made.bootstrap)
        feeder = Feeder(made.bootstrap)
        third = made.engine("be", 2)
        with ReadWriter(made.bootstrap) as writer:
            for chunk in range(READS_PER_SITE // CHUNK):
                of_chunk = feeder.write(writer, chunk * CHUNK)
                if chunk in kill_after:
                    # The chunk is being worked on: the first of its alerts came out.
                    counting.await_any(of_chunk)
                    victim = draw.choice(engines)
                    victim.kill()
                    victim.start()
                if chunk == join_after:
                    third.start()
                    await_true(third.ready, "the third engine ready")
                if chunk == leave_after:
                    assert third.stop() == 0
        _await_all(feeder.expected, counting)
        _check_final(made, feeder.expected)
        codes = [engine.stop() for engine in engines]
        counting.stop()
    assert codes == [0] * len(engines)


def _await_all(expected: set[str], counting: Counting) -> None:
    assert len(expected) == len(SITES) * HITS_PER_SITE
    await_true(lambda: len(counting.seen) >= len(expected), "all alerts", 120.0)


def _check_final(made: World, expected: set[str]) -> None:
    records = made.committed(alert_topics(SITES), len(expected))
    found = Counter(json.loads(record.value)["alert_id"] for record in records)
    assert set(found) == expected
    assert [name for name, times in found.items() if times > 1] == []
    audits = made.committed([SiteTopics(site).audit for site in SITES], len(expected))
    lines = [json.loads(record.value) for record in audits]
    audited = Counter(line["alert_id"] for line in lines if line["alert_id"])
    assert audited == found


@pytest.mark.parametrize("with_hits", [True, False])
def test_until_end_stops_at_the_end_it_saw(tmp_path: Path, with_hits: bool) -> None:  # noqa: FBT001
    """The engine works off what is there, prints its totals and leaves; a second run finds none."""
    with world(tmp_path, ["be"]) as made:
        made.load("be", entries("be"))
        with ReadWriter(made.bootstrap) as writer:
            for number in range(1_000):
                plate = listed_plate("be", number) if with_hits and number < 10 else "1-TTT-001"
                value = read_json("be", number, plate, datetime.now(UTC).isoformat())
                writer.write(SiteTopics("be").reads, b"cam", value)
        first = run_until_end(made.engine("be", 0, "--until-end", "--json"))
        second = run_until_end(made.engine("be", 0, "--until-end", "--json"))
    hits = 10 if with_hits else 0
    assert (first["reads"], first["hits"], first["alerts"]) == (1_000, hits, hits)
    assert second["reads"] == 0


def run_until_end(engine: Engine) -> dict[str, float]:
    """Run an engine until it stops by itself and give its closing line."""
    began_s = SystemClock().monotonic_s()
    engine.start()
    assert engine.process is not None
    assert engine.process.wait(60.0) == 0
    assert SystemClock().monotonic_s() - began_s < 60
    lines = [line for line in engine.log_path.read_text().splitlines() if '"reads"' in line]
    totals: dict[str, float] = json.loads(lines[-1])
    engine.log_path.unlink()
    return totals

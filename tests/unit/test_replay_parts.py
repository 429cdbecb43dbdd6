"""The parts of a replay by themselves: times, lines cut anywhere, digests, what is shown."""

import json
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anpr_engine.cli.replay_view import ReplayView
from anpr_engine.cli.times import SpanType, TimeType, When, us_of
from anpr_engine.errors import AnprError, InputFileError, UsageError
from anpr_engine.replay import json_lines
from anpr_engine.replay.json_lines import line_portions
from anpr_engine.replay.parts import VERSION_OF_PARTS, Identity, Manifest, Parts
from anpr_engine.replay.tally import Tally, digest_of
from anpr_engine.replay.units import BYTES, JSON_LINES, RECORDS, Lane, Plan, Unit, plan_files
from anpr_engine.replay.work import Board, Done, work_through

LATEST_US = 2**62
IDENTITY = Identity("0", {}, "file 1")


@dataclass
class SetClock:
    """A clock that shows what it was set to."""

    at_s: float = 0.0

    def now_us(self) -> int:
        """Give the time of day."""
        return round(self.at_s * 1e6)

    def monotonic_s(self) -> float:
        """Give the seconds."""
        return self.at_s


def unseen(_done: Done) -> None:
    """Look away."""


def read_line(number: int, padding: int) -> bytes:
    """Write a read of any length."""
    read = {
        "read_id": f"r{number}",
        "camera_id": "c" * (padding + 1),
        "captured_at": "2026-11-22T08:00:00Z",
        "plate": "1-ABC-123",
    }
    return json.dumps(read).encode()


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 63), min_size=1, max_size=12),
    st.lists(st.integers(0, 2000), max_size=6),
    st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n  \n"]),
    st.sampled_from([b"", b"\n", b"\n \n\n"]),
)
def test_a_file_cut_anywhere_gives_each_line_once(
    paddings: list[int], cuts: list[int], line_end: bytes, after: bytes
) -> None:
    """Wherever units end, each line is of exactly one of them, in order."""
    lines = [read_line(number, padding) for number, padding in enumerate(paddings)]
    text = line_end.join(lines) + after
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    found = []
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(text)
        file.flush()
        for begin, end in pairwise(bounds):
            unit = Unit(0, JSON_LINES, file.name, begin, end, end - begin)
            for portion in line_portions(unit):
                assert portion.take is not None
                reads = portion.take(LATEST_US)
                assert not reads.rejects
                found += [json.loads(value)["read_id"] for value in reads.values]
    assert found == [f"r{number}" for number in range(len(lines))]


def test_a_file_without_lines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no line's end for long is no file of JSON lines, and does not fill the memory."""
    monkeypatch.setattr(json_lines, "LINE_BYTES_MAX", 1000)
    monkeypatch.setattr(json_lines, "CHUNK_BYTES", 100)
    path = tmp_path / "reads.jsonl"
    path.write_bytes(b"x" * 5000)
    (unit,) = plan_files([str(path)]).units
    with pytest.raises(InputFileError, match="no line's end"):
        list(line_portions(unit))


def test_an_empty_file_has_no_units(tmp_path: Path) -> None:
    """Nothing to do is a plan without units."""
    path = tmp_path / "reads.jsonl"
    path.touch()
    assert plan_files([str(path)]) == Plan(BYTES, [])


@given(st.lists(st.binary(max_size=8), max_size=20))
def test_a_digest_knows_number_but_no_order(lines: list[bytes]) -> None:
    """Cut and turned round, the sums of the parts' digests are the digest of the whole."""
    total = Tally()
    for line in reversed(lines):
        total.add(Tally(hits=1, digest=digest_of([line])))
    assert total.digest == digest_of(lines)
    assert digest_of([*lines, b"more"]) != total.digest
    assert total.hits == len(lines)


@pytest.mark.parametrize(
    ("text", "before_us", "at_us"),
    [
        ("-90s", 90_000_000, 0),
        ("-2h", 7_200_000_000, 0),
        ("-7d", 604_800_000_000, 0),
        ("2026-11-22T08:00:00.5Z", None, 1_795_334_400_500_000),
        ("2026-11-22T09:00:00+01:00", None, 1_795_334_400_000_000),
    ],
)
def test_times_are_instants_or_spans(text: str, before_us: int | None, at_us: int) -> None:
    """A span counts from when the replay first began."""
    when = TimeType().convert(text, None, None)
    assert when == When(text, at_us, before_us)
    begun_us = 2_000_000_000_000_000
    expected = at_us if before_us is None else begun_us - before_us
    assert us_of(when, begun_us) == expected
    assert us_of(None, begun_us) is None


@pytest.mark.parametrize("text", ["yesterday", "2026-11-22", "2h", "-2w", "-", "-h"])
def test_other_words_are_no_times(text: str) -> None:
    """What is allowed is told."""
    with pytest.raises(click.BadParameter, match="-90m"):
        TimeType().convert(text, None, None)
    if not text.endswith("h") or text.startswith("-"):
        with pytest.raises(click.BadParameter, match="24h"):
            SpanType().convert(text, None, None)


def test_the_view_tells_share_rate_and_time_left() -> None:
    """All from what was counted; what an earlier run did is no part of the rate."""
    clock = SetClock(100.0)
    plan = Plan(RECORDS, [Unit(0, "kafka", "t", 0, 1000, 1000, 0)])
    view = ReplayView(plan, Done(400, 4000, 7), clock, shown=False)
    clock.at_s = 110.0
    told = view.text(Done(500, 5000, 9))
    assert told == "500 of 1,000 records, 100 reads/s, 9 hits, 0:50 left"
    clock.at_s = 100.0 + 7200
    assert view.text(Done(410, 4000, 7)).endswith("118:00:00 left")
    stream = ReplayView(Plan(BYTES, [Unit(0, "stdin", "-", 0, 0, 0)]), Done(), clock, shown=False)
    assert stream.text(Done(0, 10, 0)).startswith("10 reads, ")


def test_a_part_that_was_changed_is_noticed(tmp_path: Path) -> None:
    """Hits that are not those that were kept are never put together."""
    folder = tmp_path / "out.part"
    line = b'{"read_id":"r"}\n'
    with Parts(folder) as parts:
        parts.begin(Manifest(VERSION_OF_PARTS, 1, IDENTITY, Plan(BYTES, [])))
        parts.keep(0, Tally(hits=1, digest=digest_of([line])), [line])
        assert parts.lines(0) == [line]
        path = folder / "000000.unit"
        path.write_bytes(path.read_bytes().replace(b'"r"', b'"s"'))
        with pytest.raises(AnprError, match="--restart"):
            parts.lines(0)
        path.write_bytes(b"")
        with pytest.raises(AnprError, match="--restart"):
            parts.kept()


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    """Whatever it holds, it is told to begin anew."""
    folder = tmp_path / "out.part"
    with Parts(folder) as parts:
        for text in (b"{", b"{}", b'{"version":9}'):
            (folder / "manifest.json").write_bytes(text)
            with pytest.raises(UsageError, match="--restart"):
                parts.begun()


def test_an_error_of_one_worker_stops_the_others() -> None:
    """The others hear of it between two batches, and the error comes out."""
    lanes = [[Unit(number, "", "", 0, 0, 0)] for number in range(3)]

    def work(lane: Lane, board: Board) -> None:
        if lane[0].number == 1:
            raise AnprError("one")
        while lane[0].number == 0 and not board.stopped:
            board.moved(1, 1, 0)

    board = Board(Done())
    with pytest.raises(AnprError, match="one"):
        work_through(lanes, work, 2, board, unseen)
    assert board.stopped


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have SIGINT interrupt, also where the tests were started by something that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_stops_the_workers() -> None:
    """Ctrl-C in the main thread reaches the workers as a request to stop."""
    lanes = [[Unit(0, "", "", 0, 0, 0)]]

    def work(_lane: Lane, board: Board) -> None:
        while not board.stopped:
            board.moved(1, 1, 0)

    def interrupt(done: Done) -> None:
        if done.reads:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        work_through(lanes, work, 1, Board(Done()), interrupt)

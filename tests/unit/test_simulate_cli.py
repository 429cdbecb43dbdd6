"""`anpr simulate` writes reads, truth and watchlists, and plays onto Kafka in real time."""

import csv
import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from anpr_engine.cli import simulate
from anpr_engine.errors import UsageError
from anpr_engine.pipeline.batches.records_in import Incoming, reads_in
from anpr_engine.pipeline.batches.rules import RecordRules, schemas_from
from anpr_engine.records.parse import parse_read
from anpr_engine.records.read import PlateRead
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.wire import Header

START = "2026-03-02T07:00:00Z"


class FakeWriter:
    """Keeps the records handed over."""

    def __init__(self) -> None:
        """Start empty."""
        self.records: list[tuple[str, bytes, bytes]] = []
        self.headers: list[tuple[Header, ...]] = []
        self.flushed_count = 0

    def write(self, topic: str, key: bytes, value: bytes, headers: tuple[Header, ...] = ()) -> None:
        """Keep one record."""
        self.records.append((topic, key, value))
        self.headers.append(headers)

    def flush(self) -> None:
        """Count the flush."""
        self.flushed_count += 1


def run(*args: str) -> Result:
    """Run the command with a small traffic."""
    return CliRunner().invoke(simulate.command, ["--rate", "200", *args])


def test_reads_go_to_stdout_and_the_summary_to_stderr() -> None:
    """Data on stdout, one read a line; words on stderr."""
    result = run("--seconds", "2", "--start", START)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert 300 < len(lines) < 500
    assert all("read_id" in json.loads(line) for line in lines)
    assert f"{len(lines)} reads" in result.stderr


def test_the_same_seed_and_start_write_the_same_bytes() -> None:
    """Two runs agree; another seed gives other reads."""
    first = run("--seconds", "1", "--start", START, "--seed", "4")
    assert first.stdout_bytes == run("--seconds", "1", "--start", START, "--seed", "4").stdout_bytes
    assert first.stdout_bytes != run("--seconds", "1", "--start", START, "--seed", "5").stdout_bytes


def test_truth_has_a_line_for_each_read(tmp_path: Path) -> None:
    """The truth file holds the ids of the reads in the same order, with the fixed fields."""
    out, truth = tmp_path / "reads.jsonl", tmp_path / "truth.jsonl"
    result = run(
        *("--seconds", "2", "--out", str(out), "--truth", str(truth), "--listed-share", "0.2")
    )
    assert result.exit_code == 0
    reads = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    truths = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
    assert [read["read_id"] for read in reads] == [line["read_id"] for line in truths]
    assert all(
        list(line) == ["read_id", "plate", "country", "entry_ids", "misread"] for line in truths
    )
    assert any(line["entry_ids"] for line in truths)


def test_lists_are_watchlist_files_whose_entries_the_truth_names(tmp_path: Path) -> None:
    """One CSV file a site; each row is a valid entry; truth points at rows that exist."""
    truth = tmp_path / "truth.jsonl"
    lists = tmp_path / "lists"
    result = run(
        *("--seconds", "2", "--out", str(tmp_path / "r.jsonl"), "--truth", str(truth)),
        *("--lists", str(lists), "--listed-share", "0.3", "--per-list", "5"),
    )
    assert result.exit_code == 0
    ids = set()
    for site in ("be", "nl"):
        with (lists / f"{site}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                given = {name: text for name, text in row.items() if text}
                entry = WatchlistEntry.model_validate(given)
                assert entry.list_id.startswith(site)
                ids.add(entry.entry_id)
    named = {
        entry_id
        for line in truth.read_text(encoding="utf-8").splitlines()
        for entry_id in json.loads(line)["entry_ids"]
    }
    assert named
    assert named <= ids


def test_kafka_gets_each_read_under_its_site_and_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records go to the site's read topic, keyed by camera, and are flushed at the end."""
    writer, asked = FakeWriter(), []

    def open_writer(bootstrap: str) -> FakeWriter:
        asked.append(bootstrap)
        return writer

    monkeypatch.setattr(simulate, "open_read_writer", open_writer)
    result = run("--seconds", "0.5", "--out", "kafka", "--kafka", "127.0.0.1:1")
    assert result.exit_code == 0
    assert asked == ["127.0.0.1:1"]
    assert writer.flushed_count == 1
    assert 50 < len(writer.records) < 160
    for topic, key, value in writer.records:
        read = json.loads(value)
        assert key.decode() == read["camera_id"]
        assert topic == f"anpr.reads.{read['camera_id'][:2]}"


SCHEMAS = schemas_from({"*": "plate_read.v1", "2": "plate_reads.v1"})


@pytest.mark.parametrize("form", ["json", "avro", "avro-batch"])
def test_what_is_written_as_avro_is_what_the_json_says(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Every field of every read, nested ones too; single reads need no setting of the engine."""
    writer = FakeWriter()
    monkeypatch.setattr(simulate, "open_read_writer", lambda _bootstrap: writer)
    words = ("--out", "kafka", "--kafka", "127.0.0.1:1", "--format", form)
    assert run("--seconds", "3", "--start", START, *words).exit_code == 0
    values = [value for _, _, value in writer.records]
    headers = dict(enumerate(writer.headers))
    rules = RecordRules(schemas=SCHEMAS) if form == "avro-batch" else RecordRules()
    taken = reads_in(Incoming(values, headers), rules, 2**62)
    assert not taken.rejects
    assert (len(taken) > len(values)) == (form == "avro-batch")
    lines = run("--seconds", "3", "--start", START).stdout.splitlines()
    plain = [parse_read(line.encode()) for line in lines]
    assert any(read.candidates for read in plain)
    assert any(read.characters for read in plain)
    assert any(read.vehicle for read in plain)
    found = [parse_read(value) for value in taken.values]
    assert sorted(found, key=_by_id) == sorted(plain, key=_by_id)


def _by_id(read: PlateRead) -> str:
    return read.read_id


@pytest.mark.parametrize("form", ["ndjson", "arrow", "avro-batch"])
def test_records_of_many_reads_hold_the_same_reads(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Each record is of one site; a camera keeps its key and its order; none is over the limit."""
    writer = FakeWriter()
    monkeypatch.setattr(simulate, "open_read_writer", lambda _bootstrap: writer)
    words = ("--out", "kafka", "--kafka", "127.0.0.1:1", "--format", form, "--batch", "20")
    assert run("--seconds", "1.5", "--start", START, *words).exit_code == 0
    assert writer.flushed_count == 1
    incoming = Incoming([value for _, _, value in writer.records], dict(enumerate(writer.headers)))
    taken = reads_in(incoming, RecordRules(schemas=SCHEMAS), 2**62)
    assert not taken.rejects
    sizes = Counter(taken.record_of(row) for row in range(len(taken)))
    assert len(sizes) == len(writer.records)
    assert 1 < max(sizes.values()) <= 20
    keys: dict[str, bytes] = {}
    times: dict[str, str] = {}
    for row in range(len(taken)):
        read = json.loads(taken.values[row])
        topic, key, _ = writer.records[taken.record_of(row)]
        camera = read["camera_id"]
        assert topic == f"anpr.reads.{camera[:2]}"
        assert keys.setdefault(camera, key) == key
        assert times.get(camera, "") <= read["captured_at"]
        times[camera] = read["captured_at"]
    plain = run("--seconds", "1.5", "--start", START).stdout.splitlines()
    ids = [json.loads(value)["read_id"] for value in taken.values]
    assert sorted(ids) == sorted(json.loads(line)["read_id"] for line in plain)


def test_a_parquet_file_holds_the_reads_of_the_lines(tmp_path: Path) -> None:
    """Every field of every read is there; the file comes with its ending, or by --format."""
    by_ending, by_format = tmp_path / "reads.parquet", tmp_path / "reads"
    assert run("--seconds", "2", "--start", START, "--out", str(by_ending)).exit_code == 0
    words = ("--out", str(by_format), "--format", "parquet")
    assert run("--seconds", "2", "--start", START, *words).exit_code == 0
    table = pq.read_table(by_ending)
    assert table.equals(pq.read_table(by_format))
    lines = run("--seconds", "2", "--start", START).stdout.splitlines()
    assert table.num_rows == len(lines)
    for row, line in zip(table.to_pylist(), lines, strict=True):
        read = json.loads(line)
        for name, value in read.items():
            found = row[name]
            if name == "captured_at":
                assert found == datetime.fromisoformat(value)
            elif name == "vehicle":
                assert {part: text for part, text in found.items() if text is not None} == value
            else:
                assert found == value
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reads", "reads.parquet"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "kafka", "--kafka", "x:1", "--format", "parquet"], "json or ndjson or arrow"),
        (["--out", "reads.jsonl", "--format", "arrow"], "jsonl or parquet"),
        (["--format", "parquet"], "--out FILE.parquet"),
    ],
)
def test_forms_that_do_not_go_with_the_output_are_refused(words: list[str], said: str) -> None:
    """The error names what does."""
    result = run("--seconds", "1", *words)
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)


def test_kafka_without_a_broker_is_wrong_usage() -> None:
    """The error says what is missing and how to give it."""
    result = CliRunner(env={"ANPR_KAFKA": None}).invoke(
        simulate.command, ["--rate", "1", "--seconds", "1", "--out", "kafka"]
    )
    assert isinstance(result.exception, UsageError)
    assert "ANPR_KAFKA" in str(result.exception)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--sites", "be,xx", "'xx'"), ("--start", "yesterday", "RFC 3339"), ("--seed", "-1", "-1")],
)
def test_wrong_values_are_named(option: str, value: str, said: str) -> None:
    """A value that does not fit ends with exit code 2 and is shown."""
    result = run("--seconds", "1", option, value)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A path that cannot be written ends with an error that names it."""
    result = run("--seconds", "1", "--out", str(tmp_path / "no" / "reads.jsonl"))
    assert isinstance(result.exception, UsageError)
    assert "reads.jsonl" in str(result.exception)

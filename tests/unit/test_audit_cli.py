"""`anpr audit` over files: exported folders checked, shown and signed without any service."""

import json
from pathlib import Path

import pytest
from audit_worlds import OURS, START, THEIRS, Record, event, sealed
from click.testing import CliRunner, Result

from anpr_engine.audit.folder import ExportFolder, Manifest, heads_of
from anpr_engine.audit.signing import write_pair
from anpr_engine.cli.audit import command
from anpr_engine.errors import AnprError, InputFileError, PolicyRefused, UsageError
from anpr_engine.records.audit_event import AuditAction


def run(*words: str | Path) -> Result:
    """Call the command."""
    return CliRunner().invoke(command, [str(word) for word in words])


def error_of(*words: str | Path) -> AnprError:
    """Call the command, and give the error that it ends with."""
    found = run(*words).exception
    assert isinstance(found, AnprError)
    return found


@pytest.fixture
def keys(tmp_path: Path) -> list[str | Path]:
    """Write the keys of both sides; gives the options that name the public ones."""
    ours = write_pair(tmp_path / "be.key", OURS)
    theirs = write_pair(tmp_path / "nl.key", THEIRS)
    return ["--key", ours, "--cosigner", theirs]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Write a sound record into a folder as an export does."""
    record, out = Record(), tmp_path / "export"
    with ExportFolder(out) as folder:
        for line in record.lines:
            folder.add(0, line)
        folder.write("heads.jsonl", b"".join(head.line() + b"\n" for head in record.heads))
        folder.finish(
            Manifest(
                version=1, site="be", made_at="2026-11-22T09:00:00Z", package="0",
                begins="", ends="", lines=0, files=(),
            )
        )  # fmt: skip
    return out


def test_a_sound_folder_is_verified_with_the_keys_alone(
    exported: Path, keys: list[str | Path]
) -> None:
    """Exit code 0, each chain told, and the rate on stderr."""
    result = run("verify", exported, "--site", "be", *keys)
    assert result.exit_code == 0
    assert "be/engine-0 in partition 0: lines 0 to 39, 40 under 4 heads" in result.stdout
    assert result.stdout.endswith("sound\n")
    assert "40 lines in" in result.stderr
    assert "signatures" not in result.stderr


def test_without_keys_the_user_is_told(exported: Path) -> None:
    """Lines and heads are checked; that signatures were not is said."""
    result = run("verify", exported)
    assert result.exit_code == 0
    assert "signatures were not checked" in result.stderr


def test_tampering_is_told_with_file_and_line(exported: Path, keys: list[str | Path]) -> None:
    """Exit code 1; the file that is not the exported one, and the line in it."""
    path = exported / "records-0.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"entry_id":"e7"', b'"entry_id":"e8"'))
    result = run("verify", exported, *keys)
    assert result.exit_code == 1
    assert "changed-file: records-0.jsonl" in result.stdout
    assert "altered-line: records-0.jsonl line 8, chain be/engine-0, line 7" in result.stdout
    told = json.loads(run("verify", exported, *keys, "--json").stdout)
    assert (told["sound"], told["lines"]) == (False, 40)
    assert [each["kind"] for each in told["findings"]] == ["changed-file", "altered-line"]


def test_files_that_are_missing_or_new_are_told(exported: Path) -> None:
    """What is in the manifest is there, and nothing else."""
    (exported / "heads.jsonl").unlink()
    (exported / "records-9.jsonl").write_bytes(b"")
    words = run("verify", exported).stdout
    assert "heads.jsonl: the file is not the one that was exported (it is missing)" in words
    assert "records-9.jsonl: the file is not the one that was exported (not in the" in words


def test_what_is_no_head_is_told(exported: Path, tmp_path: Path) -> None:
    """A line in a file of heads that is none is a finding, not the end."""
    heads = tmp_path / "other.jsonl"
    heads.write_bytes(b"{}\n" + Record().heads[0].line() + b"\n")
    result = run("verify", exported / "records-0.jsonl", "--heads", heads)
    assert result.exit_code == 1
    assert "malformed-head: other.jsonl line 1" in result.stdout


def test_a_part_is_checked_as_a_part(exported: Path, tmp_path: Path) -> None:
    """Without the beginning a record is not sound, unless a part is said to be given."""
    part = tmp_path / "part.jsonl"
    lines = (exported / "records-0.jsonl").read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[10:]))
    heads = exported / "heads.jsonl"
    assert run("verify", part, "--heads", heads).exit_code == 1
    assert run("verify", part, "--heads", heads, "--part").exit_code == 0


def test_wrong_usage_is_told(exported: Path, tmp_path: Path) -> None:
    """Times belong to topics, a folder has a manifest, a key file holds a key."""
    assert isinstance(error_of("verify", exported, "--from", "-2h"), UsageError)
    assert isinstance(error_of("verify", tmp_path), InputFileError)
    path = exported / "manifest.json"
    assert isinstance(error_of("verify", exported, "--key", path), InputFileError)


def test_acts_are_shown_newest_first(exported: Path) -> None:
    """Filters choose, the count limits, and the newest comes first."""
    shown = [json.loads(line) for line in run("show", exported, "--json").stdout.splitlines()]
    assert [each["entry_id"] for each in shown] == [f"e{n}" for n in reversed(range(40))]
    few = run("show", exported, "--json", "--count", "2").stdout.splitlines()
    assert [json.loads(line)["entry_id"] for line in few] == ["e39", "e38"]
    assert "l1/e7" in run("show", exported, "--entry", "e7", "--list", "l1").stdout
    assert run("show", exported, "--who", "somebody", "--json").stdout == ""
    assert run("show", exported, "--action", "audit-read", "--json").stdout == ""
    assert run("show", exported, "--about-case", "EX-1", "--json").stdout == ""


def test_odd_use_is_shown(tmp_path: Path) -> None:
    """Only what a supervisor should ask about, with rule and sentence."""
    asks = [
        event(n, action=AuditAction.DATA_LOOKED_UP, actor="officer.7", target="a" * 32)
        for n in range(3)
    ]
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in sealed(asks)) + b"no line\n")
    result = run("show", path, "--odd")
    assert "same-target-again: officer.7 looked one target up 3 times" in result.stdout
    assert "4 to ask about" in result.stderr
    assert "1 lines are no audit event" in result.stderr
    rules = [json.loads(line)["rule"] for line in run("show", path, "--odd", "--json").stdout
             .splitlines()]  # fmt: skip
    assert sorted(rules) == ["no-case", "no-case", "no-case", "same-target-again"]


@pytest.mark.parametrize("missing", ["--purpose", "--case"])
@pytest.mark.parametrize("which", ["show", "export"])
def test_a_topic_is_not_read_without_a_reason(tmp_path: Path, which: str, missing: str) -> None:
    """Exit code 4, and nothing is written anywhere."""
    words: list[str | Path] = [which, "--site", "be", "--kafka", "127.0.0.1:1"]
    words += ["--purpose" if missing == "--case" else "--case", "AUD-7"]
    words += ["--out", tmp_path / "out"] if which == "export" else []
    error = error_of(*words)
    assert isinstance(error, PolicyRefused)
    assert error.exit_code == 4
    assert missing in error.what
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_whole_or_not_there(tmp_path: Path) -> None:
    """What fails on the way leaves nothing; what is there is not overwritten."""
    out = tmp_path / "export"

    def fail() -> None:
        with ExportFolder(out) as folder:
            folder.add(0, b"{}")
            raise InputFileError("The disk is full.")

    with pytest.raises(InputFileError):
        fail()
    assert list(tmp_path.iterdir()) == []
    out.mkdir()
    with pytest.raises(UsageError, match="is there already"):
        ExportFolder(out)


def test_heads_are_made_signed_and_cosigned(exported: Path, tmp_path: Path) -> None:
    """From new keys to a record that both sides' signatures prove."""
    for side in ("be", "nl"):
        assert run("keys", "new", "--out", tmp_path / f"{side}.key").exit_code == 0
    be, nl = tmp_path / "be.key", tmp_path / "nl.key"
    records = exported / "records-0.jsonl"
    heads, cosigned = tmp_path / "heads.jsonl", tmp_path / "cosigned.jsonl"
    for _ in range(2):
        assert run("heads", "sign", records, "--key", be, "--out", heads).exit_code == 0
    cosign: list[str | Path] = ["heads", "cosign", "--key", nl, "--site-key", f"{be}.pub"]
    cosign += ["--heads", heads, "--out", cosigned]
    assert run(*cosign).exit_code == 0
    assert "0 heads cosigned" in run(*cosign).stderr
    assert len(heads_of(cosigned)[0]) == 2
    verify: list[str | Path] = ["verify", records, "--key", f"{be}.pub", "--cosigner", f"{nl}.pub"]
    assert run(*verify, "--heads", cosigned).exit_code == 0
    assert "missing-cosignature" in run(*verify, "--heads", heads).stdout


def test_what_does_not_continue_is_not_signed(exported: Path, tmp_path: Path) -> None:
    """The signer tells the place and ends with 1; so does who is asked to cosign another past."""
    be, nl = write_pair(tmp_path / "be.key", OURS), write_pair(tmp_path / "nl.key", THEIRS)
    secret, heads = be.with_suffix(""), tmp_path / "heads.jsonl"
    records = exported / "records-0.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join(lines[:20] + lines[21:]))
    result = run("heads", "sign", records, "--key", secret, "--out", heads)
    assert result.exit_code == 1
    assert "offset 20 does not continue line 19 of be/engine-0" in result.stderr
    assert [head.head.size for head in heads_of(heads)[0]] == [20]
    assert isinstance(
        error_of("heads", "sign", records, "--key", nl.with_suffix(""), "--out", heads),
        InputFileError,
    )
    heads.write_bytes(heads.read_bytes().replace(b'"size":20', b'"size":24'))
    result = run("heads", "cosign", "--key", nl.with_suffix(""), "--site-key", be,
                 "--heads", heads, "--out", tmp_path / "out")  # fmt: skip
    assert result.exit_code == 1
    assert "no key of its site has signed it" in result.stderr


def test_times_are_those_of_the_acts(exported: Path) -> None:
    """A table for people has the time, who, what and about what."""
    words = run("show", exported, "--count", "1").stdout
    assert f"{START:%Y-%m-%d} 08:03:54" in words
    assert "alert-published" in words

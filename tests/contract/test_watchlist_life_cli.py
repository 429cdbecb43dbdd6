"""`anpr watchlist`: approval, withdrawal, history, the lists of then, other systems' files."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from anpr_engine.cli.watchlist import command
from anpr_engine.clock import SystemClock
from anpr_engine.errors import AnprError, InputFileError, PolicyRefused, UsageError
from anpr_engine.watchlist.redis_client import RedisSession

ROWS = "plate,entry_id,country\n1-TST-001,a,BE\n1-TST-002,b,BE\n"


@pytest.fixture(autouse=True)
def site(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command work for site be on an empty store, in nobody's name."""
    monkeypatch.setenv("ANPR_REDIS_URL", redis_url)
    monkeypatch.setenv("ANPR_SITE", "be")
    for name in ("ANPR_USER", "ANPR_KAFKA", "ANPR_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def run(*args: str, stdin: str | None = None) -> Result:
    """Call the command; an error of ours is raised."""
    result = CliRunner().invoke(command, args, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def lines(*args: str) -> list[dict[str, Any]]:
    """Call the command and give its JSON lines."""
    return [json.loads(line) for line in run(*args, "--json").stdout.splitlines()]


def file(folder: Path, text: str, name: str = "list.csv") -> str:
    """Write a file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def entries() -> list[str]:
    """Give the ids in force."""
    out = run("export", "--list", "L", "--format", "jsonl").stdout
    return sorted(json.loads(line)["entry_id"] for line in out.splitlines())


def propose(folder: Path) -> str:
    """Have anna propose two entries for list L, which needs approval from now on."""
    path = file(folder, ROWS)
    sums = lines("import", path, "--list", "L", "--needs-approval", "--by", "anna")[0]
    assert (sums["added"], sums["waiting"]) == (0, 2)
    proposal: str = sums["proposal"]
    return proposal


def test_a_guarded_list_changes_by_two_people(tmp_path: Path) -> None:
    """Anna's import is in force once bram approves it; both stand in the history."""
    proposal = propose(tmp_path)
    assert entries() == []
    (waiting,) = lines("proposals")
    assert (waiting["proposal_id"], waiting["by"], waiting["sums"]) == (proposal, "anna", [2, 0, 0])
    assert "plate 1-TST-001" in run("proposals", "--show", proposal).stdout
    told = lines("approve", proposal, "--by", "bram", "--digest", waiting["digest"][:12])
    assert told == [{"approved": proposal, "added": 2, "changed": 0, "removed": 0}]
    assert entries() == ["a", "b"]
    assert (lines("proposals"), len(lines("proposals", "--all"))) == ([], 1)
    (act,) = lines("history", "--list", "L")
    assert (act["by"], act["approved_by"], act["proposal"]) == ("anna", "bram", proposal)
    assert lines("list")[0]["needs_approval"] is True


def test_the_same_person_is_refused_with_4(tmp_path: Path) -> None:
    """Nobody approves a proposal of his own, and nobody approves without a name."""
    proposal = propose(tmp_path)
    with pytest.raises(PolicyRefused) as caught:
        run("approve", proposal, "--by", "anna")
    assert caught.value.exit_code == 4
    with pytest.raises(UsageError, match="ANPR_USER"):
        run("approve", proposal)
    assert entries() == []


def test_a_proposal_is_rejected_with_a_reason(tmp_path: Path) -> None:
    """Rejecting needs a reason; afterwards it cannot be approved."""
    proposal = propose(tmp_path)
    with pytest.raises(UsageError, match="--reason"):
        run("approve", proposal, "--reject", "--by", "bram")
    assert lines("approve", proposal, "--reject", "--by", "bram", "--reason", "no ground")
    with pytest.raises(PolicyRefused, match="rejected"):
        run("approve", proposal, "--by", "carl")
    assert lines("proposals", "--all")[0]["decision"] == "no ground"


def test_adding_and_removing_wait_too(tmp_path: Path) -> None:
    """On a guarded list `add` and `remove` are proposals; who asks must be named."""
    run("approve", propose(tmp_path), "--by", "bram")
    with pytest.raises(UsageError, match="second person"):
        run("add", "--list", "L", "--plate", "1TST009")
    added = lines("add", "--list", "L", "--plate", "1TST009", "--entry", "z", "--by", "anna")[0]
    assert added["result"] == "waiting"
    removed = lines("remove", "--list", "L", "--entry", "a", "--by", "anna")[0]
    assert (removed["removed"], entries()) == (0, ["a", "b"])
    said = run("remove", "--list", "L", "--entry", "b", "--by", "anna").stdout
    assert said.startswith("1 changes wait for approval: ")
    for proposal in (added["proposal"], removed["proposal"]):
        run("approve", proposal, "--by", "bram")
    assert entries() == ["b", "z"]


def test_a_site_may_ask_approval_of_what_goes_abroad(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting `abroad`, listing for this site alone needs nobody else."""
    monkeypatch.setenv("ANPR_WATCHLIST__APPROVAL", "abroad")
    monkeypatch.setenv("ANPR_USER", "anna")
    own = lines("add", "--list", "L", "--plate", "1TST001", "--entry", "a")[0]
    wide = lines("add", "--list", "L", "--plate", "1TST001", "--entry", "a", "--sharing", "nl")[0]
    assert (own["result"], wide["result"]) == ("added", "waiting")
    assert lines("proposals")[0]["kind"] == "widening"


def test_a_guard_comes_off_by_two_people(tmp_path: Path) -> None:
    """`unguard` is a proposal; approved, changes are in force at once again."""
    run("approve", propose(tmp_path), "--by", "bram")
    run("unguard", "--list", "L", "--by", "anna", "--reason", "trial over")
    run("approve", lines("proposals")[0]["proposal_id"], "--by", "bram")
    assert lines("add", "--list", "L", "--plate", "1TST009")[0]["result"] == "added"
    with pytest.raises(UsageError, match="wait for nobody"):
        run("unguard", "--list", "L", "--by", "anna")


def test_a_request_names_purpose_and_case() -> None:
    """Leave to replay is asked for with a purpose and a case, and is approved by another."""
    with pytest.raises(PolicyRefused, match="--case"):
        run("request", "replay", "--by", "anna", "--purpose", "burglary")
    asked = ("request", "replay", "--by", "anna", "--purpose", "burglary", "--case", "B-12")
    made = lines(*asked)[0]
    assert (made["kind"], made["case_ref"], made["state"]) == ("replay", "B-12", "open")
    run("approve", made["proposal_id"], "--by", "bram")
    assert lines("proposals", "--all")[0]["state"] == "approved"


def test_withdrawing_says_who_and_why(tmp_path: Path) -> None:
    """It needs a name and a reason, is in force at once even on a guarded list, and is kept."""
    run("approve", propose(tmp_path), "--by", "bram")
    with pytest.raises(UsageError, match="--reason"):
        run("withdraw", "--list", "L", "--entry", "a", "--by", "anna")
    with pytest.raises(UsageError, match="--by"):
        run("withdraw", "--list", "L", "--entry", "a", "--reason", "car found")
    who = ("--by", "anna", "--reason", "car found")
    assert lines("withdraw", "--list", "L", "--entry", "a", *who)[0]["withdrawn"] == 1
    assert entries() == ["b"]
    (removed, added) = lines("history", "--entry", "a")
    assert (removed["what"], removed["kind"], removed["reason"]) == (
        "removed", "withdraw", "car found",
    )  # fmt: skip
    assert added["what"] == "added"
    assert run("withdraw", "--list", "L", *who).stdout == "withdrawn: 1 from list L\n"
    with pytest.raises(AnprError, match="no such entry"):
        run("withdraw", "--list", "L", "--entry", "a", *who)


def test_a_reason_with_a_plate_is_refused() -> None:
    """A plate in a free text would stay in the history for years."""
    with pytest.raises(UsageError, match="looks like a plate") as caught:
        run("withdraw", "--list", "L", "--by", "anna", "--reason", "not 1-ABC-123 at all")
    assert "ABC" not in str(caught.value)


def test_history_reads_well(tmp_path: Path) -> None:
    """A line an act: when, how much, which list, who and why; --since leaves the rest out."""
    run("import", file(tmp_path, ROWS), "--list", "L", "--by", "anna", "--reason", "new case")
    run("add", "--list", "M", "--plate", "1TST003", "--by", "bram", "--case-ref", "C1")
    first, second = run("history").stdout.splitlines()
    assert "+1 ~0 -0  M  add       by bram  case C1" in first
    assert second.endswith("+2 ~0 -0  L  import    by anna  new case")
    assert len(run("history", "--list", "L").stdout.splitlines()) == 1
    assert run("history", "--since", "2099-01-01T00:00:00Z").stdout == ""


def test_the_lists_of_then_are_shown_and_exported(tmp_path: Path) -> None:
    """--as-of gives the lists before a change; before the history begins it is an error."""
    run("import", file(tmp_path, ROWS), "--list", "L")
    at = _instant(SystemClock().now_us())
    run("withdraw", "--list", "L", "--entry", "a", "--by", "x", "--reason", "y")
    exported = run("export", "--list", "L", "--as-of", at, "--format", "jsonl").stdout
    assert len(exported.splitlines()) == 2
    assert lines("list", "--as-of", at)[0]["entries"] == 2
    assert lines("show", "--list", "L", "--entry", "a", "--as-of", at)[0]["plate"] == "1-TST-001"
    assert lines("list", "--as-of", "2020-01-01T00:00:00Z") == []
    with pytest.raises(AnprError, match="no such entry"):
        run("show", "--list", "L", "--entry", "a")


def test_a_time_before_the_history_is_an_error(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An output file is not begun when the lists of then cannot be had."""
    run("import", file(tmp_path, ROWS), "--list", "L")
    monkeypatch.setenv("ANPR_WATCHLIST__HISTORY_DAYS", "1")
    run("add", "--list", "L", "--plate", "1TST003")
    out = tmp_path / "out.csv"
    _forget_the_oldest(redis_url)
    with pytest.raises(InputFileError, match="does not reach back"):
        run("export", "--list", "L", "--out", str(out), "--as-of", "2020-01-01T00:00:00Z")
    assert not out.exists()


def test_a_form_of_another_system_is_imported(tmp_path: Path) -> None:
    """--template reads a hotlist of another system; columns it does not know are named."""
    text = "Category;PlateState;PlateNumber;ExpiryDate;Shade\nStolen;NL;12-BBD-3;2099-01-01;x\n"
    sums = lines("import", file(tmp_path, text), "--list", "L", "--template", "genetec")[0]
    assert (sums["added"], sums["unknown_columns"]) == (1, ["shade"])
    entry = json.loads(run("export", "--list", "L", "--format", "jsonl").stdout)
    assert (entry["category"], entry["country"]) == ("stolen-vehicle", "NL")
    with pytest.raises(UsageError, match="no template"):
        run("import", file(tmp_path, text), "--list", "L", "--template", "none")
    both = ("--template", "genetec", "--format", "csv")
    with pytest.raises(UsageError, match="--format"):
        run("import", file(tmp_path, text), "--list", "L", *both)


def test_how_long_entries_last_has_a_ceiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a site sets one, rows that end later or never are refused; where not, it is said."""
    text = "plate,entry_id,valid_until\n1TST001,a,2099-01-01T00:00:00Z\n1TST002,b,\n"
    plain = run("import", file(tmp_path, text), "--list", "L")
    assert "1 entries have no end" in plain.stdout
    monkeypatch.setenv("ANPR_WATCHLIST__EXPIRY_DAYS_MAX", '{"*": 365}')
    result = run("import", file(tmp_path, text), "--list", "M", "--json")
    reasons = {"expiry-missing": 1, "expiry-too-far": 1}
    assert (result.exit_code, json.loads(result.stdout)["refused_by_reason"]) == (3, reasons)


def test_a_required_record_stops_what_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a broker, a site that requires its record lets nothing be changed or shown."""
    run("import", file(tmp_path, ROWS), "--list", "L")
    monkeypatch.setenv("ANPR_AUDIT__REQUIRED", "true")
    who = ("--by", "x", "--reason", "y")
    for args in (
        ("add", "--list", "L", "--plate", "1TST009"),
        ("withdraw", "--list", "L", *who),
        ("show", "--list", "L", "--entry", "a"),
        ("export", "--list", "L"),
        ("history",),
    ):
        with pytest.raises(PolicyRefused, match="Nothing was done"):
            run(*args)
    monkeypatch.setenv("ANPR_AUDIT__REQUIRED", "false")
    assert entries() == ["a", "b"]


def _instant(now_us: int) -> str:
    return datetime.fromtimestamp(now_us / 1e6, UTC).isoformat().replace("+00:00", "Z")


def _forget_the_oldest(redis_url: str) -> None:
    with RedisSession(redis_url) as session:
        session.ask("XDEL", "anpr:{wl}:history", "1-0")

"""Two sites compare their lists by three files; neither sees more of the other than it has."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from partners_world import HERE, PLATE_TOLD, THERE, PartnersWorld

from anpr_engine.audit.signed_files import signed_file
from anpr_engine.audit.signing import read_secret
from anpr_engine.cli import deconflict
from anpr_engine.errors import AnprError, InputFileError, PolicyRefused, UsageError
from anpr_engine.records.deconfliction import DeconflictionReply, DeconflictionRequest
from anpr_engine.records.schema_files import accept
from anpr_engine.watchlist.embedded import EmbeddedRedis

if TYPE_CHECKING:
    from servers import Broker

WHY = ("--purpose", "burglary", "--case", "B-12")


@pytest.fixture
def world(
    tmp_path: Path, kafka: "Broker", redis_servers: Callable[[str], EmbeddedRedis]
) -> PartnersWorld:
    """Give two sites with two entries in common, and one text that is of another country."""
    made = PartnersWorld(tmp_path, kafka, redis_servers)
    made.put(HERE, "1TST101", "1TST102", "1TST103", country="BE")
    made.put(THERE, "1TST102", "1TST103", "1TST104", country="BE")
    made.put(HERE, "1TST200", country="NL")
    made.put(THERE, "1TST200", country="BE")
    return made


def ask(world: PartnersWorld, name: str = "request") -> Path:
    """Ask; gives the file of the request."""
    out = world.folder / f"{name}.txt"
    run = world.folder / f"{name}.run"
    words = ("deconflict", "ask", "--to", THERE, "--out", out, "--run", run, *WHY)
    world.done(*words, site=HERE)
    assert run.stat().st_mode & 0o777 == 0o600
    return out


def reply(world: PartnersWorld, request: Path, name: str = "reply") -> AnprError | Path:
    """Reply; gives the file, or what refused it."""
    out = world.folder / f"{name}.txt"
    result = world.run("deconflict", "reply", request, "--out", out, site=THERE, by="bo")
    if isinstance(result.exception, AnprError):
        assert not out.exists()
        return result.exception
    assert result.exit_code == 0
    return out


def match(world: PartnersWorld, answer: Path) -> AnprError | list[str]:
    """Match; gives the entries, or what refused it."""
    run = world.folder / "request.run"
    result = world.run("deconflict", "match", answer, "--run", run, "--json", site=HERE)
    if isinstance(result.exception, AnprError):
        assert run.exists()
        return result.exception
    assert not run.exists()
    return [json.loads(line)["entry_id"] for line in result.stdout.splitlines()]


def test_the_asker_learns_which_entries_are_on_both(world: PartnersWorld) -> None:
    """And both records say who compared what with whom; no plate is in any file or line."""
    request = ask(world)
    answer = reply(world, request)
    assert isinstance(answer, Path)
    run = (world.folder / "request.run").read_bytes()
    sent = request.read_bytes() + answer.read_bytes()
    assert not PLATE_TOLD.search(sent)
    assert b'"1TST' not in run
    assert isinstance(
        accept("deconfliction_request", request.read_bytes().splitlines()[0]),
        (DeconflictionRequest),
    )
    assert match(world, answer) == ["e-1TST102", "e-1TST103"]
    asked, matched = world.recorded(HERE)
    (replied,) = world.recorded(THERE)
    for line, other in ((asked, THERE), (replied, HERE), (matched, THERE)):
        assert (line["action"], line["given_to"]) == ("lists-compared", [other])
        assert (line["purpose"], line["case_ref"]) == ("burglary", "B-12")
        assert "by Protocol 7" in line["subject"]
    assert (asked["actor"], replied["actor"], matched["rows"]) == ("anna", "bo", 2)
    assert "asked about 4 entries" in asked["subject"]
    assert "replied to 256 elements from 4 entries" in replied["subject"]


def test_an_entry_that_left_the_list_meanwhile_matches_nothing(world: PartnersWorld) -> None:
    """What is kept names entries; the plates are read again."""
    answer = reply(world, ask(world))
    world.put(HERE, "1TST102", country="BE", valid_until="2026-01-01T00:00:00Z")
    assert isinstance(answer, Path)
    assert match(world, answer) == ["e-1TST103"]


def test_a_site_asks_so_many_elements_a_day(world: PartnersWorld) -> None:
    """A request is rounded up to 256; what is over the limit gets no reply, and that is kept."""
    world.set(THERE, elements=300)
    assert isinstance(reply(world, ask(world)), Path)
    world.recorded(THERE)
    refused = reply(world, ask(world, "second"), "second-reply")
    assert isinstance(refused, PolicyRefused)
    assert "44 of 300 are left today" in str(refused)
    (line,) = world.recorded(THERE)
    assert (line["action"], line["given_to"]) == ("request-refused", [HERE])


def test_files_that_do_not_fit_are_refused(world: PartnersWorld) -> None:
    """Another's request, altered, what is no element; a reply to another run; no run."""
    good = ask(world).read_bytes()
    message = DeconflictionRequest.model_validate_json(good.splitlines()[0])
    key, wrong = read_secret(world.key(HERE)), world.folder / "wrong.txt"
    cases = {
        "file.forged": good.replace(b"B-12", b"B-13"),
        "file.unsigned": good.splitlines()[0],
        "no whole elements": signed_file(message.model_copy(update={"blinded": "AAAA"}), key),
        "no group element": signed_file(message.model_copy(update={"blinded": "_" * 43}), key),
        "file.other-receiver": signed_file(message.model_copy(update={"receiver": HERE}), key),
        "purpose.other": signed_file(message.model_copy(update={"purpose": "parking"}), key),
    }
    for name, data in cases.items():
        wrong.write_bytes(data)
        refused = reply(world, wrong)
        assert isinstance(refused, AnprError)
        assert name in str(refused)
    answer = reply(world, ask(world, "second"))
    assert isinstance(answer, Path)
    assert "not one to this request" in str(match(world, answer))
    wrong.write_bytes(
        signed_file(
            DeconflictionReply.model_validate_json(answer.read_bytes().splitlines()[0]), key
        )
    )
    assert "file.forged" in str(match(world, wrong))
    (world.folder / "request.run").write_text("{}")
    assert isinstance(match(world, answer), InputFileError)


def test_without_its_library_a_comparison_says_what_to_install(
    world: PartnersWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help is there all the same, and questions by pseudonyms need none of it."""
    monkeypatch.setattr(deconflict, "GROUP_LIBRARY", "no_such_library")
    assert "reply" in world.run("deconflict", "--help", by="").stdout
    result = world.run("deconflict", "reply", "x", "--out", "y", site=THERE)
    assert isinstance(result.exception, UsageError)
    assert "anpr-engine[psi,sign]" in str(result.exception)


def test_who_asks_says_why_and_of_whom(world: PartnersWorld) -> None:
    """No purpose, no case, nobody's name, no partner, a file that is there already."""
    out, run = world.folder / "o.txt", world.folder / "o.run"
    command = ("deconflict", "ask", "--out", out, "--run", run)
    no_case = world.run(*command, "--to", THERE, "--purpose", "burglary", site=HERE)
    assert isinstance(no_case.exception, PolicyRefused)
    long = world.run(
        *command, "--to", THERE, "--purpose", "burglary", "--case", "x" * 300, site=HERE
    )
    assert "may hold: case_ref. See `schemas/deconfliction_request.v1.json`" in str(long.exception)
    nobody = world.run(*command, "--to", THERE, *WHY, site=HERE, by="")
    assert isinstance(nobody.exception, UsageError)
    stranger = world.run(*command, "--to", "xx", *WHY, site=HERE)
    assert "partner.unknown" in str(stranger.exception)
    out.write_text("")
    there = world.run(*command, "--to", THERE, *WHY, site=HERE)
    assert isinstance(there.exception, UsageError)
    assert not run.exists()

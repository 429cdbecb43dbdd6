"""A partner asks, a site answers: yes or no, counted, on record, and nothing of a list told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from partners_world import HERE, PLATE_TOLD, THERE, PartnersWorld

from anpr_engine.audit.signed_files import signed_file
from anpr_engine.audit.signing import read_secret
from anpr_engine.errors import AnprError, ConfigError, InputFileError, PolicyRefused, UsageError
from anpr_engine.records.questions import Answers, Questions
from anpr_engine.records.schema_files import accept
from anpr_engine.watchlist.embedded import EmbeddedRedis

if TYPE_CHECKING:
    from servers import Broker

ROWS = """plate,country,case_ref,official
1-TST-101,,G-1,desk 3
1-tst-102,BE,G-2,desk 3
1-TST-102,NL,G-3,desk 4
?,,G-4,desk 4
1-TST-999,,G-5,
"""


@pytest.fixture
def world(
    tmp_path: Path, kafka: "Broker", redis_servers: Callable[[str], EmbeddedRedis]
) -> PartnersWorld:
    """Give two sites; the Belgian-like one has a list, and keys of an operation are shared."""
    made = PartnersWorld(tmp_path, kafka, redis_servers)
    made.put(HERE, "1TST101", "1TST105")
    made.put(HERE, "1TST102", country="BE")
    (tmp_path / "cars.csv").write_text(ROWS)
    new = ("hit-no-hit", "keys", "new", "--operation", "bus", "--country", "BE")
    made.done(*new, "--out", tmp_path / "bus.keys", by="")
    return made


def ask(world: PartnersWorld, name: str = "q", asker: str = "ghent", *more: str) -> Path:
    """Write questions in a partner's name; gives their file."""
    out = world.folder / f"{name}.txt"
    words: list[str | Path] = [
        "--rows",
        world.folder / "cars.csv",
        "--keys",
        world.folder / "bus.keys",
    ]
    words += ["--as", asker, "--to", HERE, "--sign", world.key(asker), "--purpose", "burglary"]
    result = world.run("hit-no-hit", "ask", *words, "--out", out, *more, by="kim")
    assert result.exit_code == 3
    assert "line 5: plate: unread-position" in result.stderr
    assert "4 questions written, 1 rows refused" in result.stderr
    return out


def answer(world: PartnersWorld, questions: Path, name: str = "a") -> AnprError | dict[str, int]:
    """Answer questions; gives what was done, or what refused it."""
    out = world.folder / f"{name}.txt"
    keys = ("--keys", world.folder / "bus.keys")
    result = world.run(
        "hit-no-hit", "answer", questions, *keys, "--out", out, "--json", site=HERE, by="bo"
    )
    if isinstance(result.exception, AnprError):
        assert not out.exists()
        return result.exception
    assert result.exit_code == 0
    done: dict[str, int] = json.loads(result.stdout)
    return done


def read(world: PartnersWorld, questions: Path, answers: str = "a") -> list[dict[str, object]]:
    """Read answers as the partner does."""
    files = ("--rows", world.folder / "cars.csv", "--keys", world.folder / "bus.keys")
    key = f"{HERE}={world.public(HERE)}"
    text = world.folder / f"{answers}.txt"
    told = world.done("hit-no-hit", "read", questions, text, *files, "--key", key, "--json", by="")
    return [json.loads(line) for line in told.splitlines()]


def test_a_partner_learns_yes_or_no_and_the_site_s_record_says_so(world: PartnersWorld) -> None:
    """For each line, in two files that hold no plate; each question is a line of the record."""
    questions = ask(world)
    assert answer(world, questions) == {"questions": 4, "something_to_ask": 2}
    told = {each["line"]: each["something_to_ask"] for each in read(world, questions)}
    assert told == {2: True, 3: True, 4: False, 6: False}
    sent = questions.read_bytes() + (world.folder / "a.txt").read_bytes()
    assert not PLATE_TOLD.search(sent)
    first, second = (world.folder / f"{one}.txt" for one in "qa")
    assert isinstance(accept("questions", first.read_bytes().splitlines()[0]), Questions)
    assert isinstance(accept("answers", second.read_bytes().splitlines()[0]), Answers)
    lines = world.recorded(HERE)
    assert [each["action"] for each in lines] == ["question-answered"] * 4
    assert [each["case_ref"] for each in lines] == ["G-1", "G-2", "G-3", "G-5"]
    assert [each["actor"] for each in lines] == ["desk 3", "desk 3", "desk 4", "kim"]
    assert {each["unit"] for each in lines} == {"ghent"}
    assert {each["purpose"] for each in lines} == {"burglary"}
    assert lines[0]["reasons"] == ["hit-no-hit.something-to-ask"]
    assert lines[2]["reasons"] == ["hit-no-hit.nothing"]
    assert lines[0]["given_to"] == ["ghent"]
    assert "Protocol 7; answered by bo" in lines[0]["subject"]
    asked = json.loads(questions.read_bytes().splitlines()[0])["questions"]
    assert [each["target"] for each in lines] == [each["pseudonym"] for each in asked]
    assert not PLATE_TOLD.search(json.dumps(lines).encode())


def test_a_site_that_asks_has_it_on_its_own_record(world: PartnersWorld) -> None:
    """Who asked whom about which pseudonym, in which case."""
    words = ("--config", str(world.config(THERE)))
    questions = ask(world, "q", THERE, *words)
    lines = world.recorded(THERE)
    assert [each["action"] for each in lines] == ["data-looked-up"] * 4
    assert {each["given_to"][0] for each in lines} == {HERE}
    done = answer(world, questions)
    assert isinstance(done, dict)
    assert lines[0]["target"] == world.recorded(HERE)[0]["target"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sis_derived": True}, "1 entries made from the SIS"),
        ({"valid_until": datetime.now(UTC) - timedelta(days=1)}, "1 entries not in force"),
        ({"plate": "1TST99?"}, "1 entries with ? or *"),
    ],
)
def test_what_is_not_the_site_s_to_tell_is_left_out(
    world: PartnersWorld, values: dict[str, object], said: str
) -> None:
    """One from the SIS, one that has ended, many plates in one; it is told how many."""
    world.put(HERE, "1TST999", **values)
    questions, out = ask(world), world.folder / "a.txt"
    keys = ("--keys", world.folder / "bus.keys", "--out", out)
    result = world.run("hit-no-hit", "answer", questions, *keys, site=HERE)
    assert "4 questions, 2 something to ask" in result.stdout
    assert said in result.stderr


def test_nothing_is_answered_past_the_day_s_limit(world: PartnersWorld) -> None:
    """A file is answered whole or not at all; the refusal is on record, and a partner's own."""
    world.set(HERE, questions=7)
    assert answer(world, ask(world), "a") == {"questions": 4, "something_to_ask": 2}
    world.recorded(HERE)
    refused = answer(world, ask(world, "again"), "b")
    assert isinstance(refused, PolicyRefused)
    assert "4 questions were asked, and 3 of 7 are left today" in str(refused)
    (line,) = world.recorded(HERE)
    assert (line["action"], line["given_to"]) == ("request-refused", ["ghent"])
    assert isinstance(answer(world, ask(world, "other", THERE), "c"), dict)


def test_who_is_no_partner_is_refused_by_name(world: PartnersWorld) -> None:
    """No key of his counts; nor does another partner's for his name."""
    refused = answer(world, ask(world, "q", "stranger"))
    assert isinstance(refused, PolicyRefused)
    assert "file.forged" in str(refused)
    message = Questions.model_validate_json(ask(world, "r").read_bytes().splitlines()[0])
    forged = world.folder / "forged.txt"
    forged.write_bytes(signed_file(message, read_secret(world.key(THERE))))
    assert "its key is another site's" in str(answer(world, forged))
    assert [each["action"] for each in world.recorded(HERE)] == ["request-refused"] * 2


def test_files_that_do_not_fit_are_refused(world: PartnersWorld) -> None:
    """Altered, unsigned, for somebody else, of long ago or of tomorrow, for another purpose."""
    good = ask(world).read_bytes()
    message = Questions.model_validate_json(good.splitlines()[0])
    now, key = message.created_at, read_secret(world.key("ghent"))

    def changed(**values: object) -> bytes:
        return signed_file(message.model_copy(update=values), key)

    wrong = {
        "file.forged": good.replace(b"G-1", b"G-9"),
        "file.unsigned": good.splitlines()[0],
        "file.no-message": good.replace(b'"country":"BE"', b'"country":"be"'),
        "file.other-receiver": changed(receiver=THERE),
        "file.too-old": changed(created_at=now - timedelta(days=4)),
        "file.not-yet": changed(created_at=now + timedelta(hours=1)),
        "purpose.other": changed(purpose="parking"),
        "key is not in use": changed(key_id="ab" * 8),
    }
    for name, data in wrong.items():
        file = world.folder / "wrong.txt"
        file.write_bytes(data)
        refused = answer(world, file)
        assert isinstance(refused, PolicyRefused)
        assert name in str(refused)
    assert {each["action"] for each in world.recorded(HERE)} == {"request-refused"}


def test_keys_that_ended_answer_and_trace_nothing(world: PartnersWorld) -> None:
    """Replaced: the old key is gone at once. Destroyed: so is the file."""
    questions, keys = ask(world), world.folder / "bus.keys"
    held = keys.open("rb")
    world.done("hit-no-hit", "keys", "replace", keys, by="")
    assert not held.read().strip(b"\0")
    held.close()
    assert "key is not in use" in str(answer(world, questions))
    world.done("hit-no-hit", "keys", "next", keys, "--days", "7", by="")
    shown = world.done("hit-no-hit", "keys", "show", keys, "--json", by="")
    told = [json.loads(line) for line in shown.splitlines()]
    assert [each["state"] for each in told] == ["in use", "to come"]
    assert told[0]["valid_until"] == told[1]["valid_from"]
    world.done("hit-no-hit", "keys", "prune", keys, by="")
    assert keys.stat().st_mode & 0o777 == 0o600
    keys.chmod(0o644)
    assert isinstance(answer(world, questions), UsageError)
    keys.chmod(0o600)
    world.done("hit-no-hit", "keys", "destroy", keys, by="")
    assert not keys.exists()


def test_answers_that_do_not_fit_are_refused(world: PartnersWorld) -> None:
    """Those to other questions, or signed by somebody else than the site that was asked."""
    first, second = ask(world), ask(world, "second")
    assert isinstance(answer(world, first), dict)
    files = ("--rows", world.folder / "cars.csv", "--keys", world.folder / "bus.keys")
    command = ("hit-no-hit", "read", second, world.folder / "a.txt", *files)
    result = world.run(*command, "--key", f"{HERE}={world.public(HERE)}", by="")
    assert "file.other-questions" in str(result.exception)
    command = ("hit-no-hit", "read", first, world.folder / "a.txt", *files)
    result = world.run(*command, "--key", f"{HERE}={world.public(THERE)}", by="")
    assert "file.forged" in str(result.exception)
    assert isinstance(world.run(*command, "--key", "x=y", by="").exception, UsageError)


def test_what_is_missing_is_named(world: PartnersWorld) -> None:
    """A list that is not there is never a no; without record or key to sign nothing is told."""
    questions = ask(world)
    config = world.config(HERE)
    text = config.read_text()
    config.write_text(text.replace('lists = ["wanted"]', 'lists = ["wanted", "gone"]'))
    assert "List gone" in str(answer(world, questions))
    world.put(HERE, "1TST999", list_id="received", provider=THERE)
    config.write_text(text.replace('lists = ["wanted"]', 'lists = ["wanted", "received"]'))
    assert "List received is another site's" in str(answer(world, questions))
    config.write_text(text.replace("signing_key", "# signing_key"))
    assert "no key to sign with" in str(answer(world, questions))
    config.write_text(
        "".join(line for line in text.splitlines(keepends=True) if "kafka" not in line)
    )
    assert isinstance(answer(world, questions), PolicyRefused)
    config.write_text(text.replace('agreement = "Protocol 7"\n', ""))
    assert isinstance(answer(world, questions), ConfigError)
    cars = world.folder / "cars.csv"
    cars.write_text("registration\n1TST101\n")
    words = ("--keys", world.folder / "bus.keys", "--as", "ghent", "--to", HERE, "--purpose", "x")
    sign = ("--sign", world.key("ghent"), "--out", world.folder / "n.txt", "--rows", cars)
    assert isinstance(world.run("hit-no-hit", "ask", *words, *sign).exception, InputFileError)

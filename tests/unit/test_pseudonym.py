"""Pseudonyms under a key: who can make them, when they die, and how little an answer says."""

import copy
import hashlib
import pickle
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from anpr_engine.errors import InputFileError, PolicyRefused, UsageError
from anpr_engine.plates.normaliser import normalise
from anpr_engine.policy.daily_limit import DailyLimit, LimitReached, kept_text, limit_of
from anpr_engine.policy.operation_keys import ring_of, ring_text
from anpr_engine.policy.pseudonym import (
    LIFE,
    NORMALISER_VERSION,
    KeyDead,
    KeyRing,
    Listed,
    OperationKey,
    key_pseudonyms,
    pseudonyms,
)
from anpr_engine.records.questions import Question

DAY_0 = datetime(2026, 11, 22, tzinfo=UTC)
SECRET = bytes(range(32))
OTHER = bytes(range(1, 33))
PLATES = ["XX123X", "1ABC234", "00XX00"]
RAW = (
    *(
        "xx-123-x",
        "1 ABC 234",
        "\u00e4-\u00f6\u00fc 12",
        "\u0425\u0425 99 \u0425\u0425",
        "\uff10\uff11ab",
    ),
    *("x?12", "*9", "a.b\u00b7c-1", "\u200bq1", "\u00e91a", "\u00dfx1", "", "A1\u0661\u4e00"),
)


def key(secret: bytes = SECRET, operation: str = "carrier", country: str = "NL") -> OperationKey:
    """Make a key that begins on day 0."""
    return OperationKey(secret, operation, country, DAY_0, LIFE)


def question(made_with: OperationKey, plate: str = "XX123X", country: str = "") -> Question:
    """Ask about a plate."""
    pseudonym = pseudonyms(made_with, [plate])[0].hex()
    return Question(
        pseudonym=pseudonym, country=country or None, case_ref="case 1", official="unit 7"
    )


def listed(made_with: OperationKey, plates: Iterable[str] = PLATES, country: str = "") -> Listed:
    """Make a list of plates of one country."""
    return Listed(made_with, ((plate, country) for plate in plates))


def test_a_pseudonym_is_the_keyed_hash_of_domain_and_plate() -> None:
    """Another implementation gets the same from RFC 7693 and the domain alone."""
    domain = f"anpr/plate/text/v{NORMALISER_VERSION}/NL/carrier\0".encode()
    expected = hashlib.blake2b(domain + b"XX123X", key=SECRET, digest_size=16).digest()
    assert pseudonyms(key(), PLATES)[0] == expected
    domain = f"anpr/plate/key/v{NORMALISER_VERSION}/NL/carrier\0".encode()
    expected = hashlib.blake2b(domain + bytes([7] + [0] * 7), key=SECRET, digest_size=16).digest()
    assert key_pseudonyms(key(), np.array([7, 8], dtype=np.uint64))[0] == expected


def test_key_operation_country_and_form_tell_pseudonyms_apart() -> None:
    """The same plate has another pseudonym wherever one of them differs."""
    keys = [key(), key(OTHER), key(operation="bus"), key(country="BE")]
    made = [pseudonyms(one, ["\x07" + "\0" * 7])[0] for one in keys]
    made += key_pseudonyms(key(), np.array([7], dtype=np.uint64))
    assert len(set(made)) == 5
    assert len({one.key_id for one in keys}) == 4


def test_the_secret_is_shown_nowhere() -> None:
    """Neither in what is printed of a key, a ring or a list, nor in a copy or a file."""
    one = key()
    shown = f"{one!r} {one} {KeyRing((one,))!r} {listed(one)!r}"
    for secret in (SECRET, pseudonyms(one, PLATES)[0]):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
    assert one.key_id in shown
    with pytest.raises(TypeError):
        pickle.dumps(one)
    with pytest.raises(TypeError):
        copy.deepcopy(one)


def test_a_key_lives_28_days_to_the_second() -> None:
    """From its first instant up to its last, which is no longer part of it."""
    ring = KeyRing((key(),))
    end = DAY_0 + timedelta(days=28)
    assert ring.current(DAY_0) is ring.keys[0]
    assert ring.current(end - timedelta(microseconds=1)) is ring.keys[0]
    for at in (DAY_0 - timedelta(microseconds=1), end):
        with pytest.raises(KeyDead):
            ring.current(at)
        with pytest.raises(KeyDead):
            ring.find(ring.keys[0].key_id, at)


def test_the_next_key_takes_over_without_a_gap() -> None:
    """At every instant one key is in use, and the old one dies when it is pruned."""
    ring = KeyRing((key(),)).followed(OTHER)
    first, second = ring.keys
    turn = first.valid_until
    assert ring.current(turn - timedelta(seconds=1)) is first
    assert ring.current(turn) is second
    pruned = ring.pruned(turn)
    assert pruned.keys == (second,)
    with pytest.raises(KeyDead):
        pseudonyms(first, PLATES)
    assert pruned.find(second.key_id, turn) is second


def test_a_key_that_was_seen_is_replaced_at_once() -> None:
    """All older keys are gone, whatever time they had left."""
    ring = KeyRing((key(),)).followed(OTHER)
    fresh = ring.replaced(bytes(32), DAY_0 + timedelta(days=3))
    assert fresh.current(DAY_0 + timedelta(days=3)).key_id not in {one.key_id for one in ring.keys}
    assert not any(one.lives(DAY_0 + timedelta(days=3)) for one in ring.keys)


def test_there_is_something_to_ask_or_not() -> None:
    """A plate of the list, and no other; what is nobody's pseudonym is on no list."""
    mine = listed(key())
    assert mine.holds(question(key()), DAY_0)
    assert not mine.holds(question(key(), "XX124X"), DAY_0)
    nothing = question(key()).model_copy(update={"pseudonym": "00" * 16})
    assert not mine.holds(nothing, DAY_0)


@pytest.mark.parametrize(
    ("entry", "asked", "expected"),
    [("NL", "NL", True), ("NL", "BE", False), ("NL", "", True), ("", "BE", True), ("", "", True)],
)
def test_the_same_text_of_another_country_is_another_plate(
    entry: str, asked: str, expected: object
) -> None:
    """Where both sides say the country, it has to be the same."""
    assert listed(key(), country=entry).holds(question(key(), country=asked), DAY_0) is expected


def test_one_text_listed_for_two_countries_is_found_for_each() -> None:
    """And for no third one."""
    mine = Listed(key(), [("XX123X", "NL"), ("XX123X", "BE")])
    asked = [question(key(), country=each) for each in ("NL", "BE", "DE")]
    assert [mine.holds(each, DAY_0) for each in asked] == [True, True, False]


def test_plates_that_share_the_first_bytes_are_told_apart() -> None:
    """Many plates, so that some pseudonyms begin alike; each is found, and no stranger."""
    plates = [f"{number:06d}" for number in range(3000)]
    mine = listed(key(), plates)
    asked = [question(key(), plate) for plate in (*plates[:200], "X1", "X2", "X3")]
    assert [mine.holds(one, DAY_0) for one in asked] == [True] * 200 + [False] * 3


def test_nothing_is_answered_under_a_dead_key() -> None:
    """It is not answered with no: that would say that there is nothing to ask."""
    with pytest.raises(KeyDead):
        listed(key()).holds(question(key()), DAY_0 + LIFE)
    with pytest.raises(KeyDead):
        KeyRing((key(),)).find(key(OTHER).key_id, DAY_0)


@pytest.mark.parametrize("field", ["case_ref", "official", "pseudonym"])
def test_a_question_without_case_or_official_is_none(field: str) -> None:
    """Each one is for a case, by somebody, and about one vehicle."""
    good = question(key()).model_dump()
    for wrong in ("", " "):
        with pytest.raises(ValidationError):
            Question.model_validate(good | {field: wrong})


def test_the_file_of_keys_gives_the_same_keys_again() -> None:
    """Of both sides, so that pseudonyms meet; destroyed ones are not in it."""
    ring = KeyRing((key(),)).followed(OTHER)
    again = ring_of(ring_text(ring), "file")
    assert [one.key_id for one in again.keys] == [one.key_id for one in ring.keys]
    assert [one.valid_until for one in again.keys] == [one.valid_until for one in ring.keys]
    assert pseudonyms(again.keys[1], PLATES) == pseudonyms(ring.keys[1], PLATES)
    ring.keys[0].destroy()
    assert [one.key_id for one in ring_of(ring_text(ring), "f").keys] == [ring.keys[1].key_id]
    ring.keys[1].destroy()
    with pytest.raises(UsageError):
        ring_text(ring)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("anpr-operation-keys/v1", "anpr-operation-keys/v2"),
        ('"secret": "', '"secret": "A'),
        ('"secret": "', '"secret": "\u00e9'),
        ("T00:00:00Z", "T00:00:00"),
        ('"country": "NL"', '"country": "nl"'),
        ('"keys": [', '"more": 1, "keys": ['),
        ("2026-12-20", "2026-11-01"),
    ],
)
def test_a_file_that_holds_no_keys_is_refused(old: str, new: str) -> None:
    """And what it holds is not told."""
    text = ring_text(KeyRing((key(),))).decode()
    assert old in text
    with pytest.raises(InputFileError, match=r"^file holds no keys of an operation\. Make"):
        ring_of(text.replace(old, new).encode(), "file")


@pytest.mark.parametrize(
    ("secret", "operation", "country", "life"),
    [
        (b"short", "carrier", "NL", LIFE),
        (SECRET, "Carrier/NL", "NL", LIFE),
        (SECRET, "carrier", "nl", LIFE),
        (SECRET, "carrier", "NL", timedelta()),
    ],
)
def test_a_key_of_another_form_is_refused(
    secret: bytes, operation: str, country: str, life: timedelta
) -> None:
    """A short secret, or a name that could run into the next part of the domain."""
    with pytest.raises(UsageError):
        OperationKey(secret, operation, country, DAY_0, life)


def test_the_normaliser_is_the_one_of_this_version() -> None:
    """If this fails, the normaliser changed: raise NORMALISER_VERSION, then the digest here."""
    texts = "\n".join(f"{one.status} {one.text}" for one in map(normalise, RAW))
    digest = hashlib.sha256(texts.encode()).hexdigest()[:16]
    assert (NORMALISER_VERSION, digest) == (1, "2f9242e4c63a3f19")


def test_a_partner_asks_so_much_a_day() -> None:
    """Each partner has its own measure, a batch is taken whole, and a new day begins anew."""
    limit = DailyLimit(10).taken("nl", 7, DAY_0).taken("be", 10, DAY_0)
    assert (limit.left("nl", DAY_0), limit.left("be", DAY_0)) == (3, 0)
    with pytest.raises(LimitReached):
        limit.taken("nl", 4, DAY_0)
    assert limit.left("nl", DAY_0) == 3
    tomorrow = limit.taken("nl", 4, DAY_0 + timedelta(days=1))
    assert tomorrow.left("nl", DAY_0 + timedelta(days=1)) == 6
    assert tomorrow.left("be", DAY_0 + timedelta(days=1)) == 10
    with pytest.raises(LimitReached):
        tomorrow.taken("be", 1, DAY_0)


@pytest.mark.parametrize("count", [0, -5])
def test_asking_less_than_nothing_is_refused(count: int) -> None:
    """Nobody gets back what was used up."""
    with pytest.raises(UsageError):
        DailyLimit(10).taken("nl", count, DAY_0)


def test_what_was_asked_is_kept_from_one_command_to_the_next() -> None:
    """The count, not the limit, which the site may set anew; what cannot be read refuses all."""
    kept = kept_text(limit_of(None, 10).taken("nl", 7, DAY_0))
    assert limit_of(kept, 10).left("nl", DAY_0) == 3
    assert limit_of(kept, 20).left("nl", DAY_0) == 13
    with pytest.raises(LimitReached):
        limit_of(kept, 10).taken("nl", 4, DAY_0)
    with pytest.raises(PolicyRefused, match="cannot be read"):
        limit_of(b"{}", 10)

"""Pseudonyms under a key: who can make them, when they die, and how little an answer says."""

import copy
import hashlib
import pickle
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from anpr_engine.errors import UsageError
from anpr_engine.plates.normaliser import normalise
from anpr_engine.policy.daily_limit import DailyLimit, LimitReached
from anpr_engine.policy.pseudonym import (
    LIFE,
    NORMALISER_VERSION,
    Answer,
    KeyDead,
    KeyRing,
    Listed,
    OperationKey,
    Question,
    key_pseudonyms,
    pseudonyms,
)

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


def question(made_with: OperationKey, plate: str = "XX123X") -> Question:
    """Ask about a plate."""
    return Question(made_with.key_id, pseudonyms(made_with, [plate])[0], "case 1", "unit 7")


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
    shown = f"{one!r} {one} {KeyRing((one,))!r} {Listed(one, PLATES)!r}"
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


def test_an_answer_says_only_that_there_is_something_to_ask() -> None:
    """Yes or no, and no other word about entry, list or owner."""
    listed = Listed(key(), PLATES)
    assert listed.answer(question(key()), DAY_0) == Answer(something_to_ask=True)
    assert listed.answer(question(key(), "XX124X"), DAY_0) == Answer(something_to_ask=False)
    assert Answer.__slots__ == ("something_to_ask",)
    nothing = Question(key().key_id, bytes(16), "case 1", "unit 7")
    assert not listed.answer(nothing, DAY_0).something_to_ask


def test_plates_that_share_the_first_bytes_are_told_apart() -> None:
    """Many plates, so that some pseudonyms begin alike; each is found, and no stranger."""
    plates = [f"{number:06d}" for number in range(3000)]
    listed = Listed(key(), plates)
    asked = [question(key(), plate) for plate in (*plates[:200], "X1", "X2", "X3")]
    answers = [listed.answer(one, DAY_0).something_to_ask for one in asked]
    assert answers == [True] * 200 + [False] * 3


def test_a_question_under_a_dead_or_strange_key_is_refused() -> None:
    """It is not answered with no: that would say that there is nothing to ask."""
    listed = Listed(key(), PLATES)
    with pytest.raises(KeyDead):
        listed.answer(question(key(OTHER)), DAY_0)
    with pytest.raises(KeyDead):
        listed.answer(question(key()), DAY_0 + LIFE)


@pytest.mark.parametrize(
    ("pseudonym", "case_ref", "asked_by"),
    [(b"", "case 1", "unit 7"), (bytes(16), " ", "unit 7"), (bytes(16), "case 1", "")],
)
def test_a_question_without_case_or_asker_is_refused(
    pseudonym: bytes, case_ref: str, asked_by: str
) -> None:
    """Each one is for a case, by somebody, and about one vehicle."""
    with pytest.raises(UsageError):
        Listed(key(), PLATES).answer(Question(key().key_id, pseudonym, case_ref, asked_by), DAY_0)


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

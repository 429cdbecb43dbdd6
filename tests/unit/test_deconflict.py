"""Two lists compared without showing either, on the function of RFC 9497.

Vectors: RFC 9497, Appendix A.1.1 (OPRF(ristretto255, SHA-512), base mode), batch size 1, as
published by the RFC Editor, December 2023.
"""

import hashlib
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anpr_engine.errors import AnprError
from anpr_engine.policy.daily_limit import DailyLimit, LimitReached
from anpr_engine.policy.deconflict import (
    Reply,
    Request,
    ask,
    matched,
    padded,
    reply,
)
from anpr_engine.policy.listing import Listing
from anpr_engine.policy.oprf import (
    OprfError,
    blind,
    derive_key,
    evaluate,
    finalise,
    hash_to_group,
    output_of,
    random_scalar,
)

SEED, KEY_INFO = "a3" * 32, "74657374206b6579"
SECRET_KEY = "5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e"
BLIND = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"
VECTORS = {
    "one": (
        "00",
        "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c",
        "7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e",
        (
            "527759c3d9366f277d8c6020418d96bb393ba2afb20ff90df23fb7708264e2f3"
            "ab9135e3bd69955851de4b1f9fe8a0973396719b7912ba9ee8aa7d0b5e24bcf6"
        ),
    ),
    "two": (
        "5a" * 17,
        "da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418",
        "b4cbf5a4f1eeda5a63ce7b77c7d23f461db3fcab0dd28e4e17cecb5c90d02c25",
        (
            "f4a74c9c592497375e796aa837e907b1a045d34306a749db9f34221f7e750cb4"
            "f2a6413a6bf6fa5e19ba6348eb673934a722a7ede2e7621306d18951e7cf2c73"
        ),
    ),
}
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ORDER_OF_GROUP = 2**252 + 27742317777372353535851937790883648493


def drawn(seed: int) -> Callable[[int], bytes]:
    """Give a source of bytes that are the same in every run."""
    return random.Random(seed).randbytes


def listings(numbers: Iterable[int], owner: str) -> list[Listing]:
    """Make entries of invented plates."""
    return [Listing(f"{owner}-{number}", "NL", f"XX{number:04d}") for number in numbers]


def ids(found: Iterable[Listing]) -> set[str]:
    """Name entries by their ids."""
    return {each.entry_id for each in found}


def test_the_key_is_derived_as_published() -> None:
    """From the seed and the info of the appendix."""
    assert derive_key(bytes.fromhex(SEED), bytes.fromhex(KEY_INFO)).hex() == SECRET_KEY


def test_a_seed_that_gives_no_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 256 tries the RFC gives up."""
    monkeypatch.setattr("anpr_engine.policy.oprf._scalar", lambda _: bytes(32))
    with pytest.raises(OprfError):
        derive_key(bytes(32), b"")


@pytest.mark.parametrize("name", VECTORS)
def test_each_step_gives_what_was_published(name: str) -> None:
    """Blinded, evaluated and final values are those of the appendix, bit for bit."""
    value, blinded, evaluated, output = map(bytes.fromhex, VECTORS[name])
    scalar, key = bytes.fromhex(BLIND), bytes.fromhex(SECRET_KEY)
    assert blind(value, scalar) == blinded
    assert evaluate(key, blinded) == evaluated
    assert finalise(value, scalar, evaluated) == output
    assert output_of(key, value) == output


def test_the_blind_does_not_show_in_the_output() -> None:
    """Whatever the blind, the two sides get the same, and each blinded element differs."""
    draw, key = drawn(1), bytes.fromhex(SECRET_KEY)
    scalars = [random_scalar(draw) for _ in range(5)]
    blinded = [blind(b"XX123X", scalar) for scalar in scalars]
    assert len(set(blinded)) == 5
    outputs = {
        finalise(b"XX123X", scalar, evaluate(key, element))
        for scalar, element in zip(scalars, blinded, strict=True)
    }
    assert outputs == {output_of(key, b"XX123X")}


@pytest.mark.parametrize("element", [b"", bytes(32), b"\xff" * 32, b"\x01" + bytes(31), bytes(31)])
def test_what_is_no_element_is_refused(element: bytes) -> None:
    """Short, neutral, out of range or negative ones never meet the key."""
    with pytest.raises(OprfError) as error:
        evaluate(bytes.fromhex(SECRET_KEY), element)
    assert isinstance(error.value, AnprError)
    with pytest.raises(OprfError):
        finalise(b"x", bytes.fromhex(BLIND), element)


def test_an_input_over_the_limit_is_refused() -> None:
    """Its length has two bytes in the protocol."""
    with pytest.raises(OprfError):
        hash_to_group(bytes(65_536))


def test_a_zero_scalar_is_drawn_again() -> None:
    """Zero, and the group's order, which is zero too, hide nothing."""
    order = ORDER_OF_GROUP.to_bytes(64, "little")
    answers = iter([bytes(64), order, b"\x07" + bytes(63)])
    assert random_scalar(lambda _: next(answers)) == b"\x07" + bytes(31)


def test_the_asker_learns_which_of_its_entries_match() -> None:
    """Those on both lists, by my ids; the same plate twice on my list matches twice."""
    mine = [*listings(range(40), "mine"), Listing("mine-again", "NL", "XX0030")]
    theirs = listings(range(30, 70), "theirs")
    request, run = ask(mine, drawn(1))
    found = matched(run, reply(request, theirs, drawn(2)(32), drawn(3)))
    assert ids(found) == {f"mine-{number}" for number in range(30, 40)} | {"mine-again"}


@settings(max_examples=15, deadline=None)
@given(
    mine=st.sets(st.integers(0, 20), max_size=8),
    theirs=st.sets(st.integers(0, 20), max_size=8),
    seed=st.integers(0, 9),
)
def test_the_result_is_that_of_comparing_openly(
    mine: set[int], theirs: set[int], seed: int
) -> None:
    """Whatever the lists and the randomness."""
    request, run = ask(listings(mine, "mine"), drawn(seed))
    answer = reply(request, listings(theirs, "theirs"), drawn(seed + 1)(32), drawn(seed + 2))
    assert ids(matched(run, answer)) == {f"mine-{number}" for number in mine & theirs}


def test_the_same_text_of_two_countries_does_not_match() -> None:
    """A plate is its text and its country."""
    request, run = ask([Listing("a", "BE", "XX0001")], drawn(1))
    answer = reply(request, listings([1], "theirs"), drawn(2)(32), drawn(3))
    assert matched(run, answer) == frozenset()


def test_nothing_of_either_list_is_in_what_is_sent() -> None:
    """No plate, no hash of one, no id; counts are rounded; order tells nothing."""
    mine, theirs = listings(range(5), "mine"), listings(range(3, 10), "theirs")
    request, run = ask(mine, drawn(1))
    answer = reply(request, theirs, drawn(2)(32), drawn(3))
    sent = b"".join((*request.blinded, *answer.evaluated, *answer.marks))
    for listing in mine + theirs:
        for shown in (listing.plate.encode(), hashlib.sha512(listing.input()).digest()[:16]):
            assert shown not in sent
        assert hash_to_group(listing.input()) not in request.blinded
    assert (len(request.blinded), len(answer.marks)) == (256, 256)
    assert list(request.blinded) == sorted(request.blinded)
    assert list(answer.marks) == sorted(answer.marks)
    assert "XX0001" not in repr(run)


def test_a_run_has_marks_of_its_own() -> None:
    """Marks of one run are found in no other, so they cannot be gathered."""
    request = ask([], drawn(1))[0]
    theirs = listings(range(5), "theirs")
    first, second = (reply(request, theirs, drawn(seed)(32), drawn(seed)) for seed in (4, 5))
    assert not set(first.marks) & set(second.marks)


def test_a_reply_to_another_request_is_refused() -> None:
    """Another run's, or one that lost elements on the way."""
    request, run = ask(listings([1], "mine"), drawn(1))
    answer = reply(request, [], drawn(2)(32), drawn(3))
    with pytest.raises(OprfError):
        matched(run, Reply(b"other", answer.evaluated, answer.marks))
    with pytest.raises(OprfError):
        matched(run, Reply(answer.run_id, answer.evaluated[1:], answer.marks))


def test_a_short_seed_is_refused() -> None:
    """A key that can be guessed would show the list."""
    with pytest.raises(OprfError):
        reply(Request(b"run", ()), [], b"short", drawn(1))


@pytest.mark.parametrize(("count", "expected"), [(0, 256), (1, 256), (256, 256), (257, 512)])
def test_counts_are_rounded_up(count: int, expected: int) -> None:
    """A list of none looks like one of 256."""
    assert padded(count) == expected


def test_a_partner_asks_so_much_a_day_and_no_more() -> None:
    """The request is counted whole, with what stands for nothing, before it is answered."""
    request, _ = ask(listings([1], "mine"), drawn(1))
    limit = DailyLimit(300).taken("nl", len(request.blinded), NOW)
    assert limit.left("nl", NOW) == 44
    with pytest.raises(LimitReached):
        limit.taken("nl", len(request.blinded), NOW)

"""Bytes looked at many at once say what a look at each says."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernel_pieces import alone

from anpr_engine.kernels import byte_words

next_byte, plain_end = alone(byte_words.next_byte), alone(byte_words.plain_end)
same_bytes = alone(byte_words.same_bytes)

ODD = b'"\\\x1f\x20\x21\x23\x5b\x5d\x7f\x80\xff\x00'
plain_runs = st.integers(0, 40).map(lambda length: (b"aZ0~ !#[]^_-" * 4)[:length])
odd_runs = st.one_of(st.sampled_from(ODD).map(lambda byte: bytes([byte])), st.binary(max_size=3))
texts = st.tuples(plain_runs, odd_runs, plain_runs, odd_runs, plain_runs).map(b"".join)


@given(texts, st.data())
def test_a_plain_run_ends_where_a_byte_is_not_plain(text: bytes, data: st.DataObject) -> None:
    """From any place to any end, near the end of the array too."""
    begin = data.draw(st.one_of(st.just(0), st.integers(0, len(text))))
    end = data.draw(st.one_of(st.just(len(text)), st.integers(begin, len(text))))
    wanted = begin
    while wanted < end and 0x20 <= text[wanted] < 0x80 and text[wanted] not in b'"\\':
        wanted += 1
    with np.errstate(over="ignore"):
        assert plain_end(np.frombuffer(text, dtype=np.uint8), begin, end) == wanted


@given(st.lists(st.sampled_from(b"\n\x0b\x09\x8a\x00a"), max_size=99).map(bytes), st.data())
def test_a_byte_is_found(text: bytes, data: st.DataObject) -> None:
    """The first one, or the end; also beside bytes that differ in one bit."""
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    buffer = np.frombuffer(text, dtype=np.uint8)
    place = text.find(b"\n", begin, end)
    with np.errstate(over="ignore"):
        assert next_byte(buffer, begin, end, 10) == (end if place < 0 else place)


@given(texts, st.data())
def test_two_runs_are_the_same_when_all_their_bytes_are(text: bytes, data: st.DataObject) -> None:
    """Whatever comes after them; a run again with one byte changed is another."""
    after = data.draw(st.binary(max_size=40))
    other = bytearray(text)
    if text and data.draw(st.booleans()):
        other[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 255))
    buffer = np.frombuffer(text + bytes(other) + after, dtype=np.uint8)
    assert same_bytes(buffer, 0, len(text), len(text)) == (bytes(other) == text)

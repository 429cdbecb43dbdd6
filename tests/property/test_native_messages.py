"""The kernels that read messages of the Kafka client library, against their naive twins."""

import ctypes

import numpy as np
import oracle_messages as oracle
from hypothesis import given
from hypothesis import strategies as st
from native_memory import FakeMessages
from oracle_messages import Written

from anpr_engine.kernels import native_messages as kernels

WORDS = st.integers(-(2**31), 2**31 - 1)
NAMES = st.binary(max_size=12).map(lambda text: text.replace(b"\0", b"x"))
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=20)), max_size=3).map(tuple)
VALUES = st.none() | st.binary(max_size=300) | st.from_regex(rb"{[a\n]{0,40}", fullmatch=True)
MESSAGES = st.lists(
    st.builds(
        Written,
        error=WORDS,
        partition=WORDS,
        offset=st.integers(-(2**63), 2**63 - 1),
        value=VALUES,
        appended_at_ms=st.none() | st.integers(0, 2**50),
        headers=HEADERS,
    ),
    max_size=12,
)


@given(MESSAGES)
def test_describes_messages(written: list[Written]) -> None:
    """Error, partition, offset and length come out as they were laid out."""
    fake = FakeMessages(written)
    columns = np.empty((kernels.COLUMNS, len(written)), dtype=np.int64)
    kernels.describe_messages(fake.addresses, columns)
    assert list(map(tuple, columns.T.tolist())) == oracle.describe_messages(fake.pages)


@given(st.lists(st.binary(min_size=kernels.MESSAGE_BYTES, max_size=kernels.MESSAGE_BYTES)))
def test_describes_whatever_bytes_there_are(pages: list[bytes]) -> None:
    """No bytes of a message's size make the description fail, or look anywhere else."""
    buffers = [ctypes.create_string_buffer(page, len(page)) for page in pages]
    places = np.array([ctypes.addressof(buffer) for buffer in buffers], dtype=np.int64)
    columns = np.empty((kernels.COLUMNS, len(pages)), dtype=np.int64)
    kernels.describe_messages(places, columns)
    assert list(map(tuple, columns.T.tolist())) == oracle.describe_messages(pages)


@given(MESSAGES)
def test_takes_values_times_and_whether_there_are_headers(written: list[Written]) -> None:
    """All values stand one after another; a time that is not the broker's is none."""
    fake = FakeMessages(written)
    value, times, headed = oracle.take_messages(written)
    bounds = np.cumsum([0, *(len(x.value or b"") for x in written)], dtype=np.int64)
    buffer = np.zeros(len(value), dtype=np.uint8)
    found_times = np.empty(len(written), dtype=np.int64)
    found_headed = np.empty(len(written), dtype=np.uint8)
    kernels.take_messages(
        *(fake.addresses, bounds, fake.functions), *(buffer, found_times, found_headed)
    )
    assert buffer.tobytes() == value
    assert found_times.tolist() == times
    assert found_headed.tolist() == headed


@given(MESSAGES)
def test_takes_headers(written: list[Written]) -> None:
    """Names and values of all headers come out in order; one without a value is empty."""
    headed = [message for message in written if message.headers]
    fake = FakeMessages(headed)
    sizes = np.empty((len(headed), 2), dtype=np.int64)
    kernels.measure_headers(fake.addresses, fake.functions, sizes)
    assert list(map(tuple, sizes.tolist())) == oracle.measure_headers(headed)
    run, ends = oracle.copy_headers(headed)
    buffer = np.zeros(len(run), dtype=np.uint8)
    found = np.zeros((len(ends), 2), dtype=np.int64)
    kernels.copy_headers(fake.addresses, fake.functions, sizes, buffer, found)
    assert (buffer.tobytes(), list(map(tuple, found.tolist()))) == (run, ends)


@given(MESSAGES)
def test_gives_every_message_back_once(written: list[Written]) -> None:
    """Each message is given back once, in order."""
    fake = FakeMessages(written)
    kernels.destroy_messages(fake.addresses, fake.functions)
    given_back: list[int] = []
    oracle.destroy_messages(fake.addresses.tolist(), given_back.append)
    assert fake.destroyed == given_back

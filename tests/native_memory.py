"""Messages in memory as the Kafka client library would lay them out, and what it can be asked.

The functions have the library's signatures and look only at what a test wrote.
"""

import ctypes
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from oracle_messages import MESSAGE_FORMAT, Written

from anpr_engine.kernels.native_messages import (
    DESTROY,
    FUNCTIONS,
    HEADER_AT,
    HEADERS,
    SCRATCH,
    TIMESTAMP,
)

CREATE_TIME, LOG_APPEND_TIME = 1, 2
NOT_FOUND = -156
_WORD = ctypes.c_int64
_OneWord = ctypes.CFUNCTYPE(None, _WORD)
_TwoWords = ctypes.CFUNCTYPE(_WORD, _WORD, _WORD)
_TwoWordsInt = ctypes.CFUNCTYPE(ctypes.c_int, _WORD, _WORD)
_FiveWordsInt = ctypes.CFUNCTYPE(ctypes.c_int, _WORD, _WORD, _WORD, _WORD, _WORD)


class FakeMessages:
    """Messages whose addresses kernels can be given; they live as long as this does."""

    def __init__(self, written: Sequence[Written]) -> None:
        """Lay the messages out."""
        self._written = written
        self.destroyed: list[int] = []
        self._texts = [ctypes.create_string_buffer(x.value or b"") for x in written]
        self._names = [[ctypes.create_string_buffer(n) for n, _ in x.headers] for x in written]
        self._values = [[_buffer(v) for _, v in x.headers] for x in written]
        self.pages = [self._page(row) for row in range(len(written))]
        self._buffers = [ctypes.create_string_buffer(page, len(page)) for page in self.pages]
        places = [ctypes.addressof(buffer) for buffer in self._buffers]
        self.addresses = np.array(places, dtype=np.int64)
        self._rows = {place: row for row, place in enumerate(places)}
        self.functions, self._kept = self.more_functions()

    def _page(self, row: int) -> bytes:
        message = self._written[row]
        value = 0 if message.value is None else ctypes.addressof(self._texts[row])
        length = len(message.value or b"")
        return struct.pack(
            MESSAGE_FORMAT,
            *(message.error, 0, 0, message.partition, 0, value, length, 0, 0, message.offset, 0),
        )

    def more_functions(self) -> tuple[NDArray[np.int64], object]:
        """Give addresses of functions with a scratch of their own, and what keeps them alive."""
        scratch = np.zeros(4, dtype=np.int64)
        pointers = {
            TIMESTAMP: _TwoWords(self._timestamp),
            HEADERS: _TwoWordsInt(self._headers),
            HEADER_AT: _FiveWordsInt(self._header_at),
            DESTROY: _OneWord(self.destroyed.append),
        }
        functions = np.zeros(FUNCTIONS, dtype=np.int64)
        for place, pointer in pointers.items():
            functions[place] = ctypes.cast(pointer, ctypes.c_void_p).value or 0
        functions[SCRATCH] = scratch.ctypes.data
        return functions, (scratch, pointers)

    def _timestamp(self, message: int, kind: int) -> int:
        at_ms = self._written[self._rows[message]].appended_at_ms
        ctypes.c_int.from_address(kind).value = CREATE_TIME if at_ms is None else LOG_APPEND_TIME
        return 7 if at_ms is None else at_ms

    def _headers(self, message: int, where: int) -> int:
        row = self._rows[message]
        if not self._written[row].headers:
            return NOT_FOUND
        # Any number that leads back to the row will do: the library's is a secret too.
        ctypes.c_int64.from_address(where).value = message
        return 0

    def _header_at(self, headers: int, place: int, name: int, value: int, size: int) -> int:
        row = self._rows[headers]
        if place >= len(self._written[row].headers):
            return NOT_FOUND
        content = self._written[row].headers[place][1]
        found = self._values[row][place]
        ctypes.c_int64.from_address(name).value = ctypes.addressof(self._names[row][place])
        ctypes.c_int64.from_address(value).value = ctypes.addressof(found) if found else 0
        ctypes.c_int64.from_address(size).value = len(content or b"")
        return 0


def _buffer(value: bytes | None) -> ctypes.Array[ctypes.c_char] | None:
    return None if value is None else ctypes.create_string_buffer(value)

"""Plate texts to tokens, the alphabet of the error model: characters, separators, junk.

A token is a place in the key alphabet (0 to 38), a `SEPARATOR` between two groups, or `JUNK`: a
mark that is no plate character, or a position the reader could not read (`?`, `*`). Separators
are kept because they tell where in a plate a character was lost.
"""

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import Word, given, helper, i8, i32, i64, kernel, u8, u64, written
from anpr_engine.kernels.plate_text import (
    ALPHABET,
    KEY_BASE,
    KEY_CHARACTERS_EXACT,
    LONG_KEYS_FROM,
    SEPARATORS,
    count_characters,
)

CHARACTERS = len(ALPHABET)
SEPARATOR = CHARACTERS
JUNK = CHARACTERS + 1
TOKENS = CHARACTERS + 2
PLAIN = CHARACTERS - 3
"""Characters before the umlauts, whose tokens are the last ones."""
TOKEN_OF = {character: token for token, character in enumerate(ALPHABET)}
"""The token of each plate character."""
NO_TOKEN = -1
"""Fills the rest of a row."""
TOKENS_MAX = 20
"""Longest row of tokens; longer texts are no near match of anything."""

_DROPPED = 100
_BEYOND = 101


def _byte_tokens() -> NDArray[np.int8]:
    tokens = np.full(256, JUNK, dtype=np.int8)
    tokens[:0x20] = _DROPPED
    tokens[0x80:] = _BEYOND
    for token, character in enumerate(ALPHABET[:36]):
        tokens[ord(character)] = tokens[ord(character.lower())] = token
    for character in SEPARATORS:
        tokens[ord(character)] = SEPARATOR
    return tokens


BYTE_TOKENS = _byte_tokens()


@helper
def _umlaut_token(second: Word) -> Word:
    # U+00C4 U+00D6 U+00DC and their lower-case forms, as the byte after 0xC3 in UTF-8.
    token = -1
    if second in (0x84, 0xA4):
        token = 36
    elif second in (0x96, 0xB6):
        token = 37
    elif second in (0x9C, 0xBC):
        token = 38
    return token


@kernel(given(u8), given(i32, 2), written(i8, 2), written(i64))
def read_tokens(
    buffer: NDArray[np.uint8],
    spans: NDArray[np.int32],
    tokens: NDArray[np.int8],
    lengths: NDArray[np.int64],
) -> None:
    """Turn plate texts into tokens.

    Separators at the ends are dropped, several in a row are one.

    Args:
        buffer: uint8 (bytes,), UTF-8 text.
        spans: int32 (n, 2), start and length of each plate in the buffer, in bytes.
        tokens: int8 (n, TOKENS_MAX), written, `NO_TOKEN` after the last one.
        lengths: int64 (n,), written: tokens used; -1 where the text is too long, or needs the
            Unicode tables.

    """
    for row in range(spans.shape[0]):
        tokens[row, :] = NO_TOKEN
        count = 0
        position = np.int64(spans[row, 0])
        end = position + spans[row, 1]
        while position < end and count >= 0:
            token: Word = np.int64(BYTE_TOKENS[buffer[position]])
            position += 1
            if token == _BEYOND:
                plain = buffer[position - 1] == 0xC3 and position < end
                token = _umlaut_token(buffer[position]) if plain else -1
                position += 1
            elif token == _DROPPED or (
                token == SEPARATOR and (count == 0 or tokens[row, count - 1] == SEPARATOR)
            ):
                continue
            if token < 0 or count == TOKENS_MAX:
                count = -1
                continue
            tokens[row, count] = token
            count += 1
        if count > 0 and tokens[row, count - 1] == SEPARATOR:
            count -= 1
            tokens[row, count] = NO_TOKEN
        lengths[row] = count


@kernel(given(u64), written(i8, 2), written(i64))
def key_tokens(
    keys: NDArray[np.uint64], tokens: NDArray[np.int8], lengths: NDArray[np.int64]
) -> None:
    """Turn keys back into the tokens of their canonical texts.

    Args:
        keys: uint64 (n,).
        tokens: int8 (n, TOKENS_MAX), written, `NO_TOKEN` after the last one.
        lengths: int64 (n,), written: tokens used; 0 where the key is no text (0 or a hash).

    """
    for row in range(keys.shape[0]):
        tokens[row, :] = NO_TOKEN
        key = keys[row] if keys[row] < np.uint64(LONG_KEYS_FROM) else np.uint64(0)
        count = count_characters(key)
        lengths[row] = count
        while count > 0:
            count -= 1
            tokens[row, count] = np.int64(key % np.uint64(KEY_BASE)) - 1
            key = key // np.uint64(KEY_BASE)


def token_keys(tokens: NDArray[np.int8]) -> NDArray[np.uint64]:
    """Give the keys of canonical texts: uint64 (n,), 0 for those that have none of their own.

    Args:
        tokens: int8 (n, TOKENS_MAX), without separators.

    """
    keys = np.zeros(len(tokens), dtype=np.uint64)
    plain = np.ones(len(tokens), dtype=np.bool_)
    for place in range(TOKENS_MAX):
        used = tokens[:, place] >= 0
        plain &= ~used | ((tokens[:, place] < CHARACTERS) & (place < KEY_CHARACTERS_EXACT))
        code = (tokens[:, place] + 1).astype(np.uint64)
        keys = np.where(used, keys * np.uint64(KEY_BASE) + code, keys)
    return np.where(plain, keys, np.uint64(0))


def tokens_of_keys(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Give the tokens and lengths of keys, see `key_tokens`: int8 (n, TOKENS_MAX), int64 (n,)."""
    tokens = np.empty((len(keys), TOKENS_MAX), dtype=np.int8)
    lengths = np.empty(len(keys), dtype=np.int64)
    key_tokens(keys, tokens, lengths)
    return tokens, lengths


def has_umlaut(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Say which canonical texts have an umlaut: bool (n,)."""
    tokens, _ = tokens_of_keys(keys)
    return np.asarray((tokens >= PLAIN).any(axis=1), np.bool_)


@kernel(given(i8, 2), given(i64), written(i8, 2), written(i64))
def bare_tokens(
    tokens: NDArray[np.int8],
    lengths: NDArray[np.int64],
    bare: NDArray[np.int8],
    bare_lengths: NDArray[np.int64],
) -> None:
    """Leave separators out.

    Args:
        tokens: int8 (n, TOKENS_MAX).
        lengths: int64 (n,), tokens used; negative where there are none to take.
        bare: int8 (n, TOKENS_MAX), written, `NO_TOKEN` after the last one.
        bare_lengths: int64 (n,), written.

    """
    for row in range(tokens.shape[0]):
        bare[row, :] = NO_TOKEN
        count = 0
        for place in range(lengths[row]):
            if tokens[row, place] != SEPARATOR:
                bare[row, count] = tokens[row, place]
                count += 1
        bare_lengths[row] = count if lengths[row] >= 0 else lengths[row]


def without_separators(
    tokens: NDArray[np.int8], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Give the same rows without separators: int8 (n, TOKENS_MAX) and int64 (n,)."""
    bare = np.empty(tokens.shape, dtype=np.int8)
    bare_lengths = np.empty(len(lengths), dtype=np.int64)
    bare_tokens(np.ascontiguousarray(tokens), np.ascontiguousarray(lengths), bare, bare_lengths)
    return bare, bare_lengths

"""The naive twins of the wildcard kernels: regular expressions, and whole numbers of any size."""

import re
from collections.abc import Sequence

READ_CHARACTERS_MAX = 12
SPREAD = 0x9E3779B97F4A7C15


def find_wildcards(texts: Sequence[str], patterns: Sequence[str]) -> set[tuple[int, int]]:
    """Compare every text with every pattern by regular expression."""
    expressions = [expression_of(pattern) for pattern in patterns]
    return {
        (read, row)
        for read, text in enumerate(texts)
        for row, expression in enumerate(expressions)
        if 0 < len(text) <= READ_CHARACTERS_MAX and expression.fullmatch(text)
    }


def expression_of(pattern: str) -> re.Pattern[str]:
    """Write a wildcard as a regular expression."""
    return re.compile(pattern.replace("?", ".").replace("*", ".*"))


def wildcard_homes(
    values: Sequence[int], salts: Sequence[int], slots: int, words: int
) -> tuple[list[int], dict[int, int]]:
    """Give each pattern's home, and the filter's words that are not 0."""
    homes: list[int] = []
    filled: dict[int, int] = {}
    for value, salt in zip(values, salts, strict=True):
        mixed = (value ^ salt) * SPREAD % 2**64
        upper = mixed // 2**32
        homes.append(upper * slots // 2**32)
        bits = 1 << mixed // 2**26 % 64 | 1 << mixed // 2**20 % 64
        word = upper * words // 2**32
        filled[word] = filled.get(word, 0) | bits
    return homes, filled

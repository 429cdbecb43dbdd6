"""Every key of the watchlists in Redis, declared here and nowhere else.

Why: all names carry the hash tag `{wl}`, so that in a cluster they live in one slot and one
transaction can write them together. Entries are spread over buckets, so that no single command
has to answer with millions of them and a whole load can be cut into pieces.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class StoreKey:
    """One key, or one family of keys: its name, Redis type and content."""

    name: str
    kind: Literal["hash", "list", "stream"]
    meaning: str


MANIFEST = StoreKey(
    "anpr:{wl}:manifest",
    "hash",
    "epoch, version, changed_at_us, entries, token of the last change, marks for trimming, "
    "a seal where it is signed.",
)
LISTS = StoreKey("anpr:{wl}:lists", "hash", "list id -> what the list is, JSON object.")
COUNTS = StoreKey("anpr:{wl}:counts", "hash", "list id -> number of entries.")
PROFILES = StoreKey("anpr:{wl}:profiles", "hash", "digest -> what entries share, JSON object.")
ENTRIES = StoreKey(
    "anpr:{wl}:entries:<bucket>", "hash", "list id/entry id -> an entry's own, JSON array."
)
CHANGES = StoreKey(
    "anpr:{wl}:changes", "stream", "One record a version: what was put and removed, by whom."
)
DELIVERED = StoreKey(
    "anpr:{wl}:delivered", "hash", "providing site -> how far its entries have come, JSON object."
)
HISTORY = StoreKey(
    "anpr:{wl}:history",
    "stream",
    "One record a version, kept for years: who, why, and what stood there before.",
)
HISTORY_COPY = StoreKey(
    "anpr:{wl}:history-copy",
    "stream",
    "The history as it will be, while a refused list is taken out of it.",
)
PROPOSALS = StoreKey(
    "anpr:{wl}:proposals", "hash", "proposal id -> who asks for what, and its state, JSON object."
)
PROPOSED = StoreKey(
    "anpr:{wl}:proposed:<id>", "list", "The changes of an open proposal, in packed chunks."
)
GUARDED = StoreKey(
    "anpr:{wl}:guarded",
    "hash",
    "list id -> who had its changes wait for a second person, JSON object.",
)
ASKED = StoreKey(
    "anpr:{wl}:asked", "hash", "kind/partner -> what it asked on its last day, JSON object."
)

STORE_KEYS: tuple[StoreKey, ...] = (
    MANIFEST,
    LISTS,
    COUNTS,
    PROFILES,
    ENTRIES,
    CHANGES,
    DELIVERED,
    HISTORY,
    HISTORY_COPY,
    PROPOSALS,
    PROPOSED,
    GUARDED,
    ASKED,
)

BUCKETS = 1024
"""Ten million entries make buckets of ten thousand, about 1.5 MB each."""

_BUCKET_KEYS = tuple(ENTRIES.name.replace("<bucket>", str(bucket)) for bucket in range(BUCKETS))
_GLOB = re.compile(rb"([\\*?\[\]])")


def entries_key(bucket: int) -> str:
    """Name the key of one bucket."""
    return _BUCKET_KEYS[bucket]


def proposed_key(proposal_id: str) -> str:
    """Name the key of one proposal's changes."""
    return PROPOSED.name.replace("<id>", proposal_id)


@lru_cache(maxsize=256)
def list_prefix(list_id: str) -> bytes:
    """Give what the fields of a list's entries begin with.

    A slash in a list id is escaped: `a/b` + `c` and `a` + `b/c` must not be the same field.
    """
    if "/" in list_id or "%" in list_id:
        list_id = list_id.replace("%", "%25").replace("/", "%2F")
    return f"{list_id}/".encode()


def list_pattern(list_id: str) -> bytes:
    """Give the pattern by which HSCAN finds a list's entries."""
    return _GLOB.sub(rb"\\\1", list_prefix(list_id)) + b"*"


def entry_field(list_id: str, entry_id: str) -> bytes:
    """Name the field of one entry inside its bucket."""
    return list_prefix(list_id) + entry_id.encode()


def bucket_of(field: bytes) -> int:
    """Choose the bucket of a field."""
    digest = hashlib.blake2b(field, digest_size=2).digest()
    return int.from_bytes(digest, "big") % BUCKETS

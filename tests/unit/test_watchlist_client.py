"""The session with Redis: addresses, and foreign errors in our words."""

from pathlib import Path

import pytest
import redis
from redis import exceptions

from anpr_engine.errors import AnprError, StoreError, StoreRefused, StoreUnavailable, UsageError
from anpr_engine.watchlist.redis_address import describe_address, read_address
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_errors import translate
from anpr_engine.watchlist.redis_keys import (
    BUCKETS,
    STORE_KEYS,
    bucket_of,
    entries_key,
    entry_field,
    list_pattern,
)


def _family(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _family(child))]


def test_every_error_of_the_library_is_translated() -> None:
    """Each becomes a StoreError with a remedy; the library's own text, perhaps secret, goes."""
    errors: list[Exception] = [Exception.__new__(kind) for kind in _family(redis.RedisError)]
    for error in [*errors, OSError()]:
        error.args = ("hush",)
        made = translate(error, "there")
        assert isinstance(made, StoreError)
        assert made.remedy
        assert "there" in made.what
        assert "hush" not in str(made)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (redis.ConnectionError("x"), StoreUnavailable),
        (redis.TimeoutError("x"), StoreUnavailable),
        (redis.BusyLoadingError("x"), StoreUnavailable),
        (redis.ReadOnlyError("x"), StoreUnavailable),
        (redis.AuthenticationError("x"), StoreRefused),
        (exceptions.NoPermissionError("x"), StoreRefused),
        (redis.ResponseError("NOPERM x"), StoreRefused),
        (exceptions.MovedError("1 10.0.0.1:6379"), StoreUnavailable),
        (exceptions.AskError("1 10.0.0.1:6379"), StoreUnavailable),
        (exceptions.TryAgainError("x"), StoreUnavailable),
        (exceptions.ClusterDownError("x"), StoreUnavailable),
    ],
)
def test_waiting_and_forbidden_are_told_apart(
    error: redis.RedisError, ours: type[AnprError]
) -> None:
    """What may pass by itself is unavailable; what a person must change is refused."""
    assert type(translate(error, "there")) is ours


@pytest.mark.parametrize(
    "url",
    [
        *("", "host:1", "http://u:hush@host", "redis://h:hush/0", "redis://h?retry=hush"),
        *(
            "redis://[",
            "redis+sentinel://h:1",
            "redis+sentinel://h:hush/be",
            "redis+sentinel:///be",
        ),
        *("redis+sentinel://h:1,,i:2/be", "redis+sentinel://h:1/be/0/hush", "redis+cluster://h/1"),
        *("redis+cluster://h:1?retry=hush", "http+cluster://h:1", "rediss://h?ssl_hush=1"),
    ],
)
def test_a_wrong_address_is_not_repeated(url: str) -> None:
    """A wrong address is a usage error that says what is allowed and shows no part of it."""
    with pytest.raises(UsageError, match="redis://host:port") as caught:
        RedisSession(url)
    assert "hush" not in str(caught.value)


def test_an_address_is_described_without_secrets() -> None:
    """Host and port, or the socket's path, and nothing else."""
    assert (
        describe_address("rediss://user:hush@store.example:7000/2?x=hush") == "store.example:7000"
    )
    assert describe_address("redis://") == "localhost:6379"
    assert describe_address("unix://user:hush@/run/r.sock?db=0") == "/run/r.sock"


def test_sentinels_are_read_from_an_address() -> None:
    """Whom to ask, for which service and database, and each kind of server's own password."""
    url = (
        "rediss+sentinel://anpr:hush@a.example,[::1]:7/be/2"
        "?ssl_cert_reqs=none&sentinel_username=w&sentinel_password=hush2"
    )
    found = read_address(url)
    assert (found.kind, found.service, found.tls) == ("sentinel", "be", True)
    assert found.nodes == (("a.example", 26379), ("::1", 7))
    assert (found.options["username"], found.options["db"]) == ("anpr", 2)
    watcher = found.sentinel_options
    assert watcher is not None
    assert (watcher["username"], watcher["password"]) == ("w", "hush2")
    assert watcher["ssl_cert_reqs"] == "none"
    assert "hush" not in found.where


def test_nodes_of_a_cluster_are_read_from_an_address() -> None:
    """Any of them will do to ask the way; a cluster has one database."""
    found = read_address("redis+cluster://anpr:hush@a:1,b")
    assert (found.kind, found.nodes, found.tls) == ("cluster", (("a", 1), ("b", 6379)), False)
    assert found.where == "cluster a:1, b:6379"


def test_a_certificate_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before any connection: which option, which file."""
    with pytest.raises(UsageError, match="named by ssl_ca_certs"):
        RedisSession(f"rediss://h?ssl_ca_certs={tmp_path}/none.pem")


def test_all_keys_live_in_one_cluster_slot() -> None:
    """Every name carries the same hash tag, and no name stands twice."""
    assert all("{wl}" in key.name for key in STORE_KEYS)
    assert len({key.name for key in STORE_KEYS}) == len(STORE_KEYS)
    assert len({entries_key(bucket) for bucket in range(BUCKETS)}) == BUCKETS


def test_fields_of_different_entries_differ() -> None:
    """Slashes and percent signs in list ids cannot make two entries one."""
    names = [("a", "b/c"), ("a/b", "c"), ("a%2Fb", "c"), ("a%", "2Fb/c")]
    assert len({entry_field(*name) for name in names}) == len(names)


def test_buckets_are_stable_and_even() -> None:
    """A field's bucket never changes between versions of the engine, and all are used alike."""
    assert bucket_of(entry_field("stolen", "e1")) == 968
    sizes = [0] * BUCKETS
    for number in range(20_000):
        sizes[bucket_of(entry_field("list", str(number)))] += 1
    assert min(sizes) > 3
    assert max(sizes) < 50


def test_a_list_named_like_a_pattern_finds_itself_alone() -> None:
    """Characters that HSCAN takes for wildcards are escaped."""
    assert list_pattern("a*[b]?\\") == rb"a\*\[b\]\?\\/*"

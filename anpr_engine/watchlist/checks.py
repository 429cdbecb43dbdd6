"""What `anpr doctor` asks of a site's Redis."""

import re
from collections.abc import Iterator

from anpr_engine.errors import StoreError
from anpr_engine.ports import Clock
from anpr_engine.records.finding import Finding
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader

VERSION_MIN = 7
SKEW_S_MAX = 2.0
CHANGE_AGE_S_MAX = 24 * 3600
EVICTION = "noeviction"


def check_store(redis_url: str, clock: Clock) -> Iterator[Finding]:
    """Check that Redis answers, is recent enough, agrees on the time and holds watchlists."""
    with RedisSession(redis_url) as session:
        try:
            info = session.ask("INFO", "server")
        except StoreError as error:
            yield Finding("redis", "fail", error.what, error.remedy)
            return
        yield _version(info.decode(errors="replace"))
        yield _clock(session, clock)
        yield _eviction(session)
        yield from _lists(StoreReader(session), clock)


def _version(info: str) -> Finding:
    found = re.search(r"^(redis|valkey)_version:((\d+)[\d.]*)", info, re.MULTILINE)
    if found is None or int(found[3]) < VERSION_MIN:
        what = f"Redis says version {found[2] if found else 'nothing'}."
        return Finding("redis", "fail", what, f"Use version {VERSION_MIN} or later.")
    return Finding("redis", "ok", f"answers, version {found[2]}")


def _clock(session: RedisSession, clock: Clock) -> Finding:
    seconds, microseconds = session.ask("TIME")
    skew_s = clock.now_us() / 1e6 - (int(seconds) + int(microseconds) / 1e6)
    if abs(skew_s) > SKEW_S_MAX:
        what = f"this machine's clock and that of Redis differ by {skew_s:+.1f} s"
        return Finding("clock", "fail", what, "Let both follow the same NTP servers.")
    return Finding("clock", "ok", f"agrees with that of Redis to {abs(skew_s) * 1000:.0f} ms")


def _eviction(session: RedisSession) -> Finding:
    try:
        policy = session.ask("CONFIG", "GET", "maxmemory-policy")[1].decode()
    except StoreError:
        return Finding("eviction", "ok", "its policy is not shown to this user")
    if policy != EVICTION:
        what = f"Redis may evict entries: maxmemory-policy is {policy}"
        return Finding("eviction", "fail", what, f"Set maxmemory-policy to {EVICTION}.")
    return Finding("eviction", "ok", "Redis never evicts an entry")


def _lists(reader: StoreReader, clock: Clock) -> Iterator[Finding]:
    try:
        manifest = reader.manifest()
        lists = reader.lists() if manifest else []
    except StoreError as error:
        yield Finding("lists", "fail", error.what, error.remedy)
        return
    if manifest is None:
        remedy = "Load one with `anpr watchlist import`."
        yield Finding("lists", "warn", "the store holds no watchlist yet", remedy)
        return
    age_s = max(0.0, (clock.now_us() - manifest.changed_at_us) / 1e6)
    what = f"{len(lists)} lists, {manifest.entries} entries, version {manifest.version}"
    changed = f"{what}, last changed {age_s / 3600:.1f} h ago"
    if age_s > CHANGE_AGE_S_MAX:
        remedy = "Ask the owners whether their deliveries still arrive."
        yield Finding("lists", "warn", changed, remedy)
    else:
        yield Finding("lists", "ok", changed)

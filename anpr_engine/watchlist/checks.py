"""What `anpr doctor` asks of a site's Redis."""

import re
from collections.abc import Iterator

from anpr_engine.errors import StoreError
from anpr_engine.ports import Clock
from anpr_engine.records.finding import Finding
from anpr_engine.watchlist.manifest import Manifest
from anpr_engine.watchlist.redis_address import RedisAddress
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.seals import NOBODY, SENTENCES, Trust

VERSION_MIN = 7
SKEW_S_MAX = 2.0
CHANGE_AGE_S_MAX = 24 * 3600
EVICTION = "noeviction"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_store(redis_url: str, clock: Clock, trust: Trust = NOBODY) -> Iterator[Finding]:
    """Check that Redis answers, is recent enough, agrees on the time and holds watchlists.

    Args:
        redis_url: where it is.
        clock: this machine's.
        trust: whose signatures the engine asks for.

    """
    with RedisSession(redis_url) as session:
        try:
            info = session.ask("INFO", "server")
        except StoreError as error:
            yield Finding("redis", "fail", error.what, error.remedy)
            return
        yield _version(info.decode(errors="replace"))
        yield _encryption(session.address)
        yield _role(session)
        yield _clock(session, clock)
        yield _eviction(session)
        yield from _lists(StoreReader(session), clock, trust)


def _version(info: str) -> Finding:
    found = re.search(r"^(redis|valkey)_version:((\d+)[\d.]*)", info, re.MULTILINE)
    if found is None or int(found[3]) < VERSION_MIN:
        what = f"Redis says version {found[2] if found else 'nothing'}."
        return Finding("redis", "fail", what, f"Use version {VERSION_MIN} or later.")
    return Finding("redis", "ok", f"answers, version {found[2]}")


def _encryption(address: RedisAddress) -> Finding:
    given = address.options
    if "path" in given:
        return Finding("tls", "ok", "not needed: a socket of this machine")
    if not address.tls:
        hosts = {host for host, _ in address.nodes} or {given.get("host", "localhost")}
        if hosts <= LOOPBACK:
            return Finding("tls", "ok", "off; the address is of this machine")
        remedy = "Use rediss:// in place of redis://; deploy/README.md says how."
        return Finding("tls", "warn", "off: plates cross the network as plain text", remedy)
    if given.get("ssl_cert_reqs") == "none" or given.get("ssl_check_hostname") is False:
        remedy = "Take ssl_cert_reqs and ssl_check_hostname out of the address."
        return Finding("tls", "warn", "on, but anybody may pose as this Redis", remedy)
    own = "with" if given.get("ssl_certfile") else "without"
    return Finding("tls", "ok", f"on, {own} a certificate of this client")


def _role(session: RedisSession) -> Finding:
    reply = session.ask("HELLO")
    told = dict(zip(reply[::2], reply[1::2], strict=True))
    role, mode = (told.get(name, b"").decode(errors="replace") for name in (b"role", b"mode"))
    user = session.address.options.get("username") or "default"
    if role != "master":
        remedy = "Give the address of the primary, or of its Sentinels."
        what = f"a {role}: it may be behind, and takes no changes; user {user}"
        return Finding("role", "warn", what, remedy)
    return Finding("role", "ok", f"the primary ({mode}); user {user}")


def _signature(manifest: Manifest, trust: Trust) -> Finding:
    cause, seal = trust.objection(manifest), manifest.seal
    if cause:
        remedy = "Find out who changed Redis past the commands; engines refuse this version."
        return Finding("signature", "fail", f"the version {SENTENCES[cause]}", remedy)
    if seal is None:
        return Finding("signature", "ok", "versions are not signed, and need not be")
    asked = "which is trusted here" if trust else "but watchlist.manifest_keys asks for none"
    return Finding("signature", "ok", f"signed with key {seal.key_id}, {asked}")


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


def _lists(reader: StoreReader, clock: Clock, trust: Trust) -> Iterator[Finding]:
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
    yield _signature(manifest, trust)

"""Where a site's Redis is: one server, whoever Sentinel says, or a cluster.

    redis://user:secret@host:6379/0            one server; rediss:// with TLS, unix:///path
    redis+sentinel://h1:26379,h2:26379/be/0    the primary that Sentinel knows as `be`
    redis+cluster://h1:6379,h2:6379            the node of a cluster that holds the watchlists

Behind `?` stand options of the connection: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` and the
like; for Sentinel `sentinel_username` and `sentinel_password`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.connection import parse_url

from anpr_engine.errors import UsageError

URL_OPTIONS = frozenset({"connection_class", "db", "host", "password", "path", "port", "username"})
"""What an address may carry, beside options that begin with `ssl_`."""
REDIS_PORT = 6379
SENTINEL_PORT = 26_379
FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")

Kind = Literal["one", "sentinel", "cluster"]
Node = tuple[str, int]

_parse_url = cast("Callable[[str], dict[str, Any]]", parse_url)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """What an address says; `where` is what may be shown of it.

    nodes: whom to ask first, host and port; none for one server.
    options: what a connection is made with; `sentinel_options`: the same for a Sentinel.
    """

    kind: Kind
    where: str
    options: Mapping[str, Any]
    nodes: tuple[Node, ...] = ()
    service: str = ""
    sentinel_options: Mapping[str, Any] | None = None

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return "SSL" in getattr(self.options.get("connection_class"), "__name__", "")

    def at(self, node: Node) -> "RedisAddress":
        """Give the address of another server, reached in the same way; over TCP in any case."""
        options = dict(self.options)
        if options.pop("path", None) is not None:
            options.pop("connection_class", None)
        host, port = node
        return RedisAddress("one", f"{host}:{port}", options | {"host": host, "port": port})


def read_address(url: str) -> RedisAddress:
    """Read an address.

    Raises:
        UsageError: the address is none; the text does not repeat it, for it may hold secrets.

    """
    try:
        many = urlsplit(url).scheme.endswith(("+sentinel", "+cluster"))
        address = _many(url) if many else RedisAddress("one", describe_address(url), _options(url))
    except (ValueError, TypeError, IndexError):
        raise not_understood() from None
    for name in FILES:
        path = address.options.get(name)
        if path and not _readable(path):
            raise UsageError(
                f"{path}, named by {name} in the Redis address, cannot be read.",
                "Correct the name, or let this user read the file.",
            )
    return address


def _readable(path: str) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except OSError:
        return False


def not_understood() -> UsageError:
    """Make the error for an address that is none."""
    return UsageError(
        "The Redis address is not understood.",
        "It must read redis://host:port/db, rediss://… (TLS), unix:///path, "
        "redis+sentinel://host:port,host:port/service/db or redis+cluster://host:port,host:port.",
    )


def describe_address(url: str) -> str:
    """Say where an address points, without user, password and options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname or 'localhost'}:{parts.port or REDIS_PORT}"


def _many(url: str) -> RedisAddress:
    parts = urlsplit(url)
    plain, _, kind = parts.scheme.partition("+")
    user, _, hosts = parts.netloc.rpartition("@")
    given = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    watcher = {name: given.pop(name, "") for name in ("sentinel_username", "sentinel_password")}
    steps = [step for step in parts.path.split("/") if step]
    service = steps.pop(0) if kind == "sentinel" else ""
    database = steps.pop(0) if steps else "0"
    if steps or not database.isdigit() or (kind == "cluster" and database != "0"):
        raise ValueError
    query = urlencode(given)
    options = _options(f"{plain}://{user}{'@' if user else ''}placeholder/{database}?{query}")
    del options["host"]
    nodes = tuple(_node(host, SENTINEL_PORT if service else REDIS_PORT) for host in _split(hosts))
    shown = ", ".join(f"{host}:{port}" for host, port in nodes)
    if kind == "cluster":
        return RedisAddress("cluster", f"cluster {shown}", options, nodes)
    secret = {name.removeprefix("sentinel_"): text for name, text in watcher.items() if text}
    kept = {name: value for name, value in options.items() if name[:4] == "ssl_"}
    if "connection_class" in options:
        kept["connection_class"] = options["connection_class"]
    return RedisAddress(
        "sentinel", f"{service} (Sentinel {shown})", options, nodes, service, kept | secret
    )


def _options(url: str) -> dict[str, Any]:
    options = _parse_url(url)
    if any(name not in URL_OPTIONS and name[:4] != "ssl_" for name in options):
        raise ValueError
    return options


def _split(hosts: str) -> list[str]:
    found = hosts.split(",")
    if not all(found):
        raise ValueError
    return found


def _node(text: str, port: int) -> Node:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError
    return parts.hostname, parts.port or port

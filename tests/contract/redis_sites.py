"""A site's Redis as the files in `deploy/redis` set it up, with certificates made for the run."""

import hashlib
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from certificates import Authority
from redis_machines import Machine

from anpr_engine.errors import StoreError
from anpr_engine.watchlist.redis_client import RedisSession

DEPLOY = Path(__file__).parents[2] / "deploy" / "redis"
NOBODYS_HASH = "0" * 64


def with_passwords() -> str:
    """Give the users of `deploy/redis`; each one's password is its name."""
    lines = (DEPLOY / "users.acl").read_text(encoding="utf-8").splitlines()
    digests = [hashlib.sha256(line.split()[1].encode()).hexdigest() for line in lines]
    pairs = zip(lines, digests, strict=True)
    return "".join(f"{line.replace(NOBODYS_HASH, digest)}\n" for line, digest in pairs)


class Site:
    """A Redis set up as the files in `deploy/redis` say, and certificates for it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Start it; each user's password is its name."""
        self.folder = folder
        self.authority = Authority(folder, "site")
        self.own = self.authority.sign("engine")
        self.server = self.authority.sign("server", "127.0.0.1")
        (folder / "users.acl").write_text(with_passwords(), encoding="utf-8")
        self.machine = stack.enter_context(self.another("redis"))

    def another(self, name: str, *options: str) -> Machine:
        """Make one more server with the same settings, users and certificates."""
        given = ["--port", "0", "--tls-port", "PORT", "--aclfile", str(self.folder / "users.acl")]
        return Machine(self.folder / name, [*given, *options], config=self._settings("redis.conf"))

    def sentinel(self, name: str) -> Machine:
        """Make a Sentinel that watches the server."""
        text = self._settings("sentinel.conf").replace("PASSWORD", "anpr-sentinel")
        text = text.replace("primary.example 6380", f"127.0.0.1 {self.machine.port}")
        return Machine(self.folder / name, config=text.replace("tls-port 26380", "tls-port PORT"))

    def _settings(self, file: str) -> str:
        text = (DEPLOY / file).read_text(encoding="utf-8")
        paths = {"server.crt": self.server[0], "server.key": self.server[1]}
        for name, path in (paths | {"ca.crt": self.authority.ca}).items():
            text = text.replace(f"/etc/anpr/redis/{name}", str(path))
        return text

    def url(self, user: str, **changed: object) -> str:
        """Give a user's address; options may be changed, or left out by None."""
        query = self.options(**changed)
        return f"rediss://{user}:{user}@127.0.0.1:{self.machine.port}/0?{query}"

    def options(self, **changed: object) -> str:
        """Write the options of an address."""
        given: dict[str, object] = {
            "ssl_ca_certs": self.authority.ca,
            "ssl_certfile": self.own[0],
            "ssl_keyfile": self.own[1],
        }
        given |= changed
        return "&".join(f"{name}={quote(str(value))}" for name, value in given.items() if value)

    def refusal(self, user: str, **changed: object) -> str:
        """Give what the error says that an address leads to."""
        url = self.url(user, **changed)
        with RedisSession(url) as session, pytest.raises(StoreError) as caught:
            session.ask("PING")
        return str(caught.value)

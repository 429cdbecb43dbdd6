"""What the watchlist tests share: entries, waiting for a condition, a proxy that loses replies."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anpr_engine.clock import SystemClock
from anpr_engine.metrics.table import Metrics
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.pace import FollowLimits
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.refresh import WatchlistFollower

CHANGES = "anpr:{wl}:changes"
MANIFEST = "anpr:{wl}:manifest"
ENTRIES = "anpr:{wl}:entries"


def entry(number: int, list_id: str = "wanted", **values: Any) -> WatchlistEntry:  # noqa: ANN401
    """Make an entry whose id and plate follow from a number."""
    given = {"entry_id": f"e{number}", "list_id": list_id, "plate": f"1TST{number:03d}"}
    return WatchlistEntry.model_validate(given | values)


def until(condition: Callable[[], object], seconds: float = 5.0) -> float:
    """Wait for a condition and give the seconds it took; fails when it takes too long."""
    clock, pause = SystemClock(), threading.Event()
    begun_s = clock.monotonic_s()
    while not condition():
        taken_s = clock.monotonic_s() - begun_s
        assert taken_s < seconds, "the condition did not come true in time"
        pause.wait(0.001)
    return clock.monotonic_s() - begun_s


class World:
    """One store with a writer, a reader and, where asked for, followers."""

    def __init__(self, url: str, site: str = "be") -> None:
        """Open the store of a site."""
        self.url = url
        self.session = RedisSession(url)
        self.reader = StoreReader(self.session)
        self.writer = StoreWriter(self.session, site, SystemClock())
        self.metrics = Metrics()

    @contextmanager
    def follower(self, delta_entries_max: int = 20_000) -> Iterator[WatchlistFollower]:
        """Start a follower for a block."""
        limits = FollowLimits(poll_ms=20, delta_entries_max=delta_entries_max)
        follower = WatchlistFollower(self.url, SystemClock(), self.metrics, limits)
        follower.start()
        try:
            yield follower
        finally:
            follower.stop()


def entries_in_use(follower: WatchlistFollower) -> int:
    """Count the rows that matching can find."""
    current = follower.current
    return len(current.base) - int(current.superseded.sum()) + len(current.delta)


class LossyProxy:
    """Stands before a Redis socket; may lose the reply of an EXEC, or hold the EXEC back.

    lose: the number of EXEC replies still to be swallowed, connections closed with them.
    hold: hold the next EXEC back until `release`, its connection closed to the client.
    """

    def __init__(self, target: Path, own: Path) -> None:
        """Listen on a socket of its own."""
        self.lose = 0
        self.hold = False
        self.lost = 0
        self._target = target
        self._held: tuple[socket.socket, bytes] | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(own))
        self._listener.listen()
        self.url = f"unix://{own}?db=0"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        # One client at a time is all the tests need.
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(str(self._target))
            kept = False
            with client, contextlib.suppress(OSError):
                kept = self._pass_on(client, upstream)
            if not kept:
                upstream.close()

    def _pass_on(self, client: socket.socket, upstream: socket.socket) -> bool:
        """Pass commands and replies on; True when upstream must stay open for a held EXEC."""
        client.settimeout(0.002)
        upstream.settimeout(0.002)
        while True:
            with contextlib.suppress(TimeoutError):
                sent = client.recv(1 << 20)
                if not sent:
                    return False
                has_exec = sent.endswith(b"EXEC\r\n")
                if has_exec and self.hold:
                    self.hold = False
                    self._held = upstream, sent
                    return True
                upstream.sendall(sent)
                if has_exec and self.lose:
                    self.lose -= 1
                    self.lost += 1
                    upstream.settimeout(2.0)
                    upstream.recv(1 << 20)
                    return False
            with contextlib.suppress(TimeoutError):
                answered = upstream.recv(1 << 20)
                if not answered:
                    return False
                client.sendall(answered)

    def release(self) -> bytes:
        """Let the held EXEC through and give Redis's answer to it."""
        assert self._held is not None, "no EXEC was held"
        upstream, sent = self._held
        upstream.settimeout(2.0)
        upstream.sendall(sent)
        answer = b""
        # MULTI is answered first, each command is QUEUED, EXEC comes last: nil or an array.
        while b"*" not in answer:
            answer += upstream.recv(1 << 20)
        upstream.close()
        return answer

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

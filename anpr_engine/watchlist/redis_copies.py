"""Has every server that holds or held a site's lists write its files anew, replicas too.

Why every primary of a cluster: the lists are on one, but their slot may have moved, and where it
was what was taken out stands in the file until that is written anew.
Why a replica waits: it appends to a file of its own what its primary sends, and what it has not
got yet is in no file that it writes now. What it loaded at a full copy stands in a dump.
Why all are tried: one server that is away must not leave plates on the disks of the others.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from anpr_engine.errors import StoreError
from anpr_engine.ports import Clock
from anpr_engine.watchlist.purge import rewrite_files, told_of
from anpr_engine.watchlist.redis_address import Node
from anpr_engine.watchlist.redis_client import RedisSession

CATCH_UP_S_MAX = 60.0
ASK_AGAIN_S = 0.05
_REMEDY = (
    "See that it runs and follows its primary, or take its files away; "
    "then run `anpr watchlist purge`."
)


class Rewritten(NamedTuple):
    """A server and the kinds of files that it wrote anew; none where it has none."""

    where: str
    files: list[str]


class _Copies:
    """The servers of one purge, and what they said of the replication."""

    def __init__(self, session: RedisSession, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._ends: dict[str, int] = {}
        self._failed: dict[str, str] = {}
        self._done: list[Rewritten] = []

    def rewrite(self) -> list[Rewritten]:
        mine = told_of(self._session, "replication")
        self._note_end(mine)
        self._done.append(Rewritten(self._session.where, rewrite_files(self._session, self._clock)))
        # What is asked after the own files: a user without the right to ask leaves them clean.
        others = self._others(mine)
        primaries = {node: told for node, told in others.items() if told.get("role") == "master"}
        for told in primaries.values():
            self._note_end(told)
        for node, told in primaries.items():
            if told.get("master_replid") != mine.get("master_replid"):
                self._each(node, self._write)
        for node in others.keys() - primaries.keys():
            self._each(node, self._write_once_caught_up)
        if self._failed:
            causes = "; ".join(f"{where}: {cause}" for where, cause in self._failed.items())
            raise StoreError(f"Files were not written anew everywhere. {causes}", _REMEDY)
        return self._done

    def _others(self, mine: Mapping[str, str]) -> dict[Node, Mapping[str, str]]:
        """Ask everybody else how they stand in the replication; replicas may have replicas."""
        found: dict[Node, Mapping[str, str]] = {}
        waiting = [*self._session.others(), *_replicas(mine)]
        while waiting:
            node = waiting.pop()
            if node in found or _name(node) in self._failed:
                continue

            def ask(session: RedisSession, node: Node = node) -> None:
                found[node] = told_of(session, "replication")

            self._each(node, ask)
            waiting += _replicas(found.get(node, {}))
        return found

    def _each(self, node: Node, work: Callable[[RedisSession], None]) -> None:
        with self._session.beside(node) as other:
            try:
                work(other)
            except StoreError as error:
                self._failed[_name(node)] = error.what

    def _note_end(self, told: Mapping[str, str]) -> None:
        """Remember how far a primary is; later that is at least what was taken out."""
        if told.get("role") == "master":
            self._ends[told.get("master_replid", "")] = int(told.get("master_repl_offset", 0))

    def _write(self, other: RedisSession) -> None:
        self._done.append(Rewritten(other.where, rewrite_files(other, self._clock)))

    def _write_once_caught_up(self, other: RedisSession) -> None:
        pause, deadline_s = threading.Event(), self._clock.monotonic_s() + CATCH_UP_S_MAX
        while not self._caught_up(told_of(other, "replication")):
            if self._clock.monotonic_s() > deadline_s:
                what = f"Redis at {other.where} does not follow its primary."
                raise StoreError(what, _REMEDY)
            pause.wait(ASK_AGAIN_S)
        self._write(other)

    def _caught_up(self, told: Mapping[str, str]) -> bool:
        end = self._ends.get(told.get("master_replid", ""))
        linked = told.get("role") == "slave" and told.get("master_link_status") == "up"
        return linked and end is not None and int(told.get("slave_repl_offset", 0)) >= end


def rewrite_everywhere(session: RedisSession, clock: Clock) -> list[Rewritten]:
    """Have all servers of a site's Redis write their files anew, and wait for it.

    Found are the replicas that a primary or a replica names, those that Sentinels know, and all
    nodes of a cluster; those that are away are errors. Copies outside Redis are out of reach.

    Raises:
        StoreRefused: the user may not ask for it.
        StoreError: a server could not be reached or could not write; the others did.

    """
    return _Copies(session, clock).rewrite()


def _replicas(told: Mapping[str, str]) -> Iterator[Node]:
    """Read the replicas of a server: `slave0:ip=10.0.0.2,port=6379,state=online,…`."""
    for name, text in told.items():
        if name[:5] == "slave" and name[5:].isdigit():
            parts = (part.partition("=") for part in text.split(","))
            fields = {field: value for field, _, value in parts}
            yield fields.get("ip", ""), int(fields.get("port", 0))


def _name(node: Node) -> str:
    return f"{node[0]}:{node[1]}"

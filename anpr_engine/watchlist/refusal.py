"""A received list is refused: nothing of it comes in any more, and what was there is destroyed.

The receiver of a list may refuse it, says why, and destroys it at once (agreement of 28 September
2023, article 12). That it is refused stands in the list's own definition, which every writer
watches: a delivery on its way when it is written writes nothing.

Why nobody else is asked, as for a withdrawal: the law says at once, and the provider has the list.
What is gone afterwards: the entries, what they share, their part in the history, and the stream of
changes up to there. What stays: that there was such a list, how many entries of it came and went
in which version, by whom, and why. `forgetting` says how, and looks for what is left.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from anpr_engine.errors import AnprError, PolicyRefused, StoreConflict, StoreError
from anpr_engine.ports import Clock
from anpr_engine.watchlist.acts import Act
from anpr_engine.watchlist.forgetting import (
    forget_changes,
    forget_history,
    forget_profiles,
    remains,
)
from anpr_engine.watchlist.manifest import ListDefinition, ListRefusal, read_definition
from anpr_engine.watchlist.receipts import read_cursor
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import LISTS
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.redis_wire import Command
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.unchanged import written_unchanged

TRIES = 20


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a list is refused: `words` of the closed list of grounds, and which service says so."""

    words: tuple[str, ...]
    explanation: str
    unit: str


def digest_of_ids(entry_ids: Iterable[str]) -> str:
    """Name what was received by its entries: SHA-256 over their ids, sorted, each and a newline."""
    total = hashlib.sha256()
    for each in sorted(entry_ids):
        total.update(each.encode() + b"\n")
    return total.hexdigest()


def definition_of(session: RedisSession, list_id: str) -> ListDefinition:
    """Give what a list is; raises `AnprError` where there is none."""
    text = session.ask("HGET", LISTS.name, list_id)
    if text is None:
        raise AnprError(f"There is no list {list_id}.", "See `anpr watchlist list`.")
    return read_definition(text)


def _note(
    session: RedisSession,
    list_id: str,
    change: Callable[[ListDefinition], ListRefusal | None],
) -> ListDefinition:
    """Change what is kept of a list's refusal, while nobody else changes the lists."""

    def plan() -> tuple[list[Command], ListDefinition]:
        before = definition_of(session, list_id)
        after = msgspec.structs.replace(before, refusal=change(before))
        return [("HSET", LISTS.name, list_id, msgspec.json.encode(after))], after

    return written_unchanged(session, LISTS, plan, TRIES, "the watchlists")


def _noted(session: RedisSession, list_id: str, **values: int | str | bool) -> ListRefusal:
    def change(before: ListDefinition) -> ListRefusal | None:
        return before.refusal and msgspec.structs.replace(before.refusal, **values)

    found = _note(session, list_id, change).refusal
    if found is None:
        raise StoreConflict(f"List {list_id} is not refused any more.", "Refuse it again.")
    return found


class Refuser:
    """Refuses and accepts received lists at one site; for one thread."""

    def __init__(self, session: RedisSession, site: str, clock: Clock, act: Act) -> None:
        """Work over a session, which stays the caller's to close."""
        self._session, self._site = session, site
        self._clock, self._act = clock, act
        self._reader = StoreReader(session)

    def refuse(self, list_id: str, grounds: Grounds) -> tuple[ListDefinition, int]:
        """Refuse a list and destroy it; gives what it is, and how many entries were removed.

        What was interrupted goes on.

        Raises:
            PolicyRefused: it is the site's own list.
            StoreError: it cannot be destroyed, or something is left; the list stays refused.

        """
        provider = self._of_others(list_id).provider

        def begun(before: ListDefinition) -> ListRefusal:
            if before.refused and before.refusal is not None:
                return before.refusal
            explanation = grounds.explanation, grounds.unit
            return ListRefusal(self._clock.now_us(), grounds.words, *explanation)

        refusal = _note(self._session, list_id, begun).refusal
        ids = list(self._reader.entry_ids(list_id))
        if refusal is None or not refusal.digest:
            # Nothing can be added any more, so this is all that was ever there.
            refusal = _noted(
                self._session,
                list_id,
                received_version=self._received_version(provider),
                entries=len(ids),
                digest=digest_of_ids(ids),
            )
        writer = StoreWriter(self._session, provider, self._clock, self._act)
        removed = writer.remove((list_id, entry_id) for entry_id in ids).removed
        self._destroy(list_id, refusal)
        return definition_of(self._session, list_id), removed

    def accept(self, list_id: str) -> None:
        """Let a refused list come again, with the provider's next delivery.

        Raises:
            PolicyRefused: it is not refused, or its destruction is not finished.

        """
        definition = self._of_others(list_id)
        refusal = definition.refusal
        if refusal is None or refusal.accepted:
            raise PolicyRefused(f"List {list_id} is not refused.", "There is nothing to lift.")
        if not refusal.destroyed_at_us:
            what = f"The destruction of list {list_id} is not finished."
            raise PolicyRefused(what, "Run `anpr watchlist refuse` again first.")
        _noted(self._session, list_id, accepted=True)

    def _destroy(self, list_id: str, refusal: ListRefusal) -> None:
        manifest = self._reader.manifest()
        version = 0 if manifest is None else manifest.version
        gone_from = refusal.gone_from or version
        _noted(self._session, list_id, gone_from=gone_from)
        forget_history(self._session, list_id)
        # Last: engines that follow took the removal over meanwhile; one that did not loads anew.
        forget_changes(self._session, version)
        forget_profiles(self._session, list_id)
        if left := remains(self._session, list_id):
            what = f"Something of list {list_id} is left in Redis, in {', '.join(sorted(left))}."
            remedy = "Reject changes of it that wait; then run the command again."
            raise StoreError(f"{what} It is not proved to be gone.", remedy)
        _noted(
            self._session,
            list_id,
            destroyed_at_us=refusal.destroyed_at_us or self._clock.now_us(),
        )

    def _received_version(self, provider: str) -> int:
        cursor = read_cursor(self._reader.delivered(provider))
        return 0 if cursor is None else cursor.version

    def _of_others(self, list_id: str) -> ListDefinition:
        definition = definition_of(self._session, list_id)
        if definition.provider == self._site:
            what = f"List {list_id} is this site's own; only a received one can be refused."
            raise PolicyRefused(what, "Take it back with `anpr watchlist withdraw`.")
        return definition


def declined_and_again(reader: StoreReader, provider: str) -> tuple[set[str], list[str]]:
    """Name a provider's lists that are refused, and those that may come again and did not yet."""
    found = [(each.definition, each.definition.refusal) for each in reader.lists()]
    ours = [(what, refusal) for what, refusal in found if what.provider == provider and refusal]
    declined = {what.list_id for what, _ in ours if what.refused}
    again = [what.list_id for what, refusal in ours if refusal.accepted and not refusal.delivered]
    return declined, again


def note_delivered(session: RedisSession, lists: Iterable[str]) -> None:
    """Write down that lists which may come again did."""
    for list_id in lists:
        _noted(session, list_id, delivered=True)

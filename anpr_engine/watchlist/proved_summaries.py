"""What is shown of lists held against what was signed: how many entries, whose, what for, when.

A seal is of entries, and no signature is of what a list is said to be. But that was taken from its
first entry, at the time of the version that put it: so a signed entry of the list has to say the
same, one of now or one that the signed history holds, and a version of that time has to be there.

Why `not checked` and no flaw where the history was not signed from its beginning, or its beginning
is too old to be kept: what the first entry said may then be told by nobody. A refusal changes no
entry, so no version signs it, and it takes what entries said out of the history.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from anpr_engine.watchlist.history import History, HistoryRecord
from anpr_engine.watchlist.manifest import ListDefinition
from anpr_engine.watchlist.redis_reader import ListSummary, StoreReader
from anpr_engine.watchlist.stored import Profile

FACTS = ("category", "owner", "purpose", "legal_basis", "provider")
Facts = tuple[str, ...]


def facts_of(said: ListDefinition | Profile) -> Facts:
    """Give what an entry says of its list, or the list of itself."""
    return tuple(getattr(said, name) for name in FACTS)


@dataclass(slots=True)
class Past:
    """What the records of the history say of lists as such.

    oldest: the oldest version that has a record, 0 where none has. made_us: when each list was
    first written to, microseconds since 1970.
    """

    oldest: int = 0
    made_us: dict[str, int] = field(default_factory=dict[str, int])

    def note(self, record: HistoryRecord) -> None:
        """Take in one more record, in any order."""
        if self.oldest == 0 or record.version < self.oldest:
            self.oldest = record.version
        for name in record.lists:
            at_us = record.head.at_us
            self.made_us[name] = min(at_us, self.made_us.get(name, at_us))

    def made(self, definition: ListDefinition) -> int:
        """Say when a list was made, microseconds since 1970; by the second where it alone says."""
        at = datetime.fromisoformat(definition.created_at)
        return self.made_us.get(definition.list_id, round(at.timestamp() * 1e6))


@dataclass(slots=True)
class ListProof:
    """What is to be said of lists that are shown, by list; flaws and what could not be checked."""

    flaws: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    said: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def flaw(self, list_id: str, what: str) -> None:
        """Note what is wrong with a list."""
        self.flaws.setdefault(list_id, []).append(f"List {list_id} {what}.")

    def unchecked(self, list_id: str, what: str) -> None:
        """Note what nobody signed."""
        self.said.setdefault(list_id, []).append(f"not checked: {what} of list {list_id}")

    @staticmethod
    def of(noted: Mapping[str, Sequence[str]], list_id: str | None) -> Iterator[str]:
        """Give what was noted of one list; None for all."""
        for name, lines in noted.items():
            if list_id in {None, name}:
                yield from lines


class SummaryCheck:
    """Counts the entries that were read, and holds what lists are said to be against them."""

    def __init__(self, reader: StoreReader, past: Past, signed_from: int) -> None:
        """Check what a reader reads.

        Args:
            reader: of the store.
            past: what the history says of lists.
            signed_from: from which version on the history is signed; 0 where it is not.

        """
        self._reader, self._past, self._signed_from = reader, past, signed_from
        self.proof = ListProof()

    @property
    def _complete(self) -> bool:
        return self._signed_from == 1 and self._past.oldest == 1

    def summaries(
        self,
        definitions: Sequence[ListDefinition],
        profiles: Counter[str],
        kept: Mapping[str, int] | None,
    ) -> list[ListSummary]:
        """Give each list with its entries counted; what does not hold is in `proof`.

        Args:
            definitions: what lists are said to be.
            profiles: how many entries were read of each profile.
            kept: the entries by list as Redis counts them; None where that is of another version.

        """
        counts, facts = Counter[str](), dict[str, set[Facts]]()
        for digest, profile in self._reader.profiles(profiles).items():
            counts[profile.list_id] += profiles[digest]
            facts.setdefault(profile.list_id, set()).add(facts_of(profile))
        for each in definitions:
            self._check(each, facts.get(each.list_id, set()))
        for name in sorted(counts.keys() - {each.list_id for each in definitions}):
            self.proof.flaw(name, f"has {counts[name]} entries, and nothing says what it is")
        self._check_counts(counts, counts if kept is None else kept)
        return [ListSummary(each, counts[each.list_id]) for each in definitions]

    def _check_counts(self, counts: Mapping[str, int], kept: Mapping[str, int]) -> None:
        for name in sorted(kept.keys() | counts.keys()):
            found, told = counts.get(name, 0), kept.get(name, 0)
            if found != told:
                self.proof.flaw(name, f"has {found} entries, and Redis says {told}")

    def _check(self, definition: ListDefinition, facts: set[Facts]) -> None:
        name, made_us = definition.list_id, self._past.made_us.get(definition.list_id)
        if definition.refusal is not None:
            self.proof.unchecked(name, "that it was refused, and what it is")
            return
        if self._complete and made_us is None:
            self.proof.flaw(name, "is in Redis, and no version put it there")
            return
        if self._complete and made_us is not None:
            at = datetime.fromtimestamp(made_us // 1_000_000, UTC).isoformat()
            if definition.created_at != at:
                self.proof.flaw(name, f"was made at {at}, and is said to be of another time")
        if facts_of(definition) in facts or facts_of(definition) in self._facts_before(name):
            return
        if self._complete:
            what = f"is said to be what no entry said: {_differing(definition, facts)}"
            self.proof.flaw(name, what)
        else:
            self.proof.unchecked(name, "what it is")

    def _facts_before(self, list_id: str) -> set[Facts]:
        """Give what entries of a list said that were changed or removed, by signed records."""
        if not self._signed_from:
            return set()
        digests = {
            row.before.profile
            for record in History(self._reader.session).oldest_first(self._signed_from - 1)
            if list_id in record.lists
            for row in record.rows()
            if row.list_id == list_id and row.before is not None
        }
        return {facts_of(each) for each in self._reader.profiles(digests).values()}


def _differing(definition: ListDefinition, facts: set[Facts]) -> str:
    """Name what differs from every entry, or all of it where only the whole does."""
    said = facts_of(definition)
    pairs = enumerate(FACTS)
    found = [name for n, name in pairs if all(each[n] != said[n] for each in facts)]
    return ", ".join(found or FACTS)

"""One vehicle at one camera site is one alert: later reads of it only upgrade the first.

Why the best read counts: reads of one plate by one reader share its dirt, angle and font, so they
err together. To multiply their odds would make a certainty of one doubt seen ten times. A sum of
evidence that knows how reads hang together would take its seat in `_joined`.
Why event time: a late read belongs where it was captured. Reads are taken one by one, so that
what comes out does not hang on where batches were cut.
Why memory alone: after a crash, when a partition moves, or when two engines share one site's
cameras, a book does not know the passages under way. The worst is one more alert for each; none
is lost.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from anpr_engine.pipeline.columns import DecidedAlert
from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.alert import Alert
from anpr_engine.records.fields import Tier
from anpr_engine.records.trusted import changed
from anpr_engine.wire import told_apart

SAME_PASSAGE = "same-passage"
"""The reason under which hits held back here are counted."""
PASSAGES_MAX = 100_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIER_RANKS = {Tier.EXACT: 0, Tier.REPAIRED: 1}
_RANK_OTHER = 2


@dataclass(frozen=True, slots=True)
class PassageRules:
    """What a site has set for passages; a window of 0 joins no such reads.

    window_us: time to the passage's nearest read, for reads without the reader's `passage_id`.
    id_window_us: the same for reads with one; readers begin their counts anew.
    gain_min: how much more probable a read must be to upgrade the alert.
    camera_site: takes the camera site out of a camera's name: the first group, or all that was
        found; the camera itself where nothing is found.
    """

    window_us: int = 0
    id_window_us: int = 600_000_000
    gain_min: float = 0.05
    camera_site: re.Pattern[str] = re.compile("")

    def window_of(self, kind: str) -> int:
        """Give the window of a kind of key, in microseconds."""
        return self.id_window_us if kind == "id" else self.window_us


class PassageKey(NamedTuple):
    """Which reads may be of one passage: the entry, where, and what tells the vehicle.

    kind: `id`, told by the reader; `time`, by time alone; `plate`, by time and plate, for many
        vehicles fit one wildcard entry.
    mark: the reader's passage id or the plate, else empty.
    """

    site: str
    camera_site: str
    list_id: str
    entry_id: str
    kind: str
    mark: str


class Passage(NamedTuple):
    """What is known of one passage and entry.

    number: its place in the book, in order of opening. first_us, last_us: event time.
    probability, rank: the best that was sent, each for itself. alert_id: the alert that stands.
    """

    number: int
    key: PassageKey
    name: str
    first_us: int
    last_us: int
    probability: float
    rank: int
    alert_id: str
    told: tuple[str, ...]

    def distance_us(self, captured_us: int) -> int:
        """Say how far outside of the passage an instant lies; 0 within."""
        return max(self.first_us - captured_us, captured_us - self.last_us, 0)


class PassageBook:
    """The passages known to an engine, the newest by event time; `apply` alone changes it."""

    def __init__(self, passages_max: int = PASSAGES_MAX) -> None:
        """Start empty."""
        self._passages_max = passages_max
        self._shelves: dict[PassageKey, tuple[Passage, ...]] = {}
        # One line a passage. Its time may lag behind the passage's, never run ahead.
        self._oldest: list[tuple[int, int, PassageKey]] = []
        self.number_next = 0

    def __len__(self) -> int:
        """Count the passages."""
        return len(self._oldest)

    def __iter__(self) -> Iterator[Passage]:
        """Give every passage, in no order."""
        return (passage for shelf in self._shelves.values() for passage in shelf)

    def under(self, key: PassageKey) -> tuple[Passage, ...]:
        """Give the passages of a key."""
        return self._shelves.get(key, ())

    def apply(self, changes: Sequence[Passage]) -> None:
        """Take over what a step proposed, once it is durable; then let the oldest go."""
        for passage in changes:
            shelf = self.under(passage.key)
            kept = tuple(each for each in shelf if each.number != passage.number)
            self._shelves[passage.key] = (*kept, passage)
            if len(kept) == len(shelf):
                heappush(self._oldest, (passage.last_us, passage.number, passage.key))
                self.number_next = max(self.number_next, passage.number + 1)
        while len(self._oldest) > self._passages_max:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        noted_us, number, key = heappop(self._oldest)
        shelf = self._shelves.pop(key)
        passage = next(each for each in shelf if each.number == number)
        if passage.last_us > noted_us:
            heappush(self._oldest, (passage.last_us, number, key))
        else:
            shelf = tuple(each for each in shelf if each.number != number)
        if shelf:
            self._shelves[key] = shelf


@dataclass(frozen=True, slots=True)
class PassageOutcome:
    """The alerts that go out, what is to change in the book, and how many were held back."""

    alerts: list[DecidedAlert]
    changes: list[Passage]
    held_back: int


def join_passages(
    decided: Sequence[DecidedAlert], book: PassageBook, rules: PassageRules
) -> PassageOutcome:
    """Let one alert go out for each passage and entry, and its upgrades; the book stays as it is.

    Args:
        decided: what policy lets go, in order of reads.
        book: the passages known before this batch.
        rules: what the site has set.

    """
    draft = _Draft(book)
    alerts: list[DecidedAlert] = []
    for item in decided:
        alert = item.alert
        key = passage_key(alert, rules)
        if key is None:
            alerts.append(item)
            continue
        captured_us = (alert.read.captured_at - _EPOCH) // _MICROSECOND
        before = draft.nearest(key, captured_us, rules.window_of(key.kind))
        if before is None:
            after = _opened(next(draft.numbers), key, alert, captured_us)
        else:
            after = _joined(before, alert, captured_us, rules.gain_min)
        draft.put(after)
        if before is None or after.alert_id != before.alert_id:
            about = {"passage": after.name, "supersedes": before.alert_id if before else None}
            alerts.append(DecidedAlert(item.row, changed(alert, about)))
    return PassageOutcome(alerts, draft.changes(), len(decided) - len(alerts))


def passage_key(alert: Alert, rules: PassageRules) -> PassageKey | None:
    """Say which passages an alert's read may belong to; None where it stands for itself."""
    read, entry = alert.read, alert.entry
    if read.passage_id:
        kind, mark = "id", read.passage_id
    elif alert.tier is Tier.WILDCARD:
        kind, mark = "plate", normalise(read.plate).text
    else:
        kind, mark = "time", ""
    if rules.window_of(kind) == 0:
        return None
    where = camera_site(read.camera_id, rules.camera_site)
    return PassageKey(alert.site, where, entry.list_id, entry.entry_id, kind, mark)


def camera_site(camera_id: str, pattern: re.Pattern[str]) -> str:
    """Give the site of a camera: what the pattern finds in its name, else the camera itself."""
    found = pattern.search(camera_id)
    if found is None:
        return camera_id
    return found[1 if pattern.groups else 0] or camera_id


def passage_name(key: PassageKey, read_id: str) -> str:
    """Name a passage: the same reads under any engine give the same name.

    Args:
        key: a passage that its reader named is called by that.
        read_id: any other is called by the read that opened it.

    """
    parts = [*key[:5], key.mark if key.kind == "id" else read_id]
    return hashlib.blake2b(told_apart(parts), digest_size=16, person=b"anpr.passage.v1").hexdigest()


class _Draft:
    """A book with the changes that a batch proposes laid over it."""

    def __init__(self, book: PassageBook) -> None:
        self._book = book
        self._changed: dict[PassageKey, dict[int, Passage]] = {}
        self.numbers = count(book.number_next)

    def nearest(self, key: PassageKey, captured_us: int, window_us: int) -> Passage | None:
        here, before = self._changed.get(key), self._book.under(key)
        if not (here or before):
            return None
        passages = {each.number: each for each in before} | (here or {})
        near = [each for each in passages.values() if each.distance_us(captured_us) <= window_us]
        return min(
            near, key=lambda each: (each.distance_us(captured_us), each.number), default=None
        )

    def put(self, passage: Passage) -> None:
        self._changed.setdefault(passage.key, {})[passage.number] = passage

    def changes(self) -> list[Passage]:
        return [passage for shelf in self._changed.values() for passage in shelf.values()]


def _opened(number: int, key: PassageKey, alert: Alert, captured_us: int) -> Passage:
    return Passage(
        number=number,
        key=key,
        name=passage_name(key, alert.read.read_id),
        first_us=captured_us,
        last_us=captured_us,
        probability=alert.probability,
        rank=_TIER_RANKS.get(alert.tier, _RANK_OTHER),
        alert_id=alert.alert_id,
        told=tuple(alert.recipients),
    )


def _joined(passage: Passage, alert: Alert, captured_us: int, gain_min: float) -> Passage:
    wider = passage._replace(
        first_us=min(passage.first_us, captured_us),
        last_us=max(passage.last_us, captured_us),
    )
    rank = _TIER_RANKS.get(alert.tier, _RANK_OTHER)
    untold = tuple(each for each in alert.recipients if each not in passage.told)
    # Against the best of each that was sent: two reads in turn can never upgrade one another.
    # Six digits, as alerts have them: 0.95 is 0.05 more than 0.9.
    gain = round(alert.probability - passage.probability, 6)
    better = rank < passage.rank or gain >= gain_min
    # The same read twice is no second look, however the reader changed it.
    if alert.alert_id == passage.alert_id or not (better or untold):
        return wider
    return wider._replace(
        probability=max(passage.probability, alert.probability),
        rank=min(passage.rank, rank),
        alert_id=alert.alert_id,
        told=passage.told + untold,
    )

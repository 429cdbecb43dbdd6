"""Which of my entries are on your list too: asked and answered without showing either list.

The asker blinds its plates, the answerer applies a key that lives for one run, and sends along the
marks of its own plates under that key, in no order. The asker takes its blinds off and compares.
The asker learns which of its own entries match; the answerer learns nothing but how many were
asked; both counts are rounded up with elements and marks that stand for nothing (`padded`).

Why a key for one run: marks of yesterday can be compared with nothing. Why a daily limit: the
asker may put any plate in, and without one it would ask for all of them.
Why honest partners are assumed: an answerer that sends rubbish spoils the result, and learns
nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from anpr_engine.policy.listing import Listing
from anpr_engine.policy.oprf import (
    Draw,
    OprfError,
    blind,
    derive_key,
    evaluate,
    finalise,
    output_of,
    random_element,
    random_scalar,
)

MARK_BYTES = 16
RUN_BYTES = 16
SEED_BYTES = 32
ROUND = 256


@dataclass(frozen=True, slots=True)
class Request:
    """What the asker sends: a name for the run, and blinded elements of 32 bytes."""

    run_id: bytes
    blinded: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back: the elements evaluated, in the order asked; marks of 16 bytes, sorted."""

    run_id: bytes
    evaluated: tuple[bytes, ...]
    marks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One entry that was asked about, and its blind; only the asker has it."""

    listing: Listing
    scalar: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """What the asker keeps to itself until the reply comes; None: asked for the count only."""

    run_id: bytes
    asked: tuple[Asked | None, ...] = field(repr=False)


def padded(count: int) -> int:
    """Round a count up, so that it tells little: to the next multiple of 256, at least one."""
    return max(1, -(-count // ROUND)) * ROUND


def ask(listings: Iterable[Listing], draw: Draw) -> tuple[Request, Run]:
    """Make a request about entries, and what is needed to read the reply.

    Args:
        listings: mine.
        draw: gives random bytes, such as `os.urandom`.

    """
    pairs: list[tuple[bytes, Asked | None]] = []
    for listing in listings:
        scalar = random_scalar(draw)
        pairs.append((blind(listing.input(), scalar), Asked(listing, scalar)))
    fill = padded(len(pairs)) - len(pairs)
    pairs += [(random_element(draw), None) for _ in range(fill)]
    # Blinded elements look like chance; sorted by themselves they keep nothing of my order.
    pairs.sort(key=lambda pair: pair[0])
    request = Request(draw(RUN_BYTES), tuple(element for element, _ in pairs))
    return request, Run(request.run_id, tuple(asked for _, asked in pairs))


def _unheard() -> None:
    """Tell nobody how far it is."""


def reply(
    request: Request,
    listings: Iterable[Listing],
    seed: bytes,
    draw: Draw,
    step: Callable[[], None] = _unheard,
) -> Reply:
    """Answer a request from my list.

    Args:
        request: the other side's, counted against its day's limit before (`DailyLimit.taken`).
        listings: mine.
        seed: 32 random bytes for this run alone; forget them afterwards.
        draw: gives random bytes.
        step: is called for each element of the request that is done.

    Raises:
        OprfError: the request holds what is no element, or the seed is none.

    """
    if len(seed) != SEED_BYTES:
        raise OprfError(f"A seed has {SEED_BYTES} bytes.", "Draw it for this run alone.")
    key = derive_key(seed, b"anpr/deconflict/" + request.run_id)
    evaluated = list[bytes]()
    for element in request.blinded:
        evaluated.append(evaluate(key, element))
        step()
    marks = {output_of(key, value)[:MARK_BYTES] for value in {one.input() for one in listings}}
    fill = padded(len(marks)) - len(marks)
    marks.update(draw(MARK_BYTES) for _ in range(fill))
    return Reply(request.run_id, tuple(evaluated), tuple(sorted(marks)))


def matched(run: Run, answer: Reply) -> frozenset[Listing]:
    """Give my entries that are on the other list.

    Raises:
        OprfError: the reply is that of another run, or incomplete, or holds what is no element.

    """
    if answer.run_id != run.run_id or len(answer.evaluated) != len(run.asked):
        raise OprfError("The reply is not one to this request.", "Ask again.")
    marks = frozenset(answer.marks)
    return frozenset(
        asked.listing
        for asked, element in zip(run.asked, answer.evaluated, strict=True)
        if asked is not None
        and finalise(asked.listing.input(), asked.scalar, element)[:MARK_BYTES] in marks
    )

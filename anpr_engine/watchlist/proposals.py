"""Changes that wait for a second person: asked for by one, in force once another lets them through.

Why two steps on approval: a proposal is first claimed, so that nobody else applies it too, and then
written chunk by chunk, each chunk one version that names the proposal and the chunk in the history.
When that is interrupted, it goes on with the chunks that the history does not name. A proposal of
one chunk, up to a thousand entries, is therefore in force as a whole or not at all.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from anpr_engine.errors import InputFileError, PolicyRefused, StoreError
from anpr_engine.ports import Clock
from anpr_engine.watchlist.acts import Act
from anpr_engine.watchlist.manifest import unreadable
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_keys import PROPOSALS, proposed_key
from anpr_engine.watchlist.redis_wire import Command
from anpr_engine.watchlist.unchanged import written_unchanged

TRIES = 20
HOUR_US = 3_600_000_000
APPLYING_S_MAX = 60
"""How long nobody else goes on with a proposal that somebody is applying."""
KEPT_AFTER_END_S = 86_400
"""How long the changes of a proposal that ran out stay in Redis."""


class ProposalKind(StrEnum):
    """What is asked for."""

    LISTING = "listing"
    WIDENING = "widening"
    REMOVAL = "removal"
    UNGUARDING = "unguarding"
    REPLAY = "replay"
    LOOK_UP = "look-up"


REQUESTS = frozenset({ProposalKind.REPLAY, ProposalKind.LOOK_UP})
"""Kinds that change nothing: they permit something once."""


class ProposalState(StrEnum):
    """How far a proposal has come."""

    OPEN = "open"
    APPLYING = "applying"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    USED = "used"


class Proposal(msgspec.Struct, frozen=True):
    """One proposal; times in microseconds since 1970.

    digest: SHA-256 over the chunks of its changes. sums: entries added, changed and removed.
    act: of the proposer: import, add, remove. decided_by, decision: who let it through or not, and
    why. from_version: that of the lists when it was let through.
    """

    proposal_id: str
    kind: ProposalKind
    site: str
    list_id: str
    by: str
    act: str
    reason: str
    purpose: str
    case_ref: str
    created_at_us: int
    expires_at_us: int
    chunks: int
    digest: str
    sums: tuple[int, int, int] = (0, 0, 0)
    state: ProposalState = ProposalState.OPEN
    decided_by: str = ""
    decided_at_us: int = 0
    decision: str = ""
    from_version: int = 0

    def at(self, now_us: int) -> "Proposal":
        """Give the proposal as it stands at a time."""
        if self.state is ProposalState.OPEN and now_us >= self.expires_at_us:
            return msgspec.structs.replace(self, state=ProposalState.EXPIRED)
        return self


@dataclass(frozen=True, slots=True)
class Asked:
    """What a new proposal is about: what, on which list of which site, for how many hours."""

    kind: ProposalKind
    site: str
    list_id: str
    hours: float
    sums: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides, and why; `digest` where it was looked at beforehand."""

    by: str
    reason: str = ""
    digest: str = ""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Proposal)


def digest_of(chunks: Sequence[bytes]) -> str:
    """Name the changes of a proposal by what they are: 64 hex digits."""
    total = hashlib.sha256()
    for chunk in chunks:
        total.update(hashlib.sha256(chunk).digest())
    return total.hexdigest()


class Proposals:
    """Keeps the proposals of a store over one session; methods raise `StoreError`."""

    def __init__(self, session: RedisSession, clock: Clock) -> None:
        """Work over a session, which stays the caller's to close."""
        self._session = session
        self._clock = clock

    def submit(self, asked: Asked, act: Act, chunks: Sequence[bytes] = ()) -> Proposal:
        """Keep a new proposal; nothing is in force by it."""
        now_us = self._clock.now_us()
        proposal = Proposal(
            *(secrets.token_hex(6), asked.kind, asked.site, asked.list_id, act.by),
            *(act.kind.value, act.reason, act.purpose, act.case_ref, now_us),
            *(now_us + int(asked.hours * HOUR_US), len(chunks), digest_of(chunks), asked.sums),
        )
        key = proposed_key(proposal.proposal_id)
        until_s = proposal.expires_at_us // 1_000_000 + KEPT_AFTER_END_S
        commands: list[Command] = [("MULTI",)]
        if chunks:
            commands += [("RPUSH", key, *chunks), ("EXPIREAT", key, until_s)]
        commands += [self._kept(proposal), ("EXEC",)]
        self._session.ask_all(commands)
        return proposal

    def all(self) -> list[Proposal]:
        """Give every proposal that is kept, the oldest first."""
        now_us = self._clock.now_us()
        found = [_read(each).at(now_us) for each in self._session.ask("HVALS", PROPOSALS.name)]
        return sorted(found, key=lambda each: (each.created_at_us, each.proposal_id))

    def one(self, proposal_id: str) -> Proposal:
        """Give one proposal; raises `InputFileError` where there is none of this id."""
        return self._found(self._session.ask("HGET", PROPOSALS.name, proposal_id))

    def chunks(self, proposal: Proposal) -> list[bytes]:
        """Give the changes, packed, exactly as they were proposed.

        Raises:
            PolicyRefused, StoreError: the proposal is decided; they are not what was proposed.

        """
        key = proposed_key(proposal.proposal_id)
        chunks: list[bytes] = self._session.ask("LRANGE", key, 0, -1)
        if len(chunks) != proposal.chunks or digest_of(chunks) != proposal.digest:
            # They are gone once somebody else has decided.
            now = self.one(proposal.proposal_id)
            _check(now, Decision(""), ProposalState.APPLYING, self._clock.now_us())
            what = "The changes in Redis are not those that were proposed; nothing was applied."
            remedy = "Find out who changed them; reject this proposal and make a new one."
            raise StoreError(what, remedy)
        return chunks

    def claim(self, proposal_id: str, decision: Decision, from_version: int) -> Proposal:
        """Take an open proposal for applying; one whose applying was interrupted, again.

        Raises:
            PolicyRefused: the same person, another digest, or no open proposal.

        """
        return self._move(proposal_id, decision, ProposalState.APPLYING, from_version)

    def reject(self, proposal_id: str, decision: Decision) -> Proposal:
        """Reject an open proposal; its own proposer may do so too."""
        return self._move(proposal_id, decision, ProposalState.REJECTED)

    def finish(self, proposal: Proposal) -> Proposal:
        """Write that all of it is in force."""
        done = msgspec.structs.replace(proposal, state=ProposalState.APPROVED)
        key = proposed_key(proposal.proposal_id)
        self._session.ask_all([("MULTI",), self._kept(done), ("DEL", key), ("EXEC",)])
        return done

    def use(self, proposal_id: str, kind: ProposalKind, by: str) -> Proposal:
        """Use a permit that was approved; it holds once, and for who asked for it.

        Raises:
            PolicyRefused: it is another person's, of another kind, or not to be used any more.

        """
        return self._move(proposal_id, Decision(by), ProposalState.USED, kind=kind)

    def purge(self, days: float) -> int:
        """Forget proposals that were made so many days ago; gives how many."""
        limit_us = self._clock.now_us() - int(days * 24 * HOUR_US)
        old = [each.proposal_id for each in self.all() if each.created_at_us < limit_us]
        return int(self._session.ask("HDEL", PROPOSALS.name, *old)) if old else 0

    def _move(
        self,
        proposal_id: str,
        decision: Decision,
        state: ProposalState,
        from_version: int = 0,
        *,
        kind: ProposalKind | None = None,
    ) -> Proposal:
        def plan() -> tuple[list[Command], Proposal]:
            before = self._found(self._session.ask("HGET", PROPOSALS.name, proposal_id))
            if state is ProposalState.USED:
                _check_use(before, decision, kind, self._clock.now_us())
                after = msgspec.structs.replace(before, state=state)
            else:
                _check(before, decision, state, self._clock.now_us())
                after = self._decided(before, decision, state, from_version)
            commands = [self._kept(after)]
            if state is ProposalState.REJECTED:
                commands.append(("DEL", proposed_key(proposal_id)))
            return commands, after

        return written_unchanged(self._session, PROPOSALS, plan, TRIES, "the proposals")

    def _decided(
        self, before: Proposal, decision: Decision, state: ProposalState, from_version: int
    ) -> Proposal:
        again = before.state is ProposalState.APPLYING
        return msgspec.structs.replace(
            before,
            state=state,
            decided_by=decision.by,
            decided_at_us=self._clock.now_us(),
            decision=decision.reason,
            from_version=before.from_version if again else from_version,
        )

    def _found(self, text: bytes | None) -> Proposal:
        if text is None:
            what = "There is no such proposal."
            raise InputFileError(what, "See `anpr watchlist proposals`.")
        return _read(text).at(self._clock.now_us())

    def _kept(self, proposal: Proposal) -> Command:
        return ("HSET", PROPOSALS.name, proposal.proposal_id, _ENCODER.encode(proposal))


def _read(text: bytes) -> Proposal:
    try:
        return _DECODER.decode(text)
    except msgspec.MsgspecError:
        raise unreadable("a proposal") from None


def _check(proposal: Proposal, decision: Decision, state: ProposalState, now_us: int) -> None:
    stuck = proposal.state is state is ProposalState.APPLYING and (
        proposal.decided_by == decision.by
        or now_us - proposal.decided_at_us > APPLYING_S_MAX * 1_000_000
    )
    if proposal.state is not ProposalState.OPEN and not stuck:
        what = f"Proposal {proposal.proposal_id} is {proposal.state.value}, not open."
        raise PolicyRefused(what, "Make a new proposal.")
    if state is not ProposalState.REJECTED and decision.by == proposal.by:
        what = f"Proposal {proposal.proposal_id} was made by this person."
        raise PolicyRefused(what, "Somebody else has to approve it.")
    if decision.digest and not proposal.digest.startswith(decision.digest):
        what = f"Proposal {proposal.proposal_id} has another digest than the one given."
        raise PolicyRefused(what, "Look at it again with `anpr watchlist proposals --show`.")


def _check_use(
    proposal: Proposal, decision: Decision, kind: ProposalKind | None, now_us: int
) -> None:
    good = (
        proposal.kind is kind
        and proposal.state is ProposalState.APPROVED
        and proposal.by == decision.by
        and now_us < proposal.expires_at_us
    )
    if not good:
        what = f"Proposal {proposal.proposal_id} permits this person nothing of this kind now."
        raise PolicyRefused(what, "Ask for it and have somebody else approve it.")

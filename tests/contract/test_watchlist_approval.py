"""Approval by a second person, against a real Redis and a real Valkey."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from watchlist_world import World, entry

from anpr_engine.clock import SystemClock
from anpr_engine.errors import InputFileError, PolicyRefused, StoreError
from anpr_engine.watchlist.acts import Act, ActKind
from anpr_engine.watchlist.approval import Approval, GuardedWriter, Guards, approve
from anpr_engine.watchlist.history import History
from anpr_engine.watchlist.proposals import (
    Asked,
    Decision,
    Proposal,
    ProposalKind,
    Proposals,
    ProposalState,
)
from anpr_engine.watchlist.proposed import unpacked
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter

ANNA, BRAM = Act(ActKind.IMPORT, by="anna", reason="new"), Decision("bram")
HOURS = 72.0


class LateClock(SystemClock):
    """A clock that is so many hours ahead."""

    def __init__(self, hours: float) -> None:
        """Go ahead by hours."""
        self._ahead_us = int(hours * 3_600_000_000)

    def now_us(self) -> int:
        """Tell the time."""
        return super().now_us() + self._ahead_us


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    """Give an empty store; once on Redis, once on Valkey."""
    made = World(redis_url)
    yield made
    made.session.close()


def guarded(world: World, rule: Approval, site: str = "be") -> GuardedWriter:
    """Give a writer in the first person's name."""
    return GuardedWriter(world.session, site, SystemClock(), ANNA, rule=rule)


def proposed(world: World, count: int = 2) -> Proposal:
    """Propose entries for the list `wanted`."""
    writer = guarded(world, Approval.ALL)
    writer.put(entry(number) for number in range(count))
    made = writer.submit("wanted", HOURS)
    assert made is not None
    return made


def ids(world: World) -> set[str]:
    """Give the ids in force."""
    return set(world.reader.entry_ids("wanted"))


def test_a_proposal_is_not_in_force_until_somebody_else_approves(world: World) -> None:
    """Nothing is listed by the first person; the second puts exactly that in force."""
    made = proposed(world)
    assert ids(world) == set()
    assert (made.kind, made.sums) == (ProposalKind.LISTING, (2, 0, 0))
    done, tally = approve(world.session, SystemClock(), made.proposal_id, BRAM)
    assert (done.state, done.decided_by, tally.added) == (ProposalState.APPROVED, "bram", 2)
    assert ids(world) == {"e0", "e1"}
    head = next(History(world.session).newest_first()).head
    assert (head.by, head.approved_by, head.proposal) == ("anna", "bram", made.proposal_id)
    assert world.reader.entry("wanted", "e1") == entry(1, provider="be")


def test_the_same_person_is_refused(world: World) -> None:
    """Exit code 4, and the proposal stays open."""
    made = proposed(world)
    with pytest.raises(PolicyRefused, match="made by this person") as caught:
        approve(world.session, SystemClock(), made.proposal_id, Decision("anna"))
    assert caught.value.exit_code == 4
    assert ids(world) == set()
    assert Proposals(world.session, SystemClock()).one(made.proposal_id).state == "open"


def test_a_proposal_holds_once(world: World) -> None:
    """Approved, it cannot be approved or rejected again; what was removed since stays removed."""
    made = proposed(world)
    approve(world.session, SystemClock(), made.proposal_id, BRAM)
    world.writer.remove([("wanted", "e0")])
    with pytest.raises(PolicyRefused, match="approved, not open"):
        approve(world.session, SystemClock(), made.proposal_id, BRAM)
    with pytest.raises(PolicyRefused, match="not open"):
        Proposals(world.session, SystemClock()).reject(made.proposal_id, BRAM)
    assert ids(world) == {"e1"}


def test_many_approvals_at_once_apply_once(world: World, redis_url: str) -> None:
    """Of several people at the same moment one puts it in force; the others are refused."""
    made = proposed(world)
    together = threading.Barrier(4)

    def one(number: int) -> bool:
        with RedisSession(redis_url) as session:
            together.wait(5)
            try:
                approve(session, SystemClock(), made.proposal_id, Decision(f"p{number}"))
            except PolicyRefused:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 1
    assert len(list(History(world.session).newest_first())) == 1


def test_changes_of_a_proposal_that_was_decided_meanwhile_are_no_damage(world: World) -> None:
    """Who read it while it was open is told that it is open no more."""
    made = proposed(world)
    approve(world.session, SystemClock(), made.proposal_id, BRAM)
    with pytest.raises(PolicyRefused, match="approved, not open"):
        Proposals(world.session, SystemClock()).chunks(made)


def test_a_rejected_proposal_is_gone(world: World) -> None:
    """Its changes are deleted at once; the reason is kept; it cannot be approved."""
    made = proposed(world)
    proposals = Proposals(world.session, SystemClock())
    proposals.reject(made.proposal_id, Decision("bram", "no ground"))
    kept = proposals.one(made.proposal_id)
    assert (kept.state, kept.decision) == (ProposalState.REJECTED, "no ground")
    assert not world.session.ask("EXISTS", f"anpr:{{wl}}:proposed:{made.proposal_id}")
    with pytest.raises(PolicyRefused, match="rejected, not open"):
        approve(world.session, SystemClock(), made.proposal_id, BRAM)


def test_a_proposal_runs_out(world: World) -> None:
    """After its hours it is not open any more, and Redis forgets its changes by itself."""
    made = proposed(world)
    late = LateClock(HOURS + 1)
    with pytest.raises(PolicyRefused, match="expired, not open"):
        approve(world.session, late, made.proposal_id, BRAM)
    assert Proposals(world.session, late).all()[0].state == ProposalState.EXPIRED
    assert world.session.ask("TTL", f"anpr:{{wl}}:proposed:{made.proposal_id}") > 0
    assert Proposals(world.session, late).purge(1) == 1


def test_changed_content_is_refused(world: World) -> None:
    """What stands in Redis must be what was proposed, to the byte; nothing is applied else."""
    made = proposed(world)
    key = f"anpr:{{wl}}:proposed:{made.proposal_id}"
    world.session.ask("LSET", key, 0, b"other")
    with pytest.raises(StoreError, match="not those that were proposed"):
        approve(world.session, SystemClock(), made.proposal_id, BRAM)
    assert ids(world) == set()


def test_a_digest_that_was_looked_at_is_held_to(world: World) -> None:
    """Approval of another digest than that of the proposal is refused."""
    made = proposed(world)
    with pytest.raises(PolicyRefused, match="another digest"):
        approve(world.session, SystemClock(), made.proposal_id, Decision("bram", "", "00"))
    seen = Decision("bram", "", made.digest[:12])
    assert approve(world.session, SystemClock(), made.proposal_id, seen)[1].added == 2


def test_an_interrupted_approval_goes_on(world: World) -> None:
    """Chunks that are in force are not written again; the others are, by whoever runs it."""
    made = proposed(world, 2_500)
    assert made.chunks == 3
    proposals = Proposals(world.session, SystemClock())
    chunk = proposals.chunks(made)[1]
    proposals.claim(made.proposal_id, BRAM, 0)
    act = Act(ActKind.IMPORT, "anna", proposal=made.proposal_id, part=1)
    first = StoreWriter(world.session, "be", SystemClock(), act).apply(unpacked(chunk))
    taken_out = next(iter(ids(world)))
    world.writer.remove([("wanted", taken_out)])
    with pytest.raises(PolicyRefused, match="applying"):
        approve(world.session, SystemClock(), made.proposal_id, Decision("carl"))
    later = LateClock(1)
    _, tally = approve(world.session, later, made.proposal_id, Decision("carl"))
    assert (first.added, tally.added) == (1_000, 1_500)
    assert len(ids(world)) == 2_499
    assert taken_out not in ids(world)


def test_only_what_widens_waits_where_so_set(world: World) -> None:
    """With the rule `abroad`, an entry shown to more sites waits; others are in force at once."""
    writer = guarded(world, Approval.ABROAD)
    tally = writer.put([entry(1), entry(2, sharing="nl")])
    made = writer.submit("wanted", HOURS)
    assert made is not None
    assert (tally.added, writer.waiting, made.kind) == (1, 1, ProposalKind.WIDENING)
    approve(world.session, SystemClock(), made.proposal_id, BRAM)
    again = guarded(world, Approval.ABROAD)
    again.put([entry(2, sharing="nl", note="seen"), entry(1, sharing="nl")])
    narrower = again.submit("wanted", HOURS)
    assert narrower is not None
    assert narrower.sums == (0, 1, 0)
    found = world.reader.entry("wanted", "e2")
    assert found is not None
    assert found.note == "seen"
    assert again.remove([("wanted", "e2")]).removed == 1


def test_what_changes_nothing_is_no_proposal(world: World) -> None:
    """Entries that stand as they are need nobody's approval."""
    world.writer.put([entry(1)])
    writer = guarded(world, Approval.ALL)
    assert writer.put([entry(1)]).unchanged == 1
    assert writer.submit("wanted", HOURS) is None


def test_removals_wait_where_all_does(world: World) -> None:
    """With the rule `all`, a removal is a proposal of its own kind."""
    world.writer.put([entry(1)])
    writer = guarded(world, Approval.ALL)
    writer.remove([("wanted", "e1"), ("wanted", "e7")])
    made = writer.submit("wanted", HOURS)
    assert made is not None
    assert (made.kind, made.sums, ids(world)) == (ProposalKind.REMOVAL, (0, 0, 1), {"e1"})
    approve(world.session, SystemClock(), made.proposal_id, BRAM)
    assert ids(world) == set()


def test_another_sites_list_cannot_be_proposed_for(world: World) -> None:
    """A proposal for a list that another site provides is refused at once."""
    world.writer.put([entry(1)])
    with pytest.raises(PolicyRefused, match="provided by site be"):
        guarded(world, Approval.ALL, "nl").put([entry(2)])


def test_a_guard_is_taken_off_by_two(world: World) -> None:
    """A list stays guarded until the proposal to end that is approved by somebody else."""
    guards = Guards(world.session, SystemClock())
    guards.put("wanted", "anna")
    proposals = Proposals(world.session, SystemClock())
    made = proposals.submit(Asked(ProposalKind.UNGUARDING, "be", "wanted", HOURS), ANNA)
    assert guards.lists() == {"wanted"}
    approve(world.session, SystemClock(), made.proposal_id, BRAM)
    assert guards.lists() == set()


def test_a_permit_holds_once_and_for_who_asked(world: World) -> None:
    """A replay that was approved may be made once, by its own asker, and is no look-up."""
    proposals = Proposals(world.session, SystemClock())
    made = proposals.submit(Asked(ProposalKind.REPLAY, "be", "", HOURS), ANNA)
    with pytest.raises(PolicyRefused, match="permits"):
        proposals.use(made.proposal_id, ProposalKind.REPLAY, "anna")
    approve(world.session, SystemClock(), made.proposal_id, BRAM)
    for kind, by in ((ProposalKind.REPLAY, "bram"), (ProposalKind.LOOK_UP, "anna")):
        with pytest.raises(PolicyRefused, match="permits"):
            proposals.use(made.proposal_id, kind, by)
    assert proposals.use(made.proposal_id, ProposalKind.REPLAY, "anna").state == "used"
    with pytest.raises(PolicyRefused, match="permits"):
        proposals.use(made.proposal_id, ProposalKind.REPLAY, "anna")


def test_an_unknown_proposal_is_told(world: World) -> None:
    """One sentence says that there is none."""
    with pytest.raises(InputFileError, match="no such proposal"):
        approve(world.session, SystemClock(), "none", BRAM)

"""Random stories of hits against a plain reading of the rules.

The reading keeps no state: whether a step may follow, and where each hit stands, is searched for in
the list of steps that were taken before.
"""

from dataclasses import dataclass, field

from handling_worlds import HITS, Events, situation, subject
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.policy.handled import HitState, Subject
from anpr_engine.policy.handling import apply, replay
from anpr_engine.policy.handling_events import Event, IllegalStep
from anpr_engine.policy.handling_reports import all_due, compose, due
from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.records.messages import ReportA

POLICIES = shipped_policies()
OF_HITS = ("validated", "dismissed", "acted", "not-acted", "reported:A", "reported:B")
OF_ENTRY = ("delivered", "corrected", "replaced", "wanted", "not-wanted", "withdrawn", "refused")


LIVES = ("hit validated not-acted reported:B", "hit acted reported:A", "hit validated dismissed")


@st.composite
def stories(draw: st.DrawFn) -> list[str]:
    """Draw steps: whole lives of hits or their beginnings, and single steps in between."""
    words = ["delivered"]
    for _ in range(draw(st.integers(0, 12))):
        number = draw(st.integers(0, 2))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            life = draw(st.sampled_from(LIVES)).split()
            words += [_about(step, number) for step in life[: draw(st.sampled_from([4, 4, 3, 2]))]]
        elif kind == 1:
            words.append(f"hit:{number}:fuzzy")
        elif kind == 2:
            words.append(_about(draw(st.sampled_from(OF_HITS)), number))
        else:
            words.append(draw(st.sampled_from(OF_ENTRY)))
    return [*words, *draw(st.sampled_from([[], [], ["withdrawn"], ["replaced", "hit:0:exact"]]))]


def _about(name: str, number: int) -> str:
    name, _, more = name.partition(":")
    if name == "hit":
        more = "exact"
    return f"{name}:{number}:{more}" if more else f"{name}:{number}"


@dataclass
class Plain:
    """The steps taken, as words."""

    log: list[str] = field(default_factory=list)

    def any(self, *words: str, upto: int | None = None) -> bool:
        """Say whether a step was taken, whatever comes after its hit's number."""
        taken = self.log[:upto]
        return any(one == word or one.startswith(f"{word}:") for one in taken for word in words)

    def plate(self, upto: int) -> str:
        """Say which plate was the entry's after so many steps."""
        last = [one for one in self.log[:upto] if one in {"delivered", "corrected", "replaced"}]
        return "other" if last[-1] == "replaced" else "first"

    def recalled(self, number: int) -> bool:
        """Say whether something took the hit back while it was open."""
        made = next(
            (at for at, one in enumerate(self.log) if one.startswith(f"hit:{number}")), None
        )
        if made is None:
            return False
        for at in range(made + 1, len(self.log)):
            word = self.log[at]
            ends = word in {"withdrawn", "refused"}
            changes = word in {"delivered", "corrected", "replaced"}
            if ends or (changes and self.plate(at) != self.plate(at + 1)):
                safe = (f"acted:{number}", f"dismissed:{number}", f"reported:{number}")
                if not self.any(*safe, upto=at):
                    return True
        return False

    def may(self, word: str) -> bool:
        """Say whether a step may follow."""
        name, _, rest = word.partition(":")
        number, _, more = rest.partition(":")
        ended = self.any("withdrawn", "refused")
        if name in {"delivered", "corrected", "replaced", "withdrawn", "refused"}:
            return not ended
        if name in {"wanted", "not-wanted"}:
            return any(one.startswith("reported:") and one.endswith(":B") for one in self.log)
        known = self.any(f"hit:{number}")
        if name == "hit":
            return not ended and not known
        if not known or self.any(f"dismissed:{number}") or self.recalled(int(number)):
            return False
        acted, not_acted = self.any(f"acted:{number}"), self.any(f"not-acted:{number}")
        looked = self.any(f"validated:{number}")
        told = self.any(f"reported:{number}")
        exact = f"hit:{number}:exact" in self.log
        return {
            "validated": not looked,
            "dismissed": not acted and not told,
            "acted": not acted and not not_acted and (exact or looked),
            "not-acted": not acted and not not_acted and (exact or looked),
            "reported": not told and (acted if more == "A" else not_acted),
        }[name]

    def state(self, number: int) -> HitState:
        """Say where a hit stands."""
        if self.recalled(number):
            return HitState.RECALLED
        for word in ("dismissed", "acted", "not-acted", "validated"):
            if self.any(f"{word}:{number}"):
                return HitState(word)
        return HitState.UNVERIFIED


def taken(words: list[str]) -> tuple[Subject, Plain, list[Event]]:
    """Take the steps of a story that may be taken; the reading and the machine agree on which."""
    state, plain, events, story = subject(), Plain(), Events(), []
    for word in words:
        event = events.step(word)
        expected = plain.may(word)
        try:
            state = apply(state, event)
        except IllegalStep:
            assert not expected, word
            continue
        assert expected, word
        plain.log.append(word)
        story.append(event)
    return state, plain, story


@given(words=stories())
def test_the_machine_and_the_plain_reading_agree(words: list[str]) -> None:
    """Every step is taken or refused alike, and all hits and counters end up the same."""
    state, plain, _ = taken(words)
    for number, hit_id in enumerate(HITS):
        if hit_id in state.hits:
            assert state.hits[hit_id].state == plain.state(number)
    assert state.actions_done == sum(word.startswith("acted:") for word in plain.log)
    told = [word for word in plain.log if word.startswith("reported:") and word.endswith(":B")]
    assert state.first_reported == bool(told)
    answers = [word for word in plain.log if word in {"wanted", "not-wanted"}]
    assert state.later_wanted == (answers[-1] == "wanted" if answers else None)


@given(words=stories(), again=st.data())
def test_saying_things_twice_changes_nothing(words: list[str], again: st.DataObject) -> None:
    """With any of its events repeated later, a story ends in the same state."""
    state, _, story = taken(words)
    doubled = list(story)
    for event in again.draw(st.lists(st.sampled_from(story), max_size=5)):
        first = doubled.index(event)
        doubled.insert(again.draw(st.integers(first + 1, len(doubled))), event)
    assert replay(subject(), doubled) == state


@given(words=stories())
def test_what_goes_out_goes_out_lawfully(words: list[str]) -> None:
    """Nothing recalled, nothing unseen by a person, one first report, no person in a report B."""
    state, _, _ = taken(words)
    now = situation()
    ready = [
        compose(state, found, now, POLICIES)
        for found in all_due(state, now, POLICIES)
        if found.obstacle is None
    ]
    firsts = [one for one in ready if not isinstance(one, ReportA)]
    assert state.first_reported or len(firsts) <= 1
    for report in ready:
        hit = state.hits[report.hit_id]
        assert hit.state in {HitState.ACTED, HitState.NOT_ACTED}
        assert hit.validated or hit.made.tier == "exact"
        if not isinstance(report, ReportA):
            assert hit.validated or state.first_reported
            assert "anary" not in report.model_dump_json()
    for hit_id in state.in_state(HitState.ACTED):
        told = state.hits[hit_id].report is not None
        assert told or due(state, hit_id, now, POLICIES).obstacle is None

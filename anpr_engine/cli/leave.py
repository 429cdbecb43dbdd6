"""A second person's leave for one act: `anpr watchlist request` asks for it, the act uses it up.

Why used before the act and its record: a leave that two commands use at once must serve one. If the
record then cannot be written, the leave is spent, and nothing was shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from anpr_engine.cli.watchlist_record import Noted
from anpr_engine.cli.watchlist_store import Store
from anpr_engine.errors import PolicyRefused
from anpr_engine.watchlist.approval import Leave
from anpr_engine.watchlist.proposals import ProposalKind, Proposals

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody is about to do, and the leave given for it; empty for none."""

    kind: ProposalKind
    by: str
    purpose: str
    case_ref: str
    leave: str


def leave_option(command: Command) -> Command:
    """Add `--leave`."""
    help_ = "A second person's leave for this, from `anpr watchlist request`; holds once."
    return click.option("--leave", metavar="PROPOSAL", help=help_)(command)


def is_needed(rule: Leave, kind: ProposalKind) -> bool:
    """Say whether a site asks for leave for an act of a kind."""
    return rule is Leave.ALL or (rule is Leave.REPLAY and kind is ProposalKind.REPLAY)


def refuse_without(wanted: Wanted, rule: Leave) -> None:
    """Refuse an act that needs a leave and has none.

    Raises:
        PolicyRefused: says how to ask for one.

    """
    if not wanted.leave and is_needed(rule, wanted.kind):
        what = "This site asks for a second person's leave for that. Nothing was shown."
        ask = f"Ask with `anpr watchlist request {wanted.kind.value}`, then give --leave."
        raise PolicyRefused(what, ask)


def use_leave(wanted: Wanted, proposals: Proposals) -> None:
    """Use a leave up, where one is given.

    Raises:
        PolicyRefused: it is for another purpose, case, kind or person, or does not hold any more.
        InputFileError: there is none of this id.

    """
    if not wanted.leave:
        return
    asked = proposals.one(wanted.leave)
    told = (wanted.purpose, wanted.case_ref)
    if [_word(each) for each in told] != [_word(each) for each in (asked.purpose, asked.case_ref)]:
        what = f"Leave {wanted.leave} was given for another purpose or case than this."
        raise PolicyRefused(what, "Give the --purpose and --case that it was asked for with.")
    proposals.use(wanted.leave, wanted.kind, wanted.by)


def show_by_leave(store: Store, given: Mapping[str, Any], noted: Noted) -> None:
    """Write who is about to see what, once any leave that it needs is used up.

    Raises:
        PolicyRefused: a leave is needed, or the one given is none for this.
        BrokerError: the record has to be written, and cannot be.

    """
    act = store.act
    leave = given["leave"] or ""
    wanted = Wanted(ProposalKind.LOOK_UP, act.by, act.purpose, act.case_ref, leave)
    refuse_without(wanted, store.settings.leave)
    use_leave(wanted, Proposals(store.session, store.clock))
    if leave:
        noted = replace(noted, subject=f"{noted.subject}, by leave {leave}")
    store.record.shown(noted)


def _word(text: str) -> str:
    return text.strip().casefold()

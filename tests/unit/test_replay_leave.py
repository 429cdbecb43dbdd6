"""A replay's leave: used up when it begins, and good for going on after an interruption."""

from typing import Any

import pytest

from anpr_engine.cli.replay_options import ReplayOptions
from anpr_engine.cli.replay_purpose import use_replay_leave
from anpr_engine.cli.replay_site import ReplaySite
from anpr_engine.errors import PolicyRefused, StoreError
from anpr_engine.pipeline.core import StepRules
from anpr_engine.watchlist.approval import Leave

NOWHERE = "redis://127.0.0.1:1/0"


def asked(leave: str | None) -> ReplayOptions:
    """Ask for a replay of a site's own past."""
    given: dict[str, Any] = dict.fromkeys(ReplayOptions.__slots__)
    given |= {"reads": (), "more": (), "from_offset": {0: 0}, "to_offset": {}, "late": 0}
    given |= {"actor": "anna", "purpose": "burglary", "case_ref": "B-12", "leave": leave}
    return ReplayOptions(**given)


def site(rule: Leave) -> ReplaySite:
    """Make a site whose Redis nobody reaches."""
    return ReplaySite(StepRules(), {}, redis_url=NOWHERE, leave=rule)


def test_a_replay_that_was_interrupted_goes_on_by_the_leave_it_used() -> None:
    """What is begun asks nobody again; what begins does, and its leave is part of what it is."""
    options = asked("5f0c6a1e9b7d")
    use_replay_leave(options, site(Leave.REPLAY), begun=True)
    with pytest.raises(StoreError):
        use_replay_leave(options, site(Leave.REPLAY), begun=False)
    assert options.as_asked()["--leave"] == "5f0c6a1e9b7d"
    assert "--leave" not in asked(None).as_asked()


@pytest.mark.parametrize("rule", list(Leave))
def test_going_on_needs_the_leave_too(rule: Leave) -> None:
    """Without one it is refused where the site asks for it, begun or not."""
    for begun in (False, True):
        if rule is Leave.NONE:
            use_replay_leave(asked(None), site(rule), begun=begun)
            continue
        with pytest.raises(PolicyRefused, match="request replay"):
            use_replay_leave(asked(None), site(rule), begun=begun)

"""The lists found at a start are none from before those that the record says were used."""

import json
import re
from pathlib import Path

import pytest

from anpr_engine.audit.lists_used import ANY, refuse_older, version_used
from anpr_engine.errors import StoreRolledBack
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.wiring_lists import check_lists_used


def line(minute: int, version: int | None) -> bytes:
    """Write what counts of an audit line."""
    told = {"chain": "be/engine-0", "occurred_at": f"2026-11-22T09:{minute:02d}:00Z"}
    return json.dumps(told if version is None else told | {"watchlist_version": version}).encode()


def test_the_newest_line_counts() -> None:
    """By its time, in whatever partition it lies; a person may have let an older version pass."""
    assert version_used([line(1, 40), line(3, 12), line(2, 41)]) == 12
    assert version_used([line(1, None), b"no line"]) == 0
    assert version_used([]) == 0


@pytest.mark.parametrize("found", [0, 39])
def test_older_lists_are_refused(found: int) -> None:
    """An older copy, and an empty store; the error says both versions and what to do."""
    with pytest.raises(StoreRolledBack, match=re.escape(f"version {found}")) as told:
        refuse_older(found, 40, "no")
    assert f"ANPR_WATCHLIST__ACCEPT_OLDER={found}" in told.value.remedy
    with pytest.raises(StoreRolledBack):
        refuse_older(found, 40, found + 1)


@pytest.mark.parametrize(("found", "accepted"), [(40, "no"), (41, "no"), (39, 39), (3, ANY)])
def test_other_lists_are_taken(found: int, accepted: int | str) -> None:
    """The same, newer ones, and those that a person let pass."""
    refuse_older(found, 40, accepted)


def test_what_cannot_be_compared_is_a_warning(tmp_path: Path) -> None:
    """Where Redis does not answer, another finding fails; this one says that it knows nothing."""
    log = HistorySettings("localhost:1", "anpr.audit.be", NO_SECURITY)
    found = check_lists_used("be", f"unix://{tmp_path / 'none.sock'}", log, "no")
    assert (found.check, found.state) == ("record", "warn")
    assert found.what.startswith("not compared with the lists: Redis at ")
    assert found.remedy

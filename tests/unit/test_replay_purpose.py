"""What a replay is for, against what its lists are for."""

import pytest

from anpr_engine.cli.replay_purpose import lists_for_other_purposes
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of


def lists(*said: tuple[str, str, str]) -> list[WatchlistEntry]:
    """Make an entry for each list id, purpose and category."""
    return [
        WatchlistEntry.model_validate(
            {"entry_id": str(number), "list_id": list_id, "plate": "1-ABC-123"}
            | {"purpose": purpose, "category": category}
        )
        for number, (list_id, purpose, category) in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("said", "purpose", "refused"),
    [
        ([("l", "", "drug-smuggling")], "burglary", ["l"]),
        ([("l", "", "drug-smuggling")], " Drug-Smuggling", []),
        ([("l", "Transit crime", "drug-smuggling")], "transit crime", []),
        ([("l", "", "other")], "anything", []),
        ([("l", "Transit crime", "other")], "other", ["l"]),
        ([("l", "", "burglary"), ("l", "", "drug-smuggling")], "burglary", []),
        ([("a", "", "burglary"), ("b", "", "drug-smuggling")], "burglary", ["b"]),
        ([("a", "", "burglary"), ("b", "", "other")], "burglary", []),
        ([("a", "x", "other")], "", ["a"]),
    ],
)
def test_a_list_is_used_for_what_it_was_made_for(
    said: list[tuple[str, str, str]], purpose: str, refused: list[str]
) -> None:
    """Purpose or category must be the one given; a list that says neither is not compared."""
    assert lists_for_other_purposes(snapshot_of(lists(*said)).profiles, purpose) == refused

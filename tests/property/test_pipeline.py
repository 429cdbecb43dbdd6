"""The whole pure step against its naive twin."""

from datetime import timedelta

import oracle
import strategies
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.pipeline.columns import Circumstances
from anpr_engine.pipeline.core import StepRules, step
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of

HERE = Circumstances("be", int(strategies.NOW.timestamp() * 1e6), 0, watchlist_stale=False)


def lawful(entry: WatchlistEntry) -> bool:
    """Say whether a Dutch entry may be used in Belgium (agreement, articles 11(2) and 15(1))."""
    given_there = (entry.country, entry.owner, entry.valid_until, entry.max_actions)
    return "be" in entry.shared_with and all(given_there)


@given(
    st.lists(st.one_of(strategies.read_values(), strategies.damaged_values()), max_size=25),
    st.lists(strategies.entries(), max_size=25),
)
def test_the_step_alerts_for_exactly_the_reads_the_twin_names(
    values: list[bytes], entries: list[WatchlistEntry]
) -> None:
    """Hits are those of dictionaries and dates; alerts are the hits that the law lets go."""
    result = step(values, snapshot_of(entries), StepRules(MatchRules(near=False)), HERE)
    expected = oracle.matches(values, entries, strategies.NOW)
    latest = {(entry.list_id, entry.entry_id): entry for entry in entries}
    told = {
        (read, list_id, entry_id)
        for read, list_id, entry_id in expected
        if latest[list_id, entry_id].provider in (None, "be") or lawful(latest[list_id, entry_id])
    }
    alerts = [decided.alert for decided in result.alerts]
    assert {
        (alert.read.read_id, alert.entry.list_id, alert.entry.entry_id) for alert in alerts
    } == told
    refused = {reject.row for reject in result.rejects}
    # A damaged byte may date a read ahead of the engine's clock.
    latest_at = strategies.NOW + timedelta(microseconds=StepRules().future_us_max)
    assert refused == {
        row
        for row, read in enumerate(oracle.scan_reads(values))
        if read is None or read.captured_at > latest_at
    }

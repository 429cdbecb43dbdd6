"""What the search for misread plates knows of a text that few edits do not explain."""

import json

from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.match import MatchRules, near_rules
from anpr_engine.pipeline.near import NearRules, near_matches, through_gate
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.pipeline.score import LUMPINESS
from anpr_engine.plates.reading import shipped_reading
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.snapshot import snapshot_of

NOW_US = 1_795_400_000_000_000
ODD = "W7W7W7W7"
"""No country's plate, nor two edits from one."""
PRINTED = "W7-W7-W7-W7"


def test_a_text_that_two_edits_do_not_explain_is_bounded_by_a_walk() -> None:
    """Without a bound, everything listed near by would have to be weighed."""
    snapshot = snapshot_of(
        [WatchlistEntry(entry_id="e1", list_id="be-drugs", plate=f"{ODD[:-2]}22")]
    )
    read = {"read_id": "r1", "camera_id": "c1", "captured_at": "2026-11-22T08:59:59Z"}
    reads = decode([json.dumps(read | {"plate": PRINTED, "confidence": 0.9}).encode()], NOW_US)
    rules = near_rules(MatchRules(), snapshot)
    found = near_matches(reads, normalise_plates(reads, 4), snapshot, rules, shipped_reading())
    assert found.least[0] > 0


def test_doubts_open_the_gate_whatever_path_a_read_took() -> None:
    """Of a plate just too common, the reads with doubts are looked at: scanned and careful."""
    read = {"read_id": "r1", "camera_id": "c1", "captured_at": "2026-11-22T08:59:59Z"}
    plain = {**read, "plate": "1-ABC-123", "confidence": 0.65}
    doubts = [{"char": char, "confidence": 0.6} for char in "1ABC123"]
    scanned = json.dumps(plain | {"characters": doubts})
    careful = scanned.replace('"char": "A"', '"char": "\\u0041"')
    model = shipped_reading()
    for values in ([json.dumps(plain), scanned], [json.dumps(plain), scanned, careful]):
        reads = decode([value.encode() for value in values], NOW_US)
        assert list(reads.careful) == [2][: len(values) - 2]
        plates = normalise_plates(reads, 4)
        share = model.claimed_shares(plates, reads.country)[0]
        assert model.channel.band_of(reads.confidence[:1])[0] == model.reach.argmax()
        odds = 2 * model.reach.max() / (share * LUMPINESS)
        rows, _ = through_gate(reads, plates, model, NearRules(odds))
        assert rows.tolist() == [1, 2][: len(values) - 1]

"""What cameras usually see: learning it, keeping it in a file, and looking it up."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from camera_worlds import COUNTRIES, SHARES, decoded, fitted, mixes, read, two_sites_file

import anpr_engine as anpr
from anpr_engine.config import MatchSettings
from anpr_engine.errors import InputFileError, UsageError
from anpr_engine.plates.camera_mix import (
    FACTOR_RANGE,
    PRIOR_READS,
    cameras_of,
    load_cameras,
    save_cameras,
)
from anpr_engine.plates.traffic import ODD
from anpr_engine.simulate.traffic import Traffic
from anpr_engine.wiring import reading_model_of


@pytest.fixture
def two_sites(tmp_path: Path) -> Path:
    """Give a file of one camera that sees Belgians alone, and one that sees Dutch alone."""
    return two_sites_file(tmp_path)


def test_a_read_counts_by_what_speaks_for_a_country() -> None:
    """A text of one country counts for it; one of several is parted, the claim decides most."""
    cameras = {
        "be": read("be", plate="1-ABC-123"),
        "nl": read("nl", plate="GB-001-B", confidence=0.95),
        "several": read("several", plate="BAB123"),
        "claimed": read("claimed", plate="BAB123", country="DE"),
    }
    found = fitted([list(cameras.values())]).cameras
    assert found["be"] == {"BE": 1.0}
    assert found["nl"] == {"NL": 1.0}
    assert len(found["several"]) > 1
    assert sum(found["several"].values()) == pytest.approx(1.0)
    assert found["claimed"]["DE"] > max(found["several"]["DE"], 0.9)


def test_what_says_little_is_left_out() -> None:
    """Unsure reads, texts of no format and unread ones count for nothing; refused rows neither."""
    values = [
        read(plate="1-ABC-123", confidence=0.5),
        read(plate="QQQQQQQQQQ"),
        read(plate="1-AB?-123"),
        read(plate="??"),
        b"no JSON",
        read(plate="1-ABC-123", confidence=0.8),
    ]
    found = fitted([values])
    assert (found.reads, found.left_out) == (1, 4)
    assert found.cameras == {"c": {"BE": 1.0}}


def test_the_same_reads_make_the_same_file(tmp_path: Path) -> None:
    """In any order and any batches, to the byte; the version is that of the content."""
    rng = random.Random(7)
    plates = ["1-ABC-123", "GB-001-B", "BAB123", "AB-123-CD", "AB1234", "XX 12 AB"]
    values = [read(f"c{rng.randrange(5)}", plate=rng.choice(plates)) for _ in range(300)]
    files = []
    for name, cut in (("a", 300), ("b", 7)):
        path = tmp_path / name
        save_cameras(fitted([values[at : at + cut] for at in range(0, 300, cut)]), path)
        files.append(path.read_bytes())
        rng.shuffle(values)
    assert files[0] == files[1]
    assert load_cameras(tmp_path / "a").version != fitted([values[:299]]).version


def test_a_camera_of_the_usual_mix_changes_nothing() -> None:
    """Its factors are 1, as are those of an unknown camera and of plates without a country."""
    usual = {country: 1e6 * share for country, share in SHARES.items()}
    found = mixes({"usual": usual, "be": {"BE": 5e4}})
    assert found.of_camera(b"usual") == pytest.approx(dict.fromkeys((*COUNTRIES, ODD), 1.0))
    assert found.of_camera(b"unknown") is None
    assert (found.factors[-1] == 1.0).all()
    assert (found.of_camera(b"be") or {})[ODD] == 1.0


def test_few_reads_say_little_and_many_not_everything() -> None:
    """Factors are drawn towards 1 by the reads of the prior, and never leave their range."""
    found = mixes({"none": {}, "few": {"NL": 50.0}, "many": {"LU": 1e9}})
    few, many = found.of_camera(b"few") or {}, found.of_camera(b"many") or {}
    assert set((found.of_camera(b"none") or {}).values()) == {1.0}
    share = SHARES["NL"] / sum(SHARES.values())
    assert few["NL"] == pytest.approx((50 / share + PRIOR_READS) / (50 + PRIOR_READS))
    assert few["BE"] == pytest.approx(PRIOR_READS / (50 + PRIOR_READS))
    assert (many["BE"], many["LU"]) == FACTOR_RANGE


def test_a_country_that_was_not_counted_is_not_judged() -> None:
    """A pack that came after the file keeps a factor of 1, and a pack that is gone is ignored."""
    found = mixes({"c": {"BE": 5e4, "XX": 9e9}}, ["BE", "NL", "XX"]).of_camera(b"c") or {}
    assert set(found) == {*COUNTRIES, ODD}
    assert found["DE"] == found["FR"] == found[ODD] == 1.0
    assert found["BE"] > 1 > found["NL"]


def test_reads_are_looked_up_by_their_camera() -> None:
    """Whether the scanner or the careful path took them; relative to the camera's largest."""
    names = ["be-1", "unknown", 'a"b', "caméra", "be-1"]
    values = [read(name, plate="1-ABC-123") for name in names]
    values[3] = values[3].replace(b"\\u00e9", "é".encode())
    reads = decoded(values)
    assert 2 in reads.careful
    assert 3 not in reads.careful
    rows = np.array([4, 3, 2, 1])
    assert cameras_of(reads, rows) == [names[row].encode() for row in rows.tolist()]
    known = {"be-1": {"BE": 5e4}, 'a"b': {"NL": 5e4}, "caméra": {"DE": 900.0}}
    found = mixes(known)
    factors = found.of_reads(reads, rows)
    assert factors.shape == (4, len(COUNTRIES) + 1)
    assert factors.max(axis=1) == pytest.approx(1.0)
    best = [found.countries[place] for place in factors[:3].argmax(axis=1).tolist()]
    assert best == ["BE", "DE", "NL"]
    assert (factors[3] == 1.0).all()


def test_files_that_are_none_end_in_one_sentence(two_sites: Path, tmp_path: Path) -> None:
    """Missing, no JSON, of another make, of a bad count, changed by hand: each is said."""
    raw = json.loads(two_sites.read_bytes())
    changed = {**raw, "cameras": {"be-1": {"NL": 1.0}}}
    cases: dict[str, object] = {
        "no file of cameras": [1],
        "another make": {**raw, "format": 2},
        "was changed": changed,
        "no file": {**raw, "cameras": {"be-1": {"NL": -1.0}}},
    }
    path = tmp_path / "x.json"
    for what, content in cases.items():
        path.write_text(json.dumps(content))
        with pytest.raises(UsageError, match=what):
            load_cameras(path)
    with pytest.raises(UsageError, match="anpr cameras fit"):
        load_cameras(tmp_path / "none.json")
    with pytest.raises(UsageError, match="no file of cameras"):
        anpr.Engine([], cameras=str(tmp_path / "none.json"))


def test_a_file_is_written_whole_or_not_at_all(two_sites: Path, tmp_path: Path) -> None:
    """Where it cannot be written the error says so, and no part of it stays."""
    counts = load_cameras(two_sites)
    folder = tmp_path / "taken"
    folder.mkdir()
    with pytest.raises(InputFileError, match="cannot be written"):
        save_cameras(counts, folder)
    assert sorted(tmp_path.iterdir()) == [two_sites, folder]
    save_cameras(counts, two_sites)
    assert load_cameras(two_sites) == counts


def test_a_site_sets_the_file(two_sites: Path) -> None:
    """`match.cameras` names it; empty, as by default, nothing is known of any camera."""
    assert reading_model_of(MatchSettings()).cameras is None
    found = reading_model_of(MatchSettings(cameras=str(two_sites))).cameras
    assert found is not None
    assert set(found.places) == {b"be-1", b"nl-1"}


def test_simulated_cameras_are_learned_as_they_are() -> None:
    """Each site's cameras see the countries that truly passed, as far as the reads can tell."""
    traffic = Traffic(seed=3, start=datetime(2026, 11, 2, 8, tzinfo=UTC), rate_per_s=400)
    reads = list(traffic.reads(4.0))
    found = fitted([[each.json_bytes for each in reads]])
    assert found.reads > 0.8 * len(reads)
    for site in ("be", "nl"):
        seen: dict[str, float] = dict.fromkeys(COUNTRIES, 0.0)
        for camera, row in found.cameras.items():
            for country, count in row.items():
                seen[country] += count if camera.startswith(site) else 0.0
        for country, count in seen.items():
            truly = [each.truth_country == country for each in reads if each.site == site]
            assert count / sum(seen.values()) == pytest.approx(np.mean(truly), abs=0.04)

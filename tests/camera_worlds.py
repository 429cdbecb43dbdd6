"""Reads of cameras, counts of them, and mixes made by hand."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from anpr_engine.pipeline.decode import decode
from anpr_engine.pipeline.normalise import normalise_plates
from anpr_engine.plates.camera_fit import CameraFit
from anpr_engine.plates.camera_mix import (
    CameraCounts,
    CameraMixes,
    camera_mixes,
    save_cameras,
    version_of,
)
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.records.columns import ReadColumns

ANY_TIME_US = 2**62
COUNTRIES = [pack.country for pack in country_packs()]
SHARES = {pack.country: pack.traffic_share for pack in country_packs()}


def read(camera: str = "c", **said: object) -> bytes:
    """Write one read."""
    row = {"read_id": "r", "camera_id": camera, "captured_at": "2026-11-01T08:00:00Z", **said}
    return json.dumps(row).encode()


def decoded(values: Sequence[bytes]) -> ReadColumns:
    """Decode reads of any time."""
    return decode(values, ANY_TIME_US)


def fitted(batches: Sequence[Sequence[bytes]]) -> CameraCounts:
    """Count batches of reads."""
    fit = CameraFit(country_packs())
    for values in batches:
        reads = decoded(values)
        fit.take(reads, normalise_plates(reads, 4))
    return fit.counts()


def counted(cameras: dict[str, dict[str, float]], countries: Sequence[str] = ()) -> CameraCounts:
    """Make counts by hand."""
    known = list(countries or COUNTRIES)
    bare = CameraCounts(reads=1, left_out=0, countries=known, cameras=cameras)
    return msgspec.structs.replace(bare, version=version_of(bare))


def mixes(cameras: dict[str, dict[str, float]], countries: Sequence[str] = ()) -> CameraMixes:
    """Make mixes by hand."""
    return camera_mixes(counted(cameras, countries), country_packs())


def two_sites_file(folder: Path) -> Path:
    """Write a file of one camera that sees Belgians alone, and one that sees Dutch alone."""
    path = folder / "cameras.json"
    save_cameras(counted({"be-1": {"BE": 20_000.0}, "nl-1": {"NL": 20_000.0}}), path)
    return path

"""What each camera usually sees: how much likelier a country is there than on all roads.

A file of counts, learned offline by `anpr cameras fit`, becomes factors P(country | camera) over
P(country), which go with the reader's own claim of a country.

Why counts are in the file, not factors: the same file serves after the packs' shares have changed,
and people can read how much stands behind a mix.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from anpr_engine.errors import UsageError
from anpr_engine.kernels.json_values import SPAN_CAMERA_ID
from anpr_engine.plates.formats import CountryPack
from anpr_engine.plates.traffic import ODD
from anpr_engine.records.columns import ReadColumns
from anpr_engine.whole_files import whole_file

FORMAT = 1
PRIOR_READS = 500.0
"""Reads of the ordinary mix that each camera is taken to have seen besides its own.

Why so many: the same cars pass every day, so that a few hundred reads may be a few dozen vehicles.
"""
FACTOR_RANGE = (0.1, 10.0)
"""No camera makes a country rarer or more frequent than by these.

Why: wanted vehicles drive where their countrymen do not, and a file grows old; what is read has
to be able to outweigh what is usual.
"""
_DIGEST_BYTES = 8
_FIT = "Make one with `anpr cameras fit`."

Count = Annotated[float, msgspec.Meta(ge=0, le=1e15)]


class CameraCounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file of cameras holds.

    version: digest of all the rest, see `version_of`.
    reads: how many were counted. left_out: how many were not: unsure, or of no known format.
    countries: those that reads were counted for.
    cameras: by camera, reads by country, whole thousandths; countries without any are left out.
    """

    format: int = FORMAT
    version: str = ""
    reads: int
    left_out: int
    countries: list[str]
    cameras: dict[str, dict[str, Count]]


@dataclass(frozen=True, slots=True)
class CameraMixes:
    """What cameras usually see, ready for batches.

    version: of the file. countries: what country places mean, as in `ReadingModel`.
    places: a camera's row, by its id in UTF-8.
    factors: float64 (cameras + 1, countries), P(country | camera) / P(country); the last row, 1
        throughout, is that of every unknown camera.
    least: the least that `of_reads` gives for any camera and country.
    """

    version: str
    countries: tuple[str, ...]
    places: Mapping[bytes, int]
    factors: NDArray[np.float64]
    least: float

    def of_reads(self, reads: ReadColumns, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the factors of some reads of a batch, relative to each read's largest.

        Only the proportion of one country to another moves a probability; weights of at most 1
        keep the bounds of search and sum what they are.

        Returns float64 (n, countries), at most 1; 1 throughout for an unknown camera.
        """
        unknown = len(self.factors) - 1
        found = [self.places.get(camera, unknown) for camera in cameras_of(reads, rows)]
        chosen = self.factors[np.array(found, dtype=np.intp)]
        return np.asarray(chosen / chosen.max(axis=1, keepdims=True), np.float64)

    def of_camera(self, camera: bytes) -> dict[str, float] | None:
        """Give one camera's factors by country; None for an unknown one."""
        row = self.places.get(camera)
        if row is None:
            return None
        return dict(zip(self.countries, self.factors[row].tolist(), strict=True))


def cameras_of(reads: ReadColumns, rows: NDArray[np.int64]) -> list[bytes]:
    """Give the camera ids of some reads of a batch, in UTF-8; empty for refused rows."""
    data = reads.buffer.data
    spans = reads.spans[rows, SPAN_CAMERA_ID].tolist()
    found = [data[start : start + length].tobytes() for start, length in spans]
    if reads.careful:
        for place, row in enumerate(rows.tolist()):
            careful = reads.careful.get(row)
            if careful is not None:
                found[place] = careful.camera_id.encode()
    return found


def camera_mixes(counts: CameraCounts, packs: Iterable[CountryPack]) -> CameraMixes:
    """Turn counts into factors.

    Of a country that the counts know nothing of nothing is learned: its factor is 1.

    Args:
        counts: reads by camera and country.
        packs: the countries, as for the model of reading.

    """
    shares = {pack.country: pack.traffic_share for pack in packs}
    known = [country for country in shares if country in counts.countries and shares[country] > 0]
    usual = np.array([shares[country] for country in known])
    usual /= usual.sum() if len(usual) else 1.0
    countries = (*shares, ODD)
    places = [countries.index(country) for country in known]
    factors = np.ones((len(counts.cameras) + 1, len(countries)))
    for row, seen in enumerate(counts.cameras.values()):
        factors[row, places] = _factors(np.array([seen.get(one, 0.0) for one in known]), usual)
    cameras = {camera.encode(): row for row, camera in enumerate(counts.cameras)}
    least = float((factors.min(axis=1) / factors.max(axis=1)).min())
    return CameraMixes(counts.version, countries, cameras, factors, least)


def _factors(seen: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    # The mean of a Dirichlet distribution with PRIOR_READS * usual before anything was seen.
    shares = (seen + PRIOR_READS * usual) / (seen.sum() + PRIOR_READS)
    return np.asarray(np.clip(shares / usual, *FACTOR_RANGE), np.float64)


def read_cameras(path: str | Path, packs: Iterable[CountryPack]) -> CameraMixes:
    """Read a file of counts as factors.

    Raises:
        UsageError: it is no file of cameras.

    """
    return camera_mixes(load_cameras(Path(path)), packs)


def version_of(counts: CameraCounts) -> str:
    """Give the version of counts: a digest of all but the version itself."""
    bare = msgspec.json.encode(msgspec.structs.replace(counts, version=""), order="sorted")
    return hashlib.blake2b(bare, digest_size=_DIGEST_BYTES).hexdigest()


def load_cameras(path: Path) -> CameraCounts:
    """Read a file of cameras.

    Raises:
        UsageError: the file is no such file, or was changed after it was made.

    """
    try:
        counts = msgspec.json.decode(path.read_bytes(), type=CameraCounts)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no file of cameras: {error}.", _FIT) from None
    if counts.format != FORMAT:
        raise UsageError(f"{path} is a file of cameras of another make.", _FIT)
    if counts.version != version_of(counts):
        raise UsageError(f"{path} was changed after it was made.", _FIT)
    return counts


def save_cameras(counts: CameraCounts, path: Path) -> None:
    """Write a file of cameras in one step, the same bytes for the same counts.

    Raises:
        InputFileError: the file cannot be written.

    """
    told = f"The cameras {path}"
    with whole_file(path, told, "Give another path with --out.") as part:
        part.write_bytes(msgspec.json.format(msgspec.json.encode(counts), indent=1) + b"\n")

"""Learn what each camera usually sees: its reads by country, from reads alone.

A read counts for each country as much as its text and the reader's claim speak for it,
P(country | text, claim), with the packs' shares and formats.

Why whole thousandths of a read: sums of whole numbers are the same in any order, so that the same
reads make the same file, however they are sorted and cut into batches.
Why one round, not until nothing changes any more: with the reader's claim the country is nearly
sure, and without it a mix that follows its own guesses would drift.
"""

from collections.abc import Iterable
from operator import itemgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.plate_text import USABLE
from anpr_engine.plates.camera_mix import CameraCounts, cameras_of, version_of
from anpr_engine.plates.claims import claim_factors, claim_places
from anpr_engine.plates.formats import CountryPack
from anpr_engine.plates.gate import gate_tables
from anpr_engine.plates.traffic import ODD
from anpr_engine.records.columns import REFUSED, PlateColumns, ReadColumns

CONFIDENCE_MIN = 0.8
"""Reads that the reader is less sure of are left out: a misread often has another country's shape.
Reads without a confidence count."""
_THOUSANDTHS = 1000


class CameraFit:
    """Counts reads by camera and country, batch by batch.

    reads, left_out: how many were counted, and how many not.
    """

    def __init__(self, packs: Iterable[CountryPack]) -> None:
        """Begin with nothing counted; a read may be of any of these countries."""
        chosen = tuple(packs)
        self.reads = 0
        self.left_out = 0
        self._countries = tuple(pack.country for pack in chosen)
        self._gate = gate_tables(chosen)
        self._claim_places = claim_places((*self._countries, ODD))
        self._claim_factors = claim_factors(len(chosen) + 1)[:, :-1]
        self._thousandths: dict[bytes, NDArray[np.int64]] = {}

    def take(self, reads: ReadColumns, plates: PlateColumns) -> None:
        """Count a batch.

        Args:
            reads: the decoded batch; refused rows play no part.
            plates: its keys.

        """
        shares = self._country_shares(reads, plates)
        counted = np.flatnonzero(shares.any(axis=1))
        self.reads += len(counted)
        self.left_out += int((plates.status != REFUSED).sum()) - len(counted)
        # Each row's parts sum to the whole read.
        parts = np.rint(np.cumsum(shares[counted], axis=1) * _THOUSANDTHS)
        whole = np.diff(parts, axis=1, prepend=0.0).astype(np.int64)
        for camera, row in zip(cameras_of(reads, counted), whole, strict=True):
            sums = self._thousandths.get(camera)
            if sums is None:
                self._thousandths[camera] = row.copy()
            else:
                sums += row

    def counts(self) -> CameraCounts:
        """Give what was counted, with its version."""
        cameras = {
            camera.decode(): _row(self._countries, sums.tolist())
            for camera, sums in sorted(self._thousandths.items(), key=itemgetter(0))
        }
        found = CameraCounts(
            reads=self.reads,
            left_out=self.left_out,
            countries=list(self._countries),
            cameras=cameras,
        )
        return msgspec.structs.replace(found, version=version_of(found))

    def _country_shares(self, reads: ReadColumns, plates: PlateColumns) -> NDArray[np.float64]:
        # P(country | text, claim), float64 (n, packs); 0 throughout for reads that are left out.
        unsure = reads.confidence < CONFIDENCE_MIN
        usable = (plates.status == USABLE) & ~unsure
        own = self._gate.densities(plates.keys)[:, : len(self._countries)]
        claims = self._claim_factors[self._claim_places[reads.country]]
        weights = own * claims * usable[:, None]
        total = weights.sum(axis=1, keepdims=True)
        shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
        return np.asarray(shares, np.float64)


def _row(countries: Iterable[str], thousandths: Iterable[int]) -> dict[str, float]:
    seen = zip(countries, thousandths, strict=True)
    return {country: count / _THOUSANDTHS for country, count in seen if count}

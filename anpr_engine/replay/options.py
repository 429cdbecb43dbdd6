"""What may be told an engine for notebooks and scripts beside its watchlist and its limits."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from anpr_engine.clock import SystemClock
from anpr_engine.plates.camera_mix import read_cameras
from anpr_engine.plates.error_model import shipped_channel
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import ReadingModel, reading_model


class EngineOptions(TypedDict, total=False):
    """Options by name; what they mean and their defaults stand in `ChosenOptions`."""

    characters_min: int
    now_us: Callable[[], int]
    cameras: str | Path | None
    misread_share: float | None
    near: bool


@dataclass(frozen=True, slots=True)
class ChosenOptions:
    """The options of one engine.

    characters_min: plates with fewer characters match nothing.
    now_us: the time, in microseconds since 1970 UTC.
    cameras: what cameras usually see, a file made by `anpr cameras fit`; None: nothing is known.
    misread_share: the share of reads with an error in them; None: as among the reads that the
        model of errors was fitted to.
    near: whether to look for near matches too.
    """

    characters_min: int = 4
    now_us: Callable[[], int] = SystemClock().now_us
    cameras: str | Path | None = None
    misread_share: float | None = None
    near: bool = True

    def model(self) -> ReadingModel | None:
        """Give the model of reading; None for the one that comes with the engine.

        Raises:
            UsageError: the file of cameras is none.

        """
        if self.cameras is None and self.misread_share is None:
            return None
        packs, channel = country_packs(), shipped_channel()
        if self.misread_share is not None:
            channel = channel.on_the_road(self.misread_share)
        cameras = None if self.cameras is None else read_cameras(self.cameras, packs)
        return reading_model(packs, channel, cameras=cameras)

"""Read, version 1: one plate seen by one camera at one time."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.fields import CountryCode, Identifier, Share, Timestamp, Whole

READ_BYTES_MAX = 65_536
"""The largest read accepted, as JSON text."""


class CharacterRead(BaseModel):
    """One character of the plate with the reader's own confidence in it."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    char: Annotated[str, Field(min_length=1, max_length=4)]
    confidence: Share


class CandidateRead(BaseModel):
    """Another reading of the same plate that the reader itself offers."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    plate: Annotated[str, Field(max_length=256)]
    confidence: Share


class Position(BaseModel):
    """Where the camera stands, WGS 84."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class Vehicle(BaseModel):
    """What the reader saw of the vehicle beside its plate."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, populate_by_name=True)

    vehicle_class: Annotated[str | None, Field(alias="class", max_length=64)] = None
    make: Annotated[str | None, Field(max_length=64)] = None
    model: Annotated[str | None, Field(max_length=64)] = None
    colour: Annotated[str | None, Field(max_length=64)] = None


class PlateRead(BaseModel):
    """One plate seen by one camera at one time; `plate` is as read and never repaired."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, title="Plate read, v1")

    read_id: Annotated[Identifier, Field(description="Unique per site.")]
    camera_id: Identifier
    captured_at: Timestamp
    plate: Annotated[str, Field(description="As read, never repaired.")]
    country: CountryCode | None = None
    country_confidence: Share | None = None
    confidence: Share | None = None
    characters: Annotated[list[CharacterRead] | None, Field(max_length=32)] = None
    candidates: Annotated[list[CandidateRead] | None, Field(max_length=64)] = None
    position: Position | None = None
    lane: Annotated[str, Field(max_length=64)] | Whole | None = None
    direction: Annotated[str | None, Field(max_length=64)] = None
    heading_deg: Annotated[float | None, Field(ge=0, le=360)] = None
    speed_kmh: Annotated[float | None, Field(ge=0, le=1000)] = None
    vehicle: Vehicle | None = None
    image_ref: Annotated[str | None, Field(max_length=2048)] = None
    passage_id: Annotated[str | None, Field(max_length=64)] = None
    sent_at: Timestamp | None = None

"""Watchlist entry, version 1: one listed vehicle on one list."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from anpr_engine.records.fields import (
    Action,
    ActionCount,
    Category,
    CountryCode,
    Identifier,
    Priority,
    SiteCode,
    Timestamp,
)
from anpr_engine.records.polygon import POLYGON_PATTERN, corners_of

OWN = "own"
"""`sharing` of an entry that stays with the site that listed it."""

CAMERAS_MAX = 1000
"""Cameras that the area of one entry may name."""
HOURS_PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$"
"""Two times of day; the first belongs to the hours, the second no longer; alike: all day."""

Text = Annotated[str, Field(max_length=256)]
CameraName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^ ;\t\r\n]+$")]
"""A camera's id as it can stand in a list of them, parted by spaces or semicolons."""


class SubjectCategory(StrEnum):
    """Who is behind the vehicle (Directive (EU) 2016/680, article 6)."""

    SUSPECT = "suspect"
    CONVICTED = "convicted"
    VICTIM = "victim"
    WITNESS = "witness"
    OTHER = "other"


class WatchlistEntry(BaseModel):
    """One listed vehicle, with what its owner asks for and who may see a hit."""

    model_config = ConfigDict(extra="ignore", frozen=True, title="Watchlist entry, v1")

    entry_id: Identifier
    list_id: Identifier
    plate: Annotated[str, Field(min_length=1, max_length=64, description="As listed.")]
    country: CountryCode | None = None
    category: Category = Category.OTHER
    owner: Text = ""
    provider: Annotated[
        SiteCode | None, Field(description="The site whose list this is; set by its store.")
    ] = None
    purpose: Text = ""
    legal_basis: Text = ""
    case_ref: Text = ""
    action: Action = Action.INQUIRY_CHECK
    priority: Annotated[Priority, Field(description="100 is the most urgent.")] = 50
    valid_from: Timestamp | None = None
    valid_until: Timestamp | None = None
    sharing: Annotated[
        str,
        Field(pattern=r"^(own|[a-z]{2}(,[a-z]{2})*)$", description="Sites, or `own`."),
    ] = OWN
    handling_code: Annotated[str, Field(max_length=16)] = ""
    vehicle_make: Annotated[str, Field(max_length=64)] = ""
    vehicle_model: Annotated[str, Field(max_length=64)] = ""
    vehicle_colour: Annotated[str, Field(max_length=64)] = ""
    note: Annotated[str, Field(max_length=1024)] = ""
    list_kind: Annotated[
        Literal["structural", "ad_hoc"] | None,
        Field(description="How the list is delivered; of its whole list."),
    ] = None
    max_actions: Annotated[
        ActionCount | None, Field(description="How often the action is wanted; absent: no limit.")
    ] = None
    area_cameras: Annotated[
        tuple[CameraName, ...],
        Field(max_length=CAMERAS_MAX, description="Where it is used; none: in the whole country."),
    ] = ()
    area_polygon: Annotated[
        str,
        Field(
            pattern=POLYGON_PATTERN,
            description="Where it is used, as corners: 51.2,4.4 51.3,4.4 51.3,4.5; cameras of "
            "`area_cameras` count as well. A read without a position lies outside.",
        ),
    ] = ""
    border_area_only: bool = False
    hours_utc: Annotated[
        str, Field(pattern=HOURS_PATTERN, description="When it is used, such as 22:00-06:00.")
    ] = ""
    direction: Annotated[
        str, Field(max_length=64, description="Only vehicles that the camera sees going there.")
    ] = ""
    sis_action: Annotated[
        Action | None, Field(description="What the SIS asks for; where it differs, it wins.")
    ] = None
    sis_derived: Annotated[
        bool, Field(description="Made from the SIS: never delivered or used abroad.")
    ] = False
    danger: Annotated[str, Field(max_length=256, description="What to beware of.")] = ""
    subject_category: SubjectCategory | None = None
    reliability: Annotated[
        str, Field(pattern=r"^([ABCX][1-4])?$", description="Source and information, 4x4.")
    ] = ""

    @field_validator("valid_from")
    @classmethod
    def _start_on_a_second(cls, value: datetime | None) -> datetime | None:
        # Whole seconds, rounded so that the entry is never in force longer than was written.
        if value is None or value.microsecond == 0:
            return value
        return value.replace(microsecond=0) + timedelta(seconds=1)

    @field_validator("valid_until")
    @classmethod
    def _end_on_a_second(cls, value: datetime | None) -> datetime | None:
        return None if value is None else value.replace(microsecond=0)

    @field_validator("area_polygon")
    @classmethod
    def _on_the_earth(cls, value: str) -> str:
        corners_of(value)
        return value

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            message = "valid_until must be later than valid_from"
            raise ValueError(message)
        return self

    @property
    def shared_with(self) -> tuple[str, ...]:
        """The sites named in `sharing`; none for `own`."""
        return () if self.sharing == OWN else tuple(self.sharing.split(","))

    def in_force(self, at: datetime) -> bool:
        """Say whether the entry holds at an instant: from inclusive, until exclusive."""
        started = self.valid_from is None or self.valid_from <= at
        return started and (self.valid_until is None or at < self.valid_until)

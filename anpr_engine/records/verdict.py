"""Verdict, version 1: what a control room says of an alert once somebody looked at the picture.

Why it repeats parts of the alert: the engine forgets its alerts, and lists change. What was said
then, and how sure the engine was, has to stand beside the answer to be of use years later.
Why a unit and no person: verdicts teach the engine, and nobody is to be measured by them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.alert import DigestId
from anpr_engine.records.fields import CountryCode, Identifier, Share, Tier, Timestamp

CONFIRMED = "confirmed"
OTHER_VEHICLE = "other-vehicle"
UNREADABLE = "unreadable"

Answer = Literal["confirmed", "other-vehicle", "unreadable"]
PlateText = Annotated[str, Field(min_length=1, max_length=256)]


class Verdict(BaseModel):
    """One answer to one alert; of several answers to an alert the last one counts."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, title="Verdict, v1")

    alert_id: Annotated[DigestId, Field(description="The alert that was looked at.")]
    read_id: Annotated[Identifier, Field(description="Its read; one read may give more alerts.")]
    decided_at: Annotated[Timestamp, Field(description="Tells the last of several answers.")]
    verdict: Annotated[
        Answer,
        Field(description="The listed vehicle, another one, or nobody can tell from the picture."),
    ]
    probability: Annotated[
        Share, Field(description="As alerted: shows whether probabilities can be trusted.")
    ]
    plate_read: Annotated[PlateText, Field(description="As the reader had it, never repaired.")]
    plate_seen: Annotated[
        PlateText | None,
        Field(description="As a person reads it on the picture; null where that cannot be done."),
    ] = None
    country_seen: Annotated[
        CountryCode | None,
        Field(description="The same text under another country is another vehicle's plate."),
    ] = None
    decided_by: Annotated[
        str, Field(min_length=1, max_length=64, description="The unit, never a person's name.")
    ]
    tier: Annotated[
        Tier | None, Field(description="As alerted: exact and near matches are judged apart.")
    ] = None
    confidence: Annotated[
        Share | None, Field(description="The reader's own: errors are learned by how sure it was.")
    ] = None
    camera_id: Annotated[
        Identifier | None, Field(description="A camera that errs too often can be found by it.")
    ] = None
    reader: Annotated[
        str | None,
        Field(
            min_length=1, max_length=64, description="The kind of reader: each errs its own way."
        ),
    ] = None

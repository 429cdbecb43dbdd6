"""Consent, version 1: one country lets another use one hit for more than to act on it.

Benelux police treaty, articles 9 and 10: in writing, and before the use. It covers one alert, one
use and one receiver, and ends.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.alert import DigestId
from anpr_engine.records.fields import SiteCode, Timestamp
from anpr_engine.records.messages import Words

FurtherUseName = Literal["evidence", "onward", "inform"]
"""Evidence in a procedure; another authority; the person concerned or a third party."""


class Consent(BaseModel):
    """What one site lets another do with one hit, until when; signed, it is a line beside it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, title="Consent, v1")

    message_id: DigestId
    created_at: Timestamp
    site: Annotated[SiteCode, Field(description="Who consents.")]
    receiver: Annotated[SiteCode, Field(description="Who may use the hit so.")]
    alert_id: Annotated[DigestId, Field(description="The hit.")]
    use: FurtherUseName
    to: Annotated[Words, Field(description="Who gets it: an authority, a court, a reference.")]
    reference: Annotated[Words, Field(description="Under which the consent is filed there.")]
    decided_by: Annotated[Words, Field(description="The service that consents.")]
    expires_at: Timestamp

"""What two sites send each other to compare their lists without showing them, version 1: files.

RFC 9497, OPRF(ristretto255, SHA-512), base mode. Elements have 32 bytes and are written one behind
the other in base64url without padding; see `policy/deconflict.py` for what each side learns.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.alert import DigestId
from anpr_engine.records.fields import SiteCode, Timestamp
from anpr_engine.records.messages import Words

Packed = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class DeconflictionRequest(BaseModel):
    """The asker's entries, blinded; signed, it is a line beside it."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, title="Deconfliction request, v1"
    )

    message_id: Annotated[DigestId, Field(description="Names the run, too.")]
    created_at: Timestamp
    site: Annotated[SiteCode, Field(description="Who asks.")]
    receiver: SiteCode
    purpose: Words
    case_ref: Words
    blinded: Annotated[Packed, Field(description="Elements of 32 bytes.")]


class DeconflictionReply(BaseModel):
    """The same elements under the answerer's key of one run, and the marks of its own entries."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, title="Deconfliction reply, v1"
    )

    message_id: DigestId
    created_at: Timestamp
    site: Annotated[SiteCode, Field(description="Who answers.")]
    receiver: SiteCode
    request_id: Annotated[DigestId, Field(description="The request's `message_id`.")]
    evaluated: Annotated[Packed, Field(description="Elements of 32 bytes, in the order asked.")]
    marks: Annotated[Packed, Field(description="Marks of 16 bytes, sorted.")]

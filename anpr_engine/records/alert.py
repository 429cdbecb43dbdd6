"""Alert, version 1: a hit that policy lets go to its recipients."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.fields import (
    Action,
    Category,
    Count,
    CountryCode,
    Identifier,
    Priority,
    Share,
    SiteCode,
    Tier,
    Timestamp,
    Whole,
)
from anpr_engine.records.polygon import Point
from anpr_engine.records.read import Position, Vehicle

DigestId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""A name made from what it names, so that the same thing is always named the same."""

AlertState = Literal["unverified", "review", "validated", "acted", "not-acted"]
"""Where an alert stands: nobody looked yet; it waits for somebody at the site to look before it is
shown elsewhere; an officer compared the picture; what was done.
"""


Base64Url = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class EphemeralKey(BaseModel):
    """The sender's half of an agreed key: a JWK (RFC 8037)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kty: Annotated[str, Field(pattern=r"^OKP$")]
    crv: Annotated[str, Field(pattern=r"^X25519$")]
    x: Base64Url


class SealedForHeader(BaseModel):
    """For whom a content key is wrapped, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alg: Annotated[str, Field(pattern=r"^ECDH-ES\+A256KW$")]
    kid: str
    epk: EphemeralKey


class SealedFor(BaseModel):
    """The content key, wrapped for one recipient."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: SealedForHeader
    encrypted_key: Base64Url


class Sealed(BaseModel):
    """Fields that the recipients alone can open: a JWE in general JSON form (RFC 7516)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protected: Base64Url
    recipients: Annotated[list[SealedFor], Field(min_length=1)]
    iv: Base64Url
    ciphertext: Base64Url
    tag: Base64Url


class AlertRead(BaseModel):
    """The fields of the read that policy lets through."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read_id: Identifier
    camera_id: Identifier
    captured_at: Timestamp
    plate: Annotated[
        str, Field(description="Empty or absent where it is among what is sealed.")
    ] = ""
    country: CountryCode | None = None
    confidence: Share | None = None
    position: Position | None = None
    lane: str | Whole | None = None
    direction: str | None = None
    heading_deg: float | None = None
    speed_kmh: float | None = None
    vehicle: Vehicle | None = None
    image_ref: str | None = None
    passage_id: str | None = None

    @property
    def point(self) -> Point | None:
        """Where the camera stands, as areas take it."""
        return None if self.position is None else (self.position.lat, self.position.lon)


class AlertEntry(BaseModel):
    """The fields of the watchlist entry that policy lets through."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entry_id: Identifier
    list_id: Identifier
    plate: Annotated[
        str, Field(description="Empty or absent where it is among what is sealed.")
    ] = ""
    country: CountryCode | None = None
    owner: str = ""
    provider: SiteCode | None = None
    purpose: str = ""
    case_ref: str = ""
    valid_until: Timestamp | None = None
    vehicle_make: str = ""
    vehicle_model: str = ""
    vehicle_colour: str = ""
    note: str = ""
    danger: str = ""
    reliability: str = ""


class AlsoListed(BaseModel):
    """Another entry of the same plate, whose alert of the same read all these people got, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alert_id: DigestId
    entry_id: Identifier
    list_id: Identifier
    owner: str = ""
    category: Category
    priority: Priority
    action: Action
    reasons: Annotated[list[str], Field(min_length=1, description="Policy rules, by id.")]
    legal_basis: str
    handling_code: str
    danger: str = ""


class Alert(BaseModel):
    """One hit for its recipients, with everything a person needs to doubt it."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Alert, v1")

    alert_id: DigestId
    created_at: Timestamp
    site: Annotated[SiteCode, Field(description="Where the read was made.")]
    recipients: Annotated[list[SiteCode], Field(min_length=1)]
    read: AlertRead
    entry: AlertEntry
    category: Category
    priority: Priority
    action: Action
    probability: Annotated[Share, Field(description="That the vehicle seen is the listed one.")]
    tier: Tier
    edits: Count
    reasons: Annotated[list[str], Field(min_length=1, description="Policy rules, by id.")]
    legal_basis: str
    handling_code: str
    watchlist_version: Count
    watchlist_age_ms: Count
    watchlist_stale: Annotated[
        bool, Field(description="The list was older than this site's limit: confirm first.")
    ] = False
    policy_version: str
    state: AlertState = "unverified"
    lateness_ms: Annotated[Whole, Field(description="From capture to decision; event time first.")]
    passage: Annotated[
        DigestId | None,
        Field(description="The same for all alerts of one vehicle, entry and camera site at once."),
    ] = None
    supersedes: Annotated[
        DigestId | None, Field(description="The alert of the same passage that this one upgrades.")
    ] = None
    also: Annotated[
        list[AlsoListed] | None,
        Field(min_length=1, description="The plate's other entries, the most urgent first."),
    ] = None
    held_back_from: Annotated[
        list[SiteCode] | None,
        Field(min_length=1, description="Of `review`: who is told once somebody has looked."),
    ] = None
    kept_until: Annotated[
        Timestamp | None,
        Field(description="How long a rule of law lets this be kept: shown to nobody after it."),
    ] = None
    sealed: Annotated[
        Sealed | None,
        Field(description="Fields left out above, by dotted name, for the recipients alone."),
    ] = None

    def is_kept(self, now: datetime) -> bool:
        """Say whether the law still lets this be shown."""
        return self.kept_until is None or now < self.kept_until

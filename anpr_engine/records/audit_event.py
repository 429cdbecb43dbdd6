"""Audit event, version 1: one line of who did what, when, why and to whom (LED art. 25).

Why: `event_id` and `occurred_at` stand first, and the chain's own fields are left out while they
are empty, because sealing a line puts them around the event as it was written (`audit/chain.py`).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.fields import Count, SiteCode, Timestamp


class AuditAction(StrEnum):
    """What was done."""

    ENGINE_STARTED = "engine-started"
    HIT_DECIDED = "hit-decided"
    HIT_WITHHELD = "hit-withheld"
    ALERT_PUBLISHED = "alert-published"
    ALERT_RECALLED = "alert-recalled"
    REQUEST_REFUSED = "request-refused"
    DATA_LOOKED_UP = "data-looked-up"
    DATA_EXPORTED = "data-exported"
    CHANGE_APPROVED = "change-approved"
    READS_REPLAYED = "reads-replayed"
    WATCHLIST_CHANGED = "watchlist-changed"
    AUDIT_READ = "audit-read"
    HIT_HANDLED = "hit-handled"
    LEAVE_ASKED = "leave-asked"
    ODD_USE_FOUND = "odd-use-found"
    CONSENT_RECORDED = "consent-recorded"
    CONSENT_GIVEN = "consent-given"
    QUESTION_ANSWERED = "question-answered"
    LISTS_COMPARED = "lists-compared"


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, in lower-case hexadecimal digits."""


class AuditEvent(BaseModel):
    """One recorded act; it names records by id and never holds a plate."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Audit event, v1")

    event_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    occurred_at: Timestamp
    site: SiteCode
    actor: Annotated[str, Field(min_length=1, max_length=128)]
    action: AuditAction
    purpose: str = ""
    case_ref: str = ""
    list_id: str = ""
    entry_id: str = ""
    read_id: str = ""
    alert_id: str = ""
    recipients: list[SiteCode] = []
    reasons: list[str] = []
    watchlist_version: Count = 0
    policy_version: str = ""
    unit: Annotated[str | None, Field(description="The service the actor works for.")] = None
    on_duty: Annotated[bool | None, Field(description="By the roster, where it is known.")] = None
    target: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9a-f]{32}$",
            description="Keyed pseudonym of the vehicle or person asked for; never the plate.",
        ),
    ] = None
    subject: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=256,
            description="What it was about, where no id says it: a topic, a filter, a digest.",
        ),
    ] = None
    rows: Annotated[Count | None, Field(description="How many records were given.")] = None
    hits: Annotated[
        Count | None,
        Field(
            description="How many hits were withheld in one batch: on the entry, if one is named."
        ),
    ] = None
    given_to: Annotated[
        list[str] | None, Field(description="Services or persons, beside the recipients.")
    ] = None
    signed_by: Annotated[
        str | None,
        Field(pattern=r"^[0-9a-f]{16}$", description="Of a consent: the key that signed it."),
    ] = None
    digest: Annotated[Digest | None, Field(description="Of a consent: SHA-256 of what came.")] = (
        None
    )
    expires_at: Annotated[Timestamp | None, Field(description="Of a consent: its end.")] = None
    chain: Annotated[
        str | None,
        Field(pattern=r"^[a-z]{2}/[a-z0-9-]{1,40}$", description="Site and writer of the chain."),
    ] = None
    sequence: Annotated[Count | None, Field(description="Place in the chain, from 0.")] = None
    previous: Annotated[Digest | None, Field(description="Hash of the line before.")] = None
    hash: Annotated[
        Digest | None,
        Field(description="SHA-256 of this line's bytes up to the comma before this field."),
    ] = None


class AuditForm(msgspec.Struct, frozen=True):
    """`AuditEvent` as an engine writes it of an alert or a recall, field by field; times are text.

    Why: the values were checked when their alert was made, and there may be thousands at once.
    """

    event_id: str
    occurred_at: str
    site: str
    actor: str
    action: str
    purpose: str
    case_ref: str
    list_id: str
    entry_id: str
    read_id: str
    alert_id: str
    recipients: Sequence[str]
    reasons: Sequence[str]
    watchlist_version: int
    policy_version: str
    subject: str | msgspec.UnsetType = msgspec.UNSET

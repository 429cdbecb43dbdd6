"""Audit event, version 1: one line of who did what, when, why and to whom (LED art. 25)."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.fields import Count, SiteCode, Timestamp


class AuditAction(StrEnum):
    """What was done."""

    ENGINE_STARTED = "engine-started"
    ALERT_PUBLISHED = "alert-published"
    READS_REPLAYED = "reads-replayed"
    WATCHLIST_CHANGED = "watchlist-changed"


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

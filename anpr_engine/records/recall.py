"""Recall, version 1: alerts that were sent and do not stand any more.

Whoever got the alerts answers with a receipt (`records/messages.py`).
"""

from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.alert import DigestId
from anpr_engine.records.fields import Count, Identifier, SiteCode, Timestamp

RecallReason = Literal["withdrawn", "corrected", "not-as-alerted"]
"""Why: the entry was taken back, ended early or is shared no more; its plate or country was put
right; or, found after a start, it is not there as it was alerted, by either of the two.
"""


class Recall(BaseModel):
    """Alerts on one entry that their recipients must not act on any more."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Recall, v1")

    recall_id: DigestId
    created_at: Timestamp
    site: Annotated[SiteCode, Field(description="Where the reads were made; it sent the alerts.")]
    recipients: Annotated[
        list[SiteCode], Field(min_length=1, description="For whom they do not stand any more.")
    ]
    provider: Annotated[SiteCode, Field(description="Whose list it is about.")]
    list_id: Identifier
    entry_id: Identifier
    reason: RecallReason
    alerts: Annotated[list[DigestId], Field(min_length=1, description="Their ids.")]
    watchlist_version: Annotated[
        Count, Field(description="The version of the site's lists that did it.")
    ]
    effective_at: Annotated[
        Timestamp, Field(description="From when on the site made no such alert any more.")
    ]


class RecallForm(msgspec.Struct, frozen=True):
    """`Recall` as an engine writes it, field by field; times are text."""

    recall_id: str
    created_at: str
    site: str
    recipients: tuple[str, ...]
    provider: str
    list_id: str
    entry_id: str
    reason: RecallReason
    alerts: tuple[str, ...]
    watchlist_version: int
    effective_at: str

"""Handling event, version 1: what became of a hit, said by a service; to `anpr.feedback.<site>`.

Why no free text and no plate: the topic is read by engines and statistics, and a sentence would
bring names along. What article 18 wants told stands in the report, and nowhere else.
Why a unit and no person: who did it stands in the record of that site; nobody else needs it.
"""

from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.alert import DigestId
from anpr_engine.records.fields import Category, Identifier, SiteCode, Timestamp
from anpr_engine.records.messages import NotActedReason, RefusalReason

Happened = Literal[
    "validated", "dismissed", "acted", "not-acted", "reported", "answered", "refused"
]
DismissalReason = Literal["other-vehicle", "unreadable"]


class HandlingEvent(BaseModel):
    """One step in the life of a hit; which fields it has beside the first ones, `event` says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, title="Handling event, v1")

    event_id: Annotated[DigestId, Field(description="The same however often it is delivered.")]
    occurred_at: Timestamp
    event: Happened
    site: Annotated[SiteCode, Field(description="Whose service did it.")]
    role: Literal["engine", "officer", "contact-point"]
    unit: Annotated[
        str, Field(min_length=1, max_length=64, description="The service, never a person's name.")
    ]
    provider: Annotated[SiteCode, Field(description="Whose list it is about.")]
    list_id: Identifier
    entry_id: Identifier
    category: Category
    alert_id: Annotated[
        DigestId | None, Field(description="The hit; null where it is about the entry.")
    ] = None
    dismissal: Annotated[DismissalReason | None, Field(description="Of `dismissed`.")] = None
    reason: Annotated[NotActedReason | None, Field(description="Of `not-acted`.")] = None
    report: Annotated[Literal["A", "B"] | None, Field(description="Of `reported`.")] = None
    message_id: Annotated[DigestId | None, Field(description="Of `reported`: which one.")] = None
    later_wanted: Annotated[
        bool | None, Field(description="Of `answered`: are later hits of the entry wanted?")
    ] = None
    refusal: Annotated[
        list[RefusalReason] | None, Field(min_length=1, description="Of `refused`.")
    ] = None


class _Marks(msgspec.Struct):
    event_id: str | None = None
    event: str | None = None
    verdict: msgspec.Raw | None = None


_MARKS = msgspec.json.Decoder(_Marks)


def is_handling_event(value: bytes) -> bool:
    """Say whether a record of the topic claims to be an event of handling, and no verdict."""
    try:
        marks = _MARKS.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return marks.event is not None and marks.event_id is not None and marks.verdict is None

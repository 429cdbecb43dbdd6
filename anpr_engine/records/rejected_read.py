"""Rejected read, version 1: a record that could not be read, kept without its content."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.fields import Count, SiteCode, Timestamp


class RejectReason(StrEnum):
    """Why a record is no read; a closed set, used as a metric label too."""

    EMPTY = "empty"
    OVERSIZED = "oversized"
    NOT_UTF8 = "not-utf8"
    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    TOO_DEEP = "too-deep"
    DUPLICATE_FIELD = "duplicate-field"
    FIELD_MISSING = "field-missing"
    WRONG_TYPE = "wrong-type"
    OUT_OF_RANGE = "out-of-range"
    BAD_TIME = "bad-time"
    BAD_COUNTRY = "bad-country"
    FUTURE_DATED = "future-dated"
    CORRUPT_BATCH = "corrupt-batch"
    UNREADABLE_RECORD = "unreadable-record"
    UNKNOWN_SCHEMA = "unknown-schema"
    TOO_MANY_READS = "too-many-reads"
    UNPACKS_TOO_LARGE = "unpacks-too-large"
    FORMAT_NOT_INSTALLED = "format-not-installed"


class RejectedRead(BaseModel):
    """One dead letter; the bytes themselves only where the site keeps payloads."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Rejected read, v1")

    reason: RejectReason
    detail: Annotated[str, Field(description="The field or rule that failed, never its value.")]
    site: SiteCode
    topic: str
    partition: Count
    offset: Count
    place: Annotated[
        Count | None, Field(description="Of the read in a record of many, from 0.")
    ] = None
    size_bytes: Count
    digest: Annotated[
        str, Field(pattern=r"^blake2b-128:[0-9a-f]{32}$", description="Of the record's value.")
    ]
    rejected_at: Timestamp
    engine_version: str
    payload_base64: str | None = None

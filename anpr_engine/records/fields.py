"""Field types that several records share.

Why: the JSON Schema of a record is written from these types, so a rule that stands only in a
validator would be invisible to the other side. Where pydantic cannot express a rule in JSON
Schema by itself, `WithJsonSchema` states it.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, WithJsonSchema

RFC3339_PATTERN = (
    r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""Years from 1000, so that no offset leads out of the calendar; no leap second: no clock here
can hold one. Every validator checks a pattern, but few check `format`.
"""

_RFC3339 = re.compile(RFC3339_PATTERN)
_FINER = re.compile(r"(\.[0-9]{6})[0-9]+")


def _require_rfc3339(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over raw JSON values
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        message = "must be an RFC 3339 time with a UTC offset, such as 2026-11-22T08:15:30.250Z"
        raise ValueError(message)
    # Parsed here, for a strict model takes no text once a validator has touched it.
    return rfc3339_time(value)


def rfc3339_time(text: str) -> datetime:
    """Read a text that is known to be an RFC 3339 time.

    datetime keeps microseconds; cameras that send nanoseconds lose the last three digits.
    """
    if text[26:27].isdigit():
        text = _FINER.sub(r"\1", text)
    return datetime.fromisoformat(text.upper())


def _write_rfc3339(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_require_rfc3339),
    PlainSerializer(_write_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": RFC3339_PATTERN}),
]
"""An instant with its UTC offset (RFC 3339)."""

CountryCode = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
"""ISO 3166-1 alpha-2; upper case is the usual form, lower case is understood."""

SiteCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
"""The lower-case country code of a deployment."""


def _drop_empty_fraction(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over raw JSON values
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The validator stands last: pydantic writes no `minimum` for bounds that come after one.
Whole = Annotated[int, BeforeValidator(_drop_empty_fraction)]
"""A whole number; JSON Schema counts `50.0` as one, so the models do too."""

Count = Annotated[int, Field(ge=0), BeforeValidator(_drop_empty_fraction)]
"""A whole number that is never negative."""

Priority = Annotated[int, Field(ge=0, le=100), BeforeValidator(_drop_empty_fraction)]
"""How urgent an entry or alert is; 100 is the most urgent."""

ActionCount = Annotated[int, Field(ge=0, le=10_000), BeforeValidator(_drop_empty_fraction)]
"""How often an action is wanted."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A probability, confidence or share."""

Identifier = Annotated[str, Field(min_length=1, max_length=64)]
"""An identifier given by somebody else; its content means nothing to the engine."""


class Category(StrEnum):
    """The reason why a vehicle is listed."""

    DRUG_SMUGGLING = "drug-smuggling"
    HUMAN_TRAFFICKING = "human-trafficking"
    BURGLARY = "burglary"
    ATM_ATTACK = "atm-attack"
    MOTORCYCLE_GANG = "motorcycle-gang"
    STOLEN_VEHICLE = "stolen-vehicle"
    MISSING_PERSON = "missing-person"
    OTHER = "other"


class Action(StrEnum):
    """What the list's owner asks for (SIS terms, Regulation (EU) 2018/1862)."""

    ARREST = "arrest"
    SPECIFIC_CHECK = "specific-check"
    INQUIRY_CHECK = "inquiry-check"
    SEIZE = "seize"
    PROTECT = "protect"
    WHEREABOUTS = "whereabouts"
    DISCREET_CHECK = "discreet-check"
    OBSERVE = "observe"


class Tier(StrEnum):
    """How the plate read and the plate listed came together."""

    EXACT = "exact"
    REPAIRED = "repaired"
    FUZZY = "fuzzy"
    WILDCARD = "wildcard"
    CANDIDATE = "candidate"

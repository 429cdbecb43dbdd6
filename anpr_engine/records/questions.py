"""Questions of hit or no hit and their answers, version 1: files between a partner and a site.

Why no plate: a question holds a pseudonym under the key of an operation; the site compares it with
pseudonyms of its own entries. The answer says that there is something to ask, or that there is
not, and nothing of list, entry or owner (Benelux police treaty, article 14). Each question is for
one vehicle and one case, by one official.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from anpr_engine.records.alert import DigestId
from anpr_engine.records.fields import SiteCode, Timestamp
from anpr_engine.records.messages import Words

QUESTIONS_MAX = 10_000
"""Questions in one file."""

PartnerName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
"""Who asks a site, by the name it has in that site's settings; another site by its code."""

Pseudonym = Annotated[
    str, Field(pattern=r"^[0-9a-f]{32}$", description="Of a plate, under the operation's key.")
]
KeyName = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", description="Names the key.")]
NotBlank = Annotated[str, Field(min_length=1, max_length=128, pattern=r"\S")]


class Question(BaseModel):
    """Is there something to ask about this vehicle?"""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    pseudonym: Pseudonym
    country: Annotated[
        str | None, Field(pattern=r"^[A-Z]{2}$", description="Where the plate was issued.")
    ] = None
    case_ref: Annotated[NotBlank, Field(description="The case that it is asked for.")]
    official: Annotated[NotBlank, Field(description="Who asks, at the partner.")]


class Questions(BaseModel):
    """What a partner asks a site, for one purpose; signed, it is a line beside it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, title="Questions, v1")

    message_id: DigestId
    created_at: Timestamp
    asker: PartnerName
    receiver: Annotated[SiteCode, Field(description="The site that is asked.")]
    key_id: KeyName
    purpose: Words
    questions: Annotated[list[Question], Field(min_length=1, max_length=QUESTIONS_MAX)]


class Answer(BaseModel):
    """All that is said about one vehicle."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    pseudonym: Pseudonym
    something_to_ask: bool


class Answers(BaseModel):
    """What a site answers, in the order of the questions; signed, it is a line beside it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, title="Answers, v1")

    message_id: DigestId
    created_at: Timestamp
    site: Annotated[SiteCode, Field(description="Who answers.")]
    receiver: PartnerName
    questions_id: Annotated[DigestId, Field(description="The questions' `message_id`.")]
    key_id: KeyName
    answers: Annotated[list[Answer], Field(min_length=1, max_length=QUESTIONS_MAX)]

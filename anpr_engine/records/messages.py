"""Messages between two countries' services about a hit or a list, version 1.

Reports A (acted) and B (not acted) hold what article 18 of the Belgian-Dutch agreement names
(Trb. 2024, 65), by the field names of the policy rules, and nothing else.

Why two types and no flag: a report of a hit that was not acted on must name nobody and show no
face. A type without such a field cannot be filled in by mistake, and refuses one that comes in.
Why the reason for not acting is a closed list: in free text a name would come back.
"""

from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anpr_engine.records.alert import DigestId
from anpr_engine.records.fields import Count, CountryCode, Identifier, SiteCode, Timestamp

Words = Annotated[str, Field(min_length=1, max_length=256)]
Account = Annotated[str, Field(min_length=1, max_length=4096)]
Label = Annotated[str, Field(min_length=1, max_length=64)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]

Channel = Literal["national", "regional", "joint-centre", "direct"]
"""Which way a message goes (agreement, article 19)."""

NotActedReason = Literal[
    "no-unit-free",
    "too-far",
    "vehicle-lost",
    "seen-too-late",
    "unsafe",
    "other-task-first",
    "not-permitted-here",
    "other",
]
"""Why the action asked for was not done (article 18(2)(a)(vii))."""

RefusalReason = Literal[
    "sovereignty",
    "security",
    "other-weighty-interest",
    "own-law",
    "no-capacity",
    "unusable-format",
    "observation-only",
    "out-of-arrangement",
]
"""Why a list is not used; the first four are those of article 61 of the treaty."""

_OUT = ConfigDict(extra="forbid", strict=True, frozen=True)


def _titled(title: str) -> ConfigDict:
    return ConfigDict(extra="forbid", strict=True, frozen=True, title=title)


class PlaceTime(BaseModel):
    """Where and when the vehicle was seen."""

    model_config = _OUT

    captured_at: Timestamp
    camera_id: Identifier
    place: Annotated[Words, Field(description="As people call it: road, direction, town.")]


class Photo(BaseModel):
    """A picture, named and fixed by its digest; it travels beside the message."""

    model_config = _OUT

    image_ref: Annotated[str, Field(min_length=1, max_length=2048)]
    sha256: Sha256


class MaskedPhoto(Photo):
    """A picture of a vehicle on which nobody inside can be recognised."""

    masking: Annotated[
        Literal["blurred", "blackened", "cropped"],
        Field(description="What was done to those inside; a picture as taken has no place here."),
    ]


class Person(BaseModel):
    """Somebody whose identity was established during the action."""

    model_config = _OUT

    name: Words
    given_names: Words | None = None
    born_on: Day | None = None
    nationality: CountryCode | None = None


class _HitFacts(BaseModel):
    """What both reports tell of the vehicle and of where it was seen."""

    model_config = _OUT

    plate: Annotated[str, Field(min_length=1, max_length=64)]
    country: CountryCode
    reference: Annotated[
        Words | None, Field(description="Of the entry; mandatory where the entry has one.")
    ] = None
    vehicle_category: Label
    make: Label
    place_time: PlaceTime
    colour: Label | None = None
    plate_photo: Photo | None = None


class ActedFacts(_HitFacts):
    """What is told when the action was done (article 18(1))."""

    circumstances: Account
    driver: Person
    unit_contact: Words
    result: Account
    vin: Label | None = None
    passengers: Annotated[list[Person] | None, Field(max_length=100)] = None


class NotActedFacts(_HitFacts):
    """What is told when it was not (article 18(2)): nobody's name and nobody's face."""

    not_acted_reason: NotActedReason
    vehicle_photo_masked: MaskedPhoto | None = None


class _Envelope(BaseModel):
    """From whom, to whom, about which list."""

    model_config = _OUT

    message_id: DigestId
    created_at: Timestamp
    site: Annotated[SiteCode, Field(description="Who sends it.")]
    provider: Annotated[SiteCode, Field(description="Whose list it is about.")]
    list_id: Identifier


class _Report(_Envelope):
    entry_id: Identifier
    hit_id: Annotated[DigestId, Field(description="The alert that this is the outcome of.")]
    via: Channel
    contact: Annotated[Words | None, Field(description="By that way, where one was agreed.")] = None
    notify_national_now: Annotated[
        bool, Field(description="The provider's national contact point is to be told at once.")
    ]
    policy_version: Words
    rules: Annotated[list[Words], Field(min_length=1, description="Policy rules, by id.")]


class ReportA(_Report):
    """The action asked for was done."""

    model_config = _titled("Report A: acted, v1")

    facts: ActedFacts


class ReportB(_Report):
    """The action asked for was not done; the provider is asked whether later hits are wanted."""

    model_config = _titled("Report B: not acted, v1")

    facts: NotActedFacts
    asks_for_later: Annotated[
        bool, Field(description="Of the first one: are later hits of the entry wanted?")
    ]


class Destruction(BaseModel):
    """Proof that what was received is gone (article 12)."""

    model_config = _OUT

    manifest_sha256: Annotated[
        Sha256,
        Field(
            description="Of what was refused: over the ids of its entries, sorted as code points, "
            "each followed by a line feed."
        ),
    ]
    entries: Count
    destroyed_at: Timestamp
    destroyed_by: Annotated[Words, Field(description="The service, never a person's name.")]
    gone_from_version: Annotated[
        Count | None,
        Field(description="The first version of the receiver's lists that is known without it."),
    ] = None
    searched: Annotated[
        list[Words] | None,
        Field(
            min_length=1,
            description="Where it was looked for afterwards and not found; of nothing else it "
            "is said that it is gone.",
        ),
    ] = None


class Refusal(_Envelope):
    """A list, or some entries of it, will not be used: why, and that they are destroyed."""

    model_config = _titled("Refusal, v1")

    list_version: Count
    entries: Annotated[
        list[Identifier] | None, Field(min_length=1, description="null: the whole list.")
    ] = None
    reasons: Annotated[list[RefusalReason], Field(min_length=1)]
    explanation: Account
    decided_by: Annotated[Words, Field(description="The service that decided.")]
    destruction: Destruction


class CorrectedEntry(BaseModel):
    """One entry that was wrong."""

    model_config = _OUT

    entry_id: Identifier
    fields: Annotated[
        list[Label],
        Field(min_length=1, description="Names of the wrong fields; their values are in the list."),
    ]


class Correction(_Envelope):
    """Something delivered is wrong (article 21(2)): told by who finds it, put right by its owner.

    `error-found` goes to the provider; `corrected` and `withdrawn` come from there.
    """

    model_config = _titled("Correction, v1")

    kind: Literal["error-found", "corrected", "withdrawn"]
    list_version: Annotated[Count, Field(description="The version that is wrong.")]
    new_list_version: Annotated[
        Count | None, Field(description="The version that replaces it, once there is one.")
    ] = None
    entries: Annotated[list[CorrectedEntry], Field(min_length=1)]
    reason: Account


class Effect(BaseModel):
    """Since when, and from which version on, one part of a site no longer holds the entries."""

    model_config = _OUT

    part: Literal["store", "snapshot", "filter", "delta", "open-alerts"]
    version: Annotated[Count, Field(description="The first version without them.")]
    effective_at: Timestamp


class RecallReceipt(_Envelope):
    """Proof that a correction, withdrawal or refusal took effect everywhere at a site."""

    model_config = _titled("Recall receipt, v1")

    cause_id: Annotated[DigestId, Field(description="The message that asked for it.")]
    received_at: Timestamp
    entries_removed: Annotated[list[Identifier], Field(min_length=1)]
    last_version_with: Annotated[Count, Field(description="The last snapshot that held them.")]
    effects: Annotated[list[Effect], Field(min_length=1)]
    alerts_recalled: list[DigestId]


class _Marks(msgspec.Struct):
    message_id: str
    cause_id: str
    alerts_recalled: list[str]


_MARKS = msgspec.json.Decoder(_Marks)


def receipt_id(value: bytes) -> str | None:
    """Give the id of a recall receipt; None for any other record."""
    try:
        return _MARKS.decode(value).message_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def read_receipt(value: bytes) -> RecallReceipt | None:
    """Read a recall receipt; None for any other record, and for one that is not as it should be."""
    if receipt_id(value) is None:
        return None
    try:
        return RecallReceipt.model_validate_json(value)
    except ValidationError:
        return None

"""The words a policy file may use: facts that rules ask for, and effects that rules have.

Why closed: a fact that is misspelt would never hold, and a prohibition would be lost without a
sound. Why stages: a rule may ask what was decided before it (`decided.usable`), never what comes
later, so that no two rules can wait for each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from anpr_engine.records.fields import Action, Category, Tier

ENTRY, USE, RELEASE, KEEP = "entry", "use", "release", "keep"
ANSWER, MESSAGE, NOTICE, FURTHER = "answer", "message", "notice", "further"
STAGES = (ENTRY, USE, RELEASE, KEEP, ANSWER, MESSAGE, NOTICE, FURTHER)
"""In order: may it be listed, may it be matched, is the hit sure enough to be told, how long is it
kept, what is to be done, what goes out, who is told; and what else it may be used for.
"""

GIVEN_FIELDS = ("plate", "country", "category", "action", "owner", "valid_until", "max_actions")
"""Fields of an entry whose absence a rule may ask for."""

REPORT_FIELDS = (
    "plate",
    "country",
    "reference",
    "vehicle_category",
    "make",
    "place_time",
    "circumstances",
    "driver",
    "unit_contact",
    "result",
    "not_acted_reason",
    "vin",
    "colour",
    "plate_photo",
    "vehicle_photo",
    "vehicle_photo_masked",
    "passengers",
)
"""What a report may hold, in the order in which it is given."""

NOT_GIVEN, NOT_LISTED = "not-given", "not-listed"
"""A word of an entry that is absent, or that stands on no closed list."""


class FactKind(StrEnum):
    """What a fact's value is."""

    FLAG = "true or false"
    CHOICE = "one of a closed list"
    TEXT = "any text"
    NUMBER = "a number, or unknown"
    SET = "a set of names from a closed list"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a rule may ask.

    says: its name in a sentence.
    domain: the names a choice or set may hold.
    stages: where it can be asked; what is decided later is not known earlier.
    """

    kind: FactKind
    says: str
    domain: tuple[str, ...] = ()
    stages: tuple[str, ...] = STAGES


def _flag(says: str, stages: tuple[str, ...] = STAGES) -> Fact:
    return Fact(FactKind.FLAG, says, stages=stages)


def _choice(says: str, *domain: str, stages: tuple[str, ...] = STAGES) -> Fact:
    return Fact(FactKind.CHOICE, says, domain, stages)


FACTS: Mapping[str, Fact] = {
    "moment": _choice("the moment judged", "now", "hit", stages=(USE,)),
    "exchange": _choice("the list", "own", "exchanged"),
    "site": Fact(FactKind.TEXT, "the site of the read"),
    "provider": Fact(FactKind.TEXT, "the site whose list it is"),
    "agreement": _choice("the agreement between the two", "none", "not-yet", "in-force"),
    "list.kind": _choice("the kind of list", "structural", "ad_hoc", "unknown"),
    "list.received": _choice("the receipt of the list", "past", "future", "unknown"),
    "list.age_hours": Fact(FactKind.NUMBER, "the hours since the list was received"),
    "list.superseded": _flag("a newer version was received"),
    "list.sis_derived": _flag("the list was made from the SIS"),
    "entry.missing": Fact(FactKind.SET, "what the entry lacks", GIVEN_FIELDS),
    "entry.category": _choice("the reason", *Category, NOT_GIVEN, NOT_LISTED),
    "entry.action": _choice("the action asked for", *Action, NOT_GIVEN, NOT_LISTED),
    "entry.has_reference": _flag("the entry has a reference number"),
    "entry.window": _choice("the entry's period", "before", "within", "after"),
    "entry.area": _choice("the camera and the entry's area", "national", "inside", "outside"),
    "entry.hours": _choice("the time of the hit and the entry's hours", "any", "inside", "outside"),
    "entry.direction": _choice(
        "the way the vehicle goes and the entry's", "any", "same", "other", "unknown"
    ),
    "entry.border_area_only": _flag("the entry is used in the border area only"),
    "entry.actions_left": Fact(FactKind.NUMBER, "the actions still wanted"),
    "entry.sharing": _choice("the site among those named", "unsaid", "named", "not-named"),
    "hit.probability": Fact(FactKind.NUMBER, "the probability of the hit"),
    "hit.tier": _choice("the kind of match", *Tier, NOT_GIVEN, NOT_LISTED),
    "sis.alert": _flag("the SIS holds an alert"),
    "sis.differs": _flag("the SIS asks for another action"),
    "state.validated": _flag("an officer compared photo and plate"),
    "state.acted": _choice("the action was done", "yes", "no", "unknown"),
    "state.first_reported": _flag("the first hit was reported"),
    "state.later_wanted": _choice("the provider wants later hits", "yes", "no", "unknown"),
    "circumstances.urgent": _flag("the usual channels would delay urgent work"),
    "circumstances.joint_action": _flag("the hit arose in joint action"),
    "circumstances.agreed_contact": _choice(
        "the contact agreed beforehand", "none", "regional", "joint-centre"
    ),
    "further.use": _choice(
        "the further use", "none", "evidence", "onward", "inform", stages=(FURTHER,)
    ),
    "further.consent": _choice(
        "the other country's consent", "none", "expired", "unsigned", "signed", stages=(FURTHER,)
    ),
    "decided.accepted": _flag("the entry is accepted", STAGES[1:]),
    "decided.usable": _flag("the entry may be matched now", STAGES[2:]),
    "decided.hit_lawful": _flag("the hit was lawful when it was made", STAGES[2:]),
    "decided.report": _choice("the report due", "A", "B", "none", stages=STAGES[5:]),
    "decided.via": _choice(
        "its way", "none", "national", "regional", "joint-centre", "direct", stages=STAGES[6:]
    ),
}
"""Every fact by name; `policy.facts` computes each from a case."""


class EffectKind(StrEnum):
    """How an effect is written, and how several of one name go together."""

    MARK = "true"
    CHOICE = "one of a closed list; two rules that hold together must agree"
    PERIOD = "a number over 0; two rules that hold together must agree"
    FIELDS = "a list of report fields; several rules add up"


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a rule may bring about, in its stage."""

    stage: str
    kind: EffectKind
    says: str
    domain: tuple[str, ...] = ()


def _mark(stage: str, says: str) -> Effect:
    return Effect(stage, EffectKind.MARK, says)


def _period(says: str) -> Effect:
    return Effect(KEEP, EffectKind.PERIOD, says)


EFFECTS: Mapping[str, Effect] = {
    "permit_entry": _mark(ENTRY, "the entry may be listed, unless another rule refuses it"),
    "refuse_entry": _mark(ENTRY, "the entry is refused"),
    "permit_use": _mark(USE, "the entry may be matched, unless another rule forbids it"),
    "forbid_use": _mark(USE, "the entry is not matched"),
    "release": Effect(
        RELEASE, EffectKind.CHOICE, "the hit goes out as", ("unverified", "review", "stay")
    ),
    "keep_hit_days": _period("the hit is kept for at most so many days:"),
    "keep_log_days": _period("its line of the record is kept for exactly so many days:"),
    "keep_read_hours": _period("the read alone is kept for at most so many hours:"),
    "action": Effect(ANSWER, EffectKind.CHOICE, "the action is that of", ("sis",)),
    "procedure": Effect(ANSWER, EffectKind.CHOICE, "the procedure is", ("art13", "sis")),
    "report": Effect(ANSWER, EffectKind.CHOICE, "the report due is", ("A", "B", "none")),
    "validation_required": _mark(MESSAGE, "an officer first compares photo and plate"),
    "via": Effect(
        MESSAGE,
        EffectKind.CHOICE,
        "it goes by way of",
        ("national", "regional", "joint-centre", "direct"),
    ),
    "mandatory": Effect(MESSAGE, EffectKind.FIELDS, "it must hold", REPORT_FIELDS),
    "optional": Effect(MESSAGE, EffectKind.FIELDS, "it may hold", REPORT_FIELDS),
    "notify_national_now": _mark(NOTICE, "the provider's national contact point is told at once"),
    "permit_further": _mark(FURTHER, "the further use is permitted, unless another rule refuses"),
    "refuse_further": _mark(FURTHER, "the further use is refused"),
}
"""Every effect by name. What no rule permits is not permitted; a refusal outweighs a permission."""

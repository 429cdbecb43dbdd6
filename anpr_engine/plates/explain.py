"""Why a hit is worth what it is: as data, and in plain sentences.

A probability is explained as odds: what they were before the read, and by which factor each piece
of evidence moved them. The factors multiply to the odds of the hit; nothing is left unsaid.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from anpr_engine.plates.alignment import Step, StepKind, aligned, marks
from anpr_engine.plates.identify import fits
from anpr_engine.plates.traffic import ODD
from anpr_engine.plates.wildcard import Wildcard, listed_text, parse_wildcard

PRIOR = "prior"
TEXT = "text"
COUNTRY = "country"
CAMERA = "camera"
OWN = "own-share"
DENSITY = "density"
RIVALS = "other-entries"
PLACE = "place"
FURTHER = "further-evidence"
NO_CHANGE = 0.005
"""Factors that differ from one by less are not worth a sentence."""

TIER_WORDS = {
    "exact": "The text read is the listed one.",
    "repaired": "No known format allows the text read; turning letters into digits or digits into "
    "letters alone makes it the listed plate.",
    "fuzzy": "The listed plate may have been misread.",
    "wildcard": "The text read fits the listed plate, of which some characters are not known.",
    "candidate": "The reader itself offered another reading, and that is listed.",
}

OTHER_COUNTRY = "The text read is the listed one, but the reader claims another country."


@dataclass(frozen=True, slots=True)
class Terms:
    """What the evidence says of a read and a listed plate, in probabilities.

    prior: that a read is of this entry's vehicle. elsewhere: that a read is of no listed one.
    likelihood: P(text | listed plate); None for an entry with unknown characters, of which
        `traffic_fits` is the share of the traffic that it describes.
    read_right: P(read without error | listed plate, confidence).
    traffic, countries: P(text | other traffic), and each country's part of it.
    claim_listed, claim_traffic: P(country claimed | listed plate), and of other traffic.
    own, density, rivals, place, further: factors, each told in its sentence.
    camera_listed, camera_traffic: how much likelier than on all roads the listed plate is at this
        camera, and other traffic; camera: the same by country, None where it is not known.
    """

    prior: float
    elsewhere: float
    likelihood: float | None
    traffic_fits: float | None
    read_right: float
    traffic: float
    countries: dict[str, float]
    claim_listed: float
    claim_traffic: float
    own: float
    density: float
    rivals: float
    further: float
    camera_listed: float = 1.0
    camera_traffic: float = 1.0
    camera: dict[str, float] | None = None
    place: float = 1.0


@dataclass(frozen=True, slots=True)
class HitText:
    """What was read and what is listed, and what the matcher called it.

    confidence, claimed, country: None where not given. band: name of the band of confidence.
    """

    read: str
    listed: str
    tier: str
    edits: int
    probability: float
    confidence: float | None = None
    band: str = ""
    claimed: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """One piece of evidence: by how much it multiplied the odds, and why."""

    name: str
    factor: float
    odds_before: float
    odds_after: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A hit explained; `steps` line up what was read with what is listed, character by character.

    read_marked, listed_marked: the canonical texts, with [ ] around what differs.
    read_formats, listed_formats: ids of the formats that the texts fit, one a country.
    """

    hit: HitText
    read_marked: str
    listed_marked: str
    steps: tuple[Step, ...]
    read_formats: tuple[str, ...]
    listed_formats: tuple[str, ...]
    terms: Terms
    factors: tuple[Factor, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as JSON values."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values

    def words(self) -> str:
        """Give all of it as lines of text, without a line break at the end."""
        return "\n".join(_lines(self))


def explain_hit(hit: HitText, terms: Terms) -> Explanation:
    """Explain a hit from what was read and what the evidence says."""
    steps = aligned(hit.read, hit.listed)
    wildcard = parse_wildcard(hit.listed)
    read_marked, listed_marked = marks(steps)
    if isinstance(wildcard, Wildcard):
        listed_marked = wildcard.text
    return Explanation(
        hit=hit,
        read_marked=read_marked,
        listed_marked=listed_marked,
        steps=steps,
        read_formats=_formats("".join(step.read for step in steps)),
        listed_formats=_formats(listed_text(hit.listed)),
        terms=terms,
        factors=tuple(_factors(hit, terms)),
    )


def _formats(text: str) -> tuple[str, ...]:
    return tuple(one.format_id for one in fits(text))


def _factors(hit: HitText, terms: Terms) -> Iterator[Factor]:
    odds = terms.prior / terms.elsewhere
    yield Factor(PRIOR, odds, 1.0, odds, f"Before the read, {_one_in(odds)} is of this vehicle.")
    for name, factor, sentence in (
        (TEXT, *_text_factor(terms)),
        (COUNTRY, terms.claim_listed / terms.claim_traffic, _claim_words(hit, terms)),
        (CAMERA, terms.camera_listed / terms.camera_traffic, _camera_words(terms)),
        (OWN, terms.own, "The listed plate's own part of the traffic is no other vehicle."),
        (DENSITY, terms.density, "Plates on the road lie closer together than formats say."),
        (RIVALS, terms.rivals, "Other listed plates may have been read as this text, too."),
        (PLACE, terms.place, _place_words(terms.place)),
        (FURTHER, terms.further, "Further evidence, and listed plates not worth a hit."),
    ):
        before, odds = odds, odds * factor
        yield Factor(name, factor, before, odds, sentence)


def _text_factor(terms: Terms) -> tuple[float, str]:
    if terms.likelihood is None:
        share = terms.traffic_fits or 0.0
        factor = terms.elsewhere / share if share else math.inf
        return factor, f"{share:.3g} of the traffic fits what is listed."
    factor = terms.likelihood / terms.traffic if terms.traffic else math.inf
    parts = sorted(terms.countries.items(), key=lambda part: -part[1])
    told = ", ".join(f"{_country(name)} {part:.2g}" for name, part in parts[:3] if part > 0)
    return factor, (
        f"The listed plate gives this text with {terms.likelihood:.3g}, other traffic with "
        f"{terms.traffic:.3g} ({told})."
    )


def _country(name: str) -> str:
    return "no known format" if name == ODD else name


def _claim_words(hit: HitText, terms: Terms) -> str:
    if hit.claimed is None:
        return "The reader claims no country."
    return (
        f"The reader claims {hit.claimed}: {terms.claim_listed:.3g} of the listed plate's reads, "
        f"{terms.claim_traffic:.3g} of other traffic's with this text."
    )


def _camera_words(terms: Terms) -> str:
    if terms.camera is None:
        return "Nothing is known of what this camera usually sees."
    return (
        f"This camera sees the listed plate's country {terms.camera_listed:.3g} times as often as "
        f"all roads do, the countries of other traffic with this text {terms.camera_traffic:.3g} "
        "times."
    )


def _place_words(place: float) -> str:
    if place == 1:
        return "Where the listed plate was last seen says nothing, or is not known."
    if place < 1:
        return "The listed plate was seen for sure elsewhere, so that it could hardly be here."
    return "The listed plate was seen for sure not long before or after, and within reach."


def _one_in(odds: float) -> str:
    return f"one read in {1 / odds:,.0f}" if odds < 1 else f"{odds:.3g} to one"


def _lines(told: Explanation) -> Iterator[str]:
    hit = told.hit
    differ = f"{hit.edits} {'edit' if hit.edits == 1 else 'edits'}"
    other_country = hit.tier == "fuzzy" and hit.edits == 0
    why = OTHER_COUNTRY if other_country else TIER_WORDS[hit.tier]
    yield f"{hit.tier} match, {differ}, probability {hit.probability:.4f}. {why}"
    yield f"  read    {told.read_marked:<14} {_format_words(told.read_formats)}"
    yield f"  listed  {told.listed_marked:<14} {_listed_words(told)}"
    changes = [_step_words(step) for step in told.steps]
    if any(changes):
        yield f"  {'; '.join(filter(None, changes))}."
    yield "  " + _confidence_words(told)
    for factor in told.factors:
        if factor.name != PRIOR and abs(factor.factor - 1) < NO_CHANGE:
            continue
        change = f"odds {factor.odds_after:.3g}"
        if factor.name != PRIOR:
            change = f"x {factor.factor:.3g}, {change}"
        yield f"  {change}: {factor.sentence}"


def _format_words(formats: tuple[str, ...]) -> str:
    return "fits " + ", ".join(formats) if formats else "fits no known format"


def _listed_words(told: Explanation) -> str:
    country = f" (listed for {told.hit.country})" if told.hit.country else ""
    if told.terms.likelihood is None:
        return f"some characters not known{country}"
    return _format_words(told.listed_formats) + country


def _step_words(step: Step) -> str:
    if step.kind is StepKind.REPLACED:
        return f"{step.listed} was read as {step.read}"
    if step.kind is StepKind.LOST:
        return f"{step.listed} was lost"
    return f"{step.read} was added" if step.kind is StepKind.ADDED else ""


def _confidence_words(told: Explanation) -> str:
    hit = told.hit
    sure = "The reader gave no confidence"
    if hit.confidence is not None:
        sure = f"The reader was {hit.confidence:.2f} sure (band {hit.band})"
    if told.terms.likelihood is None:
        return f"{sure}."
    return f"{sure}; such reads of the listed plate are right in {told.terms.read_right:.1%}."

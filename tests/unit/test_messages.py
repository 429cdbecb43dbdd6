"""The messages between two countries hold what the agreement names, and cannot hold more."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from anpr_engine.policy.policy_set import shipped_policies
from anpr_engine.policy.vocabulary import REPORT_FIELDS
from anpr_engine.records.messages import (
    ActedFacts,
    MaskedPhoto,
    NotActedFacts,
    Person,
    Photo,
    RecallReceipt,
    Refusal,
    ReportB,
)
from anpr_engine.records.schema_files import accept

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
HAS_PEOPLE = {"driver", "passengers", "circumstances", "result", "unit_contact", "vin"}


def said(rule: str, effect: str) -> set[str]:
    """Give the fields that a policy rule names."""
    value = shipped_policies().rules[rule].then[effect]
    assert isinstance(value, tuple)
    return set(value)


def load(name: str) -> dict[str, Any]:
    """Read an example."""
    value: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return value


@pytest.mark.parametrize(
    ("model", "rule"),
    [(ActedFacts, "art13.18.1-acted"), (NotActedFacts, "art13.18.2-not-acted")],
)
def test_a_report_holds_exactly_the_fields_of_the_article(
    model: type[BaseModel], rule: str
) -> None:
    """Type and policy rule name the same fields, and the same of them as mandatory."""
    fields = model.model_fields
    assert set(fields) == said(rule, "mandatory") | said(rule, "optional")
    assert {name for name, one in fields.items() if one.is_required()} == said(rule, "mandatory")
    assert set(fields) <= set(REPORT_FIELDS)


def test_the_report_of_no_action_has_no_place_for_people() -> None:
    """Nowhere in the type, however deep, is there a person or a picture that is not masked."""
    assert not HAS_PEOPLE & set(NotActedFacts.model_fields)
    assert "vehicle_photo" not in NotActedFacts.model_fields
    assert NotActedFacts.model_fields["vehicle_photo_masked"].annotation == MaskedPhoto | None
    definitions = ReportB.model_json_schema()["$defs"]
    assert Person.__name__ not in definitions
    assert set(definitions) == {"NotActedFacts", "MaskedPhoto", "Photo", "PlaceTime"}


@pytest.mark.parametrize("name", sorted({*HAS_PEOPLE, "vehicle_photo", "faces", "note"}))
def test_what_does_not_belong_there_is_refused(name: str) -> None:
    """A field too much makes the whole message none."""
    message = load("pass_report_b_v1_every_field")
    message["facts"][name] = "x"
    with pytest.raises(ValidationError):
        accept("report_b", json.dumps(message))


def test_a_masked_picture_says_how() -> None:
    """A picture as taken does not pass for a masked one."""
    as_taken = Photo(image_ref="x", sha256="0" * 64)
    with pytest.raises(ValidationError):
        MaskedPhoto.model_validate(as_taken.model_dump())


def test_a_refusal_proves_that_the_list_is_gone() -> None:
    """The digest of what was refused, when it was destroyed, and by which service."""
    refusal = accept("refusal", json.dumps(load("pass_refusal_v1_whole_list")))
    assert isinstance(refusal, Refusal)
    assert refusal.entries is None
    assert refusal.destruction.entries == 12
    assert refusal.destruction.destroyed_at <= refusal.created_at


def test_a_receipt_says_what_left_which_version_and_when() -> None:
    """Each part of a site is named with its first version without the entries."""
    receipt = accept("recall_receipt", json.dumps(load("pass_recall_receipt_v1_every_part")))
    assert isinstance(receipt, RecallReceipt)
    parts = [effect.part for effect in receipt.effects]
    assert parts == ["store", "snapshot", "filter", "delta", "open-alerts"]
    assert all(effect.version > receipt.last_version_with for effect in receipt.effects)
    assert receipt.alerts_recalled


def test_messages_cannot_be_changed() -> None:
    """What was made is what goes out."""
    report = accept("report_b", json.dumps(load("pass_report_b_v1_every_field")))
    assert isinstance(report, ReportB)
    with pytest.raises(ValidationError):
        setattr(report, "facts", None)  # noqa: B010 - the type checker knows it is frozen

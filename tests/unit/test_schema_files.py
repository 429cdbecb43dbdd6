"""The published schemas, their examples and the models say the same."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from anpr_engine.records.avro_schema_files import AVRO_FILES, avro_file_name, avro_text
from anpr_engine.records.fields import RFC3339_PATTERN
from anpr_engine.records.schema_files import (
    DIALECT,
    RECORDS,
    accept,
    schema_file_name,
    schema_id,
    schema_of,
    schema_text,
    write_schemas,
)

SCHEMAS = Path(__file__).parents[2] / "schemas"
EXAMPLES = SCHEMAS / "examples"
KEYWORDS = frozenset(
    {"$schema", "$id", "$defs", "$ref", "type", "title", "description", "default", "enum"}
    | {"properties", "required", "items", "anyOf", "additionalProperties", "pattern", "format"}
    | {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}
)
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 50.0, 50.5, 0.25, 101, 10**30, "", "x", "x" * 65, "x" * 2049,
    "be", "BE", "be,nl", "\u0661\u0662", [], ["be"], [None], {}, {"lat": 51, "lon": 4},
    {"class": 1}, {"vehicle_class": 1}, {"char": "X", "confidence": 1}, "other", "exact", "acted",
    "2026-11-22T08:15:30Z", "2026-11-22t08:15:30.123456789z", "2026-11-22T23:59:60Z",
    "2026-02-30T00:00:00Z", "2024-02-29T00:00:00-00:00", "2026-11-22T24:00:00Z", "2026-11-22",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-23:59", "2026-11-22T08:15:30+24:00",
    "2026-11-22T08:15:30+0100", "2026-11-22T08:15:30,5Z", "2026-11-22_08:15:30Z", "1795335330",
)  # fmt: skip
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_a_real_date(value: object) -> bool:
    """Say whether the day exists; the pattern beside each `format` judges the shape."""
    if not isinstance(value, str) or not re.fullmatch(RFC3339_PATTERN, value):
        return True
    return bool(date(int(value[:4]), int(value[5:7]), int(value[8:10])))


def validator(record: str) -> Draft202012Validator:
    """Make a validator of the schema on disk, with formats."""
    schema = json.loads((SCHEMAS / schema_file_name(record)).read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FORMATS)


def model_accepts(record: str, text: str) -> bool:
    """Say whether the model takes a JSON text."""
    try:
        accept(record, text)
    except ValidationError:
        return False
    return True


def examples(record: str, verdict: str) -> list[Path]:
    """Find the examples of one record that ought to pass or fail."""
    return sorted(EXAMPLES.glob(f"{verdict}_{record}_v1_*.json"))


def all_examples(verdict: str) -> list[Any]:
    """Find the examples of all records, for a parametrised test."""
    return [
        pytest.param(record, path, id=path.stem)
        for record in RECORDS
        for path in examples(record, verdict)
    ]


def keywords(schema: object) -> Iterator[str]:
    """Walk through the keywords of a schema; names of properties are none."""
    if isinstance(schema, list):
        for part in schema:
            yield from keywords(part)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            yield key
            if key in {"properties", "$defs"}:
                yield from keywords(list(value.values()))
            elif key not in {"default", "enum", "required"}:
                yield from keywords(value)


@pytest.mark.parametrize("record", RECORDS)
def test_the_schema_on_disk_is_the_one_generated(record: str) -> None:
    """A changed model needs `python -m anpr_engine.records.schema_files` before it can land."""
    assert (SCHEMAS / schema_file_name(record)).read_text(encoding="utf-8") == schema_text(record)


@pytest.mark.parametrize("record", RECORDS)
def test_the_schema_is_a_valid_one_with_known_keywords_only(record: str) -> None:
    """A misspelt keyword would be ignored by every validator, so only known ones are used."""
    schema = schema_of(record)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == schema_id(record)
    assert set(keywords(schema)) <= KEYWORDS


@pytest.mark.parametrize(
    ("record", "open_to_more"),
    [
        ("plate_read", True),
        ("watchlist_entry", True),
        ("alert", False),
        ("rejected_read", False),
        ("audit_event", False),
        ("verdict", True),
        ("report_a", False),
        ("report_b", False),
        ("refusal", False),
        ("correction", False),
        ("recall", False),
        ("handling_event", False),
        ("recall_receipt", False),
    ],
)
def test_unknown_fields_are_allowed_on_the_way_in_only(record: str, *, open_to_more: bool) -> None:
    """What others write may hold more than we know; what the engine writes may not."""
    assert schema_of(record)["additionalProperties"] is open_to_more


def test_a_read_needs_four_fields_and_no_more() -> None:
    """The required fields are those of the published interface, by their JSON names."""
    schema = schema_of("plate_read")
    assert schema["required"] == ["read_id", "camera_id", "captured_at", "plate"]
    assert "class" in schema["$defs"]["Vehicle"]["properties"]


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_has_enough_examples(record: str) -> None:
    """Another implementer gets at least three examples that pass and five that fail."""
    assert len(examples(record, "pass")) >= 3
    assert len(examples(record, "fail")) >= 5


def test_no_example_is_left_out() -> None:
    """A misnamed example would silently never be checked."""
    known = {path for record in RECORDS for verdict in ("pass", "fail")
             for path in examples(record, verdict)}  # fmt: skip
    assert set(EXAMPLES.iterdir()) == known


@pytest.mark.parametrize(("record", "path"), all_examples("pass"))
def test_passing_examples_pass_in_both(record: str, path: Path) -> None:
    """Schema and model accept it."""
    text = path.read_text(encoding="utf-8")
    validator(record).validate(json.loads(text))
    assert model_accepts(record, text)


@pytest.mark.parametrize(("record", "path"), all_examples("fail"))
def test_failing_examples_fail_in_both_for_one_reason(record: str, path: Path) -> None:
    """Schema and model refuse it, and the schema finds exactly the one fault of its name."""
    text = path.read_text(encoding="utf-8")
    problems = list(validator(record).iter_errors(json.loads(text)))
    assert len(problems) == 1, problems
    assert not model_accepts(record, text)


def test_an_entry_that_ends_before_it_starts_is_refused_by_the_model_alone() -> None:
    """The one rule that JSON Schema cannot express; `schemas/README.md` says it in words."""
    entry = json.loads((EXAMPLES / "pass_watchlist_entry_v1_every_field.json").read_text("utf-8"))
    entry["valid_until"] = entry["valid_from"]
    validator("watchlist_entry").validate(entry)
    assert not model_accepts("watchlist_entry", json.dumps(entry))


def places(value: object, *above: str | int) -> Iterator[tuple[str | int, ...]]:
    """Name each place in a JSON value by the way to it."""
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, part in steps:
            yield (*above, step)
            yield from places(part, *above, step)


@st.composite
def changed_records(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a passing example with one or two places replaced, removed or added."""
    record = draw(st.sampled_from(sorted(RECORDS)))
    text = draw(st.sampled_from(examples(record, "pass"))).read_text(encoding="utf-8")
    value = json.loads(text)
    for _ in range(draw(st.integers(1, 2))):
        if not (known := sorted(places(value), key=str)):
            break
        *above, last = draw(st.sampled_from(known))
        holder: Any = value
        for step in above:
            holder = holder[step]
        if draw(st.booleans()) or not isinstance(holder, dict):
            holder[last] = deepcopy(draw(st.sampled_from(ODD_VALUES)))
        else:
            del holder[last]
            holder.update(draw(st.sampled_from(({}, {"surprise": 1}))))
    return record, value


@settings(max_examples=1500, deadline=None)
@given(changed=changed_records())
@example(changed=("watchlist_entry", [{}]))
def test_schema_and_model_give_the_same_verdict(changed: tuple[str, Any]) -> None:
    """Whatever is damaged in an example, both sides of the border agree on it."""
    record, value = changed
    if record == "watchlist_entry" and isinstance(value, dict) and value.get("valid_until"):
        value["valid_from"] = None  # the order of the two is beyond JSON Schema, tested above
    assert validator(record).is_valid(value) == model_accepts(record, json.dumps(value)), value


def test_the_command_writes_all_files(tmp_path: Path) -> None:
    """`write_schemas` fills a folder and names what it wrote."""
    written = write_schemas(tmp_path)
    named = [schema_file_name(record) for record in RECORDS]
    assert [path.name for path in written] == named + [avro_file_name(name) for name in AVRO_FILES]
    assert all(path.read_text(encoding="utf-8").endswith("}\n") for path in written)


@pytest.mark.parametrize("name", AVRO_FILES)
def test_the_avro_twins_are_written_from_the_model(name: str) -> None:
    """The published Avro schemas are those that the model of a read gives."""
    assert (SCHEMAS / avro_file_name(name)).read_text(encoding="utf-8") == avro_text(name)

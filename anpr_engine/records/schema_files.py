"""Writes the JSON Schemas of all records: `python -m anpr_engine.records.schema_files [DIR]`.

Why: the models are the one source. A schema typed by hand would drift from what the engine
accepts, so the files are generated, committed, and a test compares them.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from anpr_engine.records.alert import Alert
from anpr_engine.records.audit_event import AuditEvent
from anpr_engine.records.avro_schema_files import AVRO_FILES, avro_file_name, avro_text
from anpr_engine.records.consent import Consent
from anpr_engine.records.deconfliction import DeconflictionReply, DeconflictionRequest
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.records.messages import Correction, RecallReceipt, Refusal, ReportA, ReportB
from anpr_engine.records.questions import Answers, Questions
from anpr_engine.records.read import PlateRead
from anpr_engine.records.recall import Recall
from anpr_engine.records.rejected_read import RejectedRead
from anpr_engine.records.verdict import Verdict
from anpr_engine.records.watchlist_entry import WatchlistEntry

DIALECT = "https://json-schema.org/draft/2020-12/schema"

RECORDS: dict[str, type[BaseModel]] = {
    "plate_read": PlateRead,
    "watchlist_entry": WatchlistEntry,
    "alert": Alert,
    "rejected_read": RejectedRead,
    "audit_event": AuditEvent,
    "verdict": Verdict,
    "handling_event": HandlingEvent,
    "report_a": ReportA,
    "report_b": ReportB,
    "refusal": Refusal,
    "correction": Correction,
    "consent": Consent,
    "questions": Questions,
    "answers": Answers,
    "deconfliction_request": DeconflictionRequest,
    "deconfliction_reply": DeconflictionReply,
    "recall": Recall,
    "recall_receipt": RecallReceipt,
}
"""Record name to model; all at version 1."""


class _PlainSchema(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic-internal
        # A title made from the field's name says nothing that the name does not.
        return False


def schema_id(record: str) -> str:
    """Name the schema of a record, as `$id` and as the CloudEvents attribute `dataschema`."""
    return f"urn:anpr-engine:schema:{record}:v1"


def schema_file_name(record: str) -> str:
    """Name the file that holds the schema of a record."""
    return f"{record}.v1.json"


def schema_of(record: str) -> dict[str, Any]:
    """Make the JSON Schema of a record, fields by the names they have in JSON.

    Unknown fields: allowed where the model ignores them, refused where it forbids them, and
    said either way.
    """
    model = RECORDS[record]
    made = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_PlainSchema)
    for definition in (made, *made.get("$defs", {}).values()):
        if definition.get("type") == "object":
            definition.setdefault("additionalProperties", True)
    return {"$schema": DIALECT, "$id": schema_id(record), **made}


def schema_text(record: str) -> str:
    """Write the schema of a record the way it stands in its file."""
    return json.dumps(schema_of(record), indent=2, ensure_ascii=False) + "\n"


def accept(record: str, text: str | bytes) -> BaseModel:
    """Read one record the way its schema describes it: JSON types as they are, names as in JSON.

    Raises:
        pydantic.ValidationError: when the model refuses it.

    """
    return RECORDS[record].model_validate_json(text, strict=True, by_alias=True, by_name=False)


def write_schemas(folder: Path) -> list[Path]:
    """Write the schema files into a folder that exists, Avro twins too, and name them."""
    written = []
    for record in RECORDS:
        path = folder / schema_file_name(record)
        path.write_text(schema_text(record), encoding="utf-8")
        written.append(path)
    for name in AVRO_FILES:
        path = folder / avro_file_name(name)
        path.write_text(avro_text(name), encoding="utf-8")
        written.append(path)
    return written


def main() -> int:
    """Write the schema files and name each on stdout."""
    parser = argparse.ArgumentParser(description="Write the JSON Schemas of all records.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("schemas"))
    folder: Path = parser.parse_args().folder
    if not folder.is_dir():
        sys.stderr.write(f"schema_files: {folder} is no folder. Name one that exists.\n")
        return 2
    for path in write_schemas(folder):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

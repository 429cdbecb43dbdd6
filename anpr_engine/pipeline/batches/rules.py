"""What a record of many reads may be, and why one is refused as a whole.

Why limits of three kinds: a record is small on the wire and large once unpacked (200 kB of
compressed zeros became 200 MB), and reads cost more than their bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from anpr_engine.errors import UsageError
from anpr_engine.kernels.avro import AvroProgram
from anpr_engine.pipeline.batches.avro_schema import compile_schema
from anpr_engine.records.avro_schema_files import AVRO_FILES, avro_text
from anpr_engine.records.rejected_read import RejectReason

ANY_SCHEMA = "*"
"""Stands for every schema id that is not named."""
BATCH_BYTES_MAX = 1 << 30
"""What all records of one batch may unpack to; positions of texts are 32 bits wide."""


@lru_cache(maxsize=1)
def shipped_schemas() -> Mapping[str, AvroProgram]:
    """Give the schemas that come with the engine, by their names."""
    return {name: compile_schema(avro_text(name), name) for name in AVRO_FILES}


@lru_cache(maxsize=1)
def default_schemas() -> Mapping[str, AvroProgram]:
    """Take every schema id for the one of a read, version 1."""
    return {ANY_SCHEMA: shipped_schemas()[AVRO_FILES[0]]}


def schemas_from(files: Mapping[str, str]) -> Mapping[str, AvroProgram]:
    """Make the programs of a site's schemas.

    Args:
        files: schema id to the name of a shipped schema or to a path; `*` is every other id.

    Raises:
        UsageError: an id is none, or a file is no schema of reads.

    """
    found: dict[str, AvroProgram] = {}
    for schema_id, name in files.items():
        if not schema_id.strip():
            raise UsageError(
                "ingest.avro_schemas names an empty schema id.",
                "Give the number or GUID that the registry shows, or * for every other.",
            )
        shipped = shipped_schemas().get(name)
        program = compile_schema(_text_of(name), name) if shipped is None else shipped
        found[schema_id.strip().lower()] = program
    return found


def _text_of(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(
            f"The Avro schema {path} cannot be read: {error.strerror}.",
            f"Give another path in ingest.avro_schemas, or one of {', '.join(AVRO_FILES)}.",
        ) from None


@dataclass(frozen=True, slots=True)
class RecordRules:
    """What a site accepts in one record of many reads.

    reads_max: reads. bytes_max: bytes as they come. unpacked_bytes_max: bytes without compression,
    or as JSON. schemas: of Avro records, by id.
    """

    reads_max: int = 65_536
    bytes_max: int = 8 * 1024 * 1024
    unpacked_bytes_max: int = 64 * 1024 * 1024
    schemas: Mapping[str, AvroProgram] = field(default_factory=default_schemas)


class RecordRefused(ValueError):
    """A record that no reads can be taken from; says why without quoting it."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        """Keep the reason and what failed."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def unreadable(detail: str) -> RecordRefused:
    """Refuse a record that is damaged or of another format than it says."""
    return RecordRefused(RejectReason.UNREADABLE_RECORD, detail)


def too_many(reads_max: int) -> RecordRefused:
    """Refuse a record that holds more reads than allowed."""
    return RecordRefused(RejectReason.TOO_MANY_READS, f"over {reads_max} reads")


def too_large(unpacked_bytes_max: int) -> RecordRefused:
    """Refuse a record that unpacks to more than allowed."""
    detail = f"over {unpacked_bytes_max} bytes, or far more than its own size"
    return RecordRefused(RejectReason.UNPACKS_TOO_LARGE, detail)

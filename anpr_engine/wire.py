"""What goes over Kafka besides the payload: topic names, headers, JSON bytes.

Topic names are fixed; CloudEvents attributes follow the Kafka binding in binary mode
(CloudEvents 1.0.2, Kafka protocol binding, section 3.2).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Self

import msgspec
from pydantic import BaseModel

CROSS_BORDER_TOPIC = "anpr.alerts.crossborder"
REPORTS_TOPIC = "anpr.reports.crossborder"
"""What was done about hits on another country's list: messages A and B."""
CROSS_BORDER_RECALLS = "anpr.recalls.crossborder"
"""Apart from the alerts, so that nobody who reads those meets anything else."""
JSON_TYPE = b"application/json"

Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class SiteTopics:
    """The topics of one site, by what they carry."""

    site: str

    @property
    def reads(self) -> str:
        """Reads from the site's cameras."""
        return f"anpr.reads.{self.site}"

    @property
    def rejected(self) -> str:
        """Dead letters: records that are no read."""
        return f"anpr.reads.rejected.{self.site}"

    @property
    def alerts(self) -> str:
        """Alerts that stay with the site."""
        return f"anpr.alerts.{self.site}"

    @property
    def recalls(self) -> str:
        """Recalls of alerts that stayed with the site."""
        return f"anpr.recalls.{self.site}"

    @property
    def audit(self) -> str:
        """The site's record of what the engine did."""
        return f"anpr.audit.{self.site}"

    @property
    def feedback(self) -> str:
        """A control room's verdicts on alerts, and what became of hits."""
        return f"anpr.feedback.{self.site}"


class OutgoingRecord(NamedTuple):
    """One record to be produced; it becomes visible with its transaction."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class EventAttributes:
    """The CloudEvents context attributes of one record."""

    id: str
    source: str
    type: str
    time: str
    subject: str
    schema: str

    @classmethod
    def of(cls, id_: str, kind: str, site: str, at: datetime) -> Self:
        """Describe a record of a site by one of our schemas, version 1."""
        time = at.isoformat().replace("+00:00", "Z")
        return cls(id_, f"/anpr/{site}", f"eu.anpr.{kind}.v1", time, site, f"{kind}.v1.json")

    def headers(self) -> tuple[Header, ...]:
        """Write the attributes as Kafka headers."""
        return (
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("ce_time", self.time.encode()),
            ("ce_subject", self.subject.encode()),
            ("ce_dataschema", self.schema.encode()),
            ("content-type", JSON_TYPE),
        )


class Heading:
    """The headers of records of one kind and time; of record after record only the id differs."""

    def __init__(self, kind: str, site: str, at: datetime) -> None:
        """Write what they have in common; parameters as for `EventAttributes.of`."""
        attributes = EventAttributes.of("", kind, site, at)
        headers = attributes.headers()
        self.time = attributes.time
        """When they are made, as it is written."""
        place = [name for name, _ in headers].index("ce_id")
        self._before, self._after = headers[:place], headers[place + 1 :]

    def of(self, id_: str) -> tuple[Header, ...]:
        """Give the headers of one record."""
        return (*self._before, ("ce_id", id_.encode()), *self._after)


def entry_key(list_id: str, entry_id: str) -> bytes:
    """Give the record key that keeps all that is told of an entry in one partition, in order.

    A plate in a key would reach metrics, compaction and mirrors.
    """
    return f"{list_id}/{entry_id}".encode()


def told_apart(parts: Iterable[str]) -> bytes:
    """Join texts so that no others give the same bytes: each has its length before it.

    A separator might stand in a text itself. What is told of some texts and then of others, one
    behind the other, is what is told of all.
    """
    return "".join([f"{len(part)}:{part}" for part in parts]).encode()


def json_bytes(record: BaseModel) -> bytes:
    """Write one record as compact UTF-8 JSON, without the fields that hold nothing.

    The bytes are those of `model_dump_json(by_alias=True, exclude_none=True)`, in half the time.
    """
    try:
        return _ENCODER.encode(record)
    except OverflowError:
        # A number of more than 64 bits, such as a lane.
        return record.model_dump_json(by_alias=True, exclude_none=True).encode()


def _given_fields(value: BaseModel) -> dict[str, Any]:
    names = _other_names(type(value))
    if not names:
        return {name: given for name, given in value.__dict__.items() if given is not None}
    return {
        names.get(name, name): given for name, given in value.__dict__.items() if given is not None
    }


@cache
def _other_names(model: type[BaseModel]) -> dict[str, str]:
    fields = model.model_fields.items()
    return {name: field.alias for name, field in fields if field.alias}


_ENCODER = msgspec.json.Encoder(enc_hook=_given_fields)


def header(headers: Mapping[str, bytes], name: str) -> str:
    """Give one header's text, empty when it is not there."""
    return headers.get(name, b"").decode(errors="replace")

"""Records that are made of what options say: what does not fit is told by name."""

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from anpr_engine.errors import UsageError

Record = TypeVar("Record", bound=BaseModel)


def record_of(kind: type[Record], told: Mapping[str, object], what: str) -> Record:
    """Make a record, through JSON, as whoever reads it does.

    Args:
        kind: of record; its title, such as `Consent, v1`, names its schema.
        told: its fields, as JSON has them.
        what: the record in words, such as `a consent`.

    Raises:
        UsageError: an option does not have the form that its field must have.

    """
    try:
        return kind.model_validate_json(json.dumps(told))
    except ValidationError as error:
        wrong = ", ".join(sorted({str(one["loc"][0]) for one in error.errors()}))
        title, _, version = str(kind.model_config.get("title")).lower().partition(", ")
        schema = f"{title.replace(' ', '_')}.{version}.json"
        said = f"An option has no form that {what} may hold: {wrong}."
        raise UsageError(said, f"See `schemas/{schema}`.") from None

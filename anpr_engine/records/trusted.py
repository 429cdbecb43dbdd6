"""Records made of values that are known to be right, without checking them once more.

Why: a read is checked by the scanner and an entry when it is listed. To check both again for each
hit took a third of an alert's time.
"""

from typing import Any, TypeVar

from pydantic import BaseModel

Record = TypeVar("Record", bound=BaseModel)

_NEW = object.__new__
_SET = object.__setattr__  # A frozen model refuses the ordinary way.
_NONE_SAID: set[str] = set()


def trusted(model: type[Record], values: dict[str, Any]) -> Record:
    """Make a record; it keeps the very dictionary.

    Args:
        model: of the record.
        values: all fields by name, in the model's order, of the types that checking would give.

    """
    made = _NEW(model)
    _SET(made, "__dict__", values)
    _SET(made, "__pydantic_fields_set__", _NONE_SAID)
    _SET(made, "__pydantic_extra__", None)
    _SET(made, "__pydantic_private__", None)
    return made


def changed(record: Record, values: dict[str, Any]) -> Record:
    """Give a copy of a record with some other values; likewise."""
    return trusted(type(record), record.__dict__ | values)

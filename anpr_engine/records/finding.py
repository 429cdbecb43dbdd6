"""What `anpr doctor` finds: one check, how it went, and what to do."""

from typing import Literal, NamedTuple

State = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """One check's outcome; `remedy` is empty when there is nothing to do."""

    check: str
    state: State
    what: str
    remedy: str = ""

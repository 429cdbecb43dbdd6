"""One entry of a list as partners' questions see it."""

from dataclasses import dataclass

from anpr_engine.policy.pseudonym import NORMALISER_VERSION


@dataclass(frozen=True, slots=True)
class Listing:
    """One entry of a list: its id at home, the country code, and the normalised plate."""

    entry_id: str
    country: str
    plate: str
    list_id: str = ""

    def input(self) -> bytes:
        """Give what the function is computed of; both sides must have the same normaliser."""
        return f"anpr/plate/oprf/v{NORMALISER_VERSION}/{self.country}\0{self.plate}".encode()

"""Puts together who may ask a site what: partners, their agreements and their keys.

Why a partner without a key is none: whoever can send a file in its name could use up its day, or
ask in its name for what it learns.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from anpr_engine.audit.check_alerts import PinnedKey
from anpr_engine.audit.key_modules import pinned_keys
from anpr_engine.errors import PolicyRefused

_WHAT = "Questions of partners"


class PartnerRules(Protocol):
    """What a site has set for one partner."""

    @property
    def key(self) -> str:
        """File of its public Ed25519 key."""
        ...

    @property
    def agreement(self) -> str:
        """What permits its questions, in the site's words."""
        ...

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists that it may ask about."""
        ...

    @property
    def questions_per_day(self) -> int:
        """How many vehicles it may ask about."""
        ...

    @property
    def elements_per_day(self) -> int:
        """How many elements it may have compared; a comparison is rounded up to 256."""
        ...


class Partner(NamedTuple):
    """One partner of a site, and what the site has set for it."""

    name: str
    rules: PartnerRules


def partner_keys(partners: Mapping[str, PartnerRules]) -> dict[str, PinnedKey]:
    """Read the keys of all partners, each pinned to its own.

    Raises:
        UsageError: a package is missing.
        InputFileError: a file holds no public key.

    """
    return pinned_keys([f"{name}={rules.key}" for name, rules in partners.items()], _WHAT)


def partner_of(partners: Mapping[str, PartnerRules], name: str) -> Partner:
    """Find a partner.

    Raises:
        PolicyRefused: it is none of this site.

    """
    rules = partners.get(name)
    if rules is None:
        what = "partner.unknown: That is no partner of this site, so nothing is asked or answered."
        raise PolicyRefused(what, "Set [partners.NAME] with key, agreement and lists.")
    return Partner(name, rules)

"""For how long the rules let things be kept, over all cases: what storage is held against."""

from collections.abc import Iterator
from typing import NamedTuple

from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.policy.rules import FileKind
from anpr_engine.policy.vocabulary import KEEP


class Period(NamedTuple):
    """A number of days or hours, and the rule that sets it."""

    value: float
    rule: str
    reference: str


def periods(policies: PolicySet, site: str, effect: str) -> list[Period]:
    """Give every period that some case at a site may have, the shortest first.

    Args:
        policies: the rules in force.
        site: where reads are made.
        effect: which period, such as `keep_hit_days`.

    """
    return sorted(_periods(policies, site, effect))


def _periods(policies: PolicySet, site: str, effect: str) -> Iterator[Period]:
    for file in policies.files:
        if file.kind != FileKind.COMMON and site not in file.sites:
            continue
        for rule in file.stages[KEEP]:
            value = rule.then.get(effect)
            if isinstance(value, int | float):
                yield Period(float(value), rule.id, rule.reference)


def countries(policies: PolicySet) -> list[str]:
    """Name the sites for which there is a file of their country's law."""
    files = (file for file in policies.files if file.kind == FileKind.COUNTRY)
    return sorted(site for file in files for site in file.sites)

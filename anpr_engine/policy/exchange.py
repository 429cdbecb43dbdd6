"""May a provider's list be used here and now? The rules that ask of nothing but list and parties.

The engine asks them of every hit of an entry that came from another site, with the clock of the
batch: a list that nobody confirms any more runs out by the clock alone, whatever the store says
or whether it answers.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from anpr_engine.policy.case import Case, Delivery
from anpr_engine.policy.decide import NOW
from anpr_engine.policy.facts import facts_at, lasting_facts
from anpr_engine.policy.policy_set import PolicySet, in_force_from
from anpr_engine.policy.vocabulary import ENTRY, USE

CLOCKS_APART = timedelta(minutes=5)
"""A receipt that lies so far ahead is one of now: two machines' clocks are never the same."""
_ASKED = frozenset({"exchange", "site", "provider", "agreement", "moment"})
_REFUSALS = frozenset({"refuse_entry", "forbid_use"})


def list_objection(
    site: str,
    provider: str,
    received_at_us: Mapping[str, int],
    now_us: int,
    policies: PolicySet,
) -> str | None:
    """Name the rule against using a provider's list; None where there is none.

    Args:
        site: where the reads are made.
        provider: whose list it is; of the site's own nothing is asked.
        received_at_us: when each provider's list was last received, microseconds since 1970; a
            list that is delivered without a break is received as often as that is confirmed.
        now_us: microseconds since 1970.
        policies: the rules in force.

    """
    if provider == site:
        return None
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    received_us = received_at_us.get(provider)
    received = None if received_us is None else datetime.fromtimestamp(received_us / 1e6, UTC)
    if received is not None and now < received <= now + CLOCKS_APART:
        received = now
    asked = policies.asked(site, provider)
    delivery = Delivery(kind="structural", received_at=received)
    case = Case(case_id="list", now=now, site=site, provider=provider, delivery=delivery)
    facts = lasting_facts(case) | facts_at(case, now, NOW, in_force_from(asked))
    known = {name: fact for name, fact in facts.items() if name in _ASKED or _of_list(name)}
    for file in asked:
        for rule in (*file.stages[ENTRY], *file.stages[USE]):
            told = all(one.fact in known for one in rule.when)
            if told and _REFUSALS & rule.then.keys() and rule.holds(known):
                return rule.id
    return None


def _of_list(fact: str) -> bool:
    return fact.startswith("list.")

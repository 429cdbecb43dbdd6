"""Each rule that comes with the engine: a case where it applies, and a near miss where it does not.

`anpr_engine/policy/README.md` lists the same examples beside the articles; the last tests hold the
two together, so that no rule goes untested and no article unanswered.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from oracle_policy import example

from anpr_engine.policy.case import read_case
from anpr_engine.policy.decide import decide
from anpr_engine.policy.policy_set import shipped_policies

README = Path(__file__).parents[2] / "anpr_engine" / "policy" / "README.md"
Changes = dict[str, object]

ACTED: Changes = {"state.acted": True}
NOT_ACTED: Changes = {"state.acted": False}
AGAIN: Changes = {"state.acted": False, "state.first_reported": True}
BORDER: Changes = {"state.acted": True, "entry.border_area_only": True}
CONTACT = "circumstances.agreed_contact"
HERE = {"cameras": ["be-1"]}
ELSEWHERE = {"cameras": ["be-2"]}
TO_NL: Changes = {"site": "nl", "provider": "be"}
OLD = "2026-11-17T08:59:59.999999Z"
FIVE_DAYS = "2026-11-17T09:00:00Z"
TWO_DAYS: Changes = {"list.kind": "ad_hoc", "list.received_at": "2026-11-20T09:00:00Z"}
OVER_TWO_DAYS: Changes = {"list.kind": "ad_hoc", "list.received_at": "2026-11-20T08:59:59Z"}
BEFORE_START = "2025-12-11T23:59:59Z"
START = "2025-12-12T00:00:00Z"


class Example(NamedTuple):
    """Changes to the example case (`oracle_policy.EXAMPLE`) that make a rule apply, or just not."""

    applies: Changes
    spares: Changes


ENTRY: dict[str, Example] = {
    "art13.1-parties": Example({}, {"provider": "be"}),
    "art13.23.4-not-yet": Example({"now": BEFORE_START}, {"now": START}),
    "art13.15.1a-plate": Example({"entry.plate": " "}, {"entry.plate": "X"}),
    "art13.15.1b-country": Example({"entry.country": None}, {"entry.country": "BE"}),
    "art13.15.1c-reason": Example({"entry.category": ""}, {"entry.category": "other"}),
    "art13.8-purpose": Example({"entry.category": "parking"}, {"entry.category": "other"}),
    "art13.9.1-action": Example({"entry.action": None}, {"entry.action": "seize"}),
    "art13.9.3-action-term": Example({"entry.action": "wave"}, {"entry.action": "protect"}),
    "art13.10.1-no-observation": Example(
        {"entry.action": "discreet-check"}, {"entry.action": "inquiry-check"}
    ),
    "art13.15.1e-unit": Example({"entry.owner": ""}, {"entry.owner": "u"}),
    "art13.11.2-period-given": Example(
        {"entry.valid_until": None}, TO_NL | {"entry.valid_until": None}
    ),
    "art13.11.2-times-given": Example(
        {"entry.max_actions": None}, TO_NL | {"entry.max_actions": None}
    ),
    "common.no-agreement": Example({"provider": "xx"}, {"provider": "be"}),
    "lu.closed": Example({"provider": "lu"}, {"provider": "xx"}),
    "de.closed": Example({"site": "de"}, {"site": "xx"}),
    "fr.closed": Example({"site": "fr", "provider": "fr"}, {"provider": "de"}),
}
USE: dict[str, Example] = {
    "treaty.13.3-comparison": Example({}, {"entry.owner": None}),
    "art13.3.2-no-search-of-the-past": Example(
        {"hit.captured_at": "2026-11-22T05:59:59Z"}, {"hit.captured_at": "2026-11-22T06:00:00Z"}
    ),
    "art13.5-kind": Example({"list.kind": None}, {"list.kind": "ad_hoc"}),
    "art13.5-ad-hoc": Example(OVER_TWO_DAYS, TWO_DAYS),
    "art13.7.1-sis-list": Example({"list.sis_derived": True}, {"entry.sis_action": "seize"}),
    "art13.11.1-area": Example({"entry.area": ELSEWHERE}, {"entry.area": HERE}),
    "art13.11.2-period": Example(
        {"entry.valid_until": "2026-11-22T09:00:00Z"},
        {
            "entry.valid_from": "2026-11-22T08:59:00Z",
            "entry.valid_until": "2026-11-22T09:00:01Z",
        },
    ),
    "art13.11.2-times": Example({"state.actions_done": 2}, {"state.actions_done": 1}),
    "art13.14-received": Example(
        {"list.received_at": "2026-11-22T09:00:01Z"},
        {"list.received_at": "2026-11-22T08:59:00Z"},
    ),
    "art13.14-newest": Example({"list.superseded": True}, {"list.superseded": None}),
    "art13.14-age": Example({"list.received_at": OLD}, {"list.received_at": FIVE_DAYS}),
    "treaty.10.2-sharing": Example({"entry.sharing": "nl,lu"}, {"entry.sharing": "nl, be"}),
    "common.hours": Example({"entry.hours_utc": "09:00-08:59"}, {"entry.hours_utc": "08:59-09:00"}),
    "common.direction": Example(
        {"entry.direction": "North", "hit.direction": "south"},
        {"entry.direction": "North", "hit.direction": "north "},
    ),
}
RELEASE: dict[str, Example] = {
    "common.doubtful-waits": Example(
        {"hit.tier": "fuzzy", "hit.probability": 0.05},
        {"hit.tier": "fuzzy", "hit.probability": 0.5},
    ),
    "common.too-doubtful": Example(
        {"hit.tier": "repaired", "hit.probability": 0.0499},
        {"hit.tier": "exact", "hit.probability": 0.0499},
    ),
}
LATE: Changes = {"list.superseded": True}
KEEP: dict[str, Example] = {
    "treaty.13.3-keep-hits": Example({}, LATE),
    "be.keep-reads": Example(LATE, {}),
    "be.keep-hits": Example({"provider": "be"}, {}),
    "be.keep-logs": Example(LATE, {"site": "nl"}),
    "nl.keep-reads": Example({"site": "nl", "hit.captured_at": None}, {"site": "nl"}),
    "nl.keep-hits": Example({"site": "nl"}, TO_NL),
    "nl.keep-logs": Example(TO_NL, {}),
}
ANSWER: dict[str, Example] = {
    "art13.7.3-sis-wins": Example({"entry.sis_action": "arrest"}, {"entry.sis_action": "seize"}),
    "common.sis-wins": Example(
        {"provider": "be", "entry.sis_action": "arrest"},
        {"provider": "be", "entry.sis_action": "seize"},
    ),
    "common.sis-procedure": Example(
        {"provider": "be", "entry.sis_action": "seize"}, {"entry.sis_action": "seize"}
    ),
    "art13.17.1-sis": Example({"entry.sis_action": "seize"}, {"entry.sis_action": ""}),
    "art13.17.2-procedure": Example({}, {"list.superseded": True}),
    "art13.17.2-procedure-after": Example(
        ACTED | {"state.actions_done": 2}, {"state.actions_done": 2}
    ),
    "art13.17.2a-acted": Example(ACTED, {"state.acted": None}),
    "art13.17.2b-first": Example(NOT_ACTED, AGAIN),
    "art13.17.2b-later": Example(AGAIN | {"state.later_wanted": True}, AGAIN),
    "art13.17.2b-no-more": Example(AGAIN, AGAIN | {"state.later_wanted": True}),
}
REPORT: dict[str, Example] = {
    "art13.17.2b-validate": Example(NOT_ACTED, NOT_ACTED | {"state.validated": True}),
    "art13.18.1-acted": Example(ACTED, NOT_ACTED),
    "art13.18.1-reference": Example(ACTED | {"entry.case_ref": "A"}, ACTED),
    "art13.18.2-not-acted": Example(NOT_ACTED, ACTED),
    "art13.18.2-reference": Example(NOT_ACTED | {"entry.case_ref": "A"}, NOT_ACTED),
    "art13.19.1-national": Example(ACTED | {CONTACT: "regional"}, BORDER | {CONTACT: "regional"}),
    "art13.19.2-regional": Example(BORDER | {CONTACT: "regional"}, ACTED | {CONTACT: "regional"}),
    "art13.19.2-joint-centre": Example(
        BORDER | {CONTACT: "joint-centre"}, ACTED | {CONTACT: "joint-centre"}
    ),
    "art13.19.3a-urgent": Example(
        ACTED | {"circumstances.urgent": True}, {"circumstances.urgent": True}
    ),
    "art13.19.3b-joint-action": Example(
        BORDER | {CONTACT: "regional", "circumstances.joint_action": True},
        BORDER | {CONTACT: "regional"},
    ),
    "art13.19.4-notice": Example(BORDER | {CONTACT: "joint-centre"}, ACTED),
}


def further(use: str, consent: str | None) -> Changes:
    """Ask for a further use of the example's hit."""
    return {"further_use": {"use": use, "consent": consent}}


EVIDENCE = further("evidence", "signed")
FURTHER: dict[str, Example] = {
    "common.own-further": Example({"provider": "be"} | further("inform", None), EVIDENCE),
    "treaty.9-onward": Example(further("onward", "unsigned"), further("onward", None)),
    "treaty.10-evidence": Example(EVIDENCE, further("evidence", None)),
    "treaty.10-inform": Example(further("inform", "signed"), further("inform", "expired")),
    "treaty.9-10-no-consent": Example(further("onward", None), further("onward", "unsigned")),
    "treaty.9-10-expired": Example(further("evidence", "expired"), EVIDENCE),
}


def own(site: str) -> Iterator[tuple[str, Example]]:
    """Give the examples of a country's rules on its own lists."""
    mine: Changes = {"site": site, "provider": site}
    received: Changes = {"site": site, "provider": "be" if site == "nl" else "nl"}
    watch: Changes = mine | {"entry.action": "observe", "entry.owner": None, "list": None}
    yield f"{site}.own-entry", Example(watch, received)
    yield f"{site}.own-plate", Example(mine | {"entry.plate": None}, mine)
    yield f"{site}.own-reason", Example(mine | {"entry.category": "parking"}, mine)
    yield f"{site}.own-action", Example(mine | {"entry.action": "wave"}, watch)
    yield f"{site}.own-use", Example(watch, mine | {"entry.plate": None})
    outside: Changes = {"entry.valid_from": "2026-11-22T09:00:01Z"}
    inside: Changes = {"entry.valid_from": None, "entry.valid_until": None}
    yield f"{site}.own-period", Example(mine | outside, mine | inside)
    yield f"{site}.own-area", Example(mine | {"entry.area": ELSEWHERE}, mine | {"entry.area": HERE})
    yield (
        f"{site}.own-times",
        Example(mine | {"state.actions_done": 2}, mine | {"state.actions_done": 1}),
    )


EXAMPLES: dict[str, Example] = {
    **ENTRY, **USE, **RELEASE, **KEEP, **ANSWER, **REPORT, **FURTHER,
    **dict(own("be")), **dict(own("nl"))
}  # fmt: skip


def rules_of(changes: Changes) -> list[str]:
    """Name the rules that apply to the example case after some changes."""
    case = read_case(json.dumps(example(changes)).encode())
    return decide(case, shipped_policies()).rules


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_applies(rule: str) -> None:
    """The rule is among those that decided."""
    assert rule in rules_of(EXAMPLES[rule].applies)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_spares_a_near_miss(rule: str) -> None:
    """One step away from its condition the rule is not among those that decided."""
    assert rule not in rules_of(EXAMPLES[rule].spares)


def test_every_rule_has_examples() -> None:
    """No rule comes with the engine untested."""
    assert set(EXAMPLES) == set(shipped_policies().rules)


def rows(heading: str) -> dict[str, list[str]]:
    """Read a table of the README under a heading: the cells of each row by the first one."""
    section = README.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


def articles_of(reference: str, law: str) -> set[str]:
    """Name the articles of a law that a reference stands on."""
    parts = [part for part in reference.split(";") if part.strip().lower().startswith(law)]
    return {number for part in parts for number in re.findall(r"(?<![\d(])\b(\d+)\b(?!\))", part)}


@pytest.mark.parametrize(
    ("heading", "law", "numbers"),
    [("The agreement", "agreement", range(1, 24)), ("The treaty", "treaty", range(13, 18))],
)
def test_every_article_is_answered(heading: str, law: str, numbers: range) -> None:
    """Each article has a row with all the rules that stand on it, or the reason for none."""
    table = rows(heading)
    assert list(table) == [str(number) for number in numbers]
    for number, (_, named, why) in table.items():
        rules = {
            rule.id
            for rule in shipped_policies().rules.values()
            if number in articles_of(rule.reference, law)
        }
        assert set(re.findall(r"`([^`]+)`", named)) == rules, f"article {number}"
        assert rules or why, f"article {number} has neither rule nor reason"


def test_every_rule_stands_in_the_table_with_its_tests() -> None:
    """The README's table of rules names each rule, its reference and its two tests."""
    expected = {
        f"`{rule.id}`": [
            rule.reference,
            f"`test_rule_applies[{rule.id}]`, `test_rule_spares_a_near_miss[{rule.id}]`",
        ]
        for rule in shipped_policies().rules.values()
    }
    assert rows("Every rule and its tests") == expected

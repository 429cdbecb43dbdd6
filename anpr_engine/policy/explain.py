"""Say in words why a case was decided so, and what a rule means."""

from collections.abc import Collection, Iterator

from anpr_engine.policy.case import Case
from anpr_engine.policy.decide import HIT, NOW, Fired, Verdict, chosen, examine
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.policy.rules import Rule

_RELEASES = {
    "unverified": "unverified, to all it is for",
    "review": "to the site of the read alone, until a person has looked",
    "stay": "to nobody",
}
_SILENT = "no rule permits it, and what no rule permits is not permitted"


def explain_rule(rule: Rule) -> list[str]:
    """Say what a rule means, a line each."""
    lines = [
        f"{rule.id} ({rule.file}:{rule.line})",
        f"  {rule.says}",
        f"  reference: {rule.reference}",
        f"  when: {rule.condition_words()}",
        f"  then: {rule.effect_words()}",
    ]
    return [*lines, f"  goes over: {', '.join(rule.over)}"] if rule.over else lines


def explain_case(case: Case, policies: PolicySet) -> list[str]:
    """Say what was decided of a case and which rules said so, a line each.

    The lines hold no plate and no value of the facts.
    """
    verdict, fired = examine(case, policies)
    about = f"a read at {case.site}, a list of {case.provider}"
    return [
        f"case {verdict.case_id}: {about}, at {case.now.isoformat()}, policy {policies.version}",
        *_use_lines(verdict, fired),
        *_kept_lines(verdict, fired),
        *_answer_lines(verdict, fired),
        *_report_lines(verdict, fired),
        *_further_lines(verdict, fired),
    ]


def _use_lines(verdict: Verdict, fired: Collection[Fired]) -> Iterator[str]:
    yield f"entry accepted: {_yes(told=verdict.entry_accepted)}"
    yield from _weighed(fired, "permit_entry", "refuse_entry", NOW)
    yield f"may be matched now: {_yes(told=verdict.usable)}"
    yield from _weighed(fired, "permit_use", "forbid_use", NOW)
    asked = {one.rule.id for one in fired if one.moment == HIT}
    if asked:
        forbidden = any("forbid_use" in one.rule.then for one in fired if one.moment == HIT)
        permitted = any("permit_use" in one.rule.then for one in fired if one.moment == HIT)
        yield f"lawful when the hit was made: {_yes(told=permitted and not forbidden)}"
        yield from _weighed(fired, "permit_use", "forbid_use", HIT)
    if any("release" in one.rule.then for one in fired):
        released = chosen([one.rule for one in fired], "release")
        yield f"how the hit goes out: {_RELEASES[str(released)]}"
        yield from _because(fired, "release")


def _kept_lines(verdict: Verdict, fired: Collection[Fired]) -> Iterator[str]:
    kept = verdict.kept
    for value, effect, words in (
        (kept.hit_days, "keep_hit_days", "what is recorded of the hit is kept, days"),
        (kept.log_days, "keep_log_days", "its line of the record is kept, days"),
        (kept.read_hours, "keep_read_hours", "the read alone is kept, hours"),
    ):
        if value is not None:
            yield f"{words}: {value:g}"
            yield from _because(fired, effect)


def _answer_lines(verdict: Verdict, fired: Collection[Fired]) -> Iterator[str]:
    yield f"action: {verdict.action or 'none given'}"
    yield from _because(fired, "action")
    yield f"procedure: {verdict.procedure or 'none'}"
    yield from _because(fired, "procedure")
    yield f"report due now: {verdict.report or 'none'}"
    yield from _because(fired, "report")


def _report_lines(verdict: Verdict, fired: Collection[Fired]) -> Iterator[str]:
    if verdict.report is None:
        return
    yield f"validation needed first: {_yes(told=verdict.validation_required)}"
    yield from _because(fired, "validation_required")
    yield f"by way of: {verdict.via or 'none'}"
    yield from _because(fired, "via")
    yield f"national contact point told at once: {_yes(told=verdict.notify_national_now)}"
    yield from _because(fired, "notify_national_now")
    yield f"goes out: {', '.join(verdict.fields) or 'nothing'}"
    yield f"mandatory but not known: {', '.join(verdict.missing) or 'nothing'}"
    yield from _because(fired, "mandatory")


def _further_lines(verdict: Verdict, fired: Collection[Fired]) -> Iterator[str]:
    if verdict.further_use is not None:
        yield f"further use permitted: {_yes(told=verdict.further_use)}"
        yield from _weighed(fired, "permit_further", "refuse_further", NOW)


def _weighed(fired: Collection[Fired], permit: str, refuse: str, moment: str) -> Iterator[str]:
    """Tell the refusals where there are any, else the permissions, else that there are none."""
    told = [one for one in fired if one.moment == moment]
    lines = list(_because(told, refuse)) or list(_because(told, permit))
    yield from lines or [f"  {_SILENT}"]


def _because(fired: Collection[Fired], effect: str) -> Iterator[str]:
    for one in fired:
        if effect in one.rule.then:
            yield f"  {one.rule.id}: {one.rule.says} [{one.rule.reference}]"


def _yes(*, told: bool) -> str:
    return "yes" if told else "no"

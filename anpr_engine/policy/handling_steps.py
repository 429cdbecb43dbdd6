"""One decision of a desk: checks the step against the state, and makes what follows from it.

Pure: state in, records' contents out. A step that the state forbids is refused with its name and
sentence; what a report lacks stops the report and not the step, for the act itself has happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from anpr_engine.policy.handled import Subject
from anpr_engine.policy.handling import apply
from anpr_engine.policy.handling_events import Illegal, IllegalStep
from anpr_engine.policy.handling_records import event_of
from anpr_engine.policy.handling_reports import Due, Situation, compose, due
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.records.messages import ReportA, ReportB


@dataclass(frozen=True, slots=True)
class Reporting:
    """What a report is made by."""

    situation: Situation
    policies: PolicySet


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from a step.

    records: the events, in order. report: what goes to the provider. due: what the policy said of
    a report; `due.obstacle` says why none went. note: what else is missing for it.
    """

    subject: Subject
    records: tuple[HandlingEvent, ...]
    report: ReportA | ReportB | None = None
    due: Due | None = None
    note: str = ""


def taken(subject: Subject, record: HandlingEvent) -> Subject:
    """Take one step.

    Raises:
        IllegalStep: it cannot be taken now, or lacks what such a step has.

    """
    event = event_of(record)
    if event is None:
        raise IllegalStep(Illegal.NO_OUTCOME)
    return apply(subject, event)


def step_and_report(
    subject: Subject, steps: Sequence[HandlingEvent], told: HandlingEvent, by: Reporting
) -> Outcome:
    """Take steps about a hit, then make the report that is due, where one is.

    Args:
        subject: the newest state.
        steps: what happened; none where only a report is to go.
        told: the event that says a report went out, its report and message yet to be filled in.
        by: what the report is made by.

    Raises:
        IllegalStep: a step cannot be taken.

    """
    for record in steps:
        subject = taken(subject, record)
    found = due(subject, str(told.alert_id), by.situation, by.policies)
    plain = Outcome(subject, tuple(steps), due=found)
    if found.obstacle is not None:
        return plain
    try:
        message = compose(subject, found, by.situation, by.policies)
    except IllegalStep as lacking:
        return replace(plain, due=replace(found, obstacle=lacking.illegal), note=lacking.remedy)
    kind = "A" if isinstance(message, ReportA) else "B"
    more = {"report": kind, "message_id": message.message_id}
    record = told.model_copy(update=more)
    return Outcome(taken(subject, record), (*steps, record), message, found)

"""What an officer decides about a hit, step by step: seen, acted on or not, told, answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from anpr_engine.cli.hits_deed import About, Clerk
from anpr_engine.cli.hits_facts import situation_of
from anpr_engine.cli.hits_options import HitOptions, require_reasons
from anpr_engine.cli.hits_ways import contacts_for
from anpr_engine.errors import UsageError
from anpr_engine.kafka.audit_desk import Deed
from anpr_engine.pipeline.columns import DecidedAlert
from anpr_engine.pipeline.publish import alert_records
from anpr_engine.policy.handled import Subject
from anpr_engine.policy.handling_events import Illegal, IllegalStep, SubjectId
from anpr_engine.policy.handling_records import fold, hits_of, subject_of_alert
from anpr_engine.policy.handling_steps import Outcome, Reporting, step_and_report, taken
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.records.alert import Alert
from anpr_engine.records.fields import Category
from anpr_engine.records.handling_event import Happened
from anpr_engine.wire import OutgoingRecord, SiteTopics
from anpr_engine.wiring import settings_of
from anpr_engine.wiring_alerts import alert_guard
from anpr_engine.wiring_hits import message_signer
from anpr_engine.wiring_policy import policies_of


@dataclass(slots=True)
class Done:
    """What was written, for the person who asked."""

    event: str
    alert_id: str | None = None
    report: str | None = None
    via: str | None = None
    contact: str | None = None
    notify_national_now: bool = False
    obstacle: Illegal | None = None
    missing: list[str] = field(default_factory=list[str])
    note: str = ""
    rules: list[str] = field(default_factory=list[str])
    sent_to: list[str] = field(default_factory=list[str])


class Office:
    """One person's decisions on hits at one site."""

    def __init__(self, options: HitOptions) -> None:
        """Take what was asked for."""
        self._options, self._desk = options, options.desk()
        self._settings = settings_of(options.config, options.where())
        signer = message_signer(self._settings.alerts.signing_key)
        self._clerk = Clerk(self._desk, options, signer)

    def look(self, alert_id: str, event: Happened, **more: object) -> Done:
        """Record what was seen on the picture; a hit that waited for that goes on.

        Raises:
            AnprError: it cannot be.

        """
        about, state = self._hit(alert_id)
        onward = self._onward(about.alert) if event == "validated" else None
        record = self._clerk.event(about, event, **more)
        told = [] if onward is None else list(onward[0].recipients)

        def plan() -> Deed:
            taken(state(), record)
            records = self._clerk.records(about, [record])
            records += [] if onward is None else [onward[1]]
            return Deed(records, self._clerk.act(about, event, recipients=told))

        self._clerk.write(plan)
        return Done(event, alert_id, sent_to=told)

    def settle(self, alert_id: str, event: Happened | None, **more: object) -> Done:
        """Record an outcome and send the report that is due; no event: the report alone.

        Raises:
            AnprError: it cannot be.

        """
        about, state = self._hit(alert_id)
        alert = _alert_of(about)
        steps = [] if event is None else [self._clerk.event(about, event, **more)]
        told = self._clerk.event(about, "reported")
        situation = situation_of(self._options, alert, datetime.now(UTC))
        reason = {"not_acted_reason": more["reason"]} if "reason" in more else {}
        file, contact = self._settings.policy.arrangements, self._options.contact
        contacts = contacts_for(file, alert, contact, situation.now)
        situation = replace(situation, facts={**situation.facts, **reason}, contacts=contacts)
        policies = policies_of(self._settings.policy.folder)
        by, outcomes = Reporting(situation, policies), list[Outcome]()

        def plan() -> Deed:
            found = step_and_report(state(), steps, told, by)
            if not found.records and found.due is not None and found.due.obstacle is not None:
                raise IllegalStep(found.due.obstacle, found.note)
            outcomes.append(found)
            return self._deed(about, found, by.policies)

        self._clerk.write(plan)
        return _done(event or "reported", alert_id, outcomes[-1])

    def answer(self, alert_id: str, *, wanted: bool) -> Done:
        """Tell the site of the read whether this site wants to hear of later hits.

        Raises:
            AnprError: it cannot be.

        """
        alert = self._desk.alert(alert_id)
        require_reasons(self._options, alert)
        about = About(subject_of_alert(alert), alert.site, alert.category, alert)
        record = self._clerk.event(about, "answered", later_wanted=wanted)

        def plan() -> Deed:
            if about.id.provider != self._desk.site or alert.site == self._desk.site:
                raise IllegalStep(Illegal.OTHER_SIDE)
            if not self._desk.was_asked(alert):
                raise IllegalStep(Illegal.NOTHING_ASKED)
            act = self._clerk.act(about, "answered", recipients=[alert.site])
            return Deed(self._clerk.records(about, [record]), act)

        self._clerk.write(plan)
        return Done("answered", alert_id, sent_to=[alert.site])

    def entry(self, provider: str | None, list_id: str, entry_id: str) -> SubjectId:
        """Name an entry; whose list it is tells a hit of it, where nobody says so.

        Raises:
            UsageError: nobody says so, and there was no hit.

        """
        if provider is not None:
            return SubjectId(provider, list_id, entry_id)
        mark = entry_id.encode()
        for alert in self._desk.alerts(lambda value: mark in value):
            about = subject_of_alert(alert)
            if (alert.site, about.list_id, about.entry_id) == (self._desk.site, list_id, entry_id):
                return about
        raise UsageError("The entry had no hit here.", "Say whose list it is with --provider.")

    def refuse(self, about: SubjectId, reasons: Sequence[str]) -> Done:
        """Refuse an entry: its open hits are recalled, and engines give no more alerts of it.

        Raises:
            AnprError: it cannot be.

        """
        require_reasons(self._options)
        alerts = self._desk.alerts_on(about)
        category = alerts[0].category if alerts else Category.OTHER
        subject = About(about, self._desk.site, category)
        record = self._clerk.event(subject, "refused", refusal=list(reasons))

        def plan() -> Deed:
            events = self._desk.events(about)
            if alerts:
                start = hits_of(alerts, about, subject.site, border=False)
                taken(fold(start, events).subject, record)
            elif any(each.event == "refused" for each in events):
                raise IllegalStep(Illegal.ENDED)
            act = self._clerk.act(subject, "refused", reasons=list(reasons))
            return Deed(self._clerk.records(subject, [record]), act)

        self._clerk.write(plan)
        return Done("refused")

    def _hit(self, alert_id: str) -> tuple[About, Callable[[], Subject]]:
        """Find a hit of this site, and give what reads its entry's newest state."""
        alert = self._desk.alert(alert_id)
        require_reasons(self._options, alert)
        about = About(subject_of_alert(alert), alert.site, alert.category, alert)
        if alert.site != self._desk.site:
            what = f"The read of this alert was made at {alert.site}, whose officers see to it."
            raise UsageError(what, "Answer a report of theirs with `anpr hits answer`.")
        border = self._options.contact is not None
        start = hits_of(self._desk.alerts_on(about.id), about.id, about.site, border=border)
        return about, lambda: fold(start, self._desk.events(about.id)).subject

    def _deed(self, about: About, found: Outcome, policies: PolicySet) -> Deed:
        records = self._clerk.records(about, found.records)
        words = [str(each.event) for each in found.records]
        more: dict[str, object] = {"policy_version": policies.version}
        if found.report is not None:
            records.append(self._clerk.report(about, found.report))
            contact = f" ({found.report.contact})" if found.report.contact else ""
            words.append(f"by way: {found.report.via}{contact}")
            more |= {"recipients": [found.report.provider], "reasons": list(found.report.rules)}
        return Deed(records, self._clerk.act(about, ", ".join(words)[:256], **more))

    def _onward(self, alert: Alert | None) -> tuple[Alert, OutgoingRecord] | None:
        """Give the alert that goes on to those who were to wait, and its record."""
        if alert is None or alert.state != "review":
            return None
        if alert.sealed is not None:
            what = "The alert has sealed fields, and those it goes to could not open them."
            raise UsageError(what, "Give this site's key with --secret.")
        recipients = list(dict.fromkeys((*alert.recipients, *(alert.held_back_from or ()))))
        changed = {
            "state": "validated",
            "recipients": recipients,
            "held_back_from": None,
            # Those who are told now were not told of the plate's other lists.
            "also": None,
        }
        onward = alert.model_copy(update=changed | {"created_at": datetime.now(UTC)})
        given = self._settings.alerts
        guard = alert_guard(alert.site, given.signing_key, given.encrypt, given.sealed_fields)
        record = alert_records([DecidedAlert(0, onward)], SiteTopics(alert.site), guard)[0]
        return onward, record


def _alert_of(about: About) -> Alert:
    if about.alert is None:
        raise UsageError("An outcome is that of a hit.", "Name its alert.")
    return about.alert


def _done(event: str, alert_id: str, found: Outcome) -> Done:
    done = Done(event, alert_id, note=found.note)
    if found.report is not None:
        done.report = "A" if found.due is not None and found.due.verdict.report == "A" else "B"
        done.via, done.rules = found.report.via, list(found.report.rules)
        done.contact = found.report.contact
        done.notify_national_now = found.report.notify_national_now
        done.sent_to = [found.report.provider]
    elif found.due is not None:
        done.obstacle, done.rules = found.due.obstacle, list(found.due.verdict.rules)
        done.missing = list(found.due.verdict.missing) if found.due.verdict.report else []
    return done

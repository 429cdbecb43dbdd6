"""What a desk reads: the alerts on a site's hits, what became of them, and reports on hits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pydantic import ValidationError

from anpr_engine.cli.alert_proof import AlertOpener
from anpr_engine.cli.hits_proof import Proofs
from anpr_engine.errors import UsageError
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.kafka.topic_values import committed_records
from anpr_engine.policy.handling_events import SubjectId
from anpr_engine.policy.handling_records import (
    newest_alerts,
    read_event,
    subject_id,
    subject_of_alert,
)
from anpr_engine.records.alert import Alert
from anpr_engine.records.handling_event import HandlingEvent
from anpr_engine.records.messages import ReportB
from anpr_engine.wire import CROSS_BORDER_TOPIC, REPORTS_TOPIC, SiteTopics


@dataclass(frozen=True, slots=True)
class Desk:
    """A site, where its topics are, what opens sealed fields (None: nothing) and weighs events."""

    site: str
    log: HistorySettings
    opener: AlertOpener | None = None
    proofs: Proofs = field(default_factory=Proofs)

    def records(self, topic: str) -> Iterator[TailedRecord]:
        """Give the committed records of a topic, in order of each partition.

        Raises:
            BrokerError: the topic cannot be read.

        """
        yield from committed_records(replace(self.log, topic=topic), _never)

    def alerts(self, wanted: Callable[[bytes], bool]) -> list[Alert]:
        """Give the alerts that the site may see and of which the bytes are wanted.

        What may be kept no longer is not among them, whatever the topics still hold.
        """
        found, now = [], datetime.now(UTC)
        for topic in (SiteTopics(self.site).alerts, CROSS_BORDER_TOPIC):
            for record in self.records(topic):
                alert = _alert(record.value) if wanted(record.value) else None
                if alert is not None and alert.is_kept(now):
                    found.append(self._opened(alert))
        return found

    def alert(self, alert_id: str) -> Alert:
        """Give one alert in its newest form.

        Raises:
            UsageError: the topics do not hold it.

        """
        mark = alert_id.encode()
        found = newest_alerts(self.alerts(lambda value: mark in value)).get(alert_id)
        if found is None:
            what = f"No alert {alert_id[:40]!r} is held in the topics of {self.site}."
            raise UsageError(what, "See `anpr hits list`; alerts are kept for some days.")
        return found

    def alerts_on(self, about: SubjectId) -> list[Alert]:
        """Give every alert on an entry by a read of this site."""
        mark = about.entry_id.encode()
        return [
            alert
            for alert in self.alerts(lambda value: mark in value)
            if alert.site == self.site and subject_of_alert(alert) == about
        ]

    def events(self, about: SubjectId | None = None) -> list[HandlingEvent]:
        """Give what became of hits at this site, in order; of one entry, or of all.

        What is forged, or unsigned where that is forbidden, is not among it.
        """
        mark = b"" if about is None else about.entry_id.encode()
        found = []
        for record in self.records(SiteTopics(self.site).feedback):
            event = read_event(record.value) if mark in record.value else None
            if event is None or about not in (None, subject_id(event)):
                continue
            if self.proofs.event_counts(event, self.site, record):
                found.append(event)
        return found

    def was_asked(self, alert: Alert) -> bool:
        """Say whether a report asked this site if it wants later hits on the alert's entry."""
        about = subject_of_alert(alert)
        mark = about.entry_id.encode()
        for record in self.records(REPORTS_TOPIC):
            report = _report_b(record.value) if mark in record.value else None
            if report is None or not report.asks_for_later:
                continue
            told = SubjectId(report.provider, report.list_id, report.entry_id)
            meant = (report.site, told) == (alert.site, about)
            if meant and self.proofs.report_counts(report, record):
                return True
        return False

    def _opened(self, alert: Alert) -> Alert:
        if self.opener is None or alert.sealed is None:
            return alert
        found = self.opener.open(alert)
        return alert if isinstance(found, str) else found


def _alert(value: bytes) -> Alert | None:
    try:
        return Alert.model_validate_json(value)
    except ValidationError:
        return None


def _report_b(value: bytes) -> ReportB | None:
    try:
        return ReportB.model_validate_json(value)
    except ValidationError:
        return None


def _never() -> bool:
    return False

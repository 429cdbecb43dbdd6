"""One act between a site and a partner: settings, counts of the day, and the record of it.

Why there is no act without a record: whoever learns that there is something to ask has learned
something, and who, when, why and to whom is kept of it (Directive (EU) 2016/680, article 25).
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from anpr_engine.audit.jws import Signer
from anpr_engine.cli.desk import record_acts
from anpr_engine.cli.partner_options import require_by, signer_of
from anpr_engine.cli.watchlist_record import SUBJECT_MAX
from anpr_engine.cli.watchlist_site import NO_KAFKA
from anpr_engine.cli.watchlist_store import Store, open_store
from anpr_engine.errors import AnprError, PolicyRefused
from anpr_engine.policy.daily_limit import kept_text, limit_of
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.watchlist.asked import count_asked
from anpr_engine.wiring import Overrides, settings_of
from anpr_engine.wiring_partners import Partner, PartnerRules, partner_of


class PartnerDesk:
    """A site's desk for partners, open for one act; `partner` once it is known who that is."""

    def __init__(self, store: Store, given: Mapping[str, Any]) -> None:
        """Take the site's settings.

        Raises:
            PolicyRefused: the site has no record to write.
            ConfigError: a setting is wrong.

        """
        self.store, self.now = store, datetime.now(UTC)
        where = Overrides(store.site, given["kafka"] or NO_KAFKA, store.settings.redis_url)
        self._settings = settings_of(given["config"], where)
        self.partners: Mapping[str, PartnerRules] = self._settings.partners
        self.partner: Partner | None = None
        self.purpose, self.case_ref = given.get("purpose") or "", given.get("case_ref") or ""
        log = store.settings.log
        if log is None:
            what = "What partners learn is kept in the site's record, and there is none to write."
            raise PolicyRefused(what, "Give --kafka, or kafka in the settings.")
        self._log = log

    @property
    def site(self) -> str:
        """The site whose desk it is."""
        return self.store.site

    def signer(self) -> Signer:
        """Give the site's secret key; raises `UsageError` where it has none."""
        return signer_of(self._settings.alerts.signing_key, "alerts.signing_key")

    def meet(self, name: str) -> Partner:
        """Say who the partner of this act is; raises `PolicyRefused` where it is none."""
        self.partner = partner_of(self.partners, name)
        return self.partner

    def count(self, kind: str, partner: Partner, many: int, per_day: int) -> None:
        """Count what a partner asks, whole or not at all.

        Raises:
            LimitReached: it asks more than is left today.
            StoreError: it cannot be counted.

        """

        def counted(before: bytes | None) -> bytes:
            return kept_text(limit_of(before, per_day).taken(partner.name, many, self.now))

        count_asked(self.store.session, f"{kind}/{partner.name}", counted)

    def event(self, action: AuditAction, subject: str, **more: object) -> AuditEvent:
        """Make a line of the record; `more` are its fields."""
        told: dict[str, object] = {
            "event_id": uuid.uuid4().hex,
            "occurred_at": self.now,
            "site": self.site,
            "actor": self.store.act.by[:128],
            "action": action,
            "purpose": self.purpose,
            "case_ref": self.case_ref,
            "subject": subject[:SUBJECT_MAX],
        }
        if self.partner is not None:
            told["given_to"] = [self.partner.name]
        return AuditEvent.model_validate(told | more)

    def write(self, events: Sequence[AuditEvent]) -> None:
        """Write lines of the record, all or none; raises `BrokerError`."""
        record_acts(self._log, events)

    @contextmanager
    def recording_refusals(self, what: str) -> Iterator[None]:
        """Put into the record what was refused, and why; `what` names what was asked."""
        try:
            yield
        except AnprError as error:
            if isinstance(error, PolicyRefused):
                told = f"{what}: {error.what}"
                self.write([self.event(AuditAction.REQUEST_REFUSED, told)])
            raise


@contextmanager
def partner_desk(given: Mapping[str, Any]) -> Iterator[PartnerDesk]:
    """Open a site's desk for one act with a partner.

    Raises:
        UsageError: an option is missing, nobody says who acts.
        PolicyRefused: the site has no record to write.

    """
    require_by(given)
    with open_store(given) as store:
        yield PartnerDesk(store, given)

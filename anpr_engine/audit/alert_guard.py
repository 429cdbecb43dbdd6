"""Signs alerts and recalls as they leave, and seals what only the recipients abroad may read.

Why the value stays as it is and the signature stands in a header: whoever reads alerts today goes
on reading them. Why fields are sealed before signing: a recipient checks the signature without
any secret key, and nobody can put another's sealed fields under it.
Why recalls are signed in threads: a list withdrawn gives thousands at once, a signature takes some
45 us, and the library lets other threads work meanwhile.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pydantic import BaseModel

from anpr_engine.audit.jwe import Sealer
from anpr_engine.audit.jws import (
    ALGORITHM,
    HEADER_NAME,
    RECALL_TYPE,
    TYPE,
    Claims,
    Signer,
    signature_of,
    signatures_of,
)
from anpr_engine.audit.sealing import SealingKey
from anpr_engine.records.alert import Alert, AlertEntry, AlertRead
from anpr_engine.records.recall import RecallForm
from anpr_engine.wire import Header, json_bytes

MESSAGES_A_TASK, SIGNING_THREADS = 250, 2

_PARTS: Mapping[str, type[BaseModel]] = {"read": AlertRead, "entry": AlertEntry}
SEALABLE = tuple(
    f"{part}.{name}"
    for part, model in _PARTS.items()
    for name, field_ in model.model_fields.items()
    if not field_.is_required()
)
"""Fields that an alert may lack, by dotted name; ids, place and time are needed to deal with it."""


@dataclass(frozen=True, slots=True)
class SealRules:
    """Which fields are sealed when an alert crosses the border, and for whom: keys by site."""

    recipients: Mapping[str, SealingKey]
    fields: Sequence[str]
    by_part: dict[str, set[str]] = field(default_factory=dict[str, set[str]], init=False)

    def __post_init__(self) -> None:
        """Sort the fields by part."""
        for name in self.fields:
            part, _, inner = name.partition(".")
            self.by_part.setdefault(part, set()).add(inner)


class AlertSealer:
    """`ports.AlertGuard` with keys."""

    def __init__(self, signer: Signer | None, seal: SealRules | None = None) -> None:
        """Take the site's signing key, and what is sealed; None leaves that out."""
        self._signer, self._seal = signer, seal

    def guarded(self, alerts: Sequence[Alert]) -> list[tuple[bytes, tuple[Header, ...]]]:
        """Give each alert's record value, and its signature as a header."""
        sealer = None if self._seal is None else Sealer(self._seal.recipients)
        made = []
        for alert in alerts:
            value = json_bytes(alert) if sealer is None else self._sealed(alert, sealer)
            made.append((value, self._signature(alert, value)))
        return made

    def signed_recalls(
        self, at: datetime, recalls: Sequence[tuple[RecallForm, bytes]]
    ) -> list[tuple[Header, ...]]:
        """Give the signature of each recall's record value as a header; nothing is sealed."""
        signer = self._signer
        if signer is None:
            return [()] * len(recalls)
        given = [
            (
                Claims(
                    alg=ALGORITHM,
                    typ=RECALL_TYPE,
                    kid=signer.key_id,
                    iss=recall.site,
                    iat=int(at.timestamp()),
                    jti=recall.recall_id,
                    aud=recall.recipients,
                    watchlist_version=recall.watchlist_version,
                ),
                value,
            )
            for recall, value in recalls
        ]
        made = signatures_of(given, partial(_signed_in_threads, signer))
        return [((HEADER_NAME, each),) for each in made]

    def _signature(self, alert: Alert, value: bytes) -> tuple[Header, ...]:
        signer = self._signer
        if signer is None:
            return ()
        claims = Claims(
            alg=ALGORITHM,
            typ=TYPE,
            kid=signer.key_id,
            iss=alert.site,
            iat=int(alert.created_at.timestamp()),
            jti=alert.alert_id,
            aud=tuple(alert.recipients),
            policy_version=alert.policy_version,
            watchlist_version=alert.watchlist_version,
        )
        return ((HEADER_NAME, signature_of(claims, value, signer)),)

    def _sealed(self, alert: Alert, sealer: Sealer) -> bytes:
        rules = self._seal
        abroad = any(site != alert.site for site in alert.recipients)
        if rules is None or not abroad:
            return json_bytes(alert)
        plain = alert.model_dump(mode="json", include=rules.by_part, exclude_none=True)
        fields = {
            f"{part}.{name}": value
            for part, inner in plain.items()
            for name, value in inner.items()
            if value != ""
        }
        value = alert.model_dump_json(exclude=rules.by_part, exclude_none=True).encode()
        made = sealer.seal(fields, alert.alert_id, alert.recipients)
        return b'%b,"sealed":%b}' % (value[:-1], made)


def _signed_in_threads(signer: Signer, messages: Sequence[bytes]) -> list[bytes]:
    # Nothing but signing: a thread that has more to do with the interpreter waits for it instead.
    starts = range(0, len(messages), MESSAGES_A_TASK)
    if len(starts) <= 1:
        return _signed(signer, messages)
    with ThreadPoolExecutor(SIGNING_THREADS, "sign-recalls") as pool:
        tasks = [
            pool.submit(_signed, signer, messages[start : start + MESSAGES_A_TASK])
            for start in starts
        ]
        return [made for task in tasks for made in task.result()]


def _signed(signer: Signer, messages: Sequence[bytes]) -> list[bytes]:
    return [signer.sign(message) for message in messages]

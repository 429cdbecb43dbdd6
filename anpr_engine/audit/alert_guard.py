"""Signs alerts and recalls as they leave, and seals what only the recipients abroad may read.

Why the value stays as it is and the signature stands in a header: whoever reads alerts today goes
on reading them. Why fields are sealed before signing: a recipient checks the signature without
any secret key, and nobody can put another's sealed fields under it.
Why many have one signature: one takes some 45 us. Whoever gets a few gets each signed by itself,
as any reader of JWS knows it, and whoever must be read by those alone says so (`each`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from anpr_engine.audit.jwe import Sealer
from anpr_engine.audit.jws import (
    ALGORITHM,
    HEADER_NAME,
    RECALL_TYPE,
    TREE_ALGORITHM,
    TYPE,
    Claims,
    Signer,
    signatures_of,
)
from anpr_engine.audit.sealing import SealingKey
from anpr_engine.records.alert import Alert, AlertEntry, AlertRead, AlsoListed
from anpr_engine.records.recall import RecallForm
from anpr_engine.wire import Header, json_bytes

RECORDS_A_TREE_MIN = 4
"""Records signed together from which on they have one signature."""

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

    @property
    def left_out(self) -> dict[str, Any]:
        """What is written nowhere else: these fields, of the plate's other entries too."""
        theirs = self.by_part.get("entry", set()) & AlsoListed.model_fields.keys()
        return {**self.by_part, "also": {"__all__": theirs}} if theirs else {**self.by_part}

    def __post_init__(self) -> None:
        """Sort the fields by part."""
        for name in self.fields:
            part, _, inner = name.partition(".")
            self.by_part.setdefault(part, set()).add(inner)


class AlertSealer:
    """`ports.AlertGuard` with keys."""

    def __init__(
        self, signer: Signer | None, seal: SealRules | None = None, *, each: bool = False
    ) -> None:
        """Take the site's signing key, and what is sealed; None leaves that out.

        each: every record has a signature of its own, however many leave together.
        """
        self._signer, self._seal, self._each = signer, seal, each

    def guarded(self, alerts: Sequence[Alert]) -> list[tuple[bytes, tuple[Header, ...]]]:
        """Give each alert's record value, and its signature as a header."""
        sealer = None if self._seal is None else Sealer(self._seal.recipients)
        values = [
            json_bytes(alert) if sealer is None else self._sealed(alert, sealer) for alert in alerts
        ]
        signer = self._signer
        if signer is None:
            return [(value, ()) for value in values]
        algorithm, key = self._algorithm(len(alerts)), signer.key_id
        claims = [_alert_claims(alert, algorithm, key) for alert in alerts]
        made = signatures_of(list(zip(claims, values, strict=True)), signer)
        return [
            (value, ((HEADER_NAME, signature),))
            for value, signature in zip(values, made, strict=True)
        ]

    def signed_recalls(
        self, at: datetime, recalls: Sequence[tuple[RecallForm, bytes]]
    ) -> list[tuple[Header, ...]]:
        """Give the signature of each recall's record value as a header; nothing is sealed."""
        signer = self._signer
        if signer is None:
            return [()] * len(recalls)
        algorithm, key, at_s = self._algorithm(len(recalls)), signer.key_id, int(at.timestamp())
        given = [
            (
                Claims(
                    alg=algorithm,
                    typ=RECALL_TYPE,
                    kid=key,
                    iss=recall.site,
                    iat=at_s,
                    jti=recall.recall_id,
                    aud=recall.recipients,
                    watchlist_version=recall.watchlist_version,
                ),
                value,
            )
            for recall, value in recalls
        ]
        return [((HEADER_NAME, made),) for made in signatures_of(given, signer)]

    def _algorithm(self, records: int) -> str:
        alone = self._each or records < RECORDS_A_TREE_MIN
        return ALGORITHM if alone else TREE_ALGORITHM

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
        value = alert.model_dump_json(exclude=rules.left_out, exclude_none=True).encode()
        made = sealer.seal(fields, alert.alert_id, alert.recipients)
        return b'%b,"sealed":%b}' % (value[:-1], made)


def _alert_claims(alert: Alert, algorithm: str, key_id: str) -> Claims:
    return Claims(
        alg=algorithm,
        typ=TYPE,
        kid=key_id,
        iss=alert.site,
        iat=int(alert.created_at.timestamp()),
        jti=alert.alert_id,
        aud=tuple(alert.recipients),
        policy_version=alert.policy_version,
        watchlist_version=alert.watchlist_version,
    )

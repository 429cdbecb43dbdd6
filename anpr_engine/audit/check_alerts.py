"""Checks what came with an alert or a recall: who signed it, for whom, and whether it came before.

Why the order: what a signature says is looked at only once the signature holds, so that a forged
record cannot use up another's id. What must be known beforehand are public keys, each pinned to
the site that may use it where that is said.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from anpr_engine.audit.jws import (
    ALGORITHMS,
    HEADER_NAME,
    RECALL_TYPE,
    TYPE,
    Claims,
    Signature,
    read_signature,
)
from anpr_engine.records.alert import Alert
from anpr_engine.records.recall import Recall
from anpr_engine.wire import Header

SEEN_MAX = 1_000_000
"""Ids remembered, to know one that comes again; some 100 MB at most."""
AHEAD_S_MAX = 60.0
"""How far ahead of ours another site's clock may be."""


class AlertFlaw(StrEnum):
    """Why an alert or a recall is not taken as its site's own."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    TYPE = "type"
    CRITICAL = "critical"
    UNKNOWN_KEY = "unknown-key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    ALERT = "alert"
    REPLAYED = "replayed"
    EXPIRED = "expired"
    FUTURE = "future"


WORDS: Mapping[AlertFlaw, str] = {
    AlertFlaw.MALFORMED: "its signature cannot be read, or there are several",
    AlertFlaw.ALGORITHM: "its signature names an algorithm that is not taken",
    AlertFlaw.TYPE: "its signature was made for a record of another kind",
    AlertFlaw.CRITICAL: "its signature demands what is not known here",
    AlertFlaw.UNKNOWN_KEY: "its key is none of those given",
    AlertFlaw.SIGNATURE: "its signature does not hold: content or header were changed",
    AlertFlaw.ISSUER: "its key is another site's, or it names another site than it was signed for",
    AlertFlaw.AUDIENCE: "it was signed for other recipients",
    AlertFlaw.ALERT: "it was signed under another id",
    AlertFlaw.REPLAYED: "one of this id came before",
    AlertFlaw.EXPIRED: "it was signed longer ago than is taken",
    AlertFlaw.FUTURE: "it was signed at a time that is yet to come",
}
"""Each flaw in words for a person."""


class Verifier(Protocol):
    """A public key in use."""

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether a signature of a message was made with this key's secret."""
        ...


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """A public key, and the site that may use it; empty for any."""

    key: Verifier
    site: str = ""


class Proof(NamedTuple):
    """What a check found: signed with a key, not signed at all, or forged in some way."""

    key_id: str = ""
    flaw: AlertFlaw | None = None

    @property
    def state(self) -> str:
        """`signed`, `unsigned` or `forged`."""
        if self.flaw is not None:
            return "forged"
        return "signed" if self.key_id else "unsigned"


class About(NamedTuple):
    """What a record says of itself, and the type that its signature has to have."""

    type: str
    site: str
    id: str
    recipients: Sequence[str]


@dataclass(slots=True)
class AlertChecker:
    """Checks alerts and recalls for one recipient; remembers their ids.

    keys: by id. age_s_max: from signing on; None takes any age.
    """

    site: str
    keys: Mapping[str, PinnedKey]
    age_s_max: float | None = None
    seen_max: int = SEEN_MAX
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])

    def check(self, alert: Alert, value: bytes, headers: Sequence[Header], now_s: float) -> Proof:
        """Check a record: its value, and the alert read from it."""
        about = About(TYPE, alert.site, alert.alert_id, alert.recipients)
        return self.check_record(about, value, headers, now_s)

    def check_recall(
        self, recall: Recall, value: bytes, headers: Sequence[Header], now_s: float
    ) -> Proof:
        """Check a record: its value, and the recall read from it."""
        about = About(RECALL_TYPE, recall.site, recall.recall_id, recall.recipients)
        return self.check_record(about, value, headers, now_s)

    def check_record(
        self, about: About, value: bytes, headers: Sequence[Header], now_s: float
    ) -> Proof:
        """Check a record of any kind: its value, and what was read from it."""
        found = [text for name, text in headers if name == HEADER_NAME]
        if not found:
            return Proof()
        signature = read_signature(found[0]) if len(found) == 1 else None
        if signature is None:
            return Proof(flaw=AlertFlaw.MALFORMED)
        flaw = self._form(signature, value, about.type)
        flaw = flaw or self._content(signature.claims, about, now_s)
        return Proof(signature.claims.kid, flaw)

    def is_named(self, headers: Sequence[Header]) -> bool:
        """Say whether a signature names this recipient, whatever the record itself says now."""
        found = [read_signature(text) for name, text in headers if name == HEADER_NAME]
        return any(each is not None and self.site in each.claims.aud for each in found)

    def _form(self, signature: Signature, value: bytes, type_: str) -> AlertFlaw | None:
        claims = signature.claims
        if claims.alg not in ALGORITHMS:
            return AlertFlaw.ALGORITHM
        if claims.typ != type_:
            return AlertFlaw.TYPE
        if claims.crit is not msgspec.UNSET:
            return AlertFlaw.CRITICAL
        pinned = self.keys.get(claims.kid)
        if pinned is None:
            return AlertFlaw.UNKNOWN_KEY
        if not signature.holds(value, pinned.key.verifies):
            return AlertFlaw.SIGNATURE
        return AlertFlaw.ISSUER if pinned.site not in ("", claims.iss) else None

    def _content(self, claims: Claims, about: About, now_s: float) -> AlertFlaw | None:
        if claims.iss != about.site:
            return AlertFlaw.ISSUER
        if self.site not in claims.aud or set(claims.aud) != set(about.recipients):
            return AlertFlaw.AUDIENCE
        if claims.jti != about.id:
            return AlertFlaw.ALERT
        if claims.iat > now_s + AHEAD_S_MAX:
            return AlertFlaw.FUTURE
        if self.age_s_max is not None and now_s - claims.iat > self.age_s_max:
            return AlertFlaw.EXPIRED
        return None if self._is_new(claims.typ + claims.jti) else AlertFlaw.REPLAYED

    def _is_new(self, id_: str) -> bool:
        if id_ in self._seen:
            return False
        self._seen[id_] = None
        if len(self._seen) > self.seen_max:
            self._seen.popitem(last=False)
        return True

"""What can go wrong with Redis, foreign errors in our words: what happened and what to do."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis import exceptions

from anpr_engine.errors import StoreError, StoreRefused, StoreUnavailable

_CHECK = "Check that it runs and that the address is right."
_ALLOW = "Check user, password and access rules; the README lists the commands needed."
_AGAIN = "Try again soon."


class ServiceUnknown(redis.RedisError):
    """No Sentinel that answers knows the service."""


class PrimaryMissing(redis.RedisError):
    """What Sentinels name as the primary is none, or not yet."""


TRANSLATIONS: tuple[tuple[type[Exception], type[StoreError], str, str], ...] = (
    (redis.BusyLoadingError, StoreUnavailable, "is still loading its data", _AGAIN),
    (redis.AuthenticationError, StoreRefused, "does not accept this user or password", _ALLOW),
    (exceptions.AuthorizationError, StoreRefused, "does not permit this", _ALLOW),
    (exceptions.NoPermissionError, StoreRefused, "does not permit this command", _ALLOW),
    (
        redis.ReadOnlyError,
        StoreUnavailable,
        "is a replica that takes no changes",
        "Give the address of the primary, or of its Sentinels.",
    ),
    (
        exceptions.AskError,
        StoreUnavailable,
        "keeps the watchlists on another node of its cluster",
        "Try again; if it stays so, give an address that begins with redis+cluster://.",
    ),
    (
        ServiceUnknown,
        StoreUnavailable,
        "is a service that its Sentinels do not know",
        "Check the name behind the hosts in the address against `sentinel monitor`.",
    ),
    (PrimaryMissing, StoreUnavailable, "has no primary at this moment", _AGAIN),
    (exceptions.TryAgainError, StoreUnavailable, "is moving the watchlists between nodes", _AGAIN),
    (exceptions.ClusterDownError, StoreUnavailable, "is a cluster that is not whole", _AGAIN),
    (
        exceptions.OutOfMemoryError,
        StoreError,
        "has no memory left for changes",
        "Raise maxmemory and keep maxmemory-policy at noeviction.",
    ),
    (redis.TimeoutError, StoreUnavailable, "does not answer in time", _CHECK),
    (redis.ConnectionError, StoreUnavailable, "cannot be reached", _CHECK),
    (
        redis.ResponseError,
        StoreError,
        "refused a command",
        "Check that it is Redis 7 or later and that no other program uses these keys.",
    ),
    (redis.RedisError, StoreError, "answered in a way that is not understood", _CHECK),
)
"""Library error, our error, what happened, what to do; the first that fits counts."""

_CA = "Give the authority that signed it: ?ssl_ca_certs=FILE."
_OWN = "Give a certificate that its authority signed: ?ssl_certfile=FILE&ssl_keyfile=FILE."

BROKEN_OFF = "EOF"

TLS_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "HOSTNAME",
        "shows a certificate for another host",
        "Use the name in the certificate, or let its authority make one for this name.",
    ),
    ("OUT_OF_DATE", "shows a certificate that has expired", "Let its authority make a new one."),
    ("CERTIFICATE_VERIFY_FAILED", "shows a certificate that is not trusted here", _CA),
    ("CERTIFICATE_REQUIRED", "demands a certificate of its clients", _OWN),
    (
        BROKEN_OFF,
        "broke off, as it does where it demands a certificate of its clients",
        _OWN,
    ),
    ("ALERT", "does not accept the certificate of this client", _OWN),
    (
        "VERSION_NUMBER",
        "does not speak TLS at this port",
        "Use redis:// in place of rediss://, or the port that speaks TLS.",
    ),
    (
        "KEY_VALUES_MISMATCH",
        "cannot be spoken to with a key that does not fit its certificate",
        "Give the ssl_keyfile that belongs to ssl_certfile.",
    ),
    (
        "PEM",
        "cannot be spoken to: a certificate file holds no certificate or key",
        "Give PEM files with ssl_ca_certs, ssl_certfile and ssl_keyfile.",
    ),
    ("", "broke off the TLS handshake", "Check versions and certificates on both sides."),
)
"""Part of OpenSSL's reason, what happened, what to do; the first that fits counts."""

VERIFY_CODES = {10: "OUT_OF_DATE", 62: "HOSTNAME", 64: "HOSTNAME"}
"""OpenSSL's codes of a certificate out of date, and for another host or address."""


def translate(error: Exception, where: str, *, tls: bool = False) -> StoreError:
    """Turn an error of the library into ours; the text names the host, never a secret."""
    reason = _tls_reason(error, tls=tls)
    if reason is not None:
        what, remedy = next((what, do) for part, what, do in TLS_REASONS if part in reason)
        # A server that ends breaks off as well; that one may come back.
        kind = StoreUnavailable if reason == BROKEN_OFF else StoreRefused
        return kind(f"Redis at {where} {what}.", remedy)
    for foreign, ours, what, remedy in TRANSLATIONS:
        if isinstance(error, foreign):
            # NOAUTH, NOPERM and the like come as plain replies from some servers.
            if ours is StoreError and str(error).startswith(("NOAUTH", "NOPERM", "WRONGPASS")):
                return StoreRefused(f"Redis at {where} does not permit this.", _ALLOW)
            return ours(f"Redis at {where} {what}.", remedy)
    return StoreError(f"Redis at {where} failed.", _CHECK)


@contextmanager
def translated(where: str, *, tls: bool = False) -> Iterator[None]:
    """Translate the library's errors that leave the block."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise translate(error, where, tls=tls) from None


def _tls_reason(error: BaseException | None, *, tls: bool) -> str | None:
    """Name what of TLS stands behind an error, in OpenSSL's words; None when nothing does."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in VERIFY_CODES:
            return VERIFY_CODES[error.verify_code]
        ended = isinstance(error, ConnectionResetError | BrokenPipeError) and tls
        if ended or isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return BROKEN_OFF
        if isinstance(error, ssl.SSLError):
            return f"{error.reason} {error}"
        error = error.__cause__ or error.__context__
    return None

"""Puts together what proves alerts and the record: chain, signatures, seals and their checks.

Why these parts are loaded by name: keys need the package cryptography, which a site that neither
signs nor checks does without.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from anpr_engine.audit.chain import ChainWriter, chain_name, chain_start, newest_tip
from anpr_engine.audit.check_alerts import AlertChecker
from anpr_engine.audit.key_modules import key_module, pinned_keys, secret_signer
from anpr_engine.errors import ConfigError
from anpr_engine.kafka.audit_log import committed_lines, newest_lines
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.pipeline.open_alerts import DAY_US, OpenAlert, OpenAlerts, alerts_from
from anpr_engine.pipeline.recalls import ChangingLists, Recalls
from anpr_engine.pipeline.run import EnginePorts
from anpr_engine.ports import AlertGuard
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC, SiteTopics

_WHAT = "Signing, sealing and checking alerts"
_keys = partial(key_module, what=_WHAT)


class OpenLimits(Protocol):
    """How many alerts, and how old ones, are kept for being recalled."""

    @property
    def open_max(self) -> int:
        """Alerts."""
        ...

    @property
    def open_days(self) -> float:
        """Days since they were sent."""
        ...


def audit_chain(site: str, kafka: StreamSettings, doubts: Callable[[], int]) -> ChainWriter:
    """Give the chain of an engine's audit lines.

    Args:
        site: whose engine it is.
        kafka: how the engine reaches its broker, and its slot. One chain a slot: the slot's name
            as a writer keeps a second engine from adding to it.
        doubts: changes when it is no longer known what of the last lines was kept.

    """
    chain = chain_name(site, f"engine-{kafka.slot}")
    topic, group = SiteTopics(site).audit, f"{kafka.group_id}.audit"
    log = HistorySettings.beside(kafka, topic, group)
    end = partial(newest_lines, log, chain_start(chain))
    return ChainWriter(chain, lambda: newest_tip(chain, end()), doubts)


def with_recalls(
    ports: EnginePorts, of: tuple[str, ChangingLists], kafka: StreamSettings, limits: OpenLimits
) -> EnginePorts:
    """Let an engine take back its alerts, those of before its start too.

    Args:
        ports: the engine's others.
        of: the site, and where its lists change.
        kafka: how the engine reaches its broker.
        limits: which alerts are kept.

    """
    site, lists = of
    names = SiteTopics(site)

    def earlier(stop: Callable[[], bool]) -> Sequence[OpenAlert]:
        since_us = ports.clock.now_us() - round(limits.open_days * DAY_US)

        def values(*topics: str) -> Iterator[bytes]:
            group = f"{kafka.group_id}.recalls"
            for topic in topics:
                log = HistorySettings.beside(kafka, topic, group)
                for _, _, value in committed_lines(log, stop, between_us=(since_us, None)):
                    yield value

        alerts = values(names.alerts, CROSS_BORDER_TOPIC)
        recalls = values(names.recalls, CROSS_BORDER_RECALLS)
        return alerts_from(site, alerts, recalls, limits.open_max)

    book = OpenAlerts(site, limits.open_max, limits.open_days)
    return replace(ports, recalls=Recalls(lists, book, ports.clock, earlier, ports.guard))


def alert_guard(
    site: str,
    signing_key: str,
    recipients: Mapping[str, str],
    fields: Sequence[str],
    *,
    each: bool = False,
) -> AlertGuard | None:
    """Give what signs and seals a site's alerts; None where neither is set.

    Args:
        site: whose they are.
        signing_key: file of its secret Ed25519 key; empty to sign nothing.
        recipients: files of public X25519 keys by site; empty to seal nothing.
        fields: what is sealed, by dotted name.
        each: every record is signed by itself, however many leave together.

    Raises:
        ConfigError: the site could not read its own alerts, or a field is none.
        UsageError, InputFileError: a package is missing, others may read the secret key; no key.

    """
    if not signing_key and not recipients:
        return None
    guard, signer = _keys("alert_guard"), secret_signer(signing_key, _WHAT)
    if not recipients:
        made: AlertGuard = guard.AlertSealer(signer, each=each)
        return made
    _check(site, recipients, fields, guard.SEALABLE)
    read = _keys("sealing").read_sealing_key
    keys = {name: read(Path(path)) for name, path in recipients.items()}
    rules = guard.SealRules(keys, tuple(fields))
    sealing: AlertGuard = guard.AlertSealer(signer, rules, each=each)
    return sealing


def alert_checker(site: str, keys: Sequence[str], age_s_max: float | None) -> AlertChecker:
    """Give what checks alerts for a recipient.

    Args:
        site: the recipient.
        keys: files of public Ed25519 keys, each perhaps with the site that alone may use it,
            as in `be=be.pub`.
        age_s_max: from signing on; None takes any age.

    Raises:
        UsageError: a package is missing.
        InputFileError: a file holds no public key.

    """
    return AlertChecker(site, pinned_keys(keys, _WHAT), age_s_max)


def alert_opener(secret: Path) -> Any:  # noqa: ANN401 - see `key_module`
    """Give what opens sealed fields: `open_fields` and `opened` bound to a secret key's file.

    Raises:
        UsageError: a package is missing, or others may read the file.
        InputFileError: it holds no secret X25519 key.

    """
    key = _keys("sealing").read_opening_key(secret)
    return _keys("jwe").Opener(key)


def _check(
    site: str, recipients: Mapping[str, str], fields: Sequence[str], known: Sequence[str]
) -> None:
    if site not in recipients:
        what = f"alerts.encrypt has no key of {site} itself, which could not read its own alerts."
        raise ConfigError(what, "Add one; `anpr audit keys new --seal` makes a pair.")
    wrong = sorted(set(fields) - set(known))
    if wrong or not fields:
        what = f"alerts.sealed_fields = {wrong or []} - allowed are one or more of "
        raise ConfigError(f"{what}{', '.join(known)}.", "Correct it and start again.")

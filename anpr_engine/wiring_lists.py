"""Puts together what follows the watchlists, and what holds them against the site's own record."""

from collections.abc import Sequence
from typing import Protocol

from anpr_engine.audit.lists_used import ANY, refuse_older, version_used
from anpr_engine.errors import BrokerError, StoreError, StoreRolledBack
from anpr_engine.kafka.audit_log import newest_lines
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.metrics.table import Metrics
from anpr_engine.ports import Clock
from anpr_engine.records.finding import Finding
from anpr_engine.watchlist.pace import FollowLimits
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_reader import StoreReader
from anpr_engine.watchlist.refresh import WatchlistFollower
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring_keys import list_keys


class Followed(Protocol):
    """How lists are followed, as the configuration says it."""

    @property
    def poll_ms(self) -> int:
        """Milliseconds between two looks."""
        ...

    @property
    def delta_entries_max(self) -> int:
        """Recent changes kept beside the base."""
        ...

    @property
    def manifest_keys(self) -> Sequence[str]:
        """Files of the keys by which versions must be signed."""
        ...


def list_follower(
    redis_url: str, followed: Followed, of: tuple[Clock, Metrics], slot: int
) -> WatchlistFollower:
    """Give what follows the lists in Redis; it asks nothing yet.

    Raises:
        AnprError: a key cannot be read.

    """
    keys = list_keys(followed.manifest_keys)
    limits = FollowLimits(followed.poll_ms, followed.delta_entries_max, keys)
    return WatchlistFollower(redis_url, *of, limits, slot)


def hold_lists_up_to_record(
    site: str, kafka: StreamSettings, found: int, accepted: int | str
) -> None:
    """Hold that the lists found are none from before those that the site's engines used last.

    Raises:
        StoreRolledBack: they are older, and no person let them pass.
        BrokerError: the record cannot be read.

    """
    if accepted == ANY:
        return
    topic, group = SiteTopics(site).audit, f"{kafka.group_id}.lists"
    refuse_older(found, _used(site, HistorySettings.beside(kafka, topic, group)), accepted)


def check_lists_used(
    site: str, redis_url: str, log: HistorySettings, accepted: int | str
) -> Finding:
    """Say whether an engine would start with the lists that Redis holds now, by the record.

    Args:
        site: whose engines.
        redis_url: where the lists are.
        log: where the site's record is.
        accepted: an older version that a person lets pass, or `ANY`.

    """
    try:
        with RedisSession(redis_url) as session:
            manifest = StoreReader(session).manifest()
        found, used = 0 if manifest is None else manifest.version, _used(site, log)
        refuse_older(found, used, accepted)
    except StoreRolledBack as error:
        return Finding("record", "fail", error.what, error.remedy)
    except (StoreError, BrokerError) as error:
        return Finding("record", "warn", f"not compared with the lists: {error.what}", error.remedy)
    if found < used:
        remedy = "Take watchlist.accept_older out again once an engine has started."
        return Finding("record", "warn", f"version {found} is let pass, {used} was used", remedy)
    told = f"it says version {used} was used last" if used else "it says of no version yet"
    return Finding("record", "ok", f"{told}; Redis holds {found}")


def _used(site: str, log: HistorySettings) -> int:
    return version_used(newest_lines(log, f'{{"chain":"{site}/engine-'.encode()))

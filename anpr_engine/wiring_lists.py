"""Puts together what follows the watchlists, and what holds them against the site's own record."""

from collections.abc import Sequence
from typing import Protocol

from anpr_engine.audit.lists_used import ANY, refuse_older, version_used
from anpr_engine.kafka.audit_log import newest_lines
from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.metrics.table import Metrics
from anpr_engine.ports import Clock
from anpr_engine.watchlist.pace import FollowLimits
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
    log = HistorySettings.beside(kafka, topic, group)
    begins_with = f'{{"chain":"{site}/engine-'.encode()
    refuse_older(found, version_used(newest_lines(log, begins_with)), accepted)

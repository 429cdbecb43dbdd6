"""How a replay matches, and where its lists and reads are: by the site's settings, or by options.

A site's settings are read where its Kafka or its Redis is used, or its file is named; a replay of
files against a file needs no site, and matches as `anpr match` does.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anpr_engine.cli.replay_options import ReplayOptions
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.match import NEAR_MIN, MatchRules
from anpr_engine.replay.options import ChosenOptions
from anpr_engine.watchlist.approval import Leave
from anpr_engine.watchlist.seals import NOBODY, Trust
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring import Overrides, place_of, settings_of, step_rules
from anpr_engine.wiring_keys import list_keys

NO_KAFKA, NO_REDIS = "-", "redis://unused"
"""Stand for what a replay has no use for, so that nobody has to set it."""
TRAFFIC_SHARE = 0.0001


@dataclass(frozen=True, slots=True)
class ReplaySite:
    """How to match and where things are; `asked` is what decides on the result, by name.

    audit_required: whether nobody may look at the site's past unless it stands in the record.
    leave: whether a second person's leave is needed for that.
    """

    rules: StepRules
    asked: Mapping[str, str]
    history: HistorySettings | None = None
    redis_url: str = ""
    trust: Trust = NOBODY
    audit_required: bool = False
    leave: Leave = Leave.NONE


def site_of(options: ReplayOptions) -> ReplaySite:
    """Settle how to match and where things are.

    Raises:
        ConfigError: a setting is wrong, or one that is needed is missing.
        UsageError: a file that is named is not what it should be.

    """
    from_kafka, from_redis = not options.files, options.watchlist is None
    if from_kafka or from_redis or options.config is not None:
        overrides = Overrides(
            options.site,
            options.kafka if from_kafka else NO_KAFKA,
            options.redis_url if from_redis or options.leave else NO_REDIS,
        )
        return _by_settings(options, overrides, from_kafka=from_kafka)
    return _by_options(options)


def _by_options(options: ReplayOptions) -> ReplaySite:
    chosen = ChosenOptions(cameras=options.cameras, misread_share=options.misread_share)
    least = options.min_probability or 0.0
    share = options.traffic_share or TRAFFIC_SHARE
    rules = MatchRules(least, share, least or NEAR_MIN, model=chosen.model())
    named = {
        "--min-probability": least,
        "--traffic-share": share,
        "--cameras": options.cameras,
        "--misread-share": options.misread_share,
    }
    return ReplaySite(StepRules(rules, chosen.characters_min), _words(named))


def _by_settings(options: ReplayOptions, overrides: Overrides, *, from_kafka: bool) -> ReplaySite:
    settings = settings_of(options.config, overrides)
    place = place_of(options.config, overrides)
    least = options.min_probability
    given = {
        "probability_min": least,
        "near_probability_min": (least or NEAR_MIN) if least is not None else None,
        "traffic_share": options.traffic_share,
        "cameras": options.cameras,
        "misread_share": options.misread_share,
    }
    matching = settings.match.model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    # No alert comes of a replay: each read stands for itself, wherever it was made.
    rules = replace(step_rules(settings.model_copy(update={"match": matching})), places=None)
    asked = {f"match.{name}": value for name, value in matching.model_dump(mode="json").items()}
    asked["rejects.future_ms_max"] = settings.rejects.future_ms_max
    history = None
    if from_kafka:
        topic, told = SiteTopics(place.site).reads, settings.kafka_client
        ingest = settings.ingest.model_dump()
        asked |= {f"ingest.{name}": value for name, value in ingest.items()}
        asked["topic"] = topic
        history = HistorySettings(
            place.kafka, topic, place.security, told.check_crcs, client=told.client
        )
    trust = Trust(list_keys(settings.watchlist.manifest_keys))
    required, leave = settings.audit.required, Leave(settings.audit.leave)
    return ReplaySite(rules, _words(asked), history, place.redis_url, trust, required, leave)


def _words(asked: Mapping[str, Any]) -> dict[str, str]:
    return {name: _word(value) for name, value in asked.items() if value not in (None, "")}


def _word(value: object) -> str:
    # A file is what it holds, not what it is called.
    if isinstance(value, dict):
        return " ".join(f"{name}={_word(part)}" for name, part in value.items())
    if isinstance(value, str) and Path(value).is_file():
        return f"{value} {hashlib.blake2b(Path(value).read_bytes(), digest_size=8).hexdigest()}"
    return str(value)

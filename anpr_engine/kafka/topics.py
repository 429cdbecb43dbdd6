"""The topics of a site, their settings and access rules; and what is missing on a broker.

Everything here is pure: tables in, steps out. `topic_admin` asks and changes the broker.

Why: a topic is never removed and never loses partitions, for both lose reads; a topic that has
more than planned is left alone and named. Times are the broker's (`LogAppendTime`), so that a
camera with a wrong clock cannot keep reads past their time or have them deleted at once.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from anpr_engine.errors import ConfigError
from anpr_engine.wire import CROSS_BORDER_RECALLS, CROSS_BORDER_TOPIC, REPORTS_TOPIC, SiteTopics

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MIB = 1_048_576

Setting = tuple[str, str]

_HOUSE: tuple[Setting, ...] = (
    ("cleanup.policy", "delete"),
    ("message.timestamp.type", "LogAppendTime"),
    ("unclean.leader.election.enable", "false"),
)

IN_SYNC = "min.insync.replicas"

_PLACEHOLDER = "<site>"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; `name` may hold `<site>`, then there is one for each site.

    by_site: settings that go over the others where a country's law wants it so.
    """

    name: str
    partitions: int
    settings: tuple[Setting, ...]
    replication: int = 1
    by_site: tuple[tuple[str, tuple[Setting, ...]], ...] = ()

    def settings_at(self, site: str) -> tuple[Setting, ...]:
        """Give the settings at one site."""
        return tuple(
            sorted({**dict(self.settings), **dict(dict(self.by_site).get(site, ()))}.items())
        )


def _topic(name: str, partitions: int, *settings: Setting) -> Topic:
    return Topic(name, partitions, tuple(sorted((*_HOUSE, *settings))))


_NAMES = SiteTopics(_PLACEHOLDER)

TOPICS: tuple[Topic, ...] = (
    # Kept for as long as an engine may be away, no longer: most reads are of nobody listed.
    # Segments of ten minutes, since a record goes with its whole segment.
    _topic(
        _NAMES.reads,
        12,
        ("compression.type", "producer"),
        ("max.message.bytes", str(MIB)),
        ("retention.ms", str(6 * HOUR_MS)),
        ("segment.ms", str(HOUR_MS // 6)),
        ("file.delete.delay.ms", "1000"),
    ),
    # Where a record came from and why it is no read; without its content, unless a site keeps it.
    _topic(
        _NAMES.rejected,
        3,
        ("compression.type", "producer"),
        ("max.message.bytes", str(2 * MIB)),
        ("retention.ms", str(14 * DAY_MS)),
    ),
    # A control room that was away for a weekend finds them.
    _topic(
        _NAMES.alerts,
        6,
        ("compression.type", "producer"),
        ("max.message.bytes", str(MIB)),
        ("retention.ms", str(7 * DAY_MS)),
    ),
    _topic(
        CROSS_BORDER_TOPIC,
        6,
        ("compression.type", "producer"),
        ("max.message.bytes", str(MIB)),
        ("retention.ms", str(7 * DAY_MS)),
    ),
    # As long as the alerts that they take back.
    _topic(
        _NAMES.recalls,
        6,
        ("compression.type", "producer"),
        ("max.message.bytes", str(MIB)),
        ("retention.ms", str(7 * DAY_MS)),
    ),
    _topic(
        CROSS_BORDER_RECALLS,
        6,
        ("compression.type", "producer"),
        ("max.message.bytes", str(MIB)),
        ("retention.ms", str(7 * DAY_MS)),
    ),
    # Reports name drivers: no longer than the other side needs to fetch them.
    _topic(
        REPORTS_TOPIC,
        6,
        ("compression.type", "producer"),
        ("max.message.bytes", str(MIB)),
        ("retention.ms", str(7 * DAY_MS)),
    ),
    # One partition: the records form a chain, and a chain has one order. Belgium keeps such
    # records ten years (law on the police function, article 44/11/3novies).
    replace(
        _topic(
            _NAMES.audit,
            1,
            ("compression.type", "producer"),
            ("max.message.bytes", str(MIB)),
            ("retention.ms", str(5 * 366 * DAY_MS)),
        ),
        by_site=(("be", (("retention.ms", str(10 * 366 * DAY_MS)),)),),
    ),
    _topic(
        _NAMES.feedback,
        6,
        ("compression.type", "producer"),
        ("max.message.bytes", str(MIB)),
        ("retention.ms", str(14 * DAY_MS)),
    ),
)
"""`deploy/topics.toml` says the same; a test holds them equal."""


def read_topics(path: Path) -> tuple[Topic, ...]:
    """Read a table of topics from TOML: `[[topic]]` with name, partitions and settings.

    Raises:
        ConfigError: names the file, the topic, what was found and what is allowed.

    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}.", "Correct it.") from None
    tables = found.get("topic")
    if found.keys() != {"topic"} or not isinstance(tables, list):
        what = f"{path}: keys {sorted(found)} - only [[topic]] tables are allowed."
        raise ConfigError(what, "Correct it and start again.")
    return tuple(_read_topic(path, table) for table in tables)


def _read_topic(path: Path, table: Mapping[str, object]) -> Topic:
    match {"sites": {}, **table}:
        case {
            "name": str(name),
            "partitions": int(partitions),
            "settings": dict(settings),
            "sites": dict(sites),
        } if (
            table.keys() <= {"name", "partitions", "settings", "sites"}
            and partitions > 0
            and (not sites or _PLACEHOLDER in name)
            and all(isinstance(own, dict) for own in sites.values())
        ):
            by_site = tuple((site, _pairs(own)) for site, own in sorted(sites.items()))
            return Topic(name, partitions, _pairs(settings), by_site=by_site)
    what = f"{path}: a [[topic]] with {sorted(table)} - allowed are name (text), partitions "
    what += "(1 or more), settings (a table), and sites (tables of settings by site; only where "
    what += "the name holds <site>)."
    raise ConfigError(what, "Correct it and start again.")


def _pairs(settings: Mapping[str, object]) -> tuple[Setting, ...]:
    return tuple(sorted((key, _written(value)) for key, value in settings.items()))


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def wanted_topics(
    table: Iterable[Topic], sites: Sequence[str], *, replication: int, reads_partitions: int = 0
) -> list[Topic]:
    """Fill the table in for some sites.

    Args:
        table: topics with `<site>` in the name.
        sites: for whom.
        replication: copies of each partition; one may be missing before writing stops.
        reads_partitions: another number for the topics of reads; 0 keeps the table's.

    """
    made: dict[str, Topic] = {}
    for topic in table:
        for site in sites:
            name = topic.name.replace(_PLACEHOLDER, site)
            is_reads = name == SiteTopics(site).reads
            partitions = reads_partitions if is_reads and reads_partitions else topic.partitions
            settings = _with_in_sync(topic.settings_at(site), replication)
            made[name] = replace(
                topic,
                name=name,
                partitions=partitions,
                settings=settings,
                replication=replication,
                by_site=(),
            )
    return list(made.values())


def _with_in_sync(settings: Iterable[Setting], copies: int) -> tuple[Setting, ...]:
    """Demand all copies but one; more than there are would stop all writing."""
    return tuple(sorted({**dict(settings), IN_SYNC: str(max(copies - 1, 1))}.items()))


@dataclass(frozen=True, slots=True)
class ExistingTopic:
    """What a broker has: partitions, copies of each, and settings in force."""

    partitions: int
    replication: int
    settings: Mapping[str, str]


StepKind = Literal["create", "grow", "set", "leave"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do to one topic; `leave` is a difference that is told and not changed."""

    kind: StepKind
    topic: Topic
    detail: str
    settings: tuple[Setting, ...] = ()


def plan(existing: Mapping[str, ExistingTopic], wanted: Iterable[Topic]) -> list[Step]:
    """Say what has to be done so that a broker has what is wanted; nothing when it has."""
    steps: list[Step] = []
    for topic in wanted:
        found = existing.get(topic.name)
        if found is None:
            detail = f"partitions: {topic.partitions}, copies of each: {topic.replication}"
            steps.append(Step("create", topic, detail, topic.settings))
        else:
            steps.extend(_differences(found, topic))
    return steps


def _differences(found: ExistingTopic, topic: Topic) -> Iterable[Step]:
    if found.partitions < topic.partitions:
        detail = f"partitions: {found.partitions} -> {topic.partitions}; cameras change partition"
        yield Step("grow", topic, detail)
    if found.partitions > topic.partitions:
        detail = f"partitions: {found.partitions}, planned {topic.partitions}; never reduced"
        yield Step("leave", topic, detail)
    if found.replication != topic.replication:
        detail = f"copies: {found.replication}, planned {topic.replication}; reassign by hand"
        yield Step("leave", topic, detail)
    settings = _with_in_sync(topic.settings, found.replication)
    changed = tuple(pair for pair in settings if found.settings.get(pair[0]) != pair[1])
    if changed:
        told = ", ".join(
            f"{key}: {found.settings.get(key, 'not set')} -> {value}" for key, value in changed
        )
        yield Step("set", topic, told, changed)

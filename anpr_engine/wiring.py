"""The composition root: reads the settings and puts the parts together; nothing else does.

Everything else is given the plain values it needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anpr_engine.clock import SystemClock
from anpr_engine.config import MatchSettings, Settings, load_settings
from anpr_engine.errors import UsageError
from anpr_engine.kafka.client_settings import Security, StreamSettings, transactional_id
from anpr_engine.kafka.stream import KafkaReadStream
from anpr_engine.kafka.writer import ReadWriter
from anpr_engine.metrics.server import MetricsServer
from anpr_engine.metrics.table import BUILD_INFO, Metrics
from anpr_engine.pipeline.batches.rules import RecordRules, schemas_from
from anpr_engine.pipeline.core import StepRules
from anpr_engine.pipeline.crew import WORKERS_MAX, Crew
from anpr_engine.pipeline.ingest import RejectGuard
from anpr_engine.pipeline.journeys import PlaceRules
from anpr_engine.pipeline.match import MatchRules
from anpr_engine.pipeline.passages import PassageRules
from anpr_engine.pipeline.report import EngineReport
from anpr_engine.pipeline.run import EnginePorts, EngineRules, SiteEngine
from anpr_engine.plates.camera_mix import read_cameras
from anpr_engine.plates.error_model import channel_of, load_error_model
from anpr_engine.plates.issued import read_issued
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.reading import ReadingModel, reading_model
from anpr_engine.ports import AlertGuard, BatchLimits
from anpr_engine.processes import processors
from anpr_engine.version import VERSION
from anpr_engine.watchlist.refresh import WatchlistFollower
from anpr_engine.wire import SiteTopics
from anpr_engine.wiring_alerts import alert_guard, audit_chain, with_recalls
from anpr_engine.wiring_hits import Beside, ports_watched
from anpr_engine.wiring_lists import hold_lists_up_to_record, list_follower
from anpr_engine.wiring_policy import followed_policies, under_policies, with_agreed, with_policies


@dataclass(frozen=True, slots=True)
class Overrides:
    """Settings given on the command line; None leaves them to file and variables."""

    site: str | None = None
    kafka: str | None = None
    redis_url: str | None = None
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a site's services are, for commands that need no engine."""

    site: str
    kafka: str
    redis_url: str
    security: Security
    group_id: str


def settings_of(config: Path | None, overrides: Overrides) -> Settings:
    """Read the settings; raises `ConfigError` with file, key, value and what is allowed."""
    return load_settings(
        config,
        site=overrides.site,
        kafka=overrides.kafka,
        redis_url=overrides.redis_url,
        slot=overrides.slot,
    )


def place_of(config: Path | None, overrides: Overrides) -> Place:
    """Say where a site's services are."""
    settings = settings_of(config, overrides)
    where = settings.site, settings.kafka, settings.redis_url
    return Place(*where, _security(settings), settings.group_id)


def watchlist_target(
    config: Path | None, redis_url: str | None, site: str | None
) -> tuple[str, str]:
    """Say which Redis and which site a watchlist command works for.

    Raises:
        UsageError: one of them is not given anywhere.

    """
    if redis_url and site:
        return redis_url, site
    if config is None:
        missing = "--redis (ANPR_REDIS_URL)" if not redis_url else "--site (ANPR_SITE)"
        raise UsageError(f"{missing} is not given.", "Give it, or a file with --config.")
    # The broker plays no part here, so a file without one is good enough.
    settings = load_settings(config, redis_url=redis_url, site=site, kafka="-")
    return settings.redis_url, settings.site


def open_read_writer(bootstrap: str) -> ReadWriter:
    """Open a writer of reads, as a camera network has one."""
    return ReadWriter(bootstrap)


def _security(settings: Settings) -> Security:
    client = settings.kafka_client
    return Security(
        security_protocol=client.security_protocol,
        sasl_mechanism=client.sasl_mechanism,
        sasl_username=client.sasl_username,
        sasl_password=client.sasl_password.get_secret_value(),
        ssl_ca_location=client.ssl_ca_location,
        ssl_certificate_location=client.ssl_certificate_location,
        ssl_key_location=client.ssl_key_location,
    )


def _stream_settings(settings: Settings) -> StreamSettings:
    return StreamSettings(
        bootstrap=settings.kafka,
        topic=SiteTopics(settings.site).reads,
        group_id=settings.group_id,
        transactional_id=transactional_id(settings.site, settings.slot),
        slot=settings.slot,
        security=_security(settings),
        session_timeout_ms=settings.kafka_client.session_timeout_ms,
        transaction_timeout_ms=settings.kafka_client.transaction_timeout_ms,
        check_crcs=settings.kafka_client.check_crcs,
        client=settings.kafka_client.client,
    )


def step_rules(settings: Settings) -> StepRules:
    """Give what a site has set for its reads; `AnprError` names a file that is wrong."""
    matching = settings.match
    rules = StepRules(
        match=MatchRules(
            matching.probability_min,
            matching.traffic_share,
            matching.near_probability_min,
            matching.near,
            matching.appearance,
            reading_model_of(matching),
        ),
        characters_min=matching.plate_characters_min,
        future_us_max=settings.rejects.future_ms_max * 1000,
        passages=_passage_rules(settings),
        records=_record_rules(settings),
        places=_place_rules(settings),
    )
    return under_policies(rules, settings.policy.folder)


def _rules(settings: Settings) -> EngineRules:
    batch = settings.batch
    return EngineRules(
        site=settings.site,
        step=step_rules(settings),
        limits=BatchLimits(batch.reads_max, batch.bytes_max, batch.wait_ms_max),
        stale_after_ms=int(settings.watchlist.stale_after_s * 1000),
        keep_payload=settings.rejects.keep_payload,
        passages_max=settings.passages.passages_max,
        changes=settings.odd_use.changes,
    )


def _record_rules(settings: Settings) -> RecordRules:
    given = settings.ingest
    return RecordRules(
        given.reads_per_record_max,
        given.record_bytes_max,
        given.unpacked_bytes_max,
        schemas_from(given.avro_schemas),
    )


def _passage_rules(settings: Settings) -> PassageRules:
    given = settings.passages
    return PassageRules(
        round(given.window_s * 1e6),
        round(given.id_window_s * 1e6),
        given.gain_min,
        given.camera_site,
    )


def _place_rules(settings: Settings) -> PlaceRules | None:
    return PlaceRules(**settings.places.model_dump()) if settings.match.place else None


def reading_model_of(matching: MatchSettings) -> ReadingModel:
    """Give the model of readers' errors, issued plates and cameras that a site has set.

    Raises:
        UsageError: a file is no error model, no register of plates, or no file of cameras.

    """
    path = Path(matching.error_model) if matching.error_model else None
    channel = channel_of(load_error_model(path)).on_the_road(matching.misread_share)
    register = matching.issued_plates_nl
    issued = (read_issued(Path(register), "NL"),) if register else ()
    packs = country_packs()
    cameras = read_cameras(matching.cameras, packs) if matching.cameras else None
    return reading_model(packs, channel, issued, cameras)


def alert_guard_of(settings: Settings) -> AlertGuard | None:
    """Give what signs and seals a site's alerts; `AnprError` where a key cannot be used."""
    given = settings.alerts
    key, fields, each = given.signing_key, given.sealed_fields, given.signatures == "each"
    return alert_guard(settings.site, key, given.encrypt, fields, each=each)


class _Readiness:
    """Answers `/healthz` and `/readyz` from what the parts say of themselves."""

    def __init__(
        self, follower: WatchlistFollower, clock: SystemClock, stale_after_s: float
    ) -> None:
        self._follower = follower
        self._clock = clock
        self._stale_after_s = stale_after_s
        self.streaming = False

    def alive(self) -> list[str]:
        return [] if self._follower.ready else ["nobody follows the watchlists any more"]

    def ready(self) -> list[str]:
        wrong = self.alive()
        if not self.streaming:
            wrong.append("not yet joined to the reads topic")
        if self._follower.refused:
            wrong.append(f"the watchlists in Redis are not taken over: {self._follower.refused}")
        age_s = (self._clock.now_us() - self._follower.verified_at_us) / 1e6
        if age_s > self._stale_after_s:
            wrong.append(f"the watchlists were last confirmed {age_s:.0f} s ago")
        return wrong


def workers_of(settings: Settings) -> int:
    """Give how many threads share a batch out: as many as processors, where nobody says."""
    if settings.workers != "auto":
        return settings.workers
    return min(WORKERS_MAX, processors())


@contextmanager
def site_engine(settings: Settings) -> Iterator[SiteEngine]:
    """Open everything one site's engine needs, and close it again whatever happens.

    Raises:
        AnprError: a key for alerts or the rules of law cannot be used.
        StoreError: the watchlists cannot be loaded, or are older than those used before.
        BrokerError: the reads topic cannot be joined.

    """
    leaving = alert_guard_of(settings)
    laws, clock, metrics = settings.policy, SystemClock(), Metrics()
    rules = with_policies(_rules(settings), followed_policies(laws.folder, clock, metrics))
    metrics.put(BUILD_INFO, 1, VERSION, settings.site)
    followed, known = settings.watchlist, (clock, metrics)
    follower = list_follower(settings.redis_url, followed, known, settings.slot)
    readiness = _Readiness(follower, clock, followed.stale_after_s)
    server = _server(settings, metrics, readiness)
    try:
        follower.start()
        rules = with_agreed(rules, laws, lambda: follower.current.counts, known)
        kafka, version = _stream_settings(settings), follower.current.version
        hold_lists_up_to_record(settings.site, kafka, version, followed.accept_older)
        stream = KafkaReadStream(kafka, metrics, clock)
        readiness.streaming = True
        try:
            audit = audit_chain(settings.site, kafka, stream.doubts)
            ports = EnginePorts(stream, follower, clock, Crew(workers_of(settings)), audit, leaving)
            ports = with_recalls(ports, (settings.site, follower), kafka, settings.alerts)
            guard = RejectGuard(settings.rejects.share_max, settings.rejects.window_reads)
            odd = settings.odd_use.limits
            about = Beside(laws.arrangements, settings.feedback, odd, rules.step.policies)
            with ports_watched(settings.site, kafka, metrics, ports, about) as ports:
                yield SiteEngine(rules, ports, guard, EngineReport(metrics, clock))
        finally:
            readiness.streaming = False
            stream.close()
    finally:
        follower.stop()
        if server is not None:
            server.stop()


def _server(settings: Settings, metrics: Metrics, readiness: _Readiness) -> MetricsServer | None:
    if settings.http.port == 0:
        return None
    server = MetricsServer((settings.http.host, settings.http.port), metrics.page)
    server.start(readiness.alive, readiness.ready)
    return server

"""The settings of one site: defaults, then a TOML file, then `ANPR_…` variables.

`ANPR_SITE`, `ANPR_KAFKA` and `ANPR_REDIS_URL` alone are enough to start an engine. A nested
setting is reached with two underscores: `ANPR_BATCH__READS_MAX=1000`.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from anpr_engine.config_odd_use import OddUseSettings, Section
from anpr_engine.config_partners import PartnerSettings
from anpr_engine.errors import ConfigError
from anpr_engine.records.fields import SiteCode
from anpr_engine.records.questions import PartnerName

SECRET = "[secret]"  # noqa: S105 - what is shown instead of one


class KafkaClientSettings(Section):
    """How to speak to the brokers."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = "PLAINTEXT"
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", ""] = ""
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ssl_ca_location: str = ""
    ssl_certificate_location: str = ""
    ssl_key_location: str = ""
    session_timeout_ms: Annotated[int, Field(ge=1000, le=300_000)] = 6000
    transaction_timeout_ms: Annotated[int, Field(ge=1000, le=900_000)] = 10_000
    check_crcs: bool = True
    client: Literal["auto", "native", "plain"] = "auto"


class BatchSettings(Section):
    """When a batch is closed: at the first limit reached."""

    reads_max: Annotated[int, Field(ge=1, le=1_000_000)] = 131_072
    bytes_max: Annotated[int, Field(ge=65_536, le=1 << 30)] = 32 * 1024 * 1024
    wait_ms_max: Annotated[int, Field(ge=1, le=5000)] = 20


class IngestSettings(Section):
    """What is accepted in one record of many reads, and the schemas of Avro records by id."""

    reads_per_record_max: Annotated[int, Field(ge=1, le=1_000_000)] = 65_536
    record_bytes_max: Annotated[int, Field(ge=65_536, le=1 << 28)] = 8 * 1024 * 1024
    unpacked_bytes_max: Annotated[int, Field(ge=65_536, le=1 << 29)] = 64 * 1024 * 1024
    avro_schemas: dict[str, str] = Field(default_factory=lambda: {"*": "plate_read.v1"})


class RejectSettings(Section):
    """What happens to records that are no read."""

    keep_payload: bool = False
    share_max: Annotated[float, Field(gt=0, le=1)] = 0.25
    window_reads: Annotated[int, Field(ge=1)] = 10_000
    future_ms_max: Annotated[int, Field(ge=0)] = 300_000


class MatchSettings(Section):
    """What counts as a match."""

    plate_characters_min: Annotated[int, Field(ge=1, le=16)] = 4
    probability_min: Annotated[float, Field(ge=0, le=1)] = 0.0
    traffic_share: Annotated[float, Field(gt=0, lt=1)] = 0.0001
    near: bool = True
    near_probability_min: Annotated[float, Field(gt=0, le=1)] = 0.5
    appearance: bool = True
    place: bool = False
    error_model: str = ""
    issued_plates_nl: str = ""
    cameras: str = ""
    misread_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.03


class PassageSettings(Section):
    """Which reads are one vehicle passing one camera site, and so one alert."""

    window_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    id_window_s: Annotated[float, Field(ge=0, le=86_400)] = 600.0
    camera_site: re.Pattern[str] = re.compile("")
    gain_min: Annotated[float, Field(gt=0, le=1)] = 0.05
    passages_max: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000


class PlaceSettings(Section):
    """What is assumed of journeys, where the place of a doubtful hit counts."""

    boost_most: Annotated[float, Field(ge=1, le=1000)] = 20.0
    least: Annotated[float, Field(gt=0, le=1)] = 0.05
    about_s: Annotated[float, Field(ge=60, le=86_400)] = 1800.0
    speed_kmh_most: Annotated[float, Field(ge=50, le=400)] = 150.0
    road_factor: Annotated[float, Field(ge=1, le=3)] = 1.2
    onward_share: Annotated[float, Field(ge=0.5, lt=1)] = 0.85
    sure_min: Annotated[float, Field(gt=0, le=1)] = 0.9
    vehicles_max: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000


class WatchlistSettings(Section):
    """How the lists are followed."""

    stale_after_s: Annotated[float, Field(gt=0)] = 30.0
    poll_ms: Annotated[int, Field(ge=1, le=5000)] = 50
    delta_entries_max: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    approval: Literal["none", "abroad", "all"] = "none"
    proposal_hours: Annotated[float, Field(gt=0, le=720)] = 72.0
    history_days: Annotated[float, Field(ge=1)] = 3653.0
    expiry_days_max: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    manifest_keys: tuple[str, ...] = ()
    signing_key: str = ""
    accept_older: Literal["no", "any"] | Annotated[int, Field(ge=0)] = "no"


class AlertSettings(Section):
    """How alerts leave: signed, and sealed for recipients abroad; how long they can be recalled."""

    signing_key: str = ""
    signatures: Literal["together", "each"] = "together"
    encrypt: dict[SiteCode, str] = Field(default_factory=dict)
    sealed_fields: tuple[str, ...] = ("read.plate", "entry.plate", "entry.note", "entry.case_ref")
    open_max: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    open_days: Annotated[float, Field(gt=0, le=366)] = 30.0


class FeedbackSettings(Section):
    """Whose signatures count on what services answer: handling events, reports and receipts."""

    keys: tuple[str, ...] = ()
    signed_only: bool = False


class AuditSettings(Section):
    """Whether people's acts on the lists may go unrecorded, and looks need a second person."""

    required: bool = False
    leave: Literal["none", "replay", "all"] = "none"


class PolicySettings(Section):
    """Which rules of law are in force, and what services agreed on."""

    folder: str = ""
    arrangements: str = ""
    joint_actions: str = ""


class HttpSettings(Section):
    """Where `/metrics`, `/healthz` and `/readyz` are served; port 0 serves nothing."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 9464


class Settings(BaseSettings):
    """All settings of one site's engine."""

    model_config = SettingsConfigDict(
        env_prefix="ANPR_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    site: SiteCode
    kafka: Annotated[str, Field(min_length=1, description="host:port[,host:port…]")]
    redis_url: Annotated[str, Field(min_length=1, description="redis://, rediss://, unix://, …")]
    slot: Annotated[int, Field(ge=0, le=999)] = 0
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = "auto"
    group: str = ""
    kafka_client: KafkaClientSettings = KafkaClientSettings()
    batch: BatchSettings = BatchSettings()
    ingest: IngestSettings = IngestSettings()
    rejects: RejectSettings = RejectSettings()
    match: MatchSettings = MatchSettings()
    passages: PassageSettings = PassageSettings()
    places: PlaceSettings = PlaceSettings()
    watchlist: WatchlistSettings = WatchlistSettings()
    alerts: AlertSettings = AlertSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    audit: AuditSettings = AuditSettings()
    odd_use: OddUseSettings = OddUseSettings()
    policy: PolicySettings = PolicySettings()
    partners: dict[PartnerName, PartnerSettings] = Field(default_factory=dict)
    http: HttpSettings = HttpSettings()

    @property
    def group_id(self) -> str:
        """The consumer group of this site's engines."""
        return self.group or f"anpr.engine.{self.site}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Rank the sources: command line, then variables, then the file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401
    """Read the settings of one site.

    Args:
        path: a TOML file, or None for variables alone.
        overrides: values from the command line; None counts as not given.

    Raises:
        ConfigError: names the file, the key, what was found and what is allowed.

    """
    given = {name: value for name, value in overrides.items() if value is not None}
    source = str(path) if path else "the ANPR_… variables"
    if path is not None:
        _check_file(path)

    class FileSettings(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        return FileSettings(**given)
    except ValidationError as error:
        raise ConfigError(_explain(error, source), _remedy(error)) from None


def _check_file(path: Path) -> None:
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        what = f"The configuration file {path} cannot be read: {error.strerror}."
        raise ConfigError(what, "Give another one with --config.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML file: {error}.", "Correct that line.") from None


def _explain(error: ValidationError, source: str) -> str:
    parts = []
    for problem in error.errors(include_url=False):
        key = ".".join(str(step) for step in problem["loc"]) or "(whole file)"
        if problem["type"] == "missing":
            parts.append(f"{source}: {key} is not set")
        else:
            secret = "password" in key or "url" in key
            found = SECRET if secret else repr(problem["input"])
            # Names in it, such as of formats, keep their capitals.
            told = problem["msg"].removeprefix("Value error, ")
            parts.append(f"{source}: {key} = {found} - {told[:1].lower()}{told[1:]}")
    return "; ".join(parts) + "."


def _remedy(error: ValidationError) -> str:
    missing = [str(problem["loc"][0]) for problem in error.errors() if problem["type"] == "missing"]
    if not missing:
        return "Correct it and start again."
    variables = ", ".join(f"ANPR_{name.upper()}" for name in missing)
    return f"Set it in the file given with --config, or as {variables}."

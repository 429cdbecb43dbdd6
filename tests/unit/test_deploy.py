"""What stands in `deploy/` fits the engine: settings, metrics, image, compose."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from anpr_engine.config import Settings, load_settings
from anpr_engine.metrics.table import METRICS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE_FILE = DEPLOY / "compose" / "compose.yaml"
CONTAINERFILE = DEPLOY / "container" / "Containerfile"
SITES = ("be", "nl")

# The part of the Compose Specification that compose.yaml uses: key to type of value.
TOP_KEYS: dict[str, type] = {"name": str, "services": dict, "networks": dict, "volumes": dict}
SERVICE_KEYS: dict[str, type] = {
    "build": dict, "cap_drop": list, "command": list, "depends_on": dict, "environment": dict,
    "healthcheck": dict, "image": str, "init": bool, "logging": dict, "mem_limit": str,
    "networks": list, "pids_limit": int, "ports": list, "profiles": list, "read_only": bool,
    "restart": str, "security_opt": list, "stop_grace_period": str, "tmpfs": list, "user": str,
    "volumes": list,
}  # fmt: skip
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period", "disable"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION = re.compile(r"(\d+(ms|s|m|h))+")


def compose() -> dict[str, Any]:
    """Read the compose file, anchors resolved."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return loaded


def services() -> dict[str, dict[str, Any]]:
    """Give the services of the compose file by name."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def setting_names(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Name every setting of a model, the nested ones with dots."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from setting_names(inner, f"{above}{name}.")
        else:
            yield above + name


def flat(table: dict[str, Any], above: str = "") -> Iterator[str]:
    """Name every key of a TOML table, the nested ones with dots; a setting may be a table too."""
    for name, value in table.items():
        if isinstance(value, dict) and above + name not in set(setting_names(Settings)):
            yield from flat(value, f"{above}{name}.")
        else:
            yield above + name


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide settings that the caller's shell may hold."""
    for name in [name for name in os.environ if name.startswith("ANPR_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("site", SITES)
def test_a_settings_file_loads_and_names_every_setting(site: str) -> None:
    """An operator finds each setting in the file, and none that does not exist."""
    path = DEPLOY / "config" / f"{site}.toml"
    assert load_settings(path).site == site
    found = set(flat(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert found == set(setting_names(Settings))


@pytest.mark.parametrize("site", SITES)
def test_every_setting_is_explained_with_what_is_allowed(site: str) -> None:
    """Above each setting stands a comment that ends with the allowed values."""
    lines = (DEPLOY / "config" / f"{site}.toml").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\w+ = ", line):
            start = number
            while lines[start - 1].startswith("#"):
                start -= 1
            assert "Allowed: " in " ".join(lines[start:number]), line


def test_the_settings_files_hold_the_defaults() -> None:
    """The files differ from the defaults nowhere but in what tells a site apart."""
    for site in SITES:
        written = load_settings(DEPLOY / "config" / f"{site}.toml").model_dump()
        plain = load_settings(site=site, kafka="k:1", redis_url="redis://r").model_dump()
        for apart in (written, plain):
            del apart["kafka"], apart["redis_url"], apart["http"]
            # The files join a vehicle's reads by time; without a file only readers' ids do.
            del apart["passages"]["window_s"]
            del apart["odd_use"]["time_zone"]
        assert written == plain


def test_compose_has_the_published_structure() -> None:
    """Every key is one of the Compose Specification and holds the right kind of value."""
    whole = {key: part for key, part in compose().items() if not key.startswith("x-")}
    for key, part in whole.items():
        assert isinstance(part, TOP_KEYS[key]), key
    for name, service in services().items():
        for key, part in service.items():
            assert isinstance(part, SERVICE_KEYS[key]), (name, key)
        assert all(isinstance(v, str) for v in service.get("environment", {}).values()), name
        assert DURATION.fullmatch(service.get("stop_grace_period", "1s")), name
        health = service.get("healthcheck", {})
        assert set(health) <= HEALTH_KEYS, name
        assert all(DURATION.fullmatch(health.get(key, "1s")) for key in ("interval", "timeout"))


def test_compose_refers_only_to_what_exists() -> None:
    """Networks, volumes, services, conditions and mounted files all exist."""
    whole = compose()
    for name, service in services().items():
        assert set(service["networks"]) <= set(whole["networks"]), name
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS, name
            awaited = services()[other]
            assert how["condition"] != "service_healthy" or "test" in awaited["healthcheck"], name
        for source, *_target in (mount.split(":") for mount in service.get("volumes", [])):
            known = source in whole["volumes"] or (COMPOSE_FILE.parent / source).is_file()
            assert known, (name, source)
        if "build" in service:
            context = COMPOSE_FILE.parent / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).resolve() == CONTAINERFILE


def test_compose_publishes_on_loopback_only() -> None:
    """Nobody outside the machine reaches a trial set-up without passwords."""
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    outside = {name for name, network in compose()["networks"].items() if not network}
    reached = {name for name, service in services().items() if outside & set(service["networks"])}
    assert reached == {"prometheus"}


def test_compose_keeps_the_countries_apart() -> None:
    """An engine has one country's store in reach, and settings files are read-only."""
    for site in SITES:
        engine = services()[f"engine-{site}"]
        assert [net for net in engine["networks"] if net.startswith("store-")] == [f"store-{site}"]
        assert engine["environment"]["ANPR_SITE"] == site
        assert engine["volumes"] == [f"../config/{site}.toml:/etc/anpr/{site}.toml:ro"]
        assert engine["read_only"] is True
        assert engine["stop_grace_period"] == "30s"


def test_compose_never_evicts_a_watchlist_entry() -> None:
    """Redis keeps each change on disk and refuses new ones rather than drop old ones."""
    for site in SITES:
        command = " ".join(services()[f"redis-{site}"]["command"])
        assert "--appendonly yes" in command
        assert "--maxmemory-policy noeviction" in command


def test_compose_variables_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables given to an engine load as settings, over its file."""
    for site in SITES:
        environment = services()[f"engine-{site}"]["environment"]
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings = load_settings(DEPLOY / "config" / f"{site}.toml")
        assert settings.kafka == environment["ANPR_KAFKA"]
        assert str(settings.http.port) == environment["ANPR_HTTP__PORT"]
        assert set(environment) <= {f"ANPR_{key.upper().replace('.', '__')}"
                                    for key in setting_names(Settings)}  # fmt: skip


def test_alarms_name_only_metrics_that_exist() -> None:
    """An alarm on a metric that was renamed would never ring."""
    known = {metric.name for metric in METRICS}
    for metric in METRICS:
        if metric.kind == "histogram":
            known |= {f"{metric.name}_{end}" for end in ("bucket", "sum", "count")}
    rules = yaml.safe_load((DEPLOY / "observability" / "rules.yml").read_text(encoding="utf-8"))
    alarms = [rule for group in rules["groups"] for rule in group["rules"]]
    named = {name for rule in alarms for name in re.findall(r"\banpr_\w+", rule["expr"])}
    assert named
    assert named <= known
    assert all({"alert", "expr", "labels", "annotations"} <= set(rule) for rule in alarms)
    assert {rule["labels"]["severity"] for rule in alarms} <= {"page", "ticket"}
    assert all({"summary", "action"} == set(rule["annotations"]) for rule in alarms)


def test_prometheus_asks_every_engine() -> None:
    """The targets are the engines of the compose file, told apart by site."""
    path = DEPLOY / "observability" / "prometheus.yml"
    (job,) = yaml.safe_load(path.read_text(encoding="utf-8"))["scrape_configs"]
    asked = {(part["labels"]["site"], *part["targets"]) for part in job["static_configs"]}
    assert asked == {(site, f"engine-{site}:9464") for site in SITES}


def test_the_image_comes_from_named_images_and_the_lock_alone() -> None:
    """No address stands in the Containerfile but image names and the engine's own."""
    text = CONTAINERFILE.read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"docker\.io/library/python:3\.\d+-slim-\w+", base) for base in bases)
    urls = set(re.findall(r"https?://[^/'\s]+", text))
    assert urls == {"http://127.0.0.1:"}
    for option in ("--index-url", "--extra-index-url", "--trusted-host", "curl ", "wget "):
        assert option not in text
    assert "--require-hashes" in text
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)


def test_the_lock_holds_hashes_and_no_address() -> None:
    """Where packages come from is the machine's setting, not the project's."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text
    pinned = re.findall(r"^[\w.-]+(?:\[[\w,]+\])?==", text, re.MULTILINE)
    parts = re.split(r"^(?=[\w.-]+(?:\[[\w,]+\])?==)", text, flags=re.MULTILINE)[1:]
    assert len(parts) == len(pinned) > 0
    assert all("--hash=sha256:" in part for part in parts)


SAMPLE = """
import os
import numba

# As the engine's own kernels do, in a folder below the one that was named.
numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"] + "/digest"

@numba.njit("i8(i8)", cache=True)
def plus_one(x):
    return x + 1

print(sum(plus_one.stats.cache_hits.values()), plus_one.stats.cache_path)
"""


def test_warmed_kernels_load_from_a_folder_that_is_not_written_to(tmp_path: Path) -> None:
    """On the same processor the warmed folder serves as it is; on another one it is left alone."""
    warmed = tmp_path / "kernels"
    warmed.mkdir()
    (tmp_path / "sample.py").write_text(SAMPLE, encoding="utf-8")
    plain = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    plain |= {"NUMBA_CACHE_DIR": str(warmed), "PYTHONPATH": str(DEPLOY / "container")}
    plain |= {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(tmp_path)}
    served = plain | {"NUMBA_CACHE_LOCATOR_CLASSES": "warmed_cache.WarmedCacheLocator"}

    def run(environment: dict[str, str], *words: str) -> list[str]:
        command = [sys.executable, *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    sample = str(tmp_path / "sample.py")
    assert run(plain, sample)[0] == "0"
    run(plain, "-m", "warmed_cache")
    before = {path: path.stat().st_mtime_ns for path in warmed.rglob("*")}
    hits, folder = run(served, sample)
    assert hits == "1"
    assert folder.startswith(str(warmed))
    fresh = tmp_path / "fresh.py"
    fresh.write_text(SAMPLE, encoding="utf-8")
    for changed, program in (({"NUMBA_CPU_NAME": "generic"}, sample), ({}, str(fresh))):
        hits, folder = run(served | changed, program)
        assert hits == "0"
        assert not folder.startswith(str(warmed))
    assert {path: path.stat().st_mtime_ns for path in warmed.rglob("*")} == before

"""Fetches the embedded broker's jars once and keeps them in the user's cache.

Why: `jars.lock` names every jar with its SHA-256, so that whoever serves them, and whichever
tool fetches them, exactly these bytes run. They are hashed before every start (43 MB, below
0.1 s), since a cache folder is easier to write to than an installed package.
"""

import fcntl
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anpr_engine.errors import EmbeddedError

LOCK_FILE = Path(__file__).with_name("jars.lock")
FETCH_TIMEOUT_S = 600.0
REQUEST_TIMEOUT_S = 60
REMEDY = (
    "Install the Python package jgo or Maven, and check that Maven Central or a mirror of it "
    "can be reached; or point ANPR_KAFKA to a running broker."
)


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar: where it stands in a Maven repository, and the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name as Maven gives it."""
        return f"{self.artifact}-{self.version}.jar"


def locked_jars() -> tuple[Jar, ...]:
    """Read the jars of `jars.lock`, in class path order."""
    jars = []
    for line in LOCK_FILE.read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            coordinates, digest = line.split()
            group, artifact, version = coordinates.split(":")
            jars.append(Jar(group, artifact, version, digest))
    return tuple(jars)


def kafka_version() -> str:
    """Give the version of Apache Kafka in `jars.lock`."""
    return next(jar.version for jar in locked_jars() if jar.artifact == "kafka-clients")


def cache_dir() -> Path:
    """Name the folder for what is fetched or made once for this version of Kafka."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(base) if base else Path.home() / ".cache"
    return home / "anpr-engine" / f"kafka-{kafka_version()}"


@contextmanager
def cache_lock() -> Iterator[Path]:
    """Hold the cache for this process alone; gives its folder.

    Raises:
        EmbeddedError: the folder cannot be written.

    """
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder.joinpath("lock").open("ab")
    except OSError as error:
        what = f"The cache folder {folder} cannot be written: {error.strerror}."
        raise EmbeddedError(what, "Set XDG_CACHE_HOME to a folder that can.") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def fetch_jars(folder: Path) -> tuple[Path, ...]:
    """Give the broker's jars, fetched first if need be; the caller holds the cache's lock.

    Raises:
        EmbeddedError: they cannot be had; names each way that was tried.

    """
    home = folder / "jars"
    paths = tuple(home / jar.file_name for jar in locked_jars())
    if not _differing(home):
        return paths
    _say(f"fetching Apache Kafka {kafka_version()} (43 MB, once) ...")
    with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as temporary:
        fetched = Path(temporary)
        _fetch(fetched)
        shutil.rmtree(home, ignore_errors=True)
        fetched.joinpath("jars").rename(home)
    return paths


def _fetch(work: Path) -> None:
    """Fetch all jars into `work/jars` by the first way that gives every one of them."""
    failures = []
    for name, way in (("mvn", _by_mvn), ("jgo", _by_jgo)):
        target = work / "jars"
        target.mkdir()
        try:
            way(work, target)
        except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
        else:
            wrong = _differing(target)
            if not wrong:
                return
            failures.append(f"{name}: missing or not as locked: {', '.join(wrong)}")
        shutil.rmtree(target)
    what = f"Apache Kafka's jars cannot be fetched ({'; '.join(failures)})."
    raise EmbeddedError(what, REMEDY)


def _differing(folder: Path) -> list[str]:
    """Name the jars that are not in a folder with the locked bytes."""
    wrong = []
    for jar in locked_jars():
        path = folder / jar.file_name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
            wrong.append(jar.file_name)
    return wrong


def _by_mvn(work: Path, target: Path) -> None:
    program = shutil.which("mvn")
    if program is None:
        raise FileNotFoundError("not on PATH")
    pom = work / "pom.xml"
    pom.write_text(_pom(), encoding="utf-8")
    command = [program, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    options = ["-DexcludeTransitive=true", f"-DoutputDirectory={target}"]
    done = subprocess.run(  # noqa: S603 - Maven from PATH
        [*command, *options],
        capture_output=True,
        text=True,
        timeout=FETCH_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        raise RuntimeError(lines[0] if lines else f"exit status {done.returncode}")


def _pom() -> str:
    """Write a Maven project that depends on every locked jar."""
    dependencies = "\n".join(
        f"<dependency><groupId>{jar.group}</groupId><artifactId>{jar.artifact}</artifactId>"
        f"<version>{jar.version}</version></dependency>"
        for jar in locked_jars()
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion>"
        "<groupId>anpr</groupId><artifactId>broker</artifactId><version>1</version>\n"
        f"<dependencies>\n{dependencies}\n</dependencies></project>\n"
    )


def _by_jgo(work: Path, target: Path) -> None:
    try:
        maven: Any = importlib.import_module("jgo.maven")
    except ImportError:
        raise FileNotFoundError("not installed") from None
    context = maven.MavenContext(repo_cache=work / "repository", timeout=REQUEST_TIMEOUT_S)
    for jar in locked_jars():
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        shutil.copyfile(component.artifact().resolve(), target / jar.file_name)


def _say(text: str) -> None:
    sys.stderr.write(f"anpr: {text}\n")
    sys.stderr.flush()

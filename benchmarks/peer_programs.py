"""Peers in Python that are programs of their own: Bytewax and Quix Streams.

Seconds count from the first read that their step meets to the last: neither starting nor the
last commit is held against them.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

from benchmarks.lab import READS_TOPIC, ROOT, run_json
from benchmarks.peer_hits import HitsTopic, Trial
from benchmarks.peers import Taken, client_properties

PYTHON_VARIABLE = "ANPR_BENCH_PEERS_PYTHON"
"""Names an interpreter that has Bytewax and Quix Streams, where this one has not."""

PACKAGES = ("bytewax", "quixstreams")

_ASK_VERSIONS = """
import importlib.metadata, json, sys
found = {each.metadata["Name"].lower(): each.version for each in importlib.metadata.distributions()}
print(json.dumps({name: found[name] for name in sys.argv[1:] if name in found}))
"""

SET_BY_QUIX = (
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "group.id",
    "partition.assignment.strategy",
)
"""Settings that Quix Streams sets itself and refuses to be told."""


class Bytewax:
    """Bytewax, one worker; it can only take a topic as a whole."""

    def __init__(self, trial: Trial) -> None:
        """Take all reads of the topic."""
        self._trial, self.reads = trial, trial.reads

    def missing(self) -> str:
        """Say where it is not installed; empty when it is."""
        return not_installed("bytewax.connectors.kafka")

    def work(self) -> Taken:
        """Run it; it tells its hits itself."""
        settings = _texts(client_properties(self._trial.kafka))
        told = _run_python("peer_bytewax.py", self._trial, {"settings": settings})
        ends = {int(partition): end for partition, end in told["ends"].items()}
        return Taken(self.reads / told["seconds"], ends, told["hits"])


class Quix:
    """Quix Streams, exactly once."""

    def __init__(self, trial: Trial) -> None:
        """Take so many reads of the topic."""
        self._trial, self.reads = trial, trial.reads

    def missing(self) -> str:
        """Say where it is not installed; empty when it is."""
        return not_installed("quixstreams")

    def work(self) -> Taken:
        """Run it, read its topic of hits, and ask the broker where it stopped."""
        kafka = self._trial.kafka
        settings = _texts(client_properties(kafka))
        settings = {name: text for name, text in settings.items() if name not in SET_BY_QUIX}
        with HitsTopic(kafka) as hits, tempfile.TemporaryDirectory() as folder:
            own = {"group": hits.name, "hits_topic": hits.name, "folder": folder}
            told = _run_python("peer_quix.py", self._trial, {"settings": settings, **own})
            speed = self.reads / told["seconds"]
            return Taken(speed, hits.committed(), hits.read_ids())


def program_versions() -> dict[str, str]:
    """Give the versions of those libraries that are installed."""
    done = subprocess.run(
        [_python(), "-I", "-c", _ASK_VERSIONS, *PACKAGES],
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, str] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def _python() -> str:
    return os.environ.get(PYTHON_VARIABLE, sys.executable)


@cache
def not_installed(module: str) -> str:
    """Say that no interpreter has a module; empty when one has."""
    done = subprocess.run(
        [_python(), "-I", "-c", f"import {module}"], capture_output=True, check=False
    )
    if done.returncode == 0:
        return ""
    return f"not installed here, nor in an interpreter that {PYTHON_VARIABLE} names"


def _run_python(script: str, trial: Trial, more: Mapping[str, object]) -> Mapping[str, Any]:
    given = {"kafka": trial.kafka, "plates": str(trial.plates), "reads": trial.reads}
    task = json.dumps({**given, "topic": READS_TOPIC, **more})
    return run_json([_python(), "-I", str(ROOT / "benchmarks" / script), task])


def _texts(properties: Mapping[str, object]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in properties.items()
    }

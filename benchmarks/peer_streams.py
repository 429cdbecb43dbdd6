"""The Kafka Streams peer: exactly once, two threads, a HashSet; `kafka_streams/` built by Maven.

Seconds count from the first read that its step meets to the last: neither starting nor the last
commit is held against it. It commits every 100 ms, as it does by default.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from anpr_engine.errors import EmbeddedError
from anpr_engine.kafka.jars import cache_lock
from anpr_engine.kafka.java import find_java
from benchmarks.lab import READS_TOPIC, run_json
from benchmarks.peer_hits import HitsTopic, Trial
from benchmarks.peers import Taken

WARM = "_warm"
"""Ends the id of a figure without the first third of the reads, in which Java compiles."""

SOURCE = Path(__file__).with_name("kafka_streams")
BUILD_S_MAX = 600.0
BUILD_GOALS = ("compiler:compile", "jar:jar", "dependency:copy-dependencies")
VARIANTS: Mapping[str, Mapping[str, object]] = {
    "kafka_streams": {},
    "kafka_streams_tuned": {"max.poll.records": 5000, "max.partition.fetch.bytes": 4 << 20},
}
"""Figure to what Kafka Streams is told beyond exactly once and two threads.

The tuned one has the settings that did best of those tried; larger buffers gave nothing more.
"""


class KafkaStreams:
    """Kafka Streams, exactly once: `kafka_streams/`, built by Maven."""

    def __init__(self, trial: Trial, variant: str) -> None:
        """Take all reads of the topic, with the settings of a variant."""
        self._trial, self._variant = trial, variant
        self.reads = trial.reads

    def missing(self) -> str:
        """Say why it cannot be built or run; empty when it can."""
        built = build_streams()
        return built if isinstance(built, str) else ""

    def work(self) -> Taken:
        """Run it and read its topic of hits."""
        trial, warm, jars = self._trial, self._trial.reads // 3, build_streams()
        with HitsTopic(trial.kafka) as hits, tempfile.TemporaryDirectory() as folder:
            command = [str(find_java().path), "-Xms1g", "-Xmx2g", "-cp", f"{jars}/*"]
            command += ["bench.PlatePeer", str(trial.plates), str(trial.reads), str(warm)]
            command += [READS_TOPIC, hits.name]
            own = {
                "application.id": hits.name,
                "bootstrap.servers": trial.kafka,
                "state.dir": folder,
            }
            given = {**VARIANTS[self._variant], **own}
            told = run_json([*command, *(f"{name}={value}" for name, value in given.items())])
            return Taken(
                trial.reads / told["seconds"],
                hits.committed(),
                hits.read_ids(),
                {self._variant + WARM: (trial.reads - warm) / told["warm_seconds"]},
            )


@cache
def build_streams() -> Path | str:
    """Give the folder of jars, built first if need be, or the reason why there is none."""
    program = shutil.which("mvn")
    if program is None:
        return "Maven is not on the path"
    try:
        find_java()
    except EmbeddedError as error:
        return str(error)
    sources = sorted(path for path in SOURCE.rglob("*") if path.is_file())
    digest = hashlib.blake2b(b"".join(path.read_bytes() for path in sources), digest_size=6)
    with cache_lock() as folder:
        kept = folder / f"bench-streams-{digest.hexdigest()}"
        return kept if kept.is_dir() else _build(program, kept)


def _build(program: str, kept: Path) -> Path | str:
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="build-") as temporary:
        work = Path(temporary, "work")
        shutil.copytree(SOURCE, work)
        jars = work / "target" / "jars"
        done = subprocess.run(
            [program, "-q", "-B", *BUILD_GOALS, f"-DoutputDirectory={jars}"],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=BUILD_S_MAX,
            check=False,
        )
        if done.returncode != 0:
            lines = [line for line in done.stdout.splitlines() if line.strip()]
            return f"Maven cannot build it: {lines[0] if lines else done.returncode}"
        for jar in (work / "target").glob("*.jar"):
            jar.rename(jars / jar.name)
        jars.rename(kept)
    return kept

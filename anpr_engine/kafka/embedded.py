"""A real single-node Apache Kafka on random loopback ports that stops with its parent.

Why: the guarantees the engine gives are the broker's transactions; no stand-in has them. A
start takes about a second once the jars are fetched and the start-up archive is made. What
answers on the port is checked by its cluster id, for a port free a moment ago may be another's.
"""

import logging
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from anpr_engine.errors import EmbeddedError
from anpr_engine.kafka.broker_files import write_identity, write_settings
from anpr_engine.kafka.installation import Installation, install
from anpr_engine.kafka.jars import cache_lock
from anpr_engine.processes import ChildProcess

ARCHIVE_STOP_S = 60.0
LOG_TAIL_LINES = 12
PORT_ATTEMPTS_MAX = 5
PORT_TAKEN = "Address already in use"
READY_DEADLINE_S = 90.0
STOP_GRACE_S = 10.0

_client_log = logging.getLogger("anpr_engine.kafka.embedded")
_client_log.addHandler(logging.NullHandler())
_client_log.propagate = False  # refused connections are expected until the broker is up


class EmbeddedKafka:
    """A broker of one's own; a context manager. It keeps its ports over `kill` and `start`."""

    def __init__(
        self,
        data_dir: Path | None = None,
        settings: Mapping[str, str] | None = None,
        client: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a broker without starting it.

        Args:
            data_dir: where it keeps its data, used again when it is there already; None means
                a new temporary folder that `stop` removes.
            settings: broker settings that go over this project's own.
            client: what a client must be told to be let in, where the settings ask for that.

        """
        self._given_dir = data_dir
        self._settings = dict(settings or {})
        self._client = dict(client or {})
        self._root: Path | None = None
        self._ports: tuple[int, int] | None = None
        self._child: ChildProcess | None = None
        self.cluster_id = ""

    @property
    def bootstrap(self) -> str:
        """Where clients connect, as `127.0.0.1:port`.

        Raises:
            EmbeddedError: the broker was never started.

        """
        if self._ports is None:
            raise EmbeddedError("The embedded broker was not started.")
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def pid(self) -> int:
        """The broker's process id.

        Raises:
            EmbeddedError: the broker does not run.

        """
        if self._child is None:
            raise EmbeddedError("The embedded broker does not run.")
        return self._child.pid

    def start(self) -> None:
        """Start the broker and wait until it takes requests.

        Raises:
            EmbeddedError: no Java, no jars, or the broker died; ends with its last log lines.

        """
        with cache_lock() as cache:
            installation = install(cache)
            if not installation.archive.is_file():
                _make_archive(installation)
        self._start(installation)

    def stop(self) -> None:
        """Stop the broker and remove its data if they are temporary."""
        temporary = self._given_dir is None
        if self._child is not None:
            if temporary:
                self._child.kill()
            else:
                self._child.stop(STOP_GRACE_S)
        self._child = None
        if temporary and self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None
            self._ports = None

    def kill(self) -> None:
        """End the broker as a power cut would; `start` brings it back with data and ports."""
        if self._child is not None:
            self._child.kill()
        self._child = None

    def __enter__(self) -> Self:
        """Start the broker."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the broker."""
        self.stop()

    def _start(self, installation: Installation, make_archive: Path | None = None) -> None:
        if self._child is not None:
            raise EmbeddedError("The embedded broker runs already.")
        root = self._open_root()
        self.cluster_id = write_identity(root / "data", installation.bootstrap)
        keep_ports = self._ports is not None
        lines: list[str] = []
        for attempt in range(PORT_ATTEMPTS_MAX):
            if not keep_ports:
                self._ports = _free_ports()
            log_path = root / f"broker-{attempt}.log"
            self._launch(installation, log_path, make_archive)
            if self._ready():
                return
            lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
            self.kill()
            if keep_ports or not any(PORT_TAKEN in line for line in lines):
                break
        self.stop()
        what = "The embedded broker died or did not answer in time. Its last log lines:"
        raise EmbeddedError("\n".join([what, *lines[-LOG_TAIL_LINES:]]))

    def _open_root(self) -> Path:
        """Give the broker's folder, made if need be."""
        if self._root is None:
            if self._given_dir is None:
                self._root = Path(tempfile.mkdtemp(prefix="anpr-kafka-"))
            else:
                self._given_dir.mkdir(parents=True, exist_ok=True)
                self._root = self._given_dir
        return self._root.resolve()

    def _launch(
        self, installation: Installation, log_path: Path, make_archive: Path | None
    ) -> None:
        root = log_path.parent
        ports = self._ports or _free_ports()
        settings = write_settings(root, ports, self._settings)
        self._child = ChildProcess(
            installation.broker_command(settings, make_archive),
            log_path=log_path,
            remove_when_orphaned=root if self._given_dir is None else None,
        )

    def _ready(self) -> bool:
        """Wait until this very broker answers; False when it died or took too long."""
        client = AdminClient(
            {
                "bootstrap.servers": self.bootstrap,
                "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 100,
                "log_level": 0,
                **self._client,
            },
            logger=_client_log,
        )
        deadline_s = time.monotonic() + READY_DEADLINE_S
        while self._child is not None and self._child.running():
            try:
                answer = client.list_topics(timeout=0.5)
            except KafkaException:
                answer = None
            if answer is not None and answer.cluster_id == self.cluster_id and answer.brokers:
                return True
            if time.monotonic() > deadline_s:
                return False
        return False


def _make_archive(installation: Installation) -> None:
    """Run a broker once so that the JVM writes its start-up archive.

    An archive that cannot be made becomes an empty file, so that it is not tried every time.
    """
    part = installation.archive.with_suffix(".part")
    part.unlink(missing_ok=True)
    broker = EmbeddedKafka()
    try:
        broker._start(installation, part)  # noqa: SLF001 - this module's own class
        if broker._child is not None:  # noqa: SLF001
            broker._child.stop(ARCHIVE_STOP_S)  # noqa: SLF001
    finally:
        broker.stop()
    if not part.is_file():
        part.touch()
    part.rename(installation.archive)


def _free_ports() -> tuple[int, int]:
    """Pick two loopback ports that are free now."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]

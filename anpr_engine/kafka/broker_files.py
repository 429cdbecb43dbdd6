"""The files a single-node broker starts from: its settings, its log set-up, its identity.

Why: each setting away from Kafka's default was measured to matter. Internal topics of one
partition save seconds at the first group and the first transaction; the short broker session
brings kill to first acknowledgement from 14 to 9 s; the cleanup interval ends an orphaned
transaction after 5 s instead of 20.
"""

import base64
import uuid
from collections.abc import Mapping
from pathlib import Path

SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "background.threads": "2",
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "2000",
    "default.replication.factor": "1",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.session.timeout.ms": "6000",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "min.insync.replicas": "1",
    "num.io.threads": "2",
    "num.network.threads": "2",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
}

LOG_SETUP = """\
rootLogger.level = warn
rootLogger.appenderRef.out.ref = OUT
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n%throwable{3}
"""


def write_settings(root: Path, ports: tuple[int, int], extra: Mapping[str, str]) -> Path:
    """Write the broker's settings and log set-up into a folder.

    Args:
        root: the broker's folder; its data goes to `root/data`.
        ports: loopback ports for clients and for the controller.
        extra: settings that go over the table above.

    Returns:
        The path of the settings file.

    """
    client = f"PLAINTEXT://127.0.0.1:{ports[0]}"
    given = {
        **SETTINGS,
        "listeners": f"{client},CONTROLLER://127.0.0.1:{ports[1]}",
        "advertised.listeners": client,
        "controller.quorum.voters": f"1@127.0.0.1:{ports[1]}",
        "log.dirs": str(root / "data"),
        **extra,
    }
    lines = [f"{name}={value}\n" for name, value in given.items()]
    path = root / "server.properties"
    path.write_text("".join(lines), encoding="utf-8")
    root.joinpath("log4j2.properties").write_text(LOG_SETUP, encoding="ascii")
    return path


def write_identity(data_dir: Path, bootstrap: bytes) -> str:
    """Make a data folder a new cluster's, or read whose it is; gives the cluster's id.

    Args:
        data_dir: the broker's data folder, perhaps still missing.
        bootstrap: the first metadata records as Kafka's own format tool writes them.

    """
    meta = data_dir / "meta.properties"
    if meta.is_file():
        lines = meta.read_text(encoding="utf-8").splitlines()
        return next(line.split("=", 1)[1] for line in lines if line.startswith("cluster.id="))
    data_dir.mkdir(parents=True, exist_ok=True)
    cluster_id = new_id()
    data_dir.joinpath("bootstrap.checkpoint").write_bytes(bootstrap)
    text = f"version=1\nnode.id=1\ndirectory.id={new_id()}\ncluster.id={cluster_id}\n"
    meta.write_text(text, encoding="ascii")
    return cluster_id


def new_id() -> str:
    """Draw an id in Kafka's form; the first byte keeps it from looking like an option."""
    drawn = b"\x00" + uuid.uuid4().bytes[1:]
    return base64.urlsafe_b64encode(drawn).decode("ascii").rstrip("=")

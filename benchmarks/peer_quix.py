"""The Quix Streams peer, a program of its own: `python -I peer_quix.py TASK`, JSON in and out.

Exactly once with the library's own commit interval; hits go to a topic.

Why alone: it runs in an interpreter where Quix Streams is, which need not have anything of ours.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Matcher:
    """Looks reads up and ends the program behind the last one."""

    def __init__(self, listed: set[str], reads: int, stop: Callable[[], object]) -> None:
        """Take the normalised plates, how many reads to take, and how to stop."""
        self._listed, self._left, self._stop = listed, reads, stop
        self.started_s = self.ended_s = 0.0

    def take(self, read: dict[str, Any]) -> bool:
        """Say whether a read shows a listed plate."""
        self.started_s = self.started_s or time.perf_counter()
        self._left -= 1
        if self._left == 0:
            self.ended_s = time.perf_counter()
            self._stop()
        plate: str = read["plate"]
        return plate.upper().replace("-", "") in self._listed


def main() -> None:
    """Take so many reads of the topic."""
    task: dict[str, Any] = json.loads(sys.argv[1])
    quix: Any = importlib.import_module("quixstreams")
    app = quix.Application(
        broker_address=task["kafka"],
        consumer_group=task["group"],
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        consumer_extra_config=task["settings"],
        auto_create_topics=False,
        state_dir=task["folder"],
        loglevel="ERROR",
    )
    listed = set(Path(task["plates"]).read_text(encoding="ascii").split())
    matcher = Matcher(listed, task["reads"], app.stop)
    reads = app.dataframe(app.topic(task["topic"], value_deserializer="json"))
    hits = app.topic(task["hits_topic"], value_serializer="json")
    reads.filter(matcher.take).to_topic(hits)
    app.run()
    print(json.dumps({"seconds": matcher.ended_s - matcher.started_s}))


if __name__ == "__main__":
    main()

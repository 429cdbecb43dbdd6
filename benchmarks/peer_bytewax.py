"""The Bytewax peer, a program of its own: `python -I peer_bytewax.py TASK`, JSON in and out.

One worker; the step gets whole batches, the cheapest form that Bytewax has. Hits stay in memory
and no progress is saved, so it does less than the engine does.

Why alone: it runs in an interpreter where Bytewax is, which need not have anything of ours.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

BATCH_MAX = 8192


class Matcher:
    """Looks reads up; knows when it began and ended, and where it stands."""

    def __init__(self, listed: set[str]) -> None:
        """Take the normalised plates."""
        self._listed = listed
        self._loads: Any = importlib.import_module("orjson").loads
        self._last: dict[int, int] = {}
        self.started_s = self.ended_s = 0.0

    def take(self, messages: list[Any]) -> list[str]:
        """Give the ids of the reads that show a listed plate."""
        self.started_s = self.started_s or time.perf_counter()
        hits = []
        for message in messages:
            self._last[message.partition] = message.offset
            read = self._loads(message.value)
            if read["plate"].upper().replace("-", "") in self._listed:
                hits.append(read["read_id"])
        self.ended_s = time.perf_counter()
        return hits

    def ends(self) -> dict[int, int]:
        """Give the offset behind the last read of each partition."""
        return {partition: offset + 1 for partition, offset in self._last.items()}


def main() -> None:
    """Take all reads of the topic and tell the hits."""
    task: dict[str, Any] = json.loads(sys.argv[1])
    matcher = Matcher(set(Path(task["plates"]).read_text(encoding="ascii").split()))
    hits: list[str] = []
    dataflow: Any = importlib.import_module("bytewax.dataflow")
    operators: Any = importlib.import_module("bytewax.operators")
    kafka: Any = importlib.import_module("bytewax.connectors.kafka")
    testing: Any = importlib.import_module("bytewax.testing")
    source = kafka.KafkaSource(
        [task["kafka"]],
        [task["topic"]],
        tail=False,
        add_config=task["settings"],
        batch_size=BATCH_MAX,
    )
    flow = dataflow.Dataflow("peer")
    reads = operators.input("reads", flow, source)
    found = operators.flat_map_batch("match", reads, matcher.take)
    operators.output("hits", found, testing.TestingSink(hits))
    testing.run_main(flow)
    seconds = matcher.ended_s - matcher.started_s
    print(json.dumps({"seconds": seconds, "ends": matcher.ends(), "hits": hits}))


if __name__ == "__main__":
    main()

"""Puts together what watches beside an engine: the oldest read's age, and handled entries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.handled_book import handled_entries
from anpr_engine.kafka.oldest import oldest_read_watched
from anpr_engine.metrics.table import Metrics
from anpr_engine.pipeline.run import EnginePorts


@contextmanager
def ports_watched(
    site: str, kafka: StreamSettings, metrics: Metrics, ports: EnginePorts
) -> Iterator[EnginePorts]:
    """Let an engine know what was done about its entries, and watch its oldest read meanwhile.

    Raises:
        BrokerError: the site's topic of feedback cannot be read.

    """
    watched = oldest_read_watched(kafka, metrics, ports.clock)
    with watched, handled_entries(site, kafka, ports.clock) as book:
        yield replace(ports, handled=book.of)

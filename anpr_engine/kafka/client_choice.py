"""Which client reads: the native one where its library is known, else the ordinary one."""

from anpr_engine.errors import BrokerError
from anpr_engine.kafka.client import ConsumerClient
from anpr_engine.kafka.client_settings import ClientName, Properties
from anpr_engine.kafka.native_client import NativeClient
from anpr_engine.kafka.native_library import Library
from anpr_engine.kafka.native_test_record import trusted_library
from anpr_engine.kafka.plain_client import PlainClient
from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import NATIVE_DRAIN, Metrics

ClientChoice = Library | None
"""The library to read with natively; None for the ordinary client."""


def choose_client(wanted: ClientName, metrics: Metrics) -> ClientChoice:
    """Choose as the setting says, and tell which it is; raises as `library_for`."""
    found = library_for(wanted)
    metrics.put(NATIVE_DRAIN, 0 if found is None else 1)
    return found


def library_for(wanted: ClientName) -> ClientChoice:
    """Choose as the setting says.

    Raises:
        BrokerError: the native client is asked for and its library cannot be used.

    """
    found = "not asked for" if wanted == "plain" else trusted_library()
    if not isinstance(found, str):
        return found
    if wanted == "native":
        raise BrokerError(
            f"kafka_client.client is native, but the library cannot be used: {found}.",
            'Set it to "auto" or "plain".',
        )
    if wanted == "auto":
        get_logger().warning("kafka_native_client_unavailable", reason=found)
    return None


def open_client(choice: ClientChoice, properties: Properties, topic: str) -> ConsumerClient:
    """Make a client of one topic; nothing is asked of the brokers yet."""
    if choice is None:
        return PlainClient(properties, topic)
    return NativeClient(choice, properties, topic)

"""The engine's own page."""

import urllib.error
import urllib.request

import pytest

from anpr_engine.errors import AnprError
from anpr_engine.metrics.server import MetricsServer


def get(server: MetricsServer, path: str) -> tuple[int, str]:
    """Get a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_health_and_readiness_are_told_apart() -> None:
    """Ready names what is missing, one sentence a line; alive says only that it lives."""
    server = MetricsServer(("127.0.0.1", 0), lambda: b"page")
    missing = ["the lists are old"]
    server.start(list, lambda: missing)
    try:
        assert get(server, "/healthz") == (200, "ok\n")
        assert get(server, "/readyz?verbose") == (503, "the lists are old\n")
        missing.clear()
        assert get(server, "/readyz") == (200, "ok\n")
        assert get(server, "/metrics") == (200, "page")
        assert get(server, "/other")[0] == 404
    finally:
        server.stop()


def test_an_address_in_use_is_a_clear_error() -> None:
    """The text names the address and what to set."""
    first = MetricsServer(("127.0.0.1", 0), bytes)
    try:
        with pytest.raises(AnprError, match="ANPR_HTTP__PORT"):
            MetricsServer(("127.0.0.1", first.port), bytes)
    finally:
        first.stop()

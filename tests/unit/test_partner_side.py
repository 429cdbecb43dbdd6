"""What a partner without broker and Redis needs of the engine: no client of either is loaded."""

import subprocess
import sys

import pytest

PARTNER = ("hit_no_hit_ask", "hit_no_hit_keys", "hit_no_hit_read", "deconflict")
SITES_ONLY = ("confluent_kafka", "redis", "rbcl", "anpr_engine.watchlist", "anpr_engine.kafka")


@pytest.mark.parametrize("module", PARTNER)
def test_a_partner_s_commands_load_no_client(module: str) -> None:
    """Nor what compares lists; so a partner's machine installs and compiles little."""
    names = ", ".join(repr(name) for name in SITES_ONLY)
    code = (
        f"import sys, anpr_engine.cli.{module}; print([n for n in [{names}] if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The units in `deploy/systemd` are hardened, and start what there is."""

from pathlib import Path

import click
import pytest

from anpr_engine.cli.watchlist import command as watchlist

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
PURGE = "anpr-watchlist-purge@.service"


def unit(name: str) -> list[str]:
    """Give the lines of a unit."""
    return (UNITS / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["anpr-engine@.service", PURGE])
def test_a_unit_is_hardened_and_lets_numba_compile(name: str) -> None:
    """The switches that matter are set, and the one that would stop numba is not."""
    lines = set(unit(name))
    for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "LimitCORE=0",
                 "CapabilityBoundingSet=", "IPAddressDeny=any", "UMask=0077"):  # fmt: skip
        assert line in lines
    assert not any(line.startswith("MemoryDenyWriteExecute") for line in lines)


def test_the_lists_are_purged_each_night() -> None:
    """A timer starts a service of its name, whose command exists and takes these options."""
    (start,) = [line for line in unit(PURGE) if line.startswith("ExecStart=")]
    program, group, *words = start.partition("=")[2].split()
    assert (Path(program).name, group) == ("anpr", "watchlist")
    found, made, rest = watchlist.resolve_command(click.Context(watchlist), words)
    assert found == "purge"
    assert made is not None
    given = made.make_context("purge", rest).params
    assert (given["as_json"], str(given["config"])) == (True, "%d/settings.toml")
    assert "LoadCredential=settings.toml:/etc/anpr/%i-purge.toml" in unit(PURGE)
    assert "Type=oneshot" in unit(PURGE)
    timer = unit(PURGE.replace(".service", ".timer"))
    assert {"OnCalendar=*-*-* 03:10:00", "Persistent=yes", "WantedBy=timers.target"} <= set(timer)
    assert not any(line.startswith("Unit=") for line in timer)

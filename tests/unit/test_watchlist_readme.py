"""What `anpr_engine/watchlist/README.md` says is so."""

import re
from pathlib import Path

from anpr_engine.cli.watchlist import command
from anpr_engine.watchlist.redis_keys import STORE_KEYS
from anpr_engine.watchlist.templates import template_names

README = Path(__file__).parents[2] / "anpr_engine" / "watchlist" / "README.md"


def test_every_key_stands_in_the_table() -> None:
    """The table of keys is that of the code, with types and meanings."""
    found = re.findall(r"^\| `(anpr:\S+)` \| (\w+) \| (.+) \|$", README.read_text(), re.MULTILINE)
    assert found == [(key.name, key.kind, key.meaning) for key in STORE_KEYS]


def test_commands_and_forms_that_are_named_exist() -> None:
    """Every form that comes with the engine is named, and no command that there is not."""
    text = README.read_text()
    assert all(f"`{name}`" in text or f" {name}`" in text for name in template_names())
    named = set(re.findall(r"anpr watchlist (\w+)", text))
    assert named
    assert named <= set(command.commands)

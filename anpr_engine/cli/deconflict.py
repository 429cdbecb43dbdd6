"""`anpr deconflict`: which of my entries are on the other site's list, without showing either."""

import importlib.util

import click

from anpr_engine.cli.lazy import LazyGroup, Table
from anpr_engine.errors import UsageError

COMMANDS: Table = {
    "ask": ("deconflict_steps:ask", "Ask another site which of our entries it has too."),
    "match": ("deconflict_steps:match", "Read its reply: our entries that are on both."),
    "reply": ("deconflict_steps:reply", "Reply to another site's request."),
}
GROUP_LIBRARY = "rbcl"


def _require_library(_name: str) -> None:
    """Say what is missing before a step is loaded; raises `UsageError`."""
    if importlib.util.find_spec(GROUP_LIBRARY) is None:
        what = f"Comparing lists needs the package {GROUP_LIBRARY}."
        raise UsageError(what, "Run pip install 'anpr-engine[psi,sign]'.")


@click.group(
    name="deconflict",
    cls=LazyGroup,
    table=COMMANDS,
    before=_require_library,
    epilog="Example:  anpr deconflict reply request.txt --out reply.txt --by bo",
)
def command() -> None:
    """Compare two sites' lists without showing either (RFC 9497).

    One asks, the other replies, the first one matches: three files. Each site names the other, the
    agreement, the lists and the daily limit in [partners.SITE].
    """

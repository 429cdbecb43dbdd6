"""`anpr hit-no-hit`: is there something to ask about a vehicle? Told without showing a list."""

import click

from anpr_engine.cli.lazy import LazyGroup, Table

COMMANDS: Table = {
    "answer": ("hit_no_hit_answer", "Answer a partner's questions, as the site."),
    "ask": ("hit_no_hit_ask", "Write questions about vehicles, as the partner."),
    "keys": ("hit_no_hit_keys", "Make, follow, replace, show and destroy an operation's keys."),
    "read": ("hit_no_hit_read", "Check answers and read them, as the partner."),
}


@click.group(
    name="hit-no-hit",
    cls=LazyGroup,
    table=COMMANDS,
    epilog="Example:  anpr hit-no-hit answer questions.txt --keys bus.keys --out answers.txt "
    "--by anna",
)
def command() -> None:
    """Ask and answer whether there is something to ask, by pseudonyms.

    A partner asks with pseudonyms under the key of an operation, and learns yes or no; the site
    names the partner, its agreement, its lists and its daily limit in [partners.NAME].
    """

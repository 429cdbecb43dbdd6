"""`anpr hit-no-hit`: is there something to ask about a vehicle? Told without showing a list."""

import click

from anpr_engine.cli import hit_no_hit_answer, hit_no_hit_ask, hit_no_hit_keys


@click.group(
    name="hit-no-hit",
    epilog="Example:  anpr hit-no-hit answer questions.txt --keys bus.keys --out answers.txt "
    "--by anna",
)
def command() -> None:
    """Ask and answer whether there is something to ask, by pseudonyms.

    A partner asks with pseudonyms under the key of an operation, and learns yes or no; the site
    names the partner, its agreement, its lists and its daily limit in [partners.NAME].
    """


command.add_command(hit_no_hit_keys.keys)
command.add_command(hit_no_hit_ask.ask)
command.add_command(hit_no_hit_ask.read)
command.add_command(hit_no_hit_answer.answer)

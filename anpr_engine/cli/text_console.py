"""Tables and sentences for people on standard output, the same in a file, a pipe and a window."""

from io import StringIO

import click
from rich.console import Console

_WIDTH = 100


def text_console() -> Console:
    """Give a console that keeps what is printed; a fixed width makes it the same everywhere."""
    return Console(width=_WIDTH, file=StringIO(), highlight=False, markup=False)


def echo_console(console: Console) -> None:
    """Print what a console has kept, without spaces at the ends of lines."""
    file = console.file
    if isinstance(file, StringIO):
        click.echo("\n".join(line.rstrip() for line in file.getvalue().splitlines()))

"""`anpr normalise`: raw plates in, canonical plates out."""

import sys
from typing import Any

import click
import msgspec

from anpr_engine.plates.normaliser import STATUS_NAMES, normalise


def _answer(line: str, *, explain: bool) -> dict[str, Any]:
    raw, _, country = line.partition("\t")
    found = normalise(raw)
    answer: dict[str, Any] = {
        "raw": raw,
        "plate": found.text,
        "country": country.strip().upper() or None,
        "format": None,
        "valid": found.usable,
        "alternatives": [],
    }
    if explain:
        answer["rules"] = list(found.rules)
        answer["status"] = STATUS_NAMES[found.status]
    return answer


@click.command(
    epilog="Example:  printf '1-abc-123\\tBE\\n' | anpr normalise --explain",
)
@click.option("--explain", is_flag=True, help="Say which rules changed the text, and its status.")
def command(*, explain: bool) -> None:
    """Read one raw plate a line, optionally a TAB and an ISO country; write JSON lines.

    `format` and `alternatives` stay empty until the country packs arrive; `valid` says whether
    the text can match anything at all.
    """
    encoder = msgspec.json.Encoder()
    for raw_line in sys.stdin.buffer:
        line = raw_line.decode("utf-8", errors="replace").rstrip("\r\n")
        sys.stdout.buffer.write(encoder.encode(_answer(line, explain=explain)) + b"\n")
    sys.stdout.flush()

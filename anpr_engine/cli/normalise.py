"""`anpr normalise`: raw plates in, canonical plates with country and format out."""

import re
import sys
from typing import Any

import click
import msgspec

from anpr_engine.kernels.plate_text import BAD_CHARACTER, RAW_BYTES_MAX, UNREAD_POSITION
from anpr_engine.plates.identify import NOTHING, Identity, country_of, fits, fits_in, identify
from anpr_engine.plates.normaliser import STATUS_NAMES, Normalised, normalise
from anpr_engine.plates.spellings import printed, spellings, splits

_UNREAD = re.compile(r"([?*])")


def _alternatives(raw: str, found: Normalised, identity: Identity) -> list[str]:
    """Give what else a raw text may stand for.

    A text with unread places: that text with the places kept. An identified one: other spellings
    of it, then every printed plate it stands for, if there are several.
    """
    if found.status == UNREAD_POSITION:
        pieces = _UNREAD.split(raw)
        return ["".join(piece if piece in "?*" else normalise(piece).text for piece in pieces)]
    if len(raw) > RAW_BYTES_MAX or found.status == BAD_CHARACTER:
        return []
    countries = (
        [identity.country] if identity.country else [one.country for one in fits(found.text)]
    )
    readings = dict.fromkeys(
        reading for country in countries for reading in splits(found.text, country)
    )
    return [*spellings(found.text), *(readings if len(readings) > 1 else [])]


def _decision(found: Normalised, identity: Identity, hint: str) -> str:
    """Name the rule that chose the country."""
    if found.status == BAD_CHARACTER:
        return "bad-character"
    if not identity.valid:
        return "no-format"
    if identity.country is None:
        return "several-countries"
    return "hinted-country" if identity.country == country_of(hint) else "only-country"


def _explained(found: Normalised, identity: Identity, hint: str) -> dict[str, Any]:
    """Say which rules fired, what the format is and how its plates are printed."""
    named = fits_in(found.text, identity.country)[0] if identity.country else None
    return {
        "rules": list(found.rules),
        "status": STATUS_NAMES[found.status],
        "decision": _decision(found, identity, hint),
        "meaning": named and named.meaning,
        "printed": named and printed(found.text, named),
    }


def _answer(line: str, *, explain: bool) -> dict[str, Any]:
    raw, _, country = line.partition("\t")
    found = normalise(raw)
    identity = NOTHING if found.status == BAD_CHARACTER else identify(found.text, country)
    answer: dict[str, Any] = {
        "raw": raw,
        "plate": found.text,
        "country": identity.country,
        "format": identity.format_id,
        "valid": identity.valid,
        "alternatives": _alternatives(raw, found, identity),
        "also_matches": list(identity.also),
    }
    return answer | _explained(found, identity, country) if explain else answer


@click.command(
    epilog="Example:  printf '1-abc-123\\tBE\\n' | anpr normalise --explain",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Say which rules changed the text, its status, and what its format means.",
)
def command(*, explain: bool) -> None:
    """Read one raw plate a line, optionally a TAB and a country; write JSON lines.

    `valid` says whether the text fits a format of NL, BE, DE, LU or FR; `also_matches` names the
    formats of other countries that it fits, `alternatives` what else it may stand for. A plate that
    fits nothing still matches an entry that is written the same way.
    """
    encoder = msgspec.json.Encoder()
    for raw_line in sys.stdin.buffer:
        line = raw_line.decode("utf-8", errors="replace").rstrip("\r\n")
        sys.stdout.buffer.write(encoder.encode(_answer(line, explain=explain)) + b"\n")
    sys.stdout.flush()

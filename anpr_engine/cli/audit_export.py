"""`anpr audit export`: a record in a folder that an outsider can check with the public keys."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from anpr_engine.audit.folder import HEADS, KEYS, ExportFolder, Manifest, heads_of
from anpr_engine.cli.audit_source import (
    Asked,
    asked_of,
    in_chunks,
    in_topic,
    note_reading,
    reason_options,
    record_options,
    signing,
    site_of,
)
from anpr_engine.errors import InputFileError
from anpr_engine.version import VERSION

_PATH = click.Path(path_type=Path)


@click.command(
    epilog="Example:  anpr audit export --site be --out be-2026/ --heads heads.jsonl "
    "--key be.pub --purpose control --case AUD-7"
)
@record_options
@reason_options
@click.option("--out", required=True, type=_PATH, help="The folder; must not exist.")
@click.option("--heads", multiple=True, type=_PATH, help="A file of signed heads to add.")
@click.option("--key", "keys", multiple=True, type=_PATH, help="A public key to add.")
def export(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Write a site's record, its heads and public keys into a folder, whole or not at all.

    Lines stand there as in the topic, byte by byte. `anpr audit verify FOLDER --key …` checks it
    without a broker. The export is recorded itself, so --purpose and --case are needed.
    """
    asked = asked_of(given)
    out: Path = given["out"]
    heads: tuple[Path, ...] = given["heads"]
    keys: tuple[Path, ...] = given["keys"]
    made = [line for path in heads for line in _heads(path)]
    public = [signing().read_public(path) for path in keys]
    with ExportFolder(out) as folder:
        note_reading(asked, f"export {out.name}"[:256])
        for chunk in in_chunks(in_topic(asked).lines, "exporting"):
            for line in chunk:
                folder.add(line.partition, line.value)
        folder.write(HEADS, b"".join(line + b"\n" for line in made))
        for key in public:
            folder.write(f"{KEYS}/{key.key_id}.pub", key.pem())
        manifest = folder.finish(_manifest(asked))
    size = sum(each.size_bytes for each in manifest.files)
    click.echo(f"{out}: {manifest.lines:,} lines, {len(made):,} heads, {size:,} bytes")


def _heads(path: Path) -> list[bytes]:
    found, wrong = heads_of(path)
    if wrong:
        what = f"{wrong[0].place.source} is no head of version 1."
        raise InputFileError(what, "Name a file made by `anpr audit heads sign`.")
    return [head.line() for head in found]


def _manifest(asked: Asked) -> Manifest:
    return Manifest(
        version=1,
        site=site_of(asked),
        made_at=datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        package=VERSION,
        begins=asked.begin.text if asked.begin else "",
        ends=asked.until.text if asked.until else "",
        lines=0,
        files=(),
    )

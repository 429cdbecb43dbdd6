"""What a comparison of two lists puts into files: packed elements, and what the asker keeps.

Why no plate in the asker's file: it is read again from the list when the reply comes. An entry that
was taken off or changed meanwhile matches nothing.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence

import msgspec

from anpr_engine.errors import InputFileError
from anpr_engine.policy.deconflict import Asked, Run
from anpr_engine.policy.listing import Listing
from anpr_engine.policy.oprf import OprfError

FORM = "anpr-deconfliction-run/v1"


def packed(elements: Iterable[bytes]) -> str:
    """Write elements one behind the other in base64url without padding."""
    return base64.urlsafe_b64encode(b"".join(elements)).rstrip(b"=").decode()


def unpacked(text: str, size: int) -> tuple[bytes, ...]:
    """Read elements of a size, in bytes.

    Raises:
        OprfError: it is no base64url, or no whole number of elements.

    """
    padded = text.encode() + b"=" * (-len(text) % 4)
    try:
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error:
        data = b""
    if not data or len(data) % size:
        raise OprfError("The other side's file holds no whole elements.", "Ask for it again.")
    return tuple(data[at : at + size] for at in range(0, len(data), size))


class RunFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the asker keeps of a run: who was asked, and of each element list, entry and blind.

    receiver: the site that was asked. purpose, case_ref: what for. asked: None stands for nothing.
    """

    form: str
    run_id: str
    receiver: str
    purpose: str
    case_ref: str
    asked: list[tuple[str, str, str] | None]

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """The entries that were asked about: list and id."""
        return frozenset((each[0], each[1]) for each in self.asked if each is not None)

    def run(self, listings: Iterable[Listing]) -> Run:
        """Put the entries back in, as the list has them now."""
        mine = {(one.list_id, one.entry_id): one for one in listings}
        asked = [None if each is None else _asked(each, mine) for each in self.asked]
        return Run(bytes.fromhex(self.run_id), tuple(asked))


def _asked(kept: tuple[str, str, str], mine: dict[tuple[str, str], Listing]) -> Asked | None:
    listing = mine.get((kept[0], kept[1]))
    return None if listing is None else Asked(listing, base64.b64decode(kept[2]))


def run_text(run: Run, receiver: str, why: Sequence[str]) -> bytes:
    """Write what the asker keeps.

    Args:
        run: as it was asked.
        receiver: who was asked.
        why: purpose and case.

    """
    kept = [
        None
        if each is None
        else (each.listing.list_id, each.listing.entry_id, base64.b64encode(each.scalar).decode())
        for each in run.asked
    ]
    return msgspec.json.encode(RunFile(FORM, run.run_id.hex(), receiver, why[0], why[1], kept))


def run_of(text: bytes, name: str) -> RunFile:
    """Read what the asker kept.

    Raises:
        InputFileError: the file `name` holds none.

    """
    try:
        read = msgspec.json.decode(text, type=RunFile)
    except msgspec.MsgspecError:
        read = None
    if read is None or read.form != FORM:
        what = f"{name} holds no run of a comparison."
        raise InputFileError(what, "Give the file that `anpr deconflict ask --run` wrote.")
    return read

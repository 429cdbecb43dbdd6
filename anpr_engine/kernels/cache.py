"""Where compiled kernels are kept, and whose turn it is to compile one.

Why a folder per digest: numba looks only at the file that holds a kernel, so a change in a helper
of another file would leave stale code in use. The digest covers every file of this package.
Why turns: processes that fill an empty cache at once would compile everything as often as they are
many, and write the same files. The second one waits, and loads what the first one made.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).parent
_WHOLE = "whole"
_NOTHING_KEPT = "NUMBA_DISABLE_JIT"


def cache_folder() -> Path:
    """Say where kernels of these very sources are kept."""
    sources = b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))
    name = f"numba-{hashlib.blake2b(sources, digest_size=8).hexdigest()}"
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / name
    if os.access(_HERE, os.W_OK):
        return _HERE / "__pycache__" / name
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "anpr-engine" / name


@contextmanager
def turn(folder: Path, name: str) -> Iterator[None]:
    """Wait until no other process is at the same piece of work; a read-only cache has no turns."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{name}.lock").open("w")
    except OSError:
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def note_whole(folder: Path) -> None:
    """Note that every kernel is there."""
    (folder / _WHOLE).touch()


def is_whole(folder: Path) -> bool:
    """Say whether every kernel is there, compiled after its source was written."""
    try:
        noted_ns = (folder / _WHOLE).stat().st_mtime_ns
    except OSError:
        return False
    # numba compiles anew what has a newer source, be it the same.
    return all(path.stat().st_mtime_ns <= noted_ns for path in _HERE.glob("*.py"))


def prepare() -> None:
    """Compile what is missing in as many processes as there are cores, before anybody needs it.

    Whatever goes wrong there is left to the kernels' own import, which compiles one by one.
    """
    if os.environ.get(_NOTHING_KEPT, "0") not in ("", "0") or is_whole(cache_folder()):
        return
    sys.stderr.write("anpr: compiling kernels, once after an installation (about a minute)\n")
    sys.stderr.flush()
    subprocess.run(
        [sys.executable, "-m", "anpr_engine.kernels.warm"], check=False, stderr=subprocess.DEVNULL
    )

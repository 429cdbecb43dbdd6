# ruff: noqa: INP001 - copied into the image as a module of its own
"""Lets numba use compiled kernels from a folder that the service cannot write.

Why: numba's cache files are pickles, so whoever can write them runs code inside the engine; but
numba accepts a cache folder only when it can write there. This locator is named in
`NUMBA_CACHE_LOCATOR_CLASSES`. Compiled code fits one kind of processor: on another one, kernels
are compiled at the start into a private folder that goes away with the process; so is a kernel
that was not warmed. `python -m warmed_cache` notes the processor after warming.
"""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import UserProvidedCacheLocator
from numba.core.registry import cpu_target


def processor() -> str:
    """Describe the processor that kernels are compiled for, as numba's own cache keys do."""
    target: Any = cpu_target.target_context
    return repr(target.codegen().magic_tuple())


def note() -> Path:
    """Say where the processor is noted."""
    return Path(os.environ["NUMBA_CACHE_DIR"]) / "processor.txt"


@cache
def warmed_here() -> bool:
    """Say whether kernels were warmed for this processor."""
    return note().is_file() and note().read_text(encoding="utf-8") == processor()


@cache
def private_folder() -> Path:
    """Make a folder for this process alone, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="anpr-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class WarmedCacheLocator(UserProvidedCacheLocator):
    """Points numba to the warmed folder where it fits, to a private one elsewhere."""

    def ensure_cache_path(self) -> None:
        """Take the warmed folder as it is; make the private one."""
        kernel = f"{Path(self._py_file).stem}.*-{self._lineno}.py*.nbi"
        if not warmed_here() or not any(Path(self._cache_path).glob(kernel)):
            self._cache_path = str(private_folder() / Path(self._cache_path).name)
            super().ensure_cache_path()


if __name__ == "__main__":
    note().write_text(processor(), encoding="utf-8")

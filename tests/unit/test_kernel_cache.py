"""Compiled kernels: kept whole, compiled once however many ask, and called by each other only."""

import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anpr_engine.kernels import cache, hashing, warm

KERNELS = Path(cache.__file__).parent


def test_every_module_that_holds_kernels_is_warmed() -> None:
    """A forgotten one would be compiled by the first engine, while reads wait."""
    holders = {
        path.stem
        for path in KERNELS.glob("*.py")
        if re.search(r"^@kernel\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert holders == set(warm.WARMED)


def test_a_cache_is_whole_until_a_source_is_newer(tmp_path: Path) -> None:
    """As numba itself judges what it has compiled."""
    assert not cache.is_whole(tmp_path)
    cache.note_whole(tmp_path)
    assert cache.is_whole(tmp_path)
    os.utime(tmp_path / "whole", (0, 0))
    assert not cache.is_whole(tmp_path)


def test_a_kernel_is_compiled_by_one_at_a_time(tmp_path: Path) -> None:
    """While one has its turn nobody else gets the same; another piece of work is free."""

    def is_free(name: str) -> bool:
        with (tmp_path / f"{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    with cache.turn(tmp_path, "one"):
        assert not is_free("one")
        assert is_free("another")
    assert is_free("one")


def test_where_nothing_can_be_kept_nobody_waits(tmp_path: Path) -> None:
    """A folder that cannot be made, as in an image, takes no turns and stops nobody."""
    (tmp_path / "file").touch()
    with cache.turn(tmp_path / "file" / "folder", "one"):
        pass


def test_a_command_compiles_what_is_missing_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Once, in processes of their own; with nothing to compile nothing is started or said."""
    started: list[list[str]] = []

    def run(command: list[str], **_how: object) -> subprocess.CompletedProcess[bytes]:
        started.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    cache.prepare()
    assert started == []
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    cache.prepare()
    assert started == [[sys.executable, "-m", "anpr_engine.kernels.warm"]]
    assert "once after an installation" in capfd.readouterr().err
    cache.cache_folder().mkdir()
    cache.note_whole(cache.cache_folder())
    cache.prepare()
    assert len(started) == 1
    assert capfd.readouterr().err == ""


def test_python_may_not_call_a_piece_of_a_kernel() -> None:
    """It has no code for Python's objects: the process would end without a word."""
    with pytest.raises(TypeError, match="mix64 may be called by kernels only"):
        hashing.mix64(np.uint64(1))

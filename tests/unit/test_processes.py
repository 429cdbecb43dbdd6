"""Child processes end with their parent, and within bounds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anpr_engine.processes import ChildProcess

PARENT = """
import sys
from pathlib import Path
from anpr_engine.processes import ChildProcess
child = ChildProcess(sys.argv[2:], log_path=Path(sys.argv[1], "log"),
                     remove_when_orphaned=Path(sys.argv[1]))
print(child.pid, flush=True)
sys.stdin.read()
"""
STUBBORN = ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]
WAIT_S = 20.0


def _gone(pid: int) -> bool:
    """Wait until a process that is not our child has ended, reaped or not."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state.split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


def _wait_for_text(path: Path, text: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while text not in path.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("command", "number"),
    [
        pytest.param(["/bin/sleep", "600"], signal.SIGKILL, id="tame-kill"),
        pytest.param(["/bin/sleep", "600"], signal.SIGTERM, id="tame-term"),
        pytest.param(STUBBORN, signal.SIGKILL, id="stubborn-kill"),
    ],
)
def test_child_ends_when_parent_is_killed(
    tmp_path: Path, command: list[str], number: signal.Signals
) -> None:
    """A child ends however its parent ends, even if it ignores SIGTERM; its folder goes too."""
    folder = tmp_path / "child"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(number)
        parent.wait(WAIT_S)
        assert _gone(pid)
    deadline = time.monotonic() + WAIT_S
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_child_ends_when_supervisor_is_killed(tmp_path: Path) -> None:
    """The kernel ends the child when the process that watches over it is killed."""
    child = ChildProcess(["/bin/sleep", "600"], log_path=tmp_path / "log")
    status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
    supervisor = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
    os.kill(int(supervisor), signal.SIGKILL)
    assert child.wait(WAIT_S) == -signal.SIGKILL
    assert _gone(child.pid)


def test_stop_is_bounded_for_a_child_that_ignores_it(tmp_path: Path) -> None:
    """A child that ignores SIGTERM is killed after the grace period."""
    child = ChildProcess(STUBBORN, log_path=tmp_path / "log")
    _wait_for_text(tmp_path / "log", "up")
    assert child.stop(grace_s=0.1) == 128 + signal.SIGKILL
    assert not child.running()


def test_exit_status_and_output_are_kept(tmp_path: Path) -> None:
    """A child's exit status comes through, and both its outputs go to the log."""
    command = ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"]
    child = ChildProcess(command, log_path=tmp_path / "log")
    assert child.wait(WAIT_S) == 7
    assert sorted((tmp_path / "log").read_text(encoding="utf-8").split()) == ["err", "out"]
    assert child.stop() == 7


def test_paused_child_is_running(tmp_path: Path) -> None:
    """A child that is stopped and continued by a signal counts as running all the while."""
    child = ChildProcess(["/bin/sleep", "600"], log_path=tmp_path / "log")
    os.kill(child.pid, signal.SIGSTOP)
    assert child.running()
    with pytest.raises(TimeoutError):
        child.wait(0.05)
    os.kill(child.pid, signal.SIGCONT)
    assert child.running()
    assert child.stop() == 128 + signal.SIGTERM


def test_missing_program_is_an_error(tmp_path: Path) -> None:
    """A program that does not exist is reported at the start."""
    with pytest.raises(OSError, match="cannot be started"):
        ChildProcess([str(tmp_path / "missing")], log_path=tmp_path / "log")


def test_an_interrupt_does_not_reach_the_child(tmp_path: Path) -> None:
    """Ctrl-C goes to the parent's group alone, so that the parent decides what ends when."""
    child = ChildProcess(["/bin/sleep", "600"], log_path=tmp_path / "log")
    assert os.getpgid(child.pid) != os.getpgid(0)
    child.kill()

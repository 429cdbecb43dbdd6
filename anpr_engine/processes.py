"""Child processes that never outlive their parent: the embedded broker and Redis.

Why: a child asked to die with its parent by the kernel alone (`PR_SET_PDEATHSIG`) dies with the
*thread* that started it. So a small supervisor, this file run as a program, stands between: it
holds a pipe whose other end only the parent has. When the pipe closes, however the parent ended,
the supervisor stops the child. Should the supervisor be killed, the kernel kills the child; the
supervisor has a single thread, so there the rule is safe.
"""

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ORPHAN_GRACE_S = 2.0
PIPE_READ_BYTES = 4096
PR_SET_PDEATHSIG = 1
REPORT_TIMEOUT_S = 20.0


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0))


class ChildProcess:
    """A supervised child process; `pid` is the child's own, so that tests may signal it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        remove_when_orphaned: Path | None = None,
    ) -> None:
        """Start the command in a session of its own, its output appended to a file.

        Args:
            command: absolute program path and arguments.
            log_path: where stdout and stderr go.
            env: the whole environment; None passes this process's on.
            remove_when_orphaned: a folder that the supervisor deletes if this process dies.

        Raises:
            OSError: the command cannot be started.

        """
        remove = str(remove_when_orphaned) if remove_when_orphaned else ""
        supervisor = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
        with log_path.open("ab") as log:
            self._supervisor = subprocess.Popen(  # noqa: S603 - the caller names the program
                [*supervisor, "--remove", remove, "--", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=env,
                start_new_session=True,
            )
        self.pid = self._read_report(command[0])

    def running(self) -> bool:
        """Say whether the child still runs."""
        return self._supervisor.poll() is None

    def wait(self, timeout_s: float) -> int:
        """Wait for the child to end by itself and give its exit status (128 + signal if killed).

        Raises:
            TimeoutError: it still runs.

        """
        try:
            status = self._supervisor.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"process {self.pid} still runs after {timeout_s} s") from None
        self._close()
        return status

    def kill(self) -> int:
        """End the child at once, as a power cut would; give its exit status."""
        self._signal(signal.SIGKILL)
        return self.wait(REPORT_TIMEOUT_S)

    def stop(self, grace_s: float = 10.0) -> int:
        """Ask the child to end, wait, then end it; give its exit status."""
        self._signal(signal.SIGTERM)
        try:
            return self.wait(grace_s)
        except TimeoutError:
            return self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _read_report(self, program: str) -> int:
        report = self._supervisor.stdout
        ready = select.select([report], [], [], REPORT_TIMEOUT_S)[0] if report else []
        line = report.readline() if report and ready else b""
        if not line:
            self._supervisor.kill()
            self._supervisor.wait()
            self._close()
            raise OSError(f"{program} cannot be started")
        return int(line)

    def _close(self) -> None:
        for pipe in (self._supervisor.stdin, self._supervisor.stdout):
            if pipe is not None:
                pipe.close()


def supervise(command: Sequence[str], remove: str) -> int:
    """Run a command until it ends or standard input closes; give its exit status."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake_write)
    child = subprocess.Popen(  # noqa: S603 - as above
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        preexec_fn=_die_with_supervisor,  # noqa: PLW1509 - a single thread, no lock to inherit
    )
    print(child.pid, flush=True)  # noqa: T201 - the report that the parent waits for
    while child.poll() is None:
        ready = select.select([wake_read, sys.stdin], [], [])[0]
        if wake_read in ready:
            os.read(wake_read, PIPE_READ_BYTES)
        if sys.stdin in ready and not os.read(sys.stdin.fileno(), PIPE_READ_BYTES):
            _end_orphan(child)
            if remove:
                shutil.rmtree(remove, ignore_errors=True)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _die_with_supervisor() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_orphan(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(ORPHAN_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--remove", default="")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    try:
        return supervise(given.command, given.remove)
    except OSError:
        return 127


if __name__ == "__main__":
    sys.exit(_main())

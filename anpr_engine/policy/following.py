"""The rules in force while an engine runs: a folder of policy files, read again when it changes.

Why whole or not at all: a folder that does not check leaves the rules as they are, is told once in
the log with file, line and rule, and stands in a metric until it is put right.
Why by name, time and size: reading and holding sixty rules together takes a tenth of a second,
which a batch must not wait for unless something changed.
"""

from pathlib import Path

from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import POLICY_REFUSED, Metrics
from anpr_engine.policy.policy_set import SUFFIX, PolicySet, load_policies
from anpr_engine.policy.problems import PolicyError
from anpr_engine.ports import Clock

CHECK_S = 2.0
"""Least time between two looks at the folder."""

Seen = tuple[tuple[str, int, int, int], ...]
"""Of each file: name, inode, time of its last change, size."""


class PolicyFolder:
    """The policies of a folder; called, it gives those in force."""

    def __init__(self, folder: Path, clock: Clock, metrics: Metrics) -> None:
        """Read the folder.

        Raises:
            PolicyError: something in it is wrong; all of it is told.

        """
        self._folder = folder
        self._clock = clock
        self._metrics = metrics
        self._seen = _look(folder)
        self._looked_at_s = clock.monotonic_s()
        self._current = load_policies(folder)
        metrics.put(POLICY_REFUSED, 0)

    def __call__(self) -> PolicySet:
        """Give the rules in force, after a look at the folder where that is due."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_at_s >= CHECK_S:
            self._looked_at_s = now_s
            seen = _look(self._folder)
            if seen != self._seen:
                self._seen = seen
                self._read()
        return self._current

    def _read(self) -> None:
        try:
            loaded = load_policies(self._folder)
        except PolicyError as error:
            self._refuse(error)
            return
        self._metrics.put(POLICY_REFUSED, 0)
        if loaded.version != self._current.version:
            before = self._current.version
            get_logger().info("policy_changed", before=before, now=loaded.version)
            self._current = loaded

    def _refuse(self, error: PolicyError) -> None:
        self._metrics.put(POLICY_REFUSED, 1)
        problems = [str(problem) for problem in error.problems]
        get_logger().error("policy_refused", problems=problems, in_force=self._current.version)


def _look(folder: Path) -> Seen:
    try:
        files = sorted(file for file in folder.iterdir() if file.name.endswith(SUFFIX))
        states = [(file.name, file.stat()) for file in files]
    except OSError:
        return ()
    return tuple((name, s.st_ino, s.st_mtime_ns, s.st_size) for name, s in states)

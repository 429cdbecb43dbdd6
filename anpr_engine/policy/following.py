"""Files that an engine goes by while it runs, read again when they change; the rules of law first.

Why whole or not at all: what does not check leaves everything as it is, is told once in the log
with file, line and what is wrong, and stands in a metric until it is put right.
Why by name, time and size: reading and holding sixty rules together takes a tenth of a second,
which a batch must not wait for unless something changed.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Generic, TypeVar

from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import POLICY_REFUSED, Metric, Metrics
from anpr_engine.policy.policy_set import SUFFIX, PolicySet, load_policies
from anpr_engine.policy.problems import ProblemsError
from anpr_engine.ports import Clock

CHECK_S = 2.0
"""Least time between two looks at the files."""

Content = TypeVar("Content")
Seen = tuple[tuple[str, int, int, int], ...]
"""Of each file: name, inode, time of its last change, size."""


class FollowedFiles(ABC, Generic[Content]):
    """What some files say; called, it gives what is in force."""

    def __init__(self, clock: Clock, metrics: Metrics, refused: Metric) -> None:
        """Read the files.

        Args:
            clock: says when to look again.
            metrics: where `refused` is 1 while the files are wrong.
            refused: a gauge.

        Raises:
            ProblemsError: something in them is wrong; all of it is told.

        """
        self._clock, self._metrics, self._refused = clock, metrics, refused
        self._seen = seen_of(self.files())
        self._looked_at_s = clock.monotonic_s()
        self._current = self.read()
        metrics.put(refused, 0)

    @abstractmethod
    def files(self) -> list[Path]:
        """Name the files that there are, in order."""

    @abstractmethod
    def read(self) -> Content:
        """Read them; raises `ProblemsError`."""

    @abstractmethod
    def tell_refused(self, problems: list[str], in_force: Content) -> None:
        """Log that they are wrong now."""

    @abstractmethod
    def takes(self, before: Content, now: Content) -> bool:
        """Say whether what was read is to be taken over, and log it."""

    def __call__(self) -> Content:
        """Give what is in force, after a look at the files where that is due."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_at_s >= CHECK_S:
            self._looked_at_s = now_s
            seen = seen_of(self.files())
            if seen != self._seen:
                self._seen = seen
                self._read_again()
        return self._current

    def _read_again(self) -> None:
        try:
            now = self.read()
        except ProblemsError as error:
            self._metrics.put(self._refused, 1)
            self.tell_refused([str(problem) for problem in error.problems], self._current)
            return
        self._metrics.put(self._refused, 0)
        if self.takes(self._current, now):
            self._current = now


class PolicyFolder(FollowedFiles[PolicySet]):
    """The policies of a folder."""

    def __init__(self, folder: Path, clock: Clock, metrics: Metrics) -> None:
        """Read the folder.

        Raises:
            PolicyError: something in it is wrong; all of it is told.

        """
        self._folder = folder
        super().__init__(clock, metrics, POLICY_REFUSED)

    def files(self) -> list[Path]:
        """Name the folder's files of rules; none where it cannot be read."""
        try:
            return sorted(file for file in self._folder.iterdir() if file.name.endswith(SUFFIX))
        except OSError:
            return []

    def read(self) -> PolicySet:
        """Read the rules."""
        return load_policies(self._folder)

    def tell_refused(self, problems: list[str], in_force: PolicySet) -> None:
        """Log that the rules are wrong now."""
        get_logger().error("policy_refused", problems=problems, in_force=in_force.version)

    def takes(self, before: PolicySet, now: PolicySet) -> bool:
        """Take over rules that differ."""
        if now.version == before.version:
            return False
        get_logger().info("policy_changed", before=before.version, now=now.version)
        return True


def seen_of(files: list[Path]) -> Seen:
    """Say how some files stand; of one that is not there, nothing."""
    found = []
    for file in files:
        try:
            state = file.stat()
        except OSError:
            continue
        found.append((file.name, state.st_ino, state.st_mtime_ns, state.st_size))
    return tuple(found)

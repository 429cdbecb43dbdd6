"""What services agreed on while an engine runs: two files, read again when they change.

As with the rules of law (`following.py`): whole or not at all. A file that does not check leaves
what was agreed before as it is, is told in the log, and stands in a metric until it is put right.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import AGREED_REFUSED, Metrics
from anpr_engine.policy.agreed import Agreed
from anpr_engine.policy.agreed_files import AgreedFileError
from anpr_engine.policy.arrangement import load_arrangements
from anpr_engine.policy.following import CHECK_S
from anpr_engine.policy.joint_action_files import load_joint_actions
from anpr_engine.ports import Clock


class AgreedFiles:
    """Arrangements and joint actions in files; called, it gives those in force."""

    def __init__(
        self,
        files: tuple[str, str],
        lists: Callable[[], Collection[str]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """Read the files.

        Args:
            files: of arrangements and of joint actions; an empty name for none.
            lists: gives the ids of the lists that exist.
            clock: the time, and when to look again.
            metrics: where a file that is wrong is seen.

        Raises:
            AgreedFileError: something in them is wrong; all of it is told.

        """
        self._paths = tuple(Path(name) if name else None for name in files)
        self._lists, self._clock, self._metrics = lists, clock, metrics
        self._seen = self._look()
        self._looked_at_s = clock.monotonic_s()
        self._current = self._read()
        metrics.put(AGREED_REFUSED, 0)

    def __call__(self) -> Agreed:
        """Give what is in force, after a look at the files where that is due."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_at_s >= CHECK_S:
            self._looked_at_s = now_s
            seen = self._look()
            if seen != self._seen:
                self._seen = seen
                self._take()
        return self._current

    def _take(self) -> None:
        try:
            self._current = self._read()
        except AgreedFileError as error:
            self._metrics.put(AGREED_REFUSED, 1)
            problems = [str(problem) for problem in error.problems]
            get_logger().error("agreed_files_refused", problems=problems)
            return
        self._metrics.put(AGREED_REFUSED, 0)
        counts = len(self._current.arrangements), len(self._current.actions)
        get_logger().info("agreed_files_changed", arrangements=counts[0], actions=counts[1])

    def _read(self) -> Agreed:
        arrangements, actions = self._paths
        now = datetime.fromtimestamp(self._clock.now_us() / 1e6, UTC)
        known = self._lists()
        return Agreed(
            load_arrangements(arrangements, known, now, over_too=True) if arrangements else (),
            load_joint_actions(actions, known, now, over_too=True) if actions else (),
        )

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_state(path) for path in self._paths if path is not None)


def _state(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size

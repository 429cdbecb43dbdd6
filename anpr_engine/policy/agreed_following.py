"""What services agreed on while an engine runs: two files, followed as the rules of law are."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import AGREED_REFUSED, Metrics
from anpr_engine.policy.agreed import Agreed
from anpr_engine.policy.arrangement import load_arrangements
from anpr_engine.policy.following import FollowedFiles
from anpr_engine.policy.joint_action_files import load_joint_actions
from anpr_engine.ports import Clock


class AgreedFiles(FollowedFiles[Agreed]):
    """Arrangements and joint actions in files."""

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
        self._lists = lists
        super().__init__(clock, metrics, AGREED_REFUSED)

    def files(self) -> list[Path]:
        """Name the files that there are."""
        return [path for path in self._paths if path is not None]

    def read(self) -> Agreed:
        """Read the files."""
        arrangements, actions = self._paths
        now = datetime.fromtimestamp(self._clock.now_us() / 1e6, UTC)
        known = self._lists()
        return Agreed(
            load_arrangements(arrangements, known, now, over_too=True) if arrangements else (),
            load_joint_actions(actions, known, now, over_too=True) if actions else (),
        )

    def tell_refused(self, problems: list[str], in_force: Agreed) -> None:
        """Log that a file is wrong now."""
        del in_force  # Has no name.
        get_logger().error("agreed_files_refused", problems=problems)

    def takes(self, before: Agreed, now: Agreed) -> bool:
        """Take over whatever is agreed on now."""
        del before
        counts = len(now.arrangements), len(now.actions)
        get_logger().info("agreed_files_changed", arrangements=counts[0], actions=counts[1])
        return True

"""A clock for tests of parts that are given one."""

from datetime import datetime, timedelta


class FixedClock:
    """Tells a time that a test moves."""

    def __init__(self, now: datetime) -> None:
        """Start at some moment."""
        self.now = now

    def now_us(self) -> int:
        """Give the time of day."""
        return int(self.now.timestamp() * 1e6)

    def monotonic_s(self) -> float:
        """Give a time that grows with the time of day."""
        return self.now.timestamp()

    def pass_s(self, seconds: float) -> None:
        """Let some time pass."""
        self.now += timedelta(seconds=seconds)

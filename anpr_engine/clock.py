"""The machine's clock, behind the `Clock` port."""

import time


class SystemClock:
    """Tells the machine's time."""

    def now_us(self) -> int:
        """Give the time of day in microseconds since 1970-01-01T00:00:00Z."""
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        """Give seconds that only ever grow."""
        return time.monotonic()

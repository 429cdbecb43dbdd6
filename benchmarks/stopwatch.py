"""Exclusive times of named pieces of work: what is called within another counts for itself."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar
from unittest import mock

P = ParamSpec("P")
R = TypeVar("R")

Place = tuple[str, object, str]
"""What to call the time, the module or class, and the function's name there."""


@dataclass(slots=True)
class Stopwatch:
    """Adds up this thread's processor time by name, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)
    _since_s: float = 0.0

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count a block's time for a name; whatever was running pauses."""
        self._turn()
        self._names.append(name)
        try:
            yield
        finally:
            self._turn()
            self._names.pop()

    def _turn(self) -> None:
        now_s = time.thread_time()
        if self._names:
            name = self._names[-1]
            self.seconds[name] = self.seconds.get(name, 0.0) + now_s - self._since_s
        self._since_s = now_s

    def watched(self, name: str, work: Callable[P, R]) -> Callable[P, R]:
        """Give the same function with its time counted."""

        @wraps(work)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.of(name):
                return work(*args, **kwargs)

        return run

    @contextmanager
    def watching(self, places: Sequence[Place]) -> Iterator[None]:
        """Count the time of functions for a block, wherever they are called from there."""
        with ExitStack() as patched:
            for name, owner, attribute in places:
                work = self.watched(name, getattr(owner, attribute))
                patched.enter_context(mock.patch.object(owner, attribute, work))
            yield

"""Log lines: constant event names with fields, on stderr, never a plate, name or secret.

Why: a log is read by more people than a watchlist, and kept longer. Fields whose name says
that they hold personal data are dropped by the last processor, so that a slip in a caller does
not become a leak.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

FORBIDDEN_FIELDS = frozenset(
    {"plate", "vrm", "kenteken", "read", "entry", "note", "payload", "password", "case_ref"}
)

Logger = structlog.stdlib.BoundLogger


def drop_personal_fields(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace the values of fields that must not stand in a log."""
    for name in FORBIDDEN_FIELDS & event.keys():
        event[name] = "[withheld]"
    return event


def configure_logs(*, verbose: bool = False) -> None:
    """Send log lines to stderr: readable on a terminal, JSON elsewhere."""
    on_terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            drop_personal_fields,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.DEBUG if verbose else logging.INFO
        ),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger() -> Logger:
    """Give the logger; events are constant names, everything else is a field."""
    logger: Logger = structlog.get_logger()
    return logger

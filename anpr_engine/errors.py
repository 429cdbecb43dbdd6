"""What can go wrong, one class per cause.

AnprError                     exit 1
├── ConfigError               exit 2  a setting is wrong: names file, key, found, allowed
├── UsageError                exit 2  the command was called with words that do not fit
├── InputFileError            exit 1  a file cannot be read at all
├── RejectShareExceeded       exit 1  too large a share of the reads is unreadable
├── PolicyRefused             exit 4  policy does not permit it
├── BrokerError               exit 1
│   ├── BrokerUnavailable     nobody answers, or not in time
│   ├── BrokerRefused         the broker does not permit it (ACL, password, certificate)
│   ├── TopicMissing          a topic the engine needs does not exist
│   └── EngineReplaced        another engine took this slot
├── StoreError                exit 1
│   ├── StoreUnavailable      Redis does not answer, or not in time
│   ├── StoreRefused          Redis does not permit it
│   ├── StoreConflict         another writer was faster, several times in a row
│   ├── StoreRolledBack       Redis holds less than was seen before
│   └── StoreNotTrusted       what Redis holds is not signed as it should be
└── EmbeddedError             exit 1  the embedded broker or Redis cannot start
"""

from typing import ClassVar


class AnprError(Exception):
    """Base of all errors meant for a person: what happened, and what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        """Keep the two sentences apart, so that a caller can show either.

        Args:
            what: what was found, in one sentence, without any plate, name or secret.
            remedy: what the reader should do about it; empty when there is nothing to do.

        """
        super().__init__(what if not remedy else f"{what} {remedy}")
        self.what = what
        self.remedy = remedy


class ConfigError(AnprError):
    """A setting is wrong; the text names file, key, value found and what is allowed."""

    exit_code = 2


class UsageError(AnprError):
    """The command was called with words that do not fit."""

    exit_code = 2


class InputFileError(AnprError):
    """A file cannot be read at all, as opposed to rows in it that were refused."""


class RejectShareExceeded(AnprError):
    """Too large a share of the recent reads is unreadable; going on would empty the topic."""


class PolicyRefused(AnprError):
    """Policy does not permit what was asked."""

    exit_code = 4


class ListRefused(PolicyRefused):
    """The site that receives a list refused it; nothing of it is taken."""


class BrokerError(AnprError):
    """Kafka cannot do what is needed."""


class BrokerUnavailable(BrokerError):
    """No broker answers, or not in time."""


class BrokerRefused(BrokerError):
    """The broker does not permit it: access rule, password or certificate."""


class TopicMissing(BrokerError):
    """A topic that the engine needs does not exist."""


class EngineReplaced(BrokerError):
    """Another engine runs under this site and slot and has fenced this one off."""


class StoreError(AnprError):
    """Redis cannot do what is needed."""


class StoreUnavailable(StoreError):
    """Redis does not answer, or not in time."""


class StoreRefused(StoreError):
    """Redis does not permit it: access rule or password."""


class StoreConflict(StoreError):
    """Another writer changed the watchlists first, several times in a row."""


class StoreRolledBack(StoreError):
    """Redis holds another epoch or an older version than this engine has already seen."""


class StoreNotTrusted(StoreError):
    """What Redis holds is not signed by a trusted key, or is not what was signed."""

    def __init__(self, what: str, remedy: str = "", cause: str = "") -> None:
        """Keep the cause as a metric names it."""
        super().__init__(what, remedy)
        self.cause = cause


class EmbeddedError(AnprError):
    """The embedded broker or Redis cannot be started on this machine."""

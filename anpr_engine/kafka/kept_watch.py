"""Holds the topics of an engine's site against the rules of law, again and again while it works.

Why an engine, too: `anpr topics` looks when topics are planned, `anpr doctor` when somebody asks.
Who lengthens `retention.ms` by hand afterwards would be found by nobody.
Why it goes on all the same, and `/readyz` says nothing: an engine that stopped would miss vehicles
and delete nothing. People put the topic right; a ticket asks them to (`AnprTopicKeptWrong`), and
another one where nobody could look (`AnprTopicsNotLookedAt`).
Why in the log once: a topic is named when it is found wrong or differently wrong, and when it is
right again. The metric tells at all times.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anpr_engine.kafka.client_settings import StreamSettings
from anpr_engine.kafka.kept import Breach, bound_topics, breaches
from anpr_engine.kafka.repeating import repeated
from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.logs import get_logger
from anpr_engine.metrics.table import TOPICS_KEPT_WRONG, TOPICS_LOOKED_AT, Metrics
from anpr_engine.policy.policy_set import PolicySet
from anpr_engine.ports import Clock

EVERY_S = 600.0


class KeptWatch:
    """What was found wrong at the last look."""

    def __init__(
        self,
        site: str,
        kafka: StreamSettings,
        policies: Callable[[], PolicySet],
        by: tuple[Metrics, Clock],
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            site: whose topics.
            kafka: how the engine reaches its broker.
            policies: gives the rules in force.
            by: where it is counted, and the time.

        """
        self._site, self._kafka, self._policies = site, kafka, policies
        self._metrics, self._clock = by
        self._wrong: dict[str, Breach] = {}

    def look(self) -> None:
        """Ask for the settings of all topics and say which of them break a rule.

        Raises:
            BrokerError: nobody answers, or we are refused; what was known stays.

        """
        names = bound_topics(self._site)
        settings = TopicAdmin(self._kafka.bootstrap, self._kafka.security).settings(names)
        found = breaches(settings, self._policies(), self._site)
        # What is only hidden from some date on breaks no rule: `anpr doctor` tells it.
        wrong = {each.topic: each for each in found if each.how != "hidden"}
        for name in names:
            self._metrics.put(TOPICS_KEPT_WRONG, name in wrong, name)
        self._metrics.put(TOPICS_LOOKED_AT, self._clock.now_us() / 1e6)
        before, self._wrong = self._wrong, wrong
        self._tell(before)

    def _tell(self, before: dict[str, Breach]) -> None:
        for name, breach in self._wrong.items():
            if before.get(name) != breach:
                get_logger().error(
                    "topic_kept_wrong",
                    topic=name,
                    how=breach.how,
                    found=breach.found,
                    allowed=breach.allowed,
                    rule=breach.rule,
                )
        for name in before.keys() - self._wrong.keys():
            get_logger().info("topic_kept_right", topic=name)


@contextmanager
def kept_watched(
    site: str,
    kafka: StreamSettings,
    policies: Callable[[], PolicySet],
    by: tuple[Metrics, Clock],
    every_s: float = EVERY_S,
) -> Iterator[None]:
    """Look at once and from time to time, in a thread of its own, as long as this lasts.

    Arguments as for `KeptWatch`. A look that fails is a line in the log, and its time in the
    metric stays that of the last one that did not.
    """
    watch = KeptWatch(site, kafka, policies, by)
    with repeated(watch.look, every_s, "topics-kept", "topics_kept_unknown", at_once=True):
        yield

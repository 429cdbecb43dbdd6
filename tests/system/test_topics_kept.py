"""A whole engine finds a topic that was let keep more than the law allows, and works on."""

from pathlib import Path

from sites import await_true, world

from anpr_engine.kafka.topic_admin import TopicAdmin
from anpr_engine.kafka.topics import Step, Topic

FOR_EVER = (("retention.ms", "-1"),)
READS = "anpr.reads.be"


def test_a_topic_that_keeps_for_ever_is_named(tmp_path: Path) -> None:
    """By the rules in force, in metric and log; the engine is ready all the same."""
    with world(tmp_path, ["be"]) as made:
        TopicAdmin(made.bootstrap).apply([Step("set", Topic(READS, 1, FOR_EVER), "", FOR_EVER)])
        engine = made.engine("be")
        engine.start()
        await_true(engine.ready, "engine ready")
        wrong = f'anpr_topics_kept_wrong{{topic="{READS}"}}'
        await_true(lambda: engine.metric(wrong) == 1, "the topic is named")
        assert engine.metric('anpr_topics_kept_wrong{topic="anpr.alerts.be"}') == 0
        assert engine.metric("anpr_topics_last_looked_at_timestamp_seconds") > 0
        assert engine.ready()
        assert engine.stop() == 0
        (line,) = [line for line in engine.log_path.read_text().splitlines() if "kept" in line]
        assert all(word in line for word in ("topic_kept_wrong", READS, "for ever", "30 days"))

"""What a site sets for odd use: its engine goes by it, its record and `anpr doctor` tell it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from audit_worlds import event
from sites import await_true, world

from anpr_engine.cli.desk import record_act
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.client_settings import NO_SECURITY
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.records.audit_event import AuditAction, AuditEvent
from anpr_engine.wire import SiteTopics

SET = {"ANPR_ODD_USE__OFF": '["no-case"]', "ANPR_ODD_USE__ROWS_AT_ONCE": "10"}
START_S_MAX = 60.0


def look(number: int, **fields: object) -> AuditEvent:
    """Make a look-up by somebody on duty."""
    made: dict[str, object] = {
        "site": "be",
        "actor": "officer.7",
        "action": AuditAction.DATA_LOOKED_UP,
        "occurred_at": datetime.now(UTC),
        "on_duty": True,
    }
    return event(number, **{**made, **fields})


def test_a_site_s_settings_reach_its_engine_its_record_and_the_doctor(tmp_path: Path) -> None:
    """A rule that is off is silent; another with a limit of its own is told of at that limit."""
    with world(tmp_path, ["be"]) as made:
        log = HistorySettings(made.bootstrap, SiteTopics("be").audit, NO_SECURITY, group="anpr")
        record_act(log, look(1, case_ref=""))
        record_act(log, look(2, case_ref="AN-1", rows=10))
        engine = made.engine("be", 0, **SET)
        engine.start()
        told = 'anpr_odd_use_total{rule="mass-look-ups"}'
        await_true(lambda: engine.metric(told) == 1, "the limit that was set is heeded")
        lines = [json.loads(line) for _, _, line in committed_lines(log, lambda: False)]
        found = {each["action"]: each["reasons"] for each in lines}
        assert found["engine-started"] == ['odd_use.off=["no-case"]', "odd_use.rows_at_once=10"]
        assert [each["reasons"] for each in lines if each["action"] == "odd-use-found"] == [
            ["mass-look-ups"]
        ]
        said = subprocess.run(
            [sys.executable, "-m", "anpr_engine", "doctor", "--json"],
            env=os.environ | engine.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S_MAX,
        )
        findings = [json.loads(line) for line in said.stdout.splitlines()]
        (odd,) = [each for each in findings if each["check"] == "odd use"]
        assert odd["state"] == "warn"
        assert "rules that are off: no-case" in odd["what"]
        assert engine.stop() == 0

"""An older signed state, put back while no engine runs, is refused at the next start."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sites import Engine, World, await_true, world

from anpr_engine.audit.signing import SecretKey, write_pair
from anpr_engine.clock import SystemClock
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.watchlist.seals import Sealer

KEY = SecretKey.new()
START_S_MAX = 60.0
OLDER = (
    "Redis holds the watchlists of version 1, and by its record this site used 2: "
    "an older copy was put back, or the store was emptied."
)


def put(made: World, number: int) -> None:
    """Add a signed entry."""
    with RedisSession(made.redis["be"].url, sealer=Sealer(KEY)) as session:
        entry = WatchlistEntry(entry_id=f"e{number}", list_id="be-list", plate=f"1-OLD-00{number}")
        StoreWriter(session, "be", SystemClock()).put([entry])


def ran(engine: Engine) -> None:
    """Let an engine start, which it notes in the record, and stop."""
    engine.start()
    await_true(engine.ready, "engine ready")
    assert engine.stop() == 0


def refused(engine: Engine) -> str:
    """Let an engine try; gives what it says as it ends."""
    engine.start()
    assert engine.process is not None
    assert engine.process.wait(START_S_MAX) == 1
    return engine.log_path.read_text(encoding="utf-8")


def doctor(made: World, **settings: str) -> dict[str, str]:
    """Give what `anpr doctor` finds of the lists by the record."""
    engine = made.engine("be", 0, **settings)
    command = [sys.executable, "-m", "anpr_engine", "doctor", "--json"]
    said = subprocess.run(
        command,
        env=os.environ | engine.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_S_MAX,
    )
    found = [json.loads(line) for line in said.stdout.splitlines()]
    (about,) = [each for each in found if each["check"] == "record"]
    assert said.returncode == any(each["state"] == "fail" for each in found)
    return dict(about)


def test_an_older_signed_state_is_refused_at_the_next_start(tmp_path: Path) -> None:
    """So is an emptied store; once a person let it pass, the next start needs no leave."""
    keys = {"ANPR_WATCHLIST__MANIFEST_KEYS": f'["{write_pair(tmp_path / "lists.key", KEY)}"]'}
    with world(tmp_path, ["be"]) as made, RedisSession(made.redis["be"].url) as session:
        put(made, 1)
        older = {key: session.ask("DUMP", key) for key in session.ask("KEYS", "*")}
        put(made, 2)
        assert doctor(made)["what"] == "it says of no version yet; Redis holds 2"
        ran(made.engine("be", 0, **keys))
        assert doctor(made)["what"] == "it says version 2 was used last; Redis holds 2"
        session.ask("FLUSHALL")
        assert "version 0, and by its record this site used 2" in refused(
            made.engine("be", 0, **keys)
        )
        for key, value in older.items():
            session.ask("RESTORE", key, 0, value)
        said = refused(made.engine("be", 1, **keys))
        assert "version 1, and by its record this site used 2" in said
        assert "ANPR_WATCHLIST__ACCEPT_OLDER=1" in said
        found = doctor(made)
        assert (found["state"], found["what"]) == ("fail", OLDER)
        assert "ANPR_WATCHLIST__ACCEPT_OLDER=1" in found["remedy"]
        assert doctor(made, ANPR_WATCHLIST__ACCEPT_OLDER="1")["state"] == "warn"
        ran(made.engine("be", 0, **keys, ANPR_WATCHLIST__ACCEPT_OLDER="1"))
        ran(made.engine("be", 0, **keys))

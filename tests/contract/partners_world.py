"""Two sites with lists and records of their own, and partners that have keys to sign with."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from oracle_audit import chain_is_sound

from anpr_engine.audit.chain import chain_name
from anpr_engine.audit.signing import SecretKey, public_path, write_pair
from anpr_engine.cli.group import root
from anpr_engine.clock import SystemClock
from anpr_engine.kafka.audit_log import committed_lines
from anpr_engine.kafka.history import HistorySettings
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.watchlist.embedded import EmbeddedRedis
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.redis_writer import StoreWriter
from anpr_engine.wire import SiteTopics

if TYPE_CHECKING:
    from servers import Broker

HERE, THERE = "yp", "yq"
"""Sites that no other test writes the records of."""
PLATE_TOLD = re.compile(rb"1-?TST-?\d{3}", re.IGNORECASE)
"""A whole plate of these tests: three letters of it stand in many a signature by chance."""
PARTNERS = (HERE, THERE, "ghent", "stranger")
UNSET = ("ANPR_KAFKA", "ANPR_REDIS_URL", "ANPR_CONFIG", "ANPR_SITE", "ANPR_USER")
RULES = """
[partners.{name}]
key = "{key}"
agreement = "{agreement}"
lists = ["wanted"]
questions_per_day = {questions}
elements_per_day = {elements}
"""


class PartnersWorld:
    """The sites' settings, lists, keys and records."""

    def __init__(
        self, folder: Path, kafka: "Broker", servers: Callable[[str], EmbeddedRedis]
    ) -> None:
        """Make keys, settings, topics and empty lists."""
        self.folder, self._kafka = folder, kafka
        self._urls: dict[str, str] = {}
        for name in PARTNERS:
            write_pair(self.key(name), SecretKey.new())
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
        topics = [NewTopic(SiteTopics(site).audit, 1, 1) for site in (HERE, THERE)]
        for made in admin.create_topics(topics).values():
            made.exception()
        for site, server in ((HERE, servers("redis")), (THERE, servers("valkey"))):
            server.wipe()
            self._urls[site] = server.url
            self.set(site)
        self._seen = {site: len(self._lines(site)) for site in (HERE, THERE)}

    def key(self, name: str) -> Path:
        """Name the file of a secret key."""
        return self.folder / f"{name}.key"

    def public(self, name: str) -> Path:
        """Name the file of a public key."""
        return public_path(self.key(name))

    def config(self, site: str) -> Path:
        """Name the file of a site's settings."""
        return self.folder / f"{site}.toml"

    def set(self, site: str, questions: int = 100, elements: int = 1000) -> None:
        """Write a site's settings: the other site and one more are its partners."""
        other = THERE if site == HERE else HERE
        head = f'site = "{site}"\nkafka = "{self._kafka.bootstrap}"\n'
        head += f'redis_url = "{self._urls[site]}"\n'
        head += f'[alerts]\nsigning_key = "{self.key(site)}"\n'
        limits = {"questions": questions, "elements": elements, "agreement": "Protocol 7"}
        rules = [RULES.format(name=one, key=self.public(one), **limits) for one in (other, "ghent")]
        self.config(site).write_text(head + "".join(rules))

    def put(self, site: str, *plates: str, **values: object) -> None:
        """Put entries on a site's list; their ids are `e-` and the plate."""
        told = {"list_id": "wanted", "category": "burglary", "purpose": "burglary"} | values
        provider = str(values.get("provider", site))
        entries = [
            WatchlistEntry.model_validate({"entry_id": f"e-{one}", "plate": one} | told)
            for one in plates
        ]
        with RedisSession(self._urls[site]) as session:
            StoreWriter(session, provider, SystemClock()).put(entries)

    def run(self, *words: str | Path, site: str = "", by: str = "anna") -> Result:
        """Run a command, for a site or for nobody's."""
        empty: dict[str, str | None] = dict.fromkeys(UNSET)
        more = ["--config", str(self.config(site))] if site else []
        more += ["--by", by] if by else []
        return CliRunner(env=empty).invoke(root, [*map(str, words), *more])

    def done(self, *words: str | Path, site: str = "", by: str = "anna") -> str:
        """Run a command that succeeds; gives what it printed."""
        result = self.run(*words, site=site, by=by)
        assert (result.exception, result.exit_code) == (None, 0)
        return result.stdout

    def recorded(self, site: str) -> list[dict[str, Any]]:
        """Give the new lines of a site's record; its chain has to be sound."""
        lines = self._lines(site)
        assert chain_is_sound(chain_name(site, "desk"), lines)
        new, self._seen[site] = lines[self._seen[site] :], len(lines)
        return [json.loads(line) for line in new]

    def _lines(self, site: str) -> list[bytes]:
        log = HistorySettings(self._kafka.bootstrap, SiteTopics(site).audit)
        return [value for _, _, value in committed_lines(log, lambda: False)]

"""`anpr watchlist purge`: forget what is too old, on Redis's disk too."""

import json
from typing import Any

import click

from anpr_engine.cli.watchlist_options import store_options
from anpr_engine.cli.watchlist_record import Noted
from anpr_engine.cli.watchlist_site import by_options
from anpr_engine.cli.watchlist_store import open_store
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.watchlist.purge import forget_older
from anpr_engine.watchlist.redis_copies import Rewritten, rewrite_everywhere


@click.command(name="purge", epilog="Example:  anpr watchlist purge --config /etc/anpr/be.toml")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@by_options
@store_options
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Forget changes older than `watchlist.history_days`, and have Redis write its files anew.

    Run it each night: what was removed stands in Redis's files until then. Replicas and every
    primary of a cluster write theirs too; exit code 1 names those that could not.
    """
    with open_store(given) as store:
        store.record.begin(Noted(AuditAction.WATCHLIST_CHANGED, "purge: begun"))
        gone = forget_older(store.session, store.clock, store.settings.history_days)
        servers = rewrite_everywhere(store.session, store.clock)
        counts = f"{gone.history} of the history, {gone.changes} of the changes"
        text = f"{counts}, {gone.proposals} proposals; files written anew: "
        text += "; ".join(_written(each) for each in servers)
        store.record.done(Noted(AuditAction.WATCHLIST_CHANGED, f"purge: {text}"))
    done = {**gone._asdict(), "servers": [each._asdict() for each in servers]}
    click.echo(json.dumps(done) if given["as_json"] else f"forgotten: {text}")


def _written(server: Rewritten) -> str:
    return f"{', '.join(server.files) or 'none, it has none'} at {server.where}"

"""`anpr watchlist deliver`: a site's shared entries into another site's Redis."""

import json
from typing import Any

import click

from anpr_engine.cli.run import stop_on_signals
from anpr_engine.cli.watchlist_options import store_options
from anpr_engine.cli.watchlist_store import open_store
from anpr_engine.logs import configure_logs
from anpr_engine.watchlist.delivery import Delivery, DeliveryTally, SiteStore, keep_delivering
from anpr_engine.watchlist.redis_client import RedisSession


@click.command(epilog="Example:  anpr watchlist deliver --to-redis redis://nl:6379 --to-site nl")
@click.option("--to-redis", required=True, envvar="ANPR_TO_REDIS_URL", help="Where to deliver.")
@click.option("--to-site", required=True, help="Whose Redis that is.")
@click.option("--follow", is_flag=True, help="Go on delivering until stopped.")
@click.option(
    "--accept-new-history",
    is_flag=True,
    help="Take over what a wiped or restored source holds now.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON line.")
@store_options
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Deliver the entries that this site provides and shares with another one.

    Entries received from elsewhere are never handed on, and none that was made from the SIS.
    """
    with (
        open_store(given) as store,
        RedisSession(given["to_redis"], sealer=store.settings.sealer) as there,
    ):
        delivery = Delivery(
            SiteStore(store.site, store.session),
            SiteStore(given["to_site"], there),
            store.clock,
            accept_new_history=given["accept_new_history"],
        )
        if given["follow"]:
            configure_logs()
            keep_delivering(delivery, stop_on_signals())
        else:
            while not delivery.step():
                pass
    _report(delivery.tally, as_json=given["as_json"])


def _report(tally: DeliveryTally, *, as_json: bool) -> None:
    sums = {"added": tally.added, "changed": tally.changed, "removed": tally.removed}
    refused = sorted(tally.lists_refused)
    declined = sorted(tally.lists_declined)
    if as_json:
        kept = {"sis_derived": len(tally.sis_derived), "lists_refused": refused}
        click.echo(json.dumps(sums | kept | {"lists_declined": declined}))
        return
    click.echo(", ".join(f"{count} {name}" for name, count in sums.items()))
    if tally.sis_derived:
        count = len(tally.sis_derived)
        click.echo(f"left out: {count} entries made from the SIS, which stay at home", err=True)
    for list_id in declined:
        what = f"the target refused list {list_id}, see `anpr hits reports`"
        click.echo(f"left out: {what}; it comes once they `anpr watchlist accept` it", err=True)
    for list_id in refused:
        click.echo(f"left out: the target has a list {list_id} of its own", err=True)

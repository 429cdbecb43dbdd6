"""`anpr watchlist seal`: sign what the lists hold now."""

from typing import Any

import click

from anpr_engine.cli.watchlist_options import store_options
from anpr_engine.cli.watchlist_record import Noted
from anpr_engine.cli.watchlist_site import by_options
from anpr_engine.cli.watchlist_store import open_store
from anpr_engine.errors import UsageError
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.watchlist.sealing import seal_store


@click.command(name="seal", epilog="Example:  anpr watchlist seal --signing-key lists-be.key")
@by_options
@store_options
def command(**given: Any) -> None:  # noqa: ANN401 - click hands over every option by name
    """Sign the lists as they are, when signing begins or after a person has checked them.

    Whatever stands in Redis is borne out from then on. Each later change is signed by itself.
    """
    with open_store(given) as store:
        sealer = store.settings.sealer
        if sealer is None:
            what = "--signing-key (ANPR_WATCHLIST_KEY) is not given."
            raise UsageError(what, "Make a pair with `anpr audit keys new --out lists.key`.")
        store.record.begin(Noted(AuditAction.WATCHLIST_CHANGED, "seal: begun"))
        sealed = seal_store(store.session, sealer)
        version, entries = (0, 0) if sealed is None else (sealed.version, sealed.entries)
        subject = f"seal: version {version}, {entries} entries"
        store.record.done(Noted(AuditAction.WATCHLIST_CHANGED, subject, "", "", entries, version))
    if sealed is None or sealed.seal is None:
        click.echo("there are no lists yet; the first change will be signed")
    else:
        click.echo(f"version {version}, {entries} entries, signed with key {sealed.seal.key_id}")

"""Lists that are shown with proof, where a site names the keys of those who may change them."""

from collections.abc import Mapping
from typing import Any

import click

from anpr_engine.cli.times import us_of
from anpr_engine.cli.watchlist_store import Store
from anpr_engine.watchlist.as_of import Earlier, earlier
from anpr_engine.watchlist.history import DAY_US
from anpr_engine.watchlist.proved import ProvedLists, Verdict
from anpr_engine.watchlist.redis_reader import StoreReader

Lists = StoreReader | Earlier | ProvedLists


def lists_of(store: Store, given: Mapping[str, Any], *, proved: bool = True) -> Lists:
    """Give the lists now or at the time asked for; with proof where keys are known.

    Raises:
        StoreNotTrusted: they are not signed, or the history that is needed is not whole.
        InputFileError: the time lies before what the history keeps.

    """
    now_us = store.clock.now_us()
    at_us = us_of(given["as_of"], now_us)
    if proved and store.session.trust:
        keep_from_us = now_us - round(store.settings.history_days * DAY_US)
        return ProvedLists(store.session, at_us, keep_from_us)
    return store.reader if at_us is None else earlier(store.session, at_us)


def tell_proof(lists: Lists, given: Mapping[str, Any]) -> Verdict:
    """Say on stderr what the proof of what was shown came to; `require` of it makes it count."""
    if isinstance(lists, ProvedLists):
        verdict = lists.verdict(given.get("list_id"), given.get("entry_id"))
    elif given.get("unproved"):
        verdict = Verdict(["not checked: asked for with --unproved"])
    else:
        verdict = Verdict(["not checked: watchlist.manifest_keys names no key of who may sign"])
    for line in verdict.lines():
        click.echo(line, err=True)
    return verdict

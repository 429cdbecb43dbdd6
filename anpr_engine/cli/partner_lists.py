"""Which entries a partner may be told something of: a site's own ones that hold now.

Left out, and counted: entries of other sites (not this one's to tell), those made from the SIS,
those that do not hold now, and those with `?` or `*`, which are many plates.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

import click

from anpr_engine.cli.partner_desk import PartnerDesk
from anpr_engine.cli.watchlist_options import RowProgress
from anpr_engine.cli.watchlist_shown import lists_of, tell_proof
from anpr_engine.errors import AnprError, PolicyRefused
from anpr_engine.plates.normaliser import normalise
from anpr_engine.plates.wildcard import parse_wildcard
from anpr_engine.policy.listing import Listing
from anpr_engine.policy.purpose import serves
from anpr_engine.records.watchlist_entry import WatchlistEntry
from anpr_engine.wiring_partners import Partner


class Offered:
    """The entries of the lists that a partner may ask about; read once, then `require`."""

    def __init__(self, desk: PartnerDesk, partner: Partner) -> None:
        """Find the lists.

        Raises:
            AnprError: one that is set for the partner is not there.
            PolicyRefused: one is another site's.
            StoreNotTrusted: they are not signed as they should be.

        """
        self._desk, self._names = desk, frozenset(partner.rules.lists)
        there = {each.definition.list_id: each.definition for each in desk.store.reader.lists()}
        for name in sorted(self._names):
            if name not in there:
                what = f"List {name}, of which partner {partner.name} may ask, is not there."
                raise AnprError(what, "Import it, or take it out of the partner's lists.")
            if there[name].provider != desk.site:
                what = f"partner.other-site: List {name} is another site's, not ours to tell of."
                raise PolicyRefused(what, "Take it out of the partner's lists.")
        self._given = {"as_of": None}
        self._lists = lists_of(desk.store, self._given)
        self._said = defaultdict[str, set[str]](set)
        self.left_out, self.count = Counter[str](), 0

    def listings(self) -> Iterator[Listing]:
        """Give the entries, in no order that means anything."""
        with RowProgress("reading the lists") as progress:
            for entry in self._lists.entries(None):
                progress()
                if entry.list_id not in self._names:
                    continue
                self._said[entry.list_id] |= {entry.purpose, entry.category.value}
                why = self._why_not(entry)
                if why:
                    self.left_out[why] += 1
                    continue
                self.count += 1
                plate, country = normalise(entry.plate).text, (entry.country or "").upper()
                yield Listing(entry.entry_id, country, plate, entry.list_id)

    def _why_not(self, entry: WatchlistEntry) -> str:
        if entry.provider not in {None, self._desk.site}:
            return "of another site"
        if entry.sis_derived:
            return "made from the SIS"
        if not entry.in_force(self._desk.now):
            return "not in force"
        if parse_wildcard(entry.plate) is not None:
            return "with ? or *"
        return "" if normalise(entry.plate).usable else "without a usable plate"

    def require(self, purpose: str) -> None:
        """Hold what was read against the purpose and the lists' signatures, and tell of it.

        Raises:
            PolicyRefused: a list was made for another purpose.
            StoreNotTrusted: an entry is not as it was signed.

        """
        for list_id, said in sorted(self._said.items()):
            if not serves(purpose, said):
                what = f"purpose.other: The purpose given is not that of list {list_id}."
                raise PolicyRefused(what, "Ask with the purpose or the category of the list.")
        for why, many in sorted(self.left_out.items()):
            click.echo(f"left out: {many} entries {why}", err=True)
        tell_proof(self._lists, self._given).require()

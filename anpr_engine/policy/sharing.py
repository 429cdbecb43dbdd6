"""Who learns of a hit, by what the entry says; the law is asked in `policy/hits.py`."""

from dataclasses import dataclass

from anpr_engine.records.watchlist_entry import WatchlistEntry

RULES = {
    "sharing.own": "The entry is shared with nobody: only the site that listed it is told.",
    "sharing.partners": "The entry is shared: the site of the read and every site named are told.",
    "sharing.provider": "The entry came from another site: that site is told of the hit.",
    "sharing.sis-derived": "The entry was made from the SIS: nobody abroad is told of it.",
    "sharing.not-here": "The entry is not shared with the site of the read: nobody is told.",
}
"""Rule ids and the sentence that explains each."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whom to tell, and the ids of the rules that said so; no recipients: nobody."""

    recipients: tuple[str, ...]
    reasons: tuple[str, ...]

    def crosses_border(self, site: str) -> bool:
        """Say whether anybody outside the site is told."""
        return any(recipient != site for recipient in self.recipients)


def decide_sharing(entry: WatchlistEntry, site: str) -> Decision:
    """Decide who is told of a hit on an entry.

    Args:
        entry: the listed vehicle; `provider` is None for an entry of the site itself.
        site: where the read was made.

    """
    provider = entry.provider or site
    shared = set(entry.shared_with)
    if provider != site and site not in shared:
        return Decision((), ("sharing.not-here",))
    if shared and provider == site and entry.sis_derived:
        # A list made from the SIS is not exchanged (agreement, article 7(1)), not even by its hits.
        return Decision((site,), ("sharing.sis-derived",))
    reasons = ["sharing.partners" if shared else "sharing.own"]
    if provider != site:
        reasons.append("sharing.provider")
    others = sorted((shared | {provider}) - {site})
    return Decision((site, *others), tuple(reasons))

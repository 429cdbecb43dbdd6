"""One plate on several lists: each alert of a read names the others, so a room sees one vehicle.

Why the alerts stay apart: each entry has an owner, a legal basis and an end of its own, and is
acted on, reported, recalled and kept by itself.
Why an alert names only what all of its recipients are told of: who is told of one list must not
learn of another from it. So an alert for home alone names one that goes abroad, too, and is not
named by it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from anpr_engine.pipeline.columns import DecidedAlert
from anpr_engine.plates.wildcard import listed_text
from anpr_engine.records.alert import Alert, AlsoListed
from anpr_engine.records.trusted import changed, trusted


def together(alerts: Sequence[DecidedAlert]) -> list[DecidedAlert]:
    """Let alerts of one read, plate and state name each other, as far as their recipients may know.

    Args:
        alerts: of one batch, as they go out, in order of reads.

    """
    found = list(alerts)
    rows = Counter(each.row for each in alerts)
    if len(rows) == len(alerts):
        return found
    several = [place for place, each in enumerate(alerts) if rows[each.row] > 1]
    for group in _groups(alerts, several):
        for telling, told in _parts(alerts, group):
            said = {place: _also(found[place].alert) for place in told}
            for place in telling:
                row, alert = found[place]
                others = [said[other] for other in told if other != place]
                found[place] = DecidedAlert(row, changed(alert, {"also": others}))
    return found


def _groups(alerts: Sequence[DecidedAlert], places: Sequence[int]) -> Iterator[list[int]]:
    """Give the places of alerts of one read, plate and state."""
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place in places:
        row, alert = alerts[place]
        alike[row, alert.state, listed_text(alert.entry.plate)].append(place)
    yield from (group for group in alike.values() if len(group) > 1)


def _parts(
    alerts: Sequence[DecidedAlert], group: Sequence[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Give places that have the same to tell, and what they tell of, the most urgent first.

    Each set of recipients is looked at by itself, among what all of them are told of: an alert
    that somebody does not get changes nothing of what he gets.
    """
    recipients = {place: frozenset(alerts[place].alert.recipients) for place in group}
    for told in dict.fromkeys(recipients.values()):
        known = [place for place in group if told <= recipients[place]]
        for part in _of_one_country(alerts, known):
            telling = [place for place in part if recipients[place] == told]
            if telling and len(part) > 1:
                yield telling, sorted(part, key=lambda place: _urgency(alerts[place].alert))


def _of_one_country(alerts: Sequence[DecidedAlert], group: list[int]) -> Iterator[list[int]]:
    """Part plates of two countries; one of which no country is told goes with one country only."""
    by_country: dict[str, list[int]] = defaultdict(list)
    for place in group:
        by_country[(alerts[place].alert.entry.country or "").upper()].append(place)
    if len(by_country.keys() - {""}) < 2:
        yield group
    else:
        yield from by_country.values()


def _urgency(alert: Alert) -> tuple[int, str, str]:
    return -alert.priority, alert.entry.list_id, alert.entry.entry_id


def _also(alert: Alert) -> AlsoListed:
    entry = alert.entry
    told = {
        "alert_id": alert.alert_id,
        "entry_id": entry.entry_id,
        "list_id": entry.list_id,
        "owner": entry.owner,
        "category": alert.category,
        "priority": alert.priority,
        "action": alert.action,
        "reasons": alert.reasons,
        "legal_basis": alert.legal_basis,
        "handling_code": alert.handling_code,
        "danger": entry.danger,
    }
    return trusted(AlsoListed, told)

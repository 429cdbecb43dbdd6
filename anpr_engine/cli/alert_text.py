"""One alert as a block of text for a control room, with the doubt in plain sight."""

import click

from anpr_engine.plates.alignment import marked
from anpr_engine.plates.wildcard import Wildcard, parse_wildcard
from anpr_engine.records.alert import Alert

ASKED = {
    "arrest": "ARREST the persons in the vehicle",
    "specific-check": "search the vehicle and the persons in it",
    "inquiry-check": "stop and question",
    "seize": "seize the vehicle",
    "protect": "take the person into protection",
    "whereabouts": "report the whereabouts",
    "discreet-check": "observe what can be seen; do NOT let them notice",
    "observe": "observe only; do NOT intervene",
}
"""What each action asks of the officer on the road."""
SOURCES = {
    "A": "the source is beyond doubt",
    "B": "the source was mostly right so far",
    "C": "the source was mostly wrong so far",
    "X": "the source cannot be judged",
}
INFORMATION = {
    "1": "known to be true",
    "2": "known to the source itself",
    "3": "heard by the source, and confirmed elsewhere",
    "4": "heard by the source, and not confirmed",
}
"""The two signs of a reliability, as Europol's 4x4 codes have them."""


def _where(alert: Alert) -> str:
    read = alert.read
    parts = [read.camera_id]
    if read.lane is not None:
        parts.append(f"lane {read.lane}")
    if read.direction:
        parts.append(f"going {read.direction}")
    if read.speed_kmh is not None:
        parts.append(f"{read.speed_kmh:.0f} km/h")
    return ", ".join(parts)


def _vehicle(alert: Alert) -> str:
    entry = alert.entry
    listed = " ".join(filter(None, (entry.vehicle_colour, entry.vehicle_make, entry.vehicle_model)))
    seen = alert.read.vehicle
    parts = (seen.colour, seen.make, seen.model) if seen else ()
    described = " ".join(part for part in parts if part)
    return f"seen {described or 'not described'}; listed {listed or 'not described'}"


def _plates(alert: Alert) -> list[str]:
    if not (alert.read.plate and alert.entry.plate):
        return ["  plates        sealed: only a recipient's --secret opens them"]
    read_plate, listed_plate = marked(alert.read.plate, alert.entry.plate)
    differ = "no character differs" if read_plate == listed_plate else "differences in [ ]"
    if isinstance(parse_wildcard(alert.entry.plate), Wildcard):
        differ = "? is any character, * any run"
    unread = alert.read.country or "??"
    return [
        f"  plate read    {unread} {read_plate:<14} as read: {alert.read.plate}",
        f"  plate listed  {alert.entry.country or '??'} {listed_plate:<14} {differ}",
    ]


def _beware(alert: Alert) -> list[str]:
    """Say what must be known before anybody goes near: who has to look first, danger, source."""
    told = alert.entry
    lines = []
    if alert.state == "review":
        lines.append("  REVIEW        an uncertain read: compare the picture before anything else")
    if told.danger:
        lines.append(f"  DANGER        {told.danger}")
    if told.reliability:
        source, information = SOURCES[told.reliability[:1]], INFORMATION[told.reliability[1:]]
        lines.append(f"  reliability   {told.reliability}: {source}; {information}")
    return lines


def _also(alert: Alert) -> list[str]:
    """Say why else: a line for each other list that the plate is on, and of what to beware."""
    lines = []
    for other in alert.also or ():
        asked = f"{other.action.value}: {ASKED[other.action.value]}"
        lines.append(
            f"  ALSO LISTED   {other.category.value}, priority {other.priority}, {asked}; "
            f"{other.list_id} of {other.owner or 'unknown owner'}, "
            f"because {', '.join(other.reasons)}; alert {other.alert_id}"
        )
        if other.danger:
            lines.append(f"  DANGER        {other.danger}")
    return lines


def _seen(alert: Alert) -> list[str]:
    return [
        *_plates(alert),
        f"  seen          {alert.read.captured_at:%Y-%m-%d %H:%M:%S} UTC at {_where(alert)}",
    ]


def _listed(alert: Alert) -> list[str]:
    age_s = alert.watchlist_age_ms / 1000
    stale = "  STALE LIST: confirm before anything happens" if alert.watchlist_stale else ""
    return [
        f"  asked         {alert.action.value}: {ASKED[alert.action.value]}",
        f"  probability   {alert.probability:.4f}  ({alert.tier.value} match, {alert.edits} edits)",
        f"  vehicle       {_vehicle(alert)}",
        f"  list          {alert.entry.list_id} of {alert.entry.owner or 'unknown owner'}",
        f"  list age      version {alert.watchlist_version}, confirmed {age_s:.1f} s ago{stale}",
        f"  told          {', '.join(alert.recipients)}  because {', '.join(alert.reasons)}",
        f"  legal basis   {alert.legal_basis or 'not given'}",
        f"  handling      {alert.handling_code or 'not given'}",
        f"  alert         {alert.alert_id}  {alert.lateness_ms} ms after capture",
    ]


def alert_block(alert: Alert, proof: str = "", before: Alert | None = None) -> str:
    """Write an alert as lines: plates, place and time, what is asked, how sure, how fresh.

    proof: what is known of its signature; empty where nobody looked. before: an alert of the same
    read that was shown; what was seen is told once, if both say the same.
    """
    seen = _seen(alert)
    if before is not None:
        shown = _seen(before)
        seen = [
            f"  SAME VEHICLE  as alert {before.alert_id} above: one read, on several lists",
            *(line for line in seen if line not in shown),
        ]
    lines = [
        f"{alert.category.value.upper()}  priority {alert.priority}  {alert.state}",
        *_also(alert),
        *_beware(alert),
        *seen,
        *_listed(alert),
    ]
    if alert.supersedes is not None:
        lines.append(f"  upgrades      alert {alert.supersedes} of the same passage")
    if proof:
        lines.append(f"  signed        {proof}")
    return "\n".join(lines)


def show_alert(alert: Alert, proof: str = "", before: Alert | None = None) -> None:
    """Print one alert and a blank line."""
    click.echo(alert_block(alert, proof, before) + "\n")

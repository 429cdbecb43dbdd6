"""Whom a report goes by: the contacts that an arrangement names for a list (agreement, article 19).

Without a file of arrangements an officer's word stands for what was agreed. With one, a regional
contact or joint centre that it does not name for the list is no way a report may take.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from anpr_engine.cli.hits_facts import ANY_LIST
from anpr_engine.errors import PolicyRefused
from anpr_engine.policy.arrangement import load_arrangements
from anpr_engine.policy.handling_records import subject_of_alert
from anpr_engine.records.alert import Alert

CONTACT_MAX = 256


def contacts_for(file: str, alert: Alert, contact: str | None, now: datetime) -> Mapping[str, str]:
    """Give the provider's contacts for an alert's list by way: service and address.

    Args:
        file: of arrangements; empty for none.
        alert: the hit; what was agreed when it was made counts.
        contact: the way that an officer says was agreed, or None.
        now: for signatures that are still to come.

    Raises:
        AgreedFileError: something in the file is wrong.
        PolicyRefused: nobody agreed on that way for the list.

    """
    if not file:
        return {}
    about, at = subject_of_alert(alert), alert.read.captured_at
    ways = {
        one.way: f"{one.service}, {one.address}"[:CONTACT_MAX]
        for each in load_arrangements(Path(file), ANY_LIST, now, over_too=True)
        if each.list_id == about.list_id and each.starts_at <= at < each.ends_at
        for one in each.contacts
        if one.site == about.provider
    }
    if contact is not None and contact not in ways:
        what = f"art13.19.2-{contact}: no arrangement names such a contact of {about.provider} "
        what += f"for list {about.list_id}."
        raise PolicyRefused(what, "Leave --contact out, so that it goes by the national ones.")
    return ways

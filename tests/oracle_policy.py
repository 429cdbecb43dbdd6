"""A second reading of the exchange rules: plain `if` and `else` from the articles, no rule files.

It works on the JSON of a case and shares nothing with the package. Article numbers are those of
the Belgian-Dutch agreement (Trb. 2024, 65); T marks the Benelux police treaty (Trb. 2018, 160).
"""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

Answers = dict[str, Any]

ACTIONS = "arrest specific-check inquiry-check seize protect whereabouts discreet-check observe"
REASONS = (
    "drug-smuggling human-trafficking burglary atm-attack motorcycle-gang stolen-vehicle"
    " missing-person other"
)
_FIELDS = (
    "plate country reference vehicle_category make place_time circumstances driver unit_contact"
    " result not_acted_reason vin colour plate_photo vehicle_photo vehicle_photo_masked passengers"
)
ORDER = _FIELDS.split()
DONE = {
    "must": "plate country vehicle_category make place_time circumstances driver unit_contact"
    " result",
    "may": "vin colour plate_photo passengers",
}
NOT_DONE = {
    "must": "plate country vehicle_category make place_time not_acted_reason",
    "may": "colour plate_photo vehicle_photo_masked",
}
START = datetime(2025, 12, 12, tzinfo=UTC)

EXAMPLE: Answers = {
    "case_id": "example",
    "now": "2026-11-22T09:00:00Z",
    "site": "be",
    "provider": "nl",
    "list": {
        "kind": "structural",
        "received_at": "2026-11-22T06:00:00Z",
        "superseded": False,
        "sis_derived": False,
    },
    "entry": {
        "plate": "XX123X",
        "country": "NL",
        "category": "burglary",
        "action": "seize",
        "owner": "unit 7",
        "case_ref": "",
        "sharing": None,
        "valid_from": "2026-11-01T00:00:00Z",
        "valid_until": "2026-12-01T00:00:00Z",
        "sis_action": None,
        "area": None,
        "border_area_only": False,
        "max_actions": 2,
    },
    "hit": {"captured_at": "2026-11-22T08:59:00Z", "camera_id": "be-1", "probability": 1},
    "state": {
        "validated": False,
        "acted": None,
        "first_reported": False,
        "later_wanted": None,
        "actions_done": 0,
    },
    "circumstances": {"urgent": False, "joint_action": False, "agreed_contact": None},
    "facts": list(ORDER),
}
"""A case that every rule lets pass, with nothing done about its hit yet."""


def example(changes: dict[str, object]) -> Answers:
    """Give the example case with some of its values changed, named like `entry.plate`."""
    case = copy.deepcopy(EXAMPLE)
    for path, value in changes.items():
        part, _, name = path.rpartition(".")
        (case[part] if part else case)[name] = value
    return case


def answers(case: Answers) -> Answers:
    """Answer a case: the verdict as it is written, without the rules that led to it."""
    now = _time(case["now"])
    entry = case.get("entry") or {}
    sis = _text(entry, "sis_action")
    accepted = _own_entry(case) if _is_own(case) else _foreign_entry(case, now)
    wanted = entry.get("max_actions")
    done = (case.get("state") or {}).get("actions_done") or 0
    usable = accepted and _may_match(case, now) and (wanted is None or done < wanted)
    result = {
        "case_id": case["case_id"],
        "entry_accepted": accepted,
        "usable": usable,
        "action": sis or _text(entry, "action") or None,
        "procedure": None,
    }
    if usable and sis:
        result["procedure"] = "sis"  # 17(1)
    elif not _is_own(case) and not sis and (usable or _told_later(case, accepted=accepted)):
        result["procedure"] = "art13"  # 17(2)
    result |= _report(case, accepted=accepted) | {"kept": _kept(case, accepted=accepted)}
    return result | {"further_use": _further(case)}


def _further(case: Answers) -> bool | None:
    """T9, T10: what is not the country's own goes further with a consent that holds, and alone."""
    asked = case.get("further_use")
    if asked is None:
        return None
    sites = {case["site"], case["provider"]}
    return len(sites) == 1 or (
        sites == {"be", "nl"} and asked.get("consent") in {"signed", "unsigned"}
    )


def _kept(case: Answers, *, accepted: bool) -> Answers:
    """Days of a hit and its record, hours of a read that is none; nothing where there is no law."""
    lawful, site = _lawful(case, accepted=accepted), case["site"]
    kept: Answers = {"hit_days": None, "log_days": None, "read_hours": None}
    if site not in {"be", "nl"}:
        return kept
    kept["log_days"] = {"be": 10, "nl": 5}[site] * 366  # WPA 44/11/3novies; Wpg 32a
    if lawful:
        kept["hit_days"] = 365 if _is_own(case) else 31  # WPA 44/11/3decies, Wpg 8; T13(3)
    else:
        kept["read_hours"] = {"be": 30 * 24, "nl": 24}[site]
    return kept


def _is_own(case: Answers) -> bool:
    return bool(case["site"] == case["provider"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(entry: Answers, name: str) -> str:
    return (entry.get(name) or "").strip()


def _own_entry(case: Answers) -> bool:
    """The country's own law: a plate, and no word that means nothing."""
    entry = case.get("entry") or {}
    action, reason = _text(entry, "action"), _text(entry, "category")
    known = (not action or action in ACTIONS.split()) and (not reason or reason in REASONS.split())
    return case["site"] in {"be", "nl"} and bool(_text(entry, "plate")) and known


def _foreign_entry(case: Answers, now: datetime) -> bool:
    entry = case.get("entry") or {}
    if {case["site"], case["provider"]} != {"be", "nl"} or now < START:  # 1, 23(4)
        return False
    for name in ("plate", "country", "category", "action", "owner"):  # 15(1)
        if not _text(entry, name):
            return False
    if _text(entry, "category") not in REASONS.split():  # 8
        return False
    if _text(entry, "action") not in ACTIONS.split():  # 9(3)
        return False
    if _text(entry, "action") in {"discreet-check", "observe"}:  # 10(1)
        return False
    limits = (entry.get("valid_until"), entry.get("max_actions"))
    return case["provider"] != "nl" or None not in limits  # 11(2)


def _may_match(case: Answers, at: datetime) -> bool:
    """Everything but the number of actions, as of a moment."""
    entry = case.get("entry") or {}
    if entry.get("valid_from") and at < _time(entry["valid_from"]):  # 11(2)
        return False
    if entry.get("valid_until") and at >= _time(entry["valid_until"]):
        return False
    if not _in_area(entry.get("area"), case.get("hit") or {}):  # 11(1)
        return False
    if not _in_hours(case, entry) or not _goes_there(case, entry):  # 20(2)
        return False
    return _is_own(case) or _may_match_foreign(case, at)


def _in_area(area: Answers | None, hit: Answers) -> bool:
    """One of the cameras, or within the rectangle: the worlds of these tests have no others."""
    if area is None or hit.get("camera_id") in area.get("cameras", []):
        return True
    place, corners = hit.get("position"), area.get("polygon")
    if not place or not corners:
        return False
    return all(
        min(corner[axis] for corner in corners)
        < place[axis]
        < max(corner[axis] for corner in corners)
        for axis in (0, 1)
    )


def _in_hours(case: Answers, entry: Answers) -> bool:
    """Count minutes from the start of the hours, round the clock."""
    if not entry.get("hours_utc"):
        return True
    seen = _time((case.get("hit") or {}).get("captured_at") or case["now"]).astimezone(UTC)
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in entry["hours_utc"].split("-"))
    return (seen.hour * 60 + seen.minute - start) % 1440 < ((end - start) % 1440 or 1440)


def _goes_there(case: Answers, entry: Answers) -> bool:
    wanted, seen = _text(entry, "direction"), _text(case.get("hit") or {}, "direction")
    return not wanted or not seen or wanted.lower() == seen.lower()


def _may_match_foreign(case: Answers, at: datetime) -> bool:
    if at < START:
        return False
    delivery = case.get("list") or {}
    if delivery.get("kind") not in {"structural", "ad_hoc"} or not delivery.get("received_at"):
        return False
    age = at - _time(delivery["received_at"])
    if age < timedelta(0) or age > timedelta(days=5):  # 3(2), 14
        return False
    if delivery["kind"] == "ad_hoc" and age > timedelta(hours=48):  # 5
        return False
    if delivery.get("superseded") or delivery.get("sis_derived"):  # 14, 7(1)
        return False
    sharing = ((case.get("entry") or {}).get("sharing") or "").strip()
    return not sharing or case["site"] in [part.strip() for part in sharing.split(",")]  # T10(2)


def _lawful(case: Answers, *, accepted: bool) -> bool:
    """Whether the entry could be used when the hit was made."""
    seen_at = (case.get("hit") or {}).get("captured_at")
    return accepted and seen_at is not None and _may_match(case, _time(seen_at))


def _told_later(case: Answers, *, accepted: bool) -> bool:
    known = (case.get("state") or {}).get("acted") is not None
    return known and _lawful(case, accepted=accepted)


def _report(case: Answers, *, accepted: bool) -> Answers:
    state, entry = case.get("state") or {}, case.get("entry") or {}
    kind = None
    lawful = _lawful(case, accepted=accepted)
    if lawful and not _is_own(case) and not _text(entry, "sis_action"):
        if state.get("acted") is True:  # 17(2)(a)
            kind = "A"
        elif state.get("acted") is False:  # 17(2)(b)
            first = not state.get("first_reported")
            kind = "B" if first or state.get("later_wanted") is True else None
    if kind is None:
        return dict(_silence())
    form = DONE if kind == "A" else NOT_DONE  # 18
    must = set(form["must"].split()) | ({"reference"} if _text(entry, "case_ref") else set())
    may = must | set(form["may"].split()) | {"reference"}
    given = case.get("facts") or []
    known = {name for name in given if not isinstance(given, dict) or given[name] is not None}
    first_b = kind == "B" and not state.get("first_reported")
    return {
        "report": kind,
        "validation_required": first_b and not state.get("validated"),
        **_way(case),
        "fields": [name for name in ORDER if name in may & known],
        "missing": [name for name in ORDER if name in must - known],
    }


def _way(case: Answers) -> Answers:
    around, entry = case.get("circumstances") or {}, case.get("entry") or {}
    if around.get("urgent") or around.get("joint_action"):  # 19(3)
        return {"via": "direct", "notify_national_now": True}  # 19(4)
    if entry.get("border_area_only") and around.get("agreed_contact"):  # 19(2)
        return {"via": around["agreed_contact"], "notify_national_now": True}
    return {"via": "national", "notify_national_now": False}  # 19(1)


def _silence() -> Answers:
    nothing: Answers = {"report": None, "validation_required": False, "via": None}
    return nothing | {"notify_national_now": False, "fields": [], "missing": []}

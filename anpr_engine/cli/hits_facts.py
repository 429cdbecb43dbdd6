"""What a report holds: an officer's file, with what the alert itself knows of the vehicle."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from anpr_engine.cli.hits_options import HitOptions
from anpr_engine.errors import InputFileError, PolicyRefused, UsageError
from anpr_engine.policy.case import Circumstances
from anpr_engine.policy.handling_reports import Situation
from anpr_engine.policy.joint_action import JointAction, Where, circumstances_at
from anpr_engine.policy.joint_action_files import load_joint_actions
from anpr_engine.policy.vocabulary import REPORT_FIELDS
from anpr_engine.records.alert import Alert


class _AnyList(frozenset[str]):
    """Stands for the lists there are: a desk does not know them all."""

    def __contains__(self, _name: object) -> bool:
        return True


ANY_LIST: Collection[str] = _AnyList()


def situation_of(options: HitOptions, alert: Alert, now: datetime) -> Situation:
    """Put together what the policy has to know to have a hit told.

    Raises:
        InputFileError: the file of facts is none.
        UsageError: there is no such joint action.
        PolicyRefused: the joint action was not under way there and then.

    """
    return Situation(now, facts_of(options.facts, alert), _circumstances(options, alert))


def facts_of(path: Path | None, alert: Alert) -> dict[str, Any]:
    """Read an officer's facts; place, time and camera are always those of the read.

    Raises:
        InputFileError: it cannot be read, is no JSON object, or names an unknown fact.

    """
    given = {} if path is None else _read(path)
    read, entry, vehicle = alert.read, alert.entry, alert.read.vehicle
    known: dict[str, Any] = {
        "plate": entry.plate or None,
        "country": entry.country,
        "reference": entry.case_ref or None,
        "make": (vehicle and vehicle.make) or entry.vehicle_make or None,
        "colour": (vehicle and vehicle.colour) or entry.vehicle_colour or None,
    }
    facts = {name: value for name, value in known.items() if value is not None} | given
    place = given.get("place_time")
    if isinstance(place, dict):
        seen = {"captured_at": read.captured_at, "camera_id": read.camera_id}
        facts["place_time"] = place | seen
    return facts


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        # The parser's words may quote the file, which names people.
        what = f"{path} cannot be read as JSON ({type(error).__name__})."
        raise InputFileError(what, "Give an object of facts by field.") from None
    if not isinstance(found, dict):
        raise InputFileError(f"{path} holds no JSON object.", "Give facts by field.")
    wrong = sorted(set(found) - set(REPORT_FIELDS))
    if wrong:
        what = f"{path} holds {len(wrong)} fields that no report has."
        raise InputFileError(what, f"Allowed are {', '.join(REPORT_FIELDS)}.")
    return found


def _circumstances(options: HitOptions, alert: Alert) -> Circumstances:
    contact = cast("Literal['regional', 'joint-centre'] | None", options.contact)
    around = Circumstances(urgent=options.urgent, joint_action=False, agreed_contact=contact)
    if options.joint_action is None:
        return around
    action, list_id = _action(options, alert), alert.entry.list_id
    at, place = alert.read.captured_at, Where(alert.read.camera_id, alert.read.point)
    if not (action.runs(at) and list_id in action.lists and action.area.covers(place)):
        what = f"Joint action {action.action_id} was not under way there and then on this list."
        raise PolicyRefused(what, "Leave --joint-action out.")
    return circumstances_at([action], list_id, at, place, around)


def _action(options: HitOptions, alert: Alert) -> JointAction:
    if options.joint_actions is None:
        raise UsageError("--joint-action needs its file.", "Give it with --joint-actions.")
    at = alert.read.captured_at.astimezone(UTC)
    for action in load_joint_actions(options.joint_actions, ANY_LIST, at):
        if action.action_id == options.joint_action:
            return action
    what = f"{options.joint_actions} holds no joint action of that id."
    raise UsageError(what, "Give an id of the file.")

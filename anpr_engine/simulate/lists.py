"""Sample watchlists of both sites: vehicles of the fleet, and decoys that are never seen.

Why: owners and legal grounds read like real ones, so that policy and screens can be judged on
them; the vehicles, references and cases are invented.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from anpr_engine.records.fields import Action, Category
from anpr_engine.records.watchlist_entry import OWN, WatchlistEntry
from anpr_engine.simulate.number_plates import canonical, draw_plates
from anpr_engine.simulate.traffic import ListedVehicle
from anpr_engine.simulate.vehicles import Fleet, Vehicle

SHARED = "be,nl"
_LIST_STREAM = 4
"""Keeps the lists' random stream apart from the fleet's and the traffic's."""
DECOY_SHARE = 0.4
"""Decoys per listed vehicle of the fleet."""

_BE_LAW = "Police Function Act (BE) art. 44/11/3decies; Benelux police treaty 2018 art. 13"
_NL_LAW = "Police Data Act (NL) art. 8; Police Act 2012 art. 3; Benelux police treaty 2018 art. 13"


@dataclass(frozen=True, slots=True)
class ListPlan:
    """One list: whose, why, what is asked for, and what kind of vehicle stands on it.

    The first action is the usual one. `shared_share` of the entries go to both sites.
    """

    list_id: str
    category: Category
    owner: str
    purpose: str
    legal_basis: str
    actions: tuple[Action, ...]
    priorities: tuple[int, int]
    shared_share: float
    classes: tuple[str, ...] = ("car", "van")

    @property
    def provider(self) -> str:
        """The site whose list this is."""
        return self.list_id[:2]


LIST_PLANS: tuple[ListPlan, ...] = (
    ListPlan(
        "be-drugs",
        Category.DRUG_SMUGGLING,
        "Federal Judicial Police Antwerp",
        "Cocaine from the port to the hinterland",
        _BE_LAW,
        (Action.SPECIFIC_CHECK, Action.INQUIRY_CHECK, Action.DISCREET_CHECK),
        (55, 90),
        0.8,
        ("car", "van", "lorry"),
    ),
    ListPlan(
        "be-burglary",
        Category.BURGLARY,
        "Local Police Turnhout Region",
        "Travelling groups of burglars",
        _BE_LAW,
        (Action.INQUIRY_CHECK, Action.SPECIFIC_CHECK),
        (30, 60),
        0.7,
    ),
    ListPlan(
        "be-stolen",
        Category.STOLEN_VEHICLE,
        "Federal Police, central vehicle desk",
        "Recovery of stolen vehicles",
        _BE_LAW,
        (Action.SEIZE,),
        (50, 75),
        0.9,
        ("car", "van", "lorry", "motorcycle"),
    ),
    ListPlan(
        "be-missing",
        Category.MISSING_PERSON,
        "Federal Police, missing persons unit",
        "Missing and vulnerable persons",
        _BE_LAW,
        (Action.PROTECT, Action.WHEREABOUTS),
        (80, 100),
        0.9,
    ),
    ListPlan(
        "nl-drugs",
        Category.DRUG_SMUGGLING,
        "Police Unit Rotterdam, port team",
        "Collectors of drugs from containers",
        _NL_LAW,
        (Action.SPECIFIC_CHECK, Action.INQUIRY_CHECK, Action.ARREST),
        (55, 90),
        0.8,
        ("car", "van", "lorry"),
    ),
    ListPlan(
        "nl-atm-attacks",
        Category.ATM_ATTACK,
        "Police Unit Zeeland-West-Brabant",
        "Attacks on cash machines with explosives",
        _NL_LAW,
        (Action.ARREST, Action.SPECIFIC_CHECK),
        (80, 100),
        0.9,
        ("car",),
    ),
    ListPlan(
        "nl-trafficking",
        Category.HUMAN_TRAFFICKING,
        "Royal Marechaussee, Brigade South",
        "Trafficking of human beings",
        _NL_LAW,
        (Action.SPECIFIC_CHECK, Action.DISCREET_CHECK, Action.PROTECT),
        (70, 95),
        0.8,
        ("car", "van", "bus"),
    ),
    ListPlan(
        "nl-motorcycle-gangs",
        Category.MOTORCYCLE_GANG,
        "Police Unit Limburg",
        "Outlaw motorcycle gangs",
        _NL_LAW,
        (Action.INQUIRY_CHECK, Action.OBSERVE),
        (40, 70),
        0.6,
        ("motorcycle", "car"),
    ),
)


ACTIONS_WANTED = 2
"""The Netherlands have to say how often an action is wanted (agreement, article 11(2))."""


def _action(rng: np.random.Generator, plan: ListPlan) -> Action:
    if len(plan.actions) == 1 or rng.random() < 0.7:
        return plan.actions[0]
    return plan.actions[1 + int(rng.integers(len(plan.actions) - 1))]


def _sharing(rng: np.random.Generator, plan: ListPlan, action: Action) -> str:
    # Who only watches asks nothing of the other side (implementing agreement, art. 10).
    if action in (Action.OBSERVE, Action.DISCREET_CHECK) or rng.random() >= plan.shared_share:
        return OWN
    return SHARED


def _entry(
    rng: np.random.Generator, plan: ListPlan, number: int, vehicle: Vehicle, now: datetime
) -> WatchlistEntry:
    action = _action(rng, plan)
    low, high = plan.priorities
    known = rng.random() < 0.8
    return WatchlistEntry(
        entry_id=f"{plan.list_id}-{number:04d}",
        list_id=plan.list_id,
        plate=vehicle.printed,
        country=vehicle.country,
        category=plan.category,
        owner=plan.owner,
        provider=plan.provider,
        purpose=plan.purpose,
        legal_basis=plan.legal_basis,
        case_ref=f"{plan.provider.upper()}-{now.year}-{int(rng.integers(1000, 999_999)):06d}",
        action=action,
        priority=int(rng.integers(low, high + 1)),
        valid_from=now - timedelta(days=int(rng.integers(2, 40))),
        valid_until=now + timedelta(days=int(rng.integers(14, 84))),
        sharing=_sharing(rng, plan, action),
        max_actions=ACTIONS_WANTED,
        handling_code="H1" if rng.random() < 0.3 else "",
        vehicle_make=vehicle.make if known else "",
        vehicle_model=vehicle.model if known else "",
        vehicle_colour=vehicle.colour if known else "",
        note="Invented entry for demonstration.",
    )


def _decoys(
    rng: np.random.Generator, likenesses: Sequence[Vehicle], taken: set[tuple[str, str]]
) -> list[Vehicle]:
    """Draw plates that the fleet does not have for vehicles like some of the fleet's."""
    made: list[Vehicle] = []
    for like in likenesses:
        vehicle = like
        while (vehicle.plate, vehicle.country) in taken:
            printed = draw_plates(rng, like.country, like.vehicle_class, 1)[0]
            vehicle = like._replace(printed=printed, plate=canonical(printed))
        made.append(vehicle)
    return made


def sample_entries(seed: int, fleet: Fleet, per_list: int, now: datetime) -> list[WatchlistEntry]:
    """Make sample lists of both sites.

    Args:
        seed: the same seed gives the same entries.
        fleet: where the listed vehicles come from.
        per_list: how many vehicles of the fleet each list holds; decoys come on top.
        now: the entries are in force at this instant, and for two weeks or more after it.

    """
    rng = np.random.default_rng([seed, _LIST_STREAM])
    now = now.astimezone(UTC).replace(microsecond=0)
    taken = {(vehicle.plate, vehicle.country) for vehicle in fleet.vehicles}
    entries: list[WatchlistEntry] = []
    for plan in LIST_PLANS:
        fitting = [vehicle for vehicle in fleet.vehicles if vehicle.vehicle_class in plan.classes]
        decoys = round(per_list * DECOY_SHARE)
        rows = rng.choice(len(fitting), size=per_list + decoys, replace=False).tolist()
        drawn = [fitting[row] for row in rows]
        vehicles = [*drawn[:per_list], *_decoys(rng, drawn[per_list:], taken)]
        order = rng.permutation(len(vehicles)).tolist()
        entries += [
            _entry(rng, plan, number, vehicles[row], now)
            for number, row in enumerate(order, start=1)
        ]
    return entries


def listed_vehicles(entries: Iterable[WatchlistEntry], fleet: Fleet) -> list[ListedVehicle]:
    """Find the vehicles of the fleet that entries list, each with all its entries."""
    by_plate: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        by_plate.setdefault((canonical(entry.plate), entry.country or ""), []).append(
            entry.entry_id
        )
    return [
        ListedVehicle(vehicle, tuple(by_plate[vehicle.plate, vehicle.country]))
        for vehicle in fleet.vehicles
        if (vehicle.plate, vehicle.country) in by_plate
    ]

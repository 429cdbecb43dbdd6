"""Whether probabilities can be trusted: what was said in alerts, and what people confirmed.

Why intervals: a control room judges few alerts of each kind. That 9 of 10 were confirmed where
0.75 was said proves nothing yet; the interval of Wilson (1927) says what such figures leave open.
Why unreadable pictures do not count: they may hide either answer. They are told beside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from anpr_engine.plates.normaliser import normalise
from anpr_engine.records.verdict import CONFIRMED, OTHER_VEHICLE, UNREADABLE, Verdict

BOUNDS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
WILSON_Z = 1.959964
"""Standard deviations that leave out five per cent, both sides together."""
TIER_UNKNOWN = "not told"


@dataclass(frozen=True, slots=True)
class JudgedBand:
    """Alerts of about one probability, or of one tier.

    said: the mean probability alerted. share: confirmed of all that were judged.
    low, high: what the true share lies between, nineteen times of twenty.
    trusted: whether what was said lies between them too.
    """

    band: str
    alerts: int
    confirmed: int
    said: float
    share: float
    low: float
    high: float
    trusted: bool


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What verdicts say of probabilities.

    alerts: judged or not, each once. judged: the listed vehicle or another one, for sure.
    read_right: other vehicles that were read without error: a listed plate's look-alikes, and on
        exact hits plates of another country, or copies.
    error: mean difference between said and confirmed, over bands, each alert counting the same;
        None where nothing was judged.
    """

    alerts: int
    judged: int
    unreadable: int
    repeated: int
    read_right: int
    error: float | None
    bands: tuple[JudgedBand, ...]
    tiers: tuple[JudgedBand, ...]


def wilson_interval(found: int, count: int) -> tuple[float, float]:
    """Give the interval that a share lies in, of which `found` of `count` were seen."""
    if not count:
        return 0.0, 1.0
    square = WILSON_Z**2
    share = found / count
    middle = (share + square / (2 * count)) / (1 + square / count)
    spread = WILSON_Z * sqrt(share * (1 - share) / count + square / (4 * count**2))
    spread /= 1 + square / count
    return max(0.0, middle - spread), min(1.0, middle + spread)


def latest_verdicts(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Keep the last answer to each alert; of two at one instant the later in order."""
    last: dict[str, Verdict] = {}
    for verdict in verdicts:
        before = last.get(verdict.alert_id)
        if before is None or verdict.decided_at >= before.decided_at:
            last[verdict.alert_id] = verdict
    return list(last.values())


def calibration_of(verdicts: Sequence[Verdict]) -> CalibrationReport:
    """Compare the probabilities of alerts with what people found."""
    last = latest_verdicts(verdicts)
    judged = [verdict for verdict in last if verdict.verdict != UNREADABLE]
    bands = _by(judged, [_band_of(verdict.probability) for verdict in judged])
    tiers = _by(judged, [verdict.tier or TIER_UNKNOWN for verdict in judged])
    apart = sum(band.alerts * abs(band.said - band.share) for band in bands)
    return CalibrationReport(
        alerts=len(last),
        judged=len(judged),
        unreadable=len(last) - len(judged),
        repeated=len(verdicts) - len(last),
        read_right=sum(map(_is_read_right, judged)),
        error=apart / len(judged) if judged else None,
        bands=bands,
        tiers=tiers,
    )


def _is_read_right(verdict: Verdict) -> bool:
    if verdict.verdict != OTHER_VEHICLE or verdict.plate_seen is None:
        return False
    return normalise(verdict.plate_seen).text == normalise(verdict.plate_read).text


def _band_of(probability: float) -> str:
    place = sum(probability >= bound for bound in BOUNDS[1:-1])
    return f"{BOUNDS[place]:.2f} to {BOUNDS[place + 1]:.2f}"


def _by(verdicts: Sequence[Verdict], names: Sequence[str]) -> tuple[JudgedBand, ...]:
    sorted_in: dict[str, list[Verdict]] = {}
    for name, verdict in zip(names, verdicts, strict=True):
        sorted_in.setdefault(str(name), []).append(verdict)
    return tuple(_judged(name, some) for name, some in sorted(sorted_in.items()))


def _judged(name: str, verdicts: Sequence[Verdict]) -> JudgedBand:
    count = len(verdicts)
    confirmed = sum(verdict.verdict == CONFIRMED for verdict in verdicts)
    said = sum(verdict.probability for verdict in verdicts) / count
    low, high = wilson_interval(confirmed, count)
    share = confirmed / count
    return JudgedBand(name, count, confirmed, said, share, low, high, low <= said <= high)

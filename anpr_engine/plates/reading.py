"""What a read says of the plate behind it: the error model and the grammar, ready for batches.

Everything here is worked out once for an error model and a set of country packs, and then only
read: any number of threads may share a `ReadingModel`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels.channel import (
    DROPPED_INSIDE,
    QUALITIES,
    RATE,
    ROOM_SHAPE,
    pair_likelihoods,
)
from anpr_engine.kernels.neighbours import EditModel
from anpr_engine.kernels.tokens import JUNK, TOKENS, TOKENS_MAX
from anpr_engine.kernels.traffic import (
    DEAREST_ADDED,
    DEAREST_LOST,
    MIXTURE,
    WALK_SHAPE,
    traffic_likelihoods,
)
from anpr_engine.plates.claims import claim_factors, claim_places
from anpr_engine.plates.edit_tables import edit_model, reach, slack
from anpr_engine.plates.error_model import Channel, shipped_channel
from anpr_engine.plates.formats import CountryPack
from anpr_engine.plates.gate import GateTables, gate_tables
from anpr_engine.plates.issued import IssuedPlates
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.traffic import (
    ODD_CHARACTERS,
    ODD_LENGTHS,
    ODD_SHARE,
    TrafficTree,
    blurred_tree,
    traffic_tree,
)

WORST = QUALITIES - 1
"""The state of garbage; what it made of a plate is compared with average plates."""


@dataclass(frozen=True, slots=True)
class Layouts:
    """The grammar in one way of writing: with separators, or the canonical text alone.

    tree, sums: for all states of quality but the worst. blur, blur_sums: for the worst.
    sums: float64 (bands, classes, 2, CLASS_COLUMNS, QUALITIES), each band with its mixture.
    """

    tree: TrafficTree
    sums: NDArray[np.float64]
    blur: TrafficTree
    blur_sums: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Until:
    """When the sum over the traffic may stop: what was found so far is a lower bound.

    enough: float64 (n,), sums that need not be exceeded; None: the whole sum is asked for.
    steps_max: float64 (n,), positions of plates to look at; None: as many as it takes.
    """

    enough: NDArray[np.float64] | None = None
    steps_max: NDArray[np.float64] | None = None

    def chosen(self, rows: NDArray[np.intp]) -> "Until":
        """Take the limits of some of the reads."""
        return Until(
            None if self.enough is None else self.enough[rows],
            None if self.steps_max is None else self.steps_max[rows],
        )


WHOLE = Until()


@dataclass(frozen=True, slots=True)
class ReadingModel:
    """A reader's errors and the countries' plates.

    issued: registers of issued plates, none by default; sizes: float64 (countries,), plates that
        the formats in use allow.
    countries: what country places mean, the last is `ODD`; shares: float64, of the traffic.
    edits: what edits are worth, see `kernels.neighbours`.
    right: float64 (TOKENS + 1, QUALITIES), P(this token was read right and nothing added after
        it); the last row, 1 throughout, stands behind the text.
    claim_places: uint8 (65536,), a country code's row in the claim factors, 0 for none.
    claim_factors: float64 (countries + 1, countries), P(claim | country).
    reach: float64 (bands,), the most that another plate's P(read | plate) can be, relative to
        the plate's whose text was read.
    """

    channel: Channel
    printed: Layouts
    bare: Layouts
    gate: GateTables
    issued: tuple[IssuedPlates, ...]
    sizes: NDArray[np.float64]
    countries: tuple[str, ...]
    shares: NDArray[np.float64]
    edits: EditModel
    right: NDArray[np.float64]
    claim_places: NDArray[np.uint8]
    claim_factors: NDArray[np.float64]
    reach: NDArray[np.float64]

    def traffic(
        self,
        tokens: NDArray[np.int8],
        bands: NDArray[np.int64],
        claims: NDArray[np.float64],
        layouts: Layouts,
        until: Until,
    ) -> NDArray[np.float64]:
        """Give P(read, its claim of a country | traffic): float64 (n,).

        Args:
            tokens: int8 (n, TOKENS_MAX).
            bands: int64 (n,), see `Channel.band_of`.
            claims: float64 (n, countries), P(claim | country).
            layouts: how the reads are written.
            until: when a sum need not be finished.

        """
        found = np.empty(len(tokens))
        room = np.zeros(WALK_SHAPE)
        limits = np.full(len(tokens), np.inf) if until.enough is None else until.enough
        most = np.full(len(tokens), np.inf) if until.steps_max is None else until.steps_max
        for band in np.unique(bands).tolist():
            rows = np.flatnonzero(bands == band)
            chosen = np.ascontiguousarray(tokens[rows])
            any_country = (claims[rows] @ self.shares)[:, None]
            no_limit = np.full(len(rows), np.inf)
            blur = np.column_stack([any_country, limits[rows], no_limit, no_limit])
            _sum(chosen, layouts.blur, layouts.blur_sums[band], room, blur)
            left = limits[rows] - blur[:, -1]
            totals = np.column_stack([claims[rows], left, most[rows], left])
            _sum(chosen, layouts.tree, layouts.sums[band], room, totals)
            found[rows] = totals[:, -1] + blur[:, -1]
        return found

    def plate_shares(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Give each plate's own share of the traffic: float64 (n, countries + 2).

        By country, then the largest of one format, and the place of its country. Where a register
        of issued plates is known, plates that are not in it have next to none.
        """
        found = self.gate.densities(keys)
        for register in self.issued:
            place = self.countries.index(register.country)
            factor = register.factors(keys, float(self.sizes[place]))
            found[:, place] *= factor
            mine = found[:, -1] == place
            found[mine, -2] *= factor[mine]
        return found

    def claims(self, codes: NDArray[np.uint16]) -> NDArray[np.float64]:
        """Give P(the country that the reader claims | the plate's country).

        Args:
            codes: uint16 (n,), `records.columns.country_code`; 0 where it claims none.

        Returns float64 (n, countries), 1 throughout where nothing is claimed.

        """
        return self.claim_factors[self.claim_places[codes]]

    def place_of(self, code: int) -> int:
        """Give the place of a country code; countries without a pack share the last one."""
        return int(self.claim_places[code]) - 1

    def pairs(
        self,
        plates: NDArray[np.int8],
        reads: NDArray[np.int8],
        lengths: NDArray[np.int64],
        bands: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Give P(read | plate): float64 (n,); shapes as in `kernels.channel`."""
        found = np.empty((len(plates), QUALITIES))
        pair_likelihoods(plates, lengths, reads, self.channel.rates, np.empty(ROOM_SHAPE), found)
        return np.asarray((found * self.channel.quality[bands]).sum(axis=1), np.float64)

    def starts(self, tokens: NDArray[np.int8], bands: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give P(state, all read right): float64 (n, QUALITIES), for canonical texts."""
        right = self.right[tokens].prod(axis=1)
        return np.asarray(self.channel.quality[bands] * right, np.float64)

    def odd_shares(self, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the share that any one plate of no format has at least: float64 (n,)."""
        shares = np.zeros(TOKENS_MAX + 1)
        for length, share in ODD_LENGTHS.items():
            shares[length] = ODD_SHARE * share / ODD_CHARACTERS**length
        return shares[lengths]

    def most(self, tokens: NDArray[np.int8], starts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bound P(read | another plate): float64 (n,), for canonical texts and their starts."""
        best = self.edits.token_best[tokens].max(axis=1)
        return np.asarray((starts * best).sum(axis=1) * slack(tokens), np.float64)


def _sum(
    tokens: NDArray[np.int8],
    tree: TrafficTree,
    sums: NDArray[np.float64],
    room: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    traffic_likelihoods(tokens, tree.tree, tree.weights, sums, room, totals)


def _by_band(sums: NDArray[np.float64], mixtures: NDArray[np.float64]) -> NDArray[np.float64]:
    mixed = np.repeat(sums[None], len(mixtures), axis=0)
    mixed[:, 0, :, MIXTURE] = mixtures[:, None, :]
    # States that play no part must not hold up the search.
    for band, mixture in enumerate(mixtures):
        mixed[band, 0, :, DEAREST_ADDED : DEAREST_LOST + 1, mixture == 0.0] = 0.0
    return mixed


def _layouts(packs: tuple[CountryPack, ...], channel: Channel, *, printed: bool) -> Layouts:
    tree = traffic_tree(packs, printed=printed)
    blur = blurred_tree(packs, printed=printed)
    is_worst = np.arange(QUALITIES) == WORST
    return Layouts(
        tree=tree,
        sums=_by_band(channel.class_sums(tree.classes), channel.quality * ~is_worst),
        blur=blur,
        blur_sums=_by_band(channel.class_sums(blur.classes), channel.quality * is_worst),
    )


def _sizes(packs: tuple[CountryPack, ...]) -> NDArray[np.float64]:
    sizes = [
        float(sum(layout.size for one in pack.formats if one.share > 0 for layout in one.layouts))
        for pack in packs
    ]
    return np.array([*sizes, 1.0])


def reading_model(
    packs: Iterable[CountryPack], channel: Channel, issued: tuple[IssuedPlates, ...] = ()
) -> ReadingModel:
    """Put an error model, country packs and registers of issued plates together."""
    chosen = tuple(packs)
    rates = channel.rates
    right = np.diagonal(rates[:TOKENS, :TOKENS]).T.copy()
    right *= (1 - rates[DROPPED_INSIDE, :TOKENS]) * (1 - rates[DROPPED_INSIDE, RATE])
    right[JUNK] = 1.0
    edits = edit_model(rates)
    bare = _layouts(chosen, channel, printed=False)
    shares = np.array([*(pack.traffic_share for pack in chosen), 0.0])
    shares[-1] = max(0.0, 1.0 - shares.sum())
    return ReadingModel(
        channel=channel,
        printed=_layouts(chosen, channel, printed=True),
        bare=bare,
        gate=gate_tables(chosen),
        issued=issued,
        sizes=_sizes(chosen),
        countries=bare.tree.countries,
        shares=shares / shares.sum(),
        edits=edits,
        right=np.vstack([right, np.ones((1, QUALITIES))]),
        claim_places=claim_places(bare.tree.countries),
        claim_factors=claim_factors(len(bare.tree.countries)),
        reach=reach(channel.quality, right, edits),
    )


@cache
def shipped_reading() -> ReadingModel:
    """Give the model of the packs and the errors that come with the engine."""
    return reading_model(country_packs(), shipped_channel())

"""What a read says of the plate behind it: the error model and the grammar, ready for batches.

Everything here is worked out once for an error model and a set of country packs, and then only
read: any number of threads may share a `ReadingModel`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from anpr_engine.kernels._jit import kept
from anpr_engine.kernels.channel import (
    DROPPED_INSIDE,
    QUALITIES,
    RATE,
    ROOM_SHAPE,
    pair_likelihoods,
)
from anpr_engine.kernels.explained_tables import ReadTables, SeenReads
from anpr_engine.kernels.gate import COUNTRY, SHARE
from anpr_engine.kernels.gate_reads import ClaimedPlates, ClaimedShares, claimed_shares
from anpr_engine.kernels.neighbours import EditModel
from anpr_engine.kernels.tokens import JUNK, TOKENS, TOKENS_MAX
from anpr_engine.kernels.traffic import WALK_SHAPE, traffic_likelihoods
from anpr_engine.plates.camera_mix import CameraMixes
from anpr_engine.plates.claims import claim_factors, claim_places
from anpr_engine.plates.edit_tables import edit_model, reach, slack
from anpr_engine.plates.error_model import Channel, shipped_channel
from anpr_engine.plates.explained import explained, read_tables
from anpr_engine.plates.formats import CountryPack
from anpr_engine.plates.gate import Gate, gate_tables
from anpr_engine.plates.identify import be_ready
from anpr_engine.plates.issued import IssuedPlates
from anpr_engine.plates.layouts import Layouts, written_layouts
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.plates.traffic import ODD_CHARACTERS, ODD_LENGTHS, free_shares
from anpr_engine.records.columns import PlateColumns, ReadColumns

_GAPS_NONE = 2
"""No plate of no format has so many gaps, or more."""


@dataclass(frozen=True, slots=True)
class Until:
    """When the sum over the traffic may stop: what was found so far is a lower bound.

    enough: float64 (n,), sums that need not be exceeded; None: the whole sum is asked for.
    steps_max: float64 (n,), positions of plates to look at; None: as many as it takes.
    known: float64 (n,), what counts beside the sum from the start, as if it had been found: what
        is nothing beside it is left out. None: only what was found counts.
    """

    enough: NDArray[np.float64] | None = None
    steps_max: NDArray[np.float64] | None = None
    known: NDArray[np.float64] | None = None

    def chosen(self, rows: NDArray[np.intp]) -> "Until":
        """Take the limits of some of the reads."""
        return Until(
            None if self.enough is None else self.enough[rows],
            None if self.steps_max is None else self.steps_max[rows],
            None if self.known is None else self.known[rows],
        )


WHOLE = Until()


@dataclass(frozen=True, slots=True)
class ReadingModel:
    """A reader's errors and the countries' plates.

    issued: registers of plates.
    countries: what country places mean, the last is `ODD`; shares, free: float64 (countries,), of
        the traffic, and of it what has plates of no format.
    edits, explained: what edits are worth, see `kernels.neighbours` and `kernels.explained`.
    right: float64 (TOKENS + 1, QUALITIES), P(this token was read right and nothing added after
        it); the last row, 1 throughout, stands behind the text.
    claimed: the claims of countries, and the formats' shares for each.
    claim_factors: float64 (countries + 1, countries), P(claim | country).
    reach: float64 (bands,), the most that another plate's P(read | plate) can be, relative to
        the plate's whose text was read. cameras: what they usually see; None: nobody knows.
    """

    channel: Channel
    printed: Layouts
    bare: Layouts
    gate: Gate
    explained: ReadTables
    issued: tuple[IssuedPlates, ...]
    countries: tuple[str, ...]
    shares: NDArray[np.float64]
    free: NDArray[np.float64]
    edits: EditModel
    right: NDArray[np.float64]
    claimed: ClaimedShares
    claim_factors: NDArray[np.float64]
    reach: NDArray[np.float64]
    cameras: CameraMixes | None = None

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
        room = np.zeros(WALK_SHAPE)
        no_limit = np.full(len(tokens), np.inf)
        limits = no_limit if until.enough is None else until.enough
        most = no_limit if until.steps_max is None else until.steps_max
        known = np.zeros(len(tokens)) if until.known is None else until.known
        any_country = claims @ self.shares
        blur = np.column_stack([any_country, known, limits, no_limit, no_limit])
        traffic_likelihoods(tokens, bands, layouts.blur, room, blur)
        left = limits - blur[:, -1]
        totals = np.column_stack([claims, known, left, most, left])
        traffic_likelihoods(tokens, bands, layouts.whole, room, totals)
        return np.asarray(totals[:, -1] + blur[:, -1], np.float64)

    def plate_shares(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Give each plate's own share of the traffic by country: float64 (n, countries).

        Where a register of issued plates is known, plates that are not in it have next to none.
        """
        found = self.gate.densities(keys)
        for register in self.issued:
            place = self.countries.index(register.country)
            among = float(self.shares[place])
            found[:, place] = register.shares(keys, found[:, place], among)
        return found

    def claimed_shares(
        self, plates: PlateColumns, codes: NDArray[np.uint16], enough: float = np.inf
    ) -> NDArray[np.float64]:
        """Give the share of the traffic of exactly the plates read, with the countries claimed.

        Args:
            plates: the texts read.
            codes: uint16 (n,), countries claimed, 0 for none.
            enough: shares of so much or more need not be exact.

        Returns float64 (n,), 0 where no country prints such a plate so.

        """
        found = np.empty(len(plates.keys))
        seen = ClaimedPlates(kept(plates.keys), kept(plates.gaps), kept(codes))
        # A register may make less of any share.
        enough = np.inf if self.issued else enough
        claimed_shares(seen, self.gate.tables, self.claimed, enough, found)
        if self.issued:
            known = np.flatnonzero(found)
            shares = self.plate_shares(plates.keys[known])
            found[known] = (shares * self.claims(codes[known])).max(axis=1)
        return found

    def explained_parts(
        self, seen: SeenReads
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint64]]:
        """Bound what reads may have been, see `kernels.explained`.

        Returns float64 (n, BOUND_COLUMNS); and the plates that reads may mostly be: int64 (k,),
        the read, and uint64 (k,), the plate's key.
        """
        return explained(seen, self.gate.tables, self.explained)

    @property
    def densest(self) -> float:
        """Give the largest share of the traffic that one plate has."""
        return float(self.gate.tables.values[:, SHARE].max(initial=0.0))

    def claims(self, codes: NDArray[np.uint16]) -> NDArray[np.float64]:
        """Give P(the country that the reader claims | the plate's country).

        Args:
            codes: uint16 (n,), `records.columns.country_code`; 0 where it claims none.

        Returns float64 (n, countries), 1 throughout where nothing is claimed.

        """
        return self.claim_factors[self.claimed.places[codes]]

    @property
    def claims_least(self) -> float:
        """Give the least that P(claim | country) can be beside that of another country."""
        each = self.claim_factors[1:]
        cameras = 1.0 if self.cameras is None else self.cameras.least
        return float((each.min(axis=1) / each.max(axis=1)).min()) * cameras

    def claims_of(self, reads: ReadColumns, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give what some reads of a batch say of the country: float64 (n, countries).

        P(claim | country), times what each read's camera usually sees of it.
        """
        claims = self.claims(reads.country[rows])
        return claims if self.cameras is None else claims * self.cameras.of_reads(reads, rows)

    def place_of(self, code: int) -> int:
        """Give the place of a country code; countries without a pack share the last one."""
        return int(self.claimed.places[code]) - 1

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

    def free_shares(
        self, lengths: NDArray[np.int64], gaps: NDArray[np.uint16], claims: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Give the share that any one plate of no format has, its claim included: float64 (n,).

        Args:
            lengths: int64 (n,), characters.
            gaps: uint16 (n,), where separators stand; half of such plates have one, anywhere.
            claims: float64 (n, countries), P(claim | country).

        """
        any_text = np.zeros((_GAPS_NONE + 1, TOKENS_MAX + 1))
        for length, share in ODD_LENGTHS.items():
            any_text[0, length] = share / ODD_CHARACTERS**length
            any_text[1, length] = any_text[0, length] * 0.5 / max(length - 1, 1)
        printed = any_text[np.minimum(np.bitwise_count(gaps), _GAPS_NONE), lengths]
        return np.asarray(printed * (claims @ self.free), np.float64)

    def most(self, tokens: NDArray[np.int8], starts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bound P(read | another plate): float64 (n,), for canonical texts and their starts."""
        best = self.edits.token_best[tokens].max(axis=1)
        return np.asarray((starts * best).sum(axis=1) * slack(tokens), np.float64)


def reading_model(
    packs: Iterable[CountryPack],
    channel: Channel,
    issued: tuple[IssuedPlates, ...] = (),
    cameras: CameraMixes | None = None,
) -> ReadingModel:
    """Put an error model, country packs, registers of plates and cameras' mixes together."""
    be_ready()
    chosen = tuple(packs)
    rates = channel.rates
    right = np.diagonal(rates[:TOKENS, :TOKENS]).T.copy()
    right *= (1 - rates[DROPPED_INSIDE, :TOKENS]) * (1 - rates[DROPPED_INSIDE, RATE])
    right[JUNK] = 1.0
    edits = edit_model(rates)
    bare = written_layouts(chosen, channel, printed=False)
    gate = gate_tables(chosen)
    tables = read_tables(channel, right, edits, gate)
    shares = np.array([*(pack.traffic_share for pack in chosen), 0.0])
    shares[-1] = max(0.0, 1.0 - shares.sum())
    factors, values = claim_factors(len(bare.countries)), gate.tables.values
    by_claim = values[:, SHARE] * factors[:, values[:, COUNTRY].astype(np.int64)]
    return ReadingModel(
        channel=channel,
        printed=written_layouts(chosen, channel, printed=True),
        bare=bare,
        gate=gate,
        explained=tables,
        issued=issued,
        countries=bare.countries,
        shares=shares / shares.sum(),
        free=free_shares(chosen),
        edits=edits,
        right=np.vstack([right, np.ones((1, QUALITIES))]),
        claimed=ClaimedShares(kept(claim_places(bare.countries)), kept(by_claim)),
        claim_factors=factors,
        reach=reach(channel.quality, right, edits),
        cameras=cameras,
    )


@cache
def shipped_reading() -> ReadingModel:
    """Give the model of the packs and the errors that come with the engine."""
    return reading_model(country_packs(), shipped_channel())

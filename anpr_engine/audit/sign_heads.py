"""Signs heads over lines that continue their chains, and over no others.

Why the signer checks: a head says that its site stands by the lines under it. A line that does
not continue its chain is somebody's mistake or deed, and no head goes over it until a person has
looked at what `anpr audit verify` says.
"""

from collections.abc import Iterable

from anpr_engine.audit.chain import Tip, link_of, start_of
from anpr_engine.audit.heads import HeadLine, HeadMaker, Signer, tip_of, with_signature
from anpr_engine.audit.verify import AuditLine


class _Chain:
    """One chain: lines since its newest head, and what stops it."""

    def __init__(self, chain: str, newest: HeadLine | None) -> None:
        self.maker = HeadMaker(chain, newest)
        self.tip: Tip = tip_of(newest.head) if newest else start_of(chain)
        self.place = (newest.head.partition, newest.head.offset) if newest else (0, 0)
        self.fresh: list[str] = []
        self.problem = ""


class HeadSigner:
    """Makes the heads of all chains of one site."""

    def __init__(self, heads: Iterable[HeadLine], signer: Signer) -> None:
        """Go on from the heads there are; their signatures are the caller's to check.

        Raises:
            ValueError: the peaks of a head do not give its root.

        """
        self._signer = signer
        newest = {
            line.head.chain: line for line in sorted(heads, key=lambda each: each.head.number)
        }
        self._chains = {chain: _Chain(chain, line) for chain, line in newest.items()}

    def take(self, lines: Iterable[AuditLine]) -> None:
        """Look at lines; those under a head already, or looked at before, are passed over."""
        for line in lines:
            link = link_of(line.value)
            if link is None:
                continue
            chain = self._chains.get(link.chain)
            if chain is None:
                chain = self._chains[link.chain] = _Chain(link.chain, None)
            if link.sequence < chain.tip.size or chain.problem:
                continue
            if (link.sequence, link.previous) != chain.tip[1:] or link.stated != link.digest:
                chain.problem = (
                    f"partition {line.partition}, offset {line.offset} does not continue "
                    f"line {chain.tip.size - 1} of {link.chain}"
                )
                continue
            chain.fresh.append(link.stated)
            chain.tip, chain.place = link.tip, (line.partition, line.offset + 1)

    def make(self, now_us: int) -> list[HeadLine]:
        """Make and sign a head of each chain that goes on; also where nothing was added.

        A head that says that nothing was added shows that nothing was cut off either.
        """
        made = []
        for chain in self._chains.values():
            head = chain.maker.make(chain.fresh, now_us, chain.place)
            chain.fresh = []
            if head is not None:
                made.append(with_signature(head, self._signer))
        return made

    def problems(self) -> list[str]:
        """Say in words which chains do not go on, and where."""
        return [chain.problem for chain in self._chains.values() if chain.problem]

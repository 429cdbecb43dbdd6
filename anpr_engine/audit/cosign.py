"""Cosigning: what the other side checks of a site's heads before it signs them too.

Why it can: a head says which subtrees its record grew by, so that a side that kept the head
before sees that nothing under it was changed, without being shown one line. From then on the site
cannot give anybody another past than the one that the other side has signed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anpr_engine.audit.check_heads import Verifier, time_of
from anpr_engine.audit.heads import Head, HeadLine, Signer, signed_message, with_signature
from anpr_engine.audit.merkle import grown


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Heads that were cosigned now, and those that were not, each with the reason."""

    heads: list[HeadLine]
    refused: list[tuple[HeadLine, str]]


def cosign(
    heads: Iterable[HeadLine],
    done: Iterable[HeadLine],
    site_keys: Mapping[str, Verifier],
    signer: Signer,
) -> Cosigned:
    """Sign the heads that continue what was signed before; the rest of a chain is refused.

    Args:
        heads: of the other site, in order.
        done: those that this side has cosigned before.
        site_keys: the public keys of the site whose heads they are.
        signer: this side's secret key.

    """
    newest = {line.head.chain: line for line in sorted(done, key=lambda each: each.head.number)}
    made, refused = list[HeadLine](), list[tuple[HeadLine, str]]()
    stopped = set[str]()
    for line in heads:
        chain, before = line.head.chain, newest.get(line.head.chain)
        if before is not None and line.head.number == before.head.number:
            if line.body == before.body:
                continue
        elif before is not None and line.head.number < before.head.number:
            continue
        problem = _problem(line, before, site_keys)
        if chain in stopped:
            problem = "a head before it was refused"
        if problem:
            stopped.add(chain)
            refused.append((line, problem))
            continue
        newest[chain] = with_signature(line, signer)
        made.append(newest[chain])
    return Cosigned(made, refused)


def _problem(line: HeadLine, before: HeadLine | None, keys: Mapping[str, Verifier]) -> str:
    """Say in words why a head may not be signed; empty when it may."""
    head = line.head
    if not any(_is_signed(line, key_id, key) for key_id, key in keys.items()):
        return "no key of its site has signed it"
    if head.number != (before.head.number + 1 if before else 0):
        return f"it is head {head.number}, and {before.head.number + 1 if before else 0} is due"
    if head.previous != (before.digest if before else ""):
        return "it does not name the head before it"
    if before is not None and time_of(head) < time_of(before.head):
        return "it is dated before the head before it"
    return "" if _continues(head, before.head if before else None) else "its record was changed"


def _is_signed(line: HeadLine, key_id: str, key: Verifier) -> bool:
    message = signed_message(line.body)
    for each in line.signatures:
        if each.key == key_id:
            try:
                return key.verifies(bytes.fromhex(each.signature), message)
            except ValueError:
                return False
    return False


def _continues(head: Head, before: Head | None) -> bool:
    size, peaks = (before.size, before.peaks) if before else (0, ())
    if head.size == size and before is not None:
        return (head.root, head.last) == (before.root, before.last)
    try:
        old = [bytes.fromhex(peak) for peak in peaks]
        nodes = [bytes.fromhex(node) for node in head.growth]
        tree = grown(size, old, head.size, nodes)
    except ValueError:
        return False
    told = tuple(node.hex() for node in tree.peaks)
    return tree.root().hex() == head.root and told == head.peaks

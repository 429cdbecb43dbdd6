"""The Merkle tree against the published example of eight leaves, and its refusals."""

import pytest

from anpr_engine.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    continues,
    grown,
    heights,
    includes,
    inclusion_proof,
    leaf_hash,
    root_of,
)

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Roots of the first 0 to 8 leaves: the example that Certificate Transparency is tested with."""


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_the_published_ones(size: int) -> None:
    """Every tree of up to eight leaves has the root that others compute."""
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


def test_a_tree_without_leaves_has_a_root() -> None:
    """It is the hash of nothing."""
    assert Frontier().root() == EMPTY_ROOT


def test_a_proof_for_another_place_does_not_hold() -> None:
    """A proof shows its own leaf at its own index in its own tree."""
    proof, root = inclusion_proof(LEAVES, 5), root_of(LEAVES)
    assert includes(LEAVES[5], (5, 8), proof, root)
    assert not includes(LEAVES[4], (5, 8), proof, root)
    assert not includes(LEAVES[5], (4, 8), proof, root)
    assert not includes(LEAVES[5], (5, 9), proof, root)
    assert not includes(LEAVES[5], (8, 8), proof, root)
    assert not includes(LEAVES[5], (5, 8), [*proof, root], root)
    assert not includes(LEAVES[5], (5, 8), proof[:-1], root)


def test_what_was_rewritten_is_continued_by_nothing() -> None:
    """A proof for the true older tree does not hold for one with another leaf in it."""
    proof = consistency_proof(LEAVES, 6)
    newer = 8, root_of(LEAVES)
    assert continues((6, root_of(LEAVES[:6])), newer, proof)
    other = root_of([*LEAVES[:5], b"else"])
    assert not continues((6, other), newer, proof)
    assert not continues((0, EMPTY_ROOT), newer, proof)
    assert not continues((6, root_of(LEAVES[:6])), newer, [])
    assert not continues((6, root_of(LEAVES[:6])), newer, [*proof, other])
    assert not continues((8, newer[1]), newer, proof)


@pytest.mark.parametrize(("size", "end"), [(0, 8), (3, 8), (5, 6), (6, 6), (4, 7)])
def test_a_tree_grows_by_whole_subtrees(size: int, end: int) -> None:
    """The heights lead from one size to the other, and wrong numbers of nodes are refused."""
    steps = heights(size, end)
    assert size + sum(1 << step for step in steps) == end
    peaks = [leaf_hash(b"")] * size.bit_count()
    with pytest.raises(ValueError, match="subtrees lead from"):
        grown(size, peaks, end, [leaf_hash(b"")] * (len(steps) + 1))


def test_what_makes_no_tree_is_refused() -> None:
    """Peaks that do not fit, a leaf that is not there, an older tree that is larger."""
    with pytest.raises(ValueError, match="has 2 peaks"):
        Frontier(3, [leaf_hash(b"")])
    with pytest.raises(ValueError, match="takes no subtree"):
        Frontier(1, [leaf_hash(b"")]).push_tree(leaf_hash(b""), 1)
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_proof(LEAVES, 8)
    with pytest.raises(ValueError, match="continues none"):
        consistency_proof(LEAVES, 9)

"""The ledger's tree is RFC 9162's, and its proofs hold for what is so and for nothing else."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.points import merkle
from services.points.merkle import Edge, Growing, is_consistent, root_by_inclusion

SIZES_MAX = 300


# The definitions of RFC 9162, as they stand there.
def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    n = len(leaves)
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    n = len(leaves)
    if m == n:
        return [] if whole else [mth(leaves)]
    k = split(n)
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


LEAVES = [f"leaf {number}".encode() for number in range(SIZES_MAX)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [mth(LEAVES[:size]) for size in range(SIZES_MAX + 1)]
# The leaves and roots of Certificate Transparency's reference tests.
KNOWN = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def grown(leaves: list[bytes], steps: list[int]) -> dict[merkle.Place, bytes]:
    """The tiles of a tree that grew in steps, each from the tiles alone, as a builder does that was killed."""
    tiles: dict[merkle.Place, bytes] = {}
    size = 0
    for until in [*sorted(step for step in steps if step < len(leaves)), len(leaves)]:
        edge = Edge(size, tiles)
        tiles |= edge.append(b"".join(merkle.leaf_hash(leaf) for leaf in leaves[size:until]))
        size = until
        assert edge.size == size
        assert edge.root() == merkle.root_of(tiles, (0, size))
    return tiles


TILES = grown(LEAVES, [1, 2, 255, 256, 257])


def test_the_roots_of_the_known_leaves_are_the_known_ones() -> None:
    growing = Growing()
    for size, root in enumerate(KNOWN_ROOTS):
        assert growing.root().hex() == root
        tiles = grown([bytes.fromhex(leaf) for leaf in KNOWN[:size]], [])
        assert merkle.root_of(tiles, (0, size)).hex() == root
        if size < len(KNOWN):
            growing.push(merkle.leaf_hash(bytes.fromhex(KNOWN[size])))


def test_every_size_has_the_root_of_the_definition() -> None:
    growing = Growing()
    for size in range(SIZES_MAX + 1):
        assert merkle.root_of(TILES, (0, size)) == growing.root() == ROOTS[size]
        if size < SIZES_MAX:
            growing.push(HASHES[size])


@given(st.lists(st.integers(0, SIZES_MAX), max_size=8), st.integers(0, SIZES_MAX))
def test_a_tree_does_not_depend_on_the_steps_it_grew_in(steps: list[int], size: int) -> None:
    assert grown(LEAVES[:size], steps) == grown(LEAVES[:size], [])


def test_large_trees_keep_the_roots_of_full_tiles_one_level_up() -> None:
    leaves = [number.to_bytes(4, "big") for number in range(66_000)]
    tiles = grown(leaves, [300, 65_536])
    growing = Growing()
    for leaf in leaves:
        growing.push(merkle.leaf_hash(leaf))
    assert merkle.root_of(tiles, (0, len(leaves))) == growing.root()
    assert max(level for level, _ in tiles) == 2
    for size, index in ((66_000, 65_999), (65_537, 3), (65_536, 40_000), (513, 512)):
        ranges = merkle.inclusion_ranges(index, size)
        needed = {place: tiles[place] for place in merkle.tiles_of(ranges)}
        assert len(needed) <= 8
        proof = [merkle.root_of(needed, leaves_of) for leaves_of in ranges]
        root = merkle.root_of(tiles, (0, size))
        assert root_by_inclusion(merkle.leaf_hash(leaves[index]), index, size, proof) == root


def roots(ranges: list[merkle.Range]) -> list[bytes]:
    needed = {place: TILES[place] for place in merkle.tiles_of(ranges)}
    return [merkle.root_of(needed, leaves) for leaves in ranges]


@pytest.mark.parametrize("size", [*range(1, 70), 127, 128, 129, 255, 256, 257, SIZES_MAX])
def test_inclusion_of_every_leaf_is_proved_as_defined(size: int) -> None:
    for index in {*range(min(size, 40)), size // 2, size - 1}:
        proof = roots(merkle.inclusion_ranges(index, size))
        assert proof == path(index, LEAVES[:size])
        assert root_by_inclusion(HASHES[index], index, size, proof) == ROOTS[size]


@given(st.data())
def test_inclusion_is_proved_for_that_leaf_at_that_place_in_that_tree_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZES_MAX))
    index = data.draw(st.integers(0, size - 1))
    proof = roots(merkle.inclusion_ranges(index, size))
    assert proof == path(index, LEAVES[:size])
    assert root_by_inclusion(HASHES[index], index, size, proof) == ROOTS[size]
    other = data.draw(st.integers(0, SIZES_MAX - 1).filter(lambda found: found != index))
    assert root_by_inclusion(HASHES[other], index, size, proof) != ROOTS[size]
    assert root_by_inclusion(HASHES[index], other, size, proof) != ROOTS[size]
    assert root_by_inclusion(HASHES[index], index, size, [*proof, HASHES[0]]) != ROOTS[size]
    if proof:
        assert root_by_inclusion(HASHES[index], index, size, proof[:-1]) != ROOTS[size]
        damaged = [*proof]
        damaged[data.draw(st.integers(0, len(proof) - 1))] = bytes(32)
        assert root_by_inclusion(HASHES[index], index, size, damaged) != ROOTS[size]


@given(st.data())
def test_consistency_is_proved_between_these_two_trees_alone(data: st.DataObject) -> None:
    second = data.draw(st.integers(1, SIZES_MAX))
    first = data.draw(st.integers(1, second))
    proof = roots(merkle.consistency_ranges(first, second))
    assert proof == subproof(first, LEAVES[:second], True)
    assert is_consistent(first, ROOTS[first], second, ROOTS[second], proof)
    assert not is_consistent(first, bytes(32), second, ROOTS[second], proof)
    assert not is_consistent(first, ROOTS[first], second, bytes(32), proof)
    assert not is_consistent(first, ROOTS[first], second, ROOTS[second], [*proof, bytes(32)])
    if proof:
        damaged = [*proof]
        damaged[data.draw(st.integers(0, len(proof) - 1))] = bytes(32)
        assert not is_consistent(first, ROOTS[first], second, ROOTS[second], damaged)
        assert not is_consistent(first, ROOTS[first], second, ROOTS[second], proof[:-1])


def test_every_pair_of_small_trees_is_consistent() -> None:
    for second in range(1, 66):
        for first in range(1, second + 1):
            proof = roots(merkle.consistency_ranges(first, second))
            assert proof == subproof(first, LEAVES[:second], True)
            assert is_consistent(first, ROOTS[first], second, ROOTS[second], proof)


@pytest.mark.parametrize("ask", [(0, 0), (3, 3), (-1, 3)])
def test_what_a_tree_does_not_have_has_no_proof(ask: tuple[int, int]) -> None:
    with pytest.raises(merkle.TreeTooSmall):
        merkle.inclusion_ranges(*ask)
    assert root_by_inclusion(HASHES[0], *ask, []) is None
    with pytest.raises(merkle.TreeTooSmall):
        merkle.consistency_ranges(4, 3)
    with pytest.raises(merkle.TreeTooSmall):
        merkle.consistency_ranges(0, 3)
    assert not is_consistent(4, ROOTS[4], 3, ROOTS[3], [])


def test_tiles_that_hold_too_little_are_noticed() -> None:
    short = TILES | {(0, 1): TILES[0, 1][:-32]}
    with pytest.raises(merkle.TreeTooSmall):
        merkle.root_of(short, (0, SIZES_MAX))
    with pytest.raises(merkle.TreeTooSmall):
        Edge(SIZES_MAX, short)
    with pytest.raises(KeyError):
        Edge(SIZES_MAX, {})

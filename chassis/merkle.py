"""An append-only Merkle tree as RFC 9162 (section 2.1) defines it, kept in tiles.

The hash of a leaf is SHA-256(0x00 || leaf), of a node SHA-256(0x01 || left ||
right), of no leaves SHA-256 of nothing. Whoever knows a root can be shown that
a leaf is under it, and that an older root is of the same leaves' beginning, by
a number of hashes that grows with the logarithm of the tree.

A tile holds up to 256 hashes side by side. Tile n of level 0 holds the hashes
of the leaves from 256 n on; the hashes of level l + 1 are the roots of the full
tiles of level l. A full tile never changes. A proof reads a few tiles a level.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

HASH_BYTES = 32
TILE_BITS = 8
TILE_HASHES = 1 << TILE_BITS
TILE_BYTES = TILE_HASHES * HASH_BYTES
EMPTY_ROOT = sha256().digest()

Place = tuple[int, int]
"""Where a tile is: its level, and its number in it."""
Tiles = Mapping[Place, bytes]
Range = tuple[int, int]
"""The leaves from the first number up to, and without, the second."""


class TreeTooSmall(ValueError):
    """A proof was asked for of what the tree does not have."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf.

    >>> leaf_hash(b"").hex()
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'
    """
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two others."""
    return sha256(b"\x01" + left + right).digest()


# -- reading tiles -----------------------------------------------------------


def perfect_nodes(leaves: Range) -> Iterator[tuple[int, int]]:
    """The complete subtrees that a range is made of, from left to right: height and number in it.

    The range begins where a subtree of its size, rounded up, may begin.

    >>> list(perfect_nodes((0, 7)))
    [(2, 0), (1, 2), (0, 6)]
    """
    start, end = leaves
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def tiles_of(ranges: Iterable[Range]) -> set[Place]:
    """The tiles that the roots of ranges are computed from."""
    return {_in_tile(height, number)[0] for leaves in ranges for height, number in perfect_nodes(leaves)}


def root_of(tiles: Tiles, leaves: Range) -> bytes:
    """The root over a range of leaves. KeyError when a tile is not there, TreeTooSmall when it holds too little."""
    return fold([_node(tiles, height, number) for height, number in perfect_nodes(leaves)])


def fold(perfect: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that stand from left to right, each smaller than the one before."""
    if not perfect:
        return EMPTY_ROOT
    root = perfect[-1]
    for left in reversed(perfect[:-1]):
        root = node_hash(left, root)
    return root


def _node(tiles: Tiles, height: int, number: int) -> bytes:
    place, first, count = _in_tile(height, number)
    held = tiles[place][first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(held) != count * HASH_BYTES:
        raise TreeTooSmall(f"tile {place} holds too few hashes")
    return _complete(held)


def _in_tile(height: int, number: int) -> tuple[Place, int, int]:
    """The tile that holds what is under a node, the first of these hashes in it, and how many they are."""
    level, above = divmod(height, TILE_BITS)
    first = number << above
    return (level, first >> TILE_BITS), first & (TILE_HASHES - 1), 1 << above


def _complete(held: bytes) -> bytes:
    """The root over a power of two of hashes, side by side."""
    while len(held) > HASH_BYTES:
        pairs = range(0, len(held), 2 * HASH_BYTES)
        held = b"".join([sha256(b"\x01" + held[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
    return held


# -- appending ---------------------------------------------------------------


def edge_of(size: int) -> list[Place]:
    """The tiles that are not full in a tree of so many leaves; without them nothing can be appended.

    >>> edge_of(0), edge_of(300), edge_of(256)
    ([], [(0, 1), (1, 0)], [(1, 0)])
    """
    found, level = [], 0
    while size >> (level * TILE_BITS):
        count = size >> (level * TILE_BITS)
        if count % TILE_HASHES:
            found.append((level, count >> TILE_BITS))
        level += 1
    return found


class Edge:
    """The right edge of a tree: all that is needed to append to it and to know its root."""

    def __init__(self, size: int, tiles: Tiles) -> None:
        """Raises KeyError, TreeTooSmall unless `tiles` holds `edge_of(size)`."""
        self.size = size
        self._open = {place[0]: tiles[place][: _count(size, place[0]) * HASH_BYTES] for place in edge_of(size)}
        for level, held in self._open.items():
            if len(held) != _count(size, level) * HASH_BYTES:
                raise TreeTooSmall(f"the last tile of level {level} holds too few hashes")

    def append(self, hashes: bytes) -> dict[Place, bytes]:
        """Appends hashes of leaves, side by side; the tiles that are new or changed by it."""
        changed: dict[Place, bytes] = {}
        self._extend(0, hashes, changed)
        self.size += len(hashes) // HASH_BYTES
        return changed

    def root(self) -> bytes:
        """The root over all leaves."""
        edge = {(level, number): self._open[level] for level, number in edge_of(self.size)}
        return root_of(edge, (0, self.size))

    def _extend(self, level: int, hashes: bytes, changed: dict[Place, bytes]) -> None:
        number = self.size >> (level + 1) * TILE_BITS
        held, above = self._open.get(level, b"") + hashes, []
        at = 0
        while len(held) - at >= TILE_BYTES:
            full = held[at : at + TILE_BYTES]
            changed[level, number] = full
            above.append(_complete(full))
            number, at = number + 1, at + TILE_BYTES
        self._open[level] = held[at:]
        if self._open[level]:
            changed[level, number] = self._open[level]
        if above:
            self._extend(level + 1, b"".join(above), changed)


def _count(size: int, level: int) -> int:
    """How many hashes the last tile of a level holds, 0 when it is full."""
    return (size >> level * TILE_BITS) % TILE_HASHES


class Growing:
    """The root of a tree that leaves are pushed onto one after another, without keeping them."""

    def __init__(self) -> None:
        self.size = 0
        self._perfect: list[bytes] = []

    def push(self, hashed: bytes) -> None:
        """Appends the hash of a leaf."""
        size = self.size
        while size & 1:
            hashed = node_hash(self._perfect.pop(), hashed)
            size >>= 1
        self._perfect.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        return fold(self._perfect)


# -- proofs ------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose roots prove that a leaf is in a tree of so many (RFC 9162, 2.1.3.1).

    Raises TreeTooSmall.
    """
    if not 0 <= index < size:
        raise TreeTooSmall(f"a tree of {size} leaves has no leaf {index}")
    start, end, found = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges whose roots prove that a tree continues an older one (RFC 9162, 2.1.4.1).

    Raises TreeTooSmall.
    """
    if not 0 < first <= second:
        raise TreeTooSmall(f"a tree of {second} leaves does not continue one of {first}")
    start, end, found = 0, second, []
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    if start:
        found.append((start, end))
    return found[::-1]


def _split(size: int) -> int:
    """The largest power of two that is less than the size."""
    return 1 << (size - 1).bit_length() - 1


def root_by_inclusion(hashed: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a proof of inclusion leads to (RFC 9162, 2.1.3.2); None when it is no proof."""
    if not 0 <= index < size:
        return None
    number, last, root = index, size - 1, hashed
    for sibling in path:
        if not last:
            return None
        if number & 1 or number == last:
            root = node_hash(sibling, root)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        number, last = number >> 1, last >> 1
    return root if not last else None


def is_consistent(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that one tree continues the other (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    hashes = list(path)
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    if not hashes:
        return False
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            return False
        if number & 1 or number == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        number, last = number >> 1, last >> 1
    return not last and old == first_root and new == second_root

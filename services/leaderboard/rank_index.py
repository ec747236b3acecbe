"""The ranks of one board's period in memory: compact arrays, not an object a member.

A member has a handle, a small number; columns hold by handle the score, the
sub-score, when it was reached, and how often it was moved. Blocks of at most
`BLOCK` handles are in the board's order, each beside its scores; their sizes
are kept, and the sums of every `STRIDE` of them. So a rank is two bisections
and two short sums, and a change adds to two numbers: about 50 bytes a member
beside its id.

Members are numbered by an open-addressing table of handles over the ids, which
are one byte string.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import NamedTuple

import numpy as np

BLOCK = 768
"""A full block is split. Larger ones move more bytes, smaller ones make more of them; 500 to 1,000 cost alike."""
FILL = 576
"""So many are in a block of a board that was loaded at once, which leaves room to come between them."""
STRIDE = 64
"""The sums that a rank is made of are shortest where this is near the root of the number of blocks."""
NOBODY = -1


class Ties(Enum):
    """Which of equal scores is before: by the time they were reached, or by sub-score and then who was first."""

    FIRST = "first"
    LAST = "last"
    SUB_SCORE = "sub_score"


class Ranking(Enum):
    """What rank equals share: 1, 2, 2, 4; or 1, 2, 2, 3; or none, 1, 2, 3, 4."""

    COMPETITION = "competition"
    DENSE = "dense"
    ORDINAL = "ordinal"


@dataclass(frozen=True, slots=True)
class Order:
    """How a board is ordered; equal in all that it says, members are in the byte order of their ids."""

    ascending: bool = False
    ties: Ties = Ties.FIRST
    ranking: Ranking = Ranking.ORDINAL

    def key(self, score: int, sub_score: int, reached: int, member: str) -> tuple[int, int, int, bytes]:
        """What a board is sorted by, smallest first.

        >>> Order().key(9, 0, 5, "bob") < Order().key(8, 0, 1, "ann")
        True
        """
        sign = 1 if self.ascending else -1
        return (
            sign * score,
            sign * sub_score if self.ties is Ties.SUB_SCORE else 0,
            -reached if self.ties is Ties.LAST else reached,
            member.encode(),
        )


class _Names:
    """Handles by id, and ids by handle."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I", [0])
        self._table = array("I", bytes(4 * 64))
        self._mask = 63

    def __len__(self) -> int:
        return len(self._ends) - 1

    def name(self, handle: int) -> str:
        return self._bytes[self._ends[handle] : self._ends[handle + 1]].decode()

    def find(self, member: str) -> int:
        """The handle of a member; NOBODY without one."""
        raw, table, mask, ends, held = member.encode(), self._table, self._mask, self._ends, self._bytes
        place = hash(member) & mask
        while found := table[place]:
            if held[ends[found - 1] : ends[found]] == raw:
                return found - 1
            place = (place + 1) & mask
        return NOBODY

    def add(self, member: str) -> int:
        """The handle of a member who has none."""
        self._bytes += member.encode()
        self._ends.append(len(self._bytes))
        handle = len(self._ends) - 2
        if 2 * handle > self._mask:
            self._grow()
        else:
            self._place(hash(member), handle)
        return handle

    def extend(self, members: Sequence[str]) -> None:
        """Adds members of whom none is there yet."""
        for member in members:
            self._bytes += member.encode()
            self._ends.append(len(self._bytes))
        self._grow()

    def forget(self, handle: int) -> None:
        """Overwrites an id, whose handle stays taken."""
        start, end = self._ends[handle], self._ends[handle + 1]
        self._bytes[start:end] = bytes(end - start)

    def bytes_held(self) -> int:
        """What it takes of memory, but for the ids' own bytes."""
        return sys.getsizeof(self._ends) + sys.getsizeof(self._table)

    def _grow(self) -> None:
        while 2 * len(self) > self._mask:
            self._mask = 2 * self._mask + 1
        self._table = array("I", bytes(4 * (self._mask + 1)))
        table, mask = self._table, self._mask
        for number in range(1, len(self._ends)):
            place = hash(self.name(number - 1)) & mask
            while table[place]:
                place = (place + 1) & mask
            table[place] = number

    def _place(self, hashed: int, handle: int) -> None:
        place = hashed & self._mask
        while self._table[place]:
            place = (place + 1) & self._mask
        self._table[place] = handle + 1


class Place(NamedTuple):
    """A member's place. `position` counts from 0, in the order; `rank` from 1, as the board ranks equals."""

    position: int
    rank: int
    member: str
    score: int
    sub_score: int
    reached: int


class RankIndex:
    """The order of one board's period.

    >>> index = RankIndex(Order(ranking=Ranking.COMPETITION))
    >>> for number, (member, score) in enumerate([("ann", 5), ("bob", 7), ("cem", 7), ("dan", 1)]):
    ...     index.put(member, score, 0, number, 1)
    >>> [(place.rank, place.member) for place in index.page(0, 10)]
    [(1, 'bob'), (1, 'cem'), (3, 'ann'), (4, 'dan')]
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.version = 0
        self._sign = 1 if order.ascending else -1
        self._names = _Names()
        self._scores, self._sub_scores, self._reached = array("q"), array("q"), array("q")
        self._moves, self._present = array("I"), bytearray()
        self._blocks: list[array[int]] = []
        self._firsts: list[array[int]] = []
        self._lasts = array("q")
        self._sizes: list[int] = []
        self._strides: list[int] = []
        self._summed: tuple[int, list[int]] = (-1, [])
        self._count = 0
        self._groups: RankIndex | None = None
        if order.ranking is Ranking.DENSE:
            self._groups = RankIndex(Order(order.ascending, Ties.SUB_SCORE))

    def __len__(self) -> int:
        return self._count

    # -- changing -----------------------------------------------------------

    def put(self, member: str, score: int, sub_score: int, reached: int, moves: int) -> None:
        """Ranks a member by a score moved `moves` times; one that was moved less than what is there changes nothing."""
        handle = self._names.find(member)
        if handle == NOBODY:
            handle = self._new(member, moves)
        elif self._moves[handle] >= moves:
            return
        elif self._present[handle]:
            self._take_out(handle)
        self._scores[handle], self._sub_scores[handle], self._reached[handle] = score, sub_score, reached
        self._moves[handle] = moves
        self._put_in(handle)

    def remove(self, member: str) -> bool:
        """Takes a member out until it is restored. Whether it was ranked."""
        handle = self._names.find(member)
        if handle == NOBODY or not self._present[handle]:
            return False
        self._take_out(handle)
        return True

    def restore(self, member: str) -> bool:
        """Ranks a member again who was taken out. Whether there was one."""
        handle = self._names.find(member)
        if handle == NOBODY or self._present[handle]:
            return False
        self._put_in(handle)
        return True

    def forget(self, member: str) -> None:
        """Takes a member out for ever, with the id."""
        handle = self._names.find(member)
        if handle != NOBODY:
            if self._present[handle]:
                self._take_out(handle)
            self._names.forget(handle)

    def load(self, members: Sequence[str], columns: np.ndarray) -> None:
        """Ranks many members at once on an empty index; `columns` are scores, sub-scores, times and moves, as int64."""
        scores, sub_scores, reached, moves = columns
        self._names.extend(members)
        for column, values in ((self._scores, scores), (self._sub_scores, sub_scores), (self._reached, reached)):
            column.frombytes(np.ascontiguousarray(values, "=i8").tobytes())
        self._moves.frombytes(moves.astype("=u4").tobytes())
        self._present = bytearray(b"\1" * len(members))
        first = self._sign * scores
        second = self._sign * sub_scores if self.order.ties is Ties.SUB_SCORE else np.zeros_like(scores)
        third = -reached if self.order.ties is Ties.LAST else reached
        ordered = np.lexsort((third, second, first))
        equal = np.ones(len(ordered) - 1 if len(ordered) else 0, bool)
        for values in (first, second, third):
            sorted_values = values[ordered]
            equal &= sorted_values[1:] == sorted_values[:-1]
        handles = ordered.tolist()
        for start, end in _runs(np.flatnonzero(equal)):
            handles[start:end] = sorted(handles[start:end], key=lambda handle: members[handle].encode())
        values = first.tolist()
        self._blocks = [array("I", handles[at : at + FILL]) for at in range(0, len(handles), FILL)]
        self._firsts = [array("q", [values[handle] for handle in block]) for block in self._blocks]
        self._lasts = array("q", [firsts[-1] for firsts in self._firsts])
        self._count = len(handles)
        self._count_blocks()
        self.version += 1
        if self._groups is not None:
            for handle in handles:
                self._note_group(handle)

    # -- reading ------------------------------------------------------------

    def moves(self, member: str) -> int:
        """How often the member's score was moved; 0 without one, ranked or not."""
        handle = self._names.find(member)
        return 0 if handle == NOBODY else self._moves[handle]

    def place(self, member: str) -> Place | None:
        """A member's place; None unless it is ranked."""
        handle = self._names.find(member)
        if handle == NOBODY or not self._present[handle]:
            return None
        return self._place(handle, self._position(handle))

    def places(self, members: Iterable[str]) -> list[Place]:
        """The places of those of the members who are ranked, from the top; of each once."""
        if self.order.ranking is not Ranking.ORDINAL:
            return sorted(place for member in dict.fromkeys(members) if (place := self.place(member)) is not None)
        # As `place` does, in one pass: calls would cost as much as what they do.
        find, present, lasts, blocks, firsts_of = (
            self._names.find,
            self._present,
            self._lasts,
            self._blocks,
            self._firsts,
        )
        scores, sub_scores, reached, sign = self._scores, self._sub_scores, self._reached, self._sign
        starts, found = self._starts(), []
        for member in dict.fromkeys(members):
            handle = find(member)
            if handle == NOBODY or not present[handle]:
                continue
            score = scores[handle]
            value = sign * score
            number = bisect_left(lasts, value)
            firsts = firsts_of[number]
            within = bisect_left(firsts, value)
            if lasts[number] == value or blocks[number][within] != handle:
                number, within = self._find(handle)
            position = starts[number] + within
            found.append((position, position + 1, member, score, sub_scores[handle], reached[handle]))
        found.sort()
        return list(map(Place._make, found))

    def rank(self, member: str) -> int:
        """A member's rank; 0 unless it is ranked."""
        handle = self._names.find(member)
        if handle == NOBODY or not self._present[handle]:
            return 0
        return self._rank(handle, self._position(handle) if self.order.ranking is Ranking.ORDINAL else 0)

    def page(self, start: int, count: int) -> list[Place]:
        """The places from a position on, at most so many."""
        found: list[Place] = []
        rank, before = 0, NOBODY
        for position, handle in enumerate(self._from(start, count), start):
            if before == NOBODY:
                rank = self._rank(handle, position)
            elif self.order.ranking is Ranking.ORDINAL or not self._are_equal(before, handle):
                rank = rank + 1 if self.order.ranking is Ranking.DENSE else position + 1
            found.append(self._shown(handle, position, rank))
            before = handle
        return found

    def position_after(self, score: int, sub_score: int, reached: int, member: str) -> int:
        """The position of the first that comes after such a place, whether anybody has it or not."""
        key = self.order.key(score, sub_score, reached, member)
        number = bisect_right(self._blocks, key, key=self._last_key)
        if number == len(self._blocks):
            return self._count
        return self._before(number) + bisect_right(self._blocks[number], key, key=self._key)

    def total(self) -> int:
        """The sum of all ranked members' scores."""
        whole = self._sign * sum(sum(firsts) for firsts in self._firsts)
        return int(whole)

    def everyone(self) -> Iterator[tuple[str, int, int, int, int, bool]]:
        """Members with score, sub-score, time and moves, and whether they are ranked; none who is forgotten."""
        for handle in range(len(self._names)):
            member = self._names.name(handle)
            if not member.startswith("\0"):
                yield (
                    member,
                    self._scores[handle],
                    self._sub_scores[handle],
                    self._reached[handle],
                    self._moves[handle],
                    bool(self._present[handle]),
                )

    def bytes_held(self) -> int:
        """What it takes of memory, but for the ids' own bytes."""
        columns = [self._scores, self._sub_scores, self._reached, self._moves, self._present, self._lasts]
        arrays = [*columns, *self._blocks, *self._firsts]
        lists = [self._blocks, self._firsts, self._sizes, self._strides, *self._sizes, *self._strides]
        return sum(map(sys.getsizeof, [*lists, *arrays])) + self._names.bytes_held()

    # -- inside -------------------------------------------------------------

    def _new(self, member: str, moves: int) -> int:
        handle = self._names.add(member)
        for column in (self._scores, self._sub_scores, self._reached):
            column.append(0)
        self._moves.append(moves)
        self._present.append(0)
        return handle

    def _key(self, handle: int) -> tuple[int, int, int, bytes]:
        order = self.order
        return (
            self._sign * self._scores[handle],
            self._sign * self._sub_scores[handle] if order.ties is Ties.SUB_SCORE else 0,
            -self._reached[handle] if order.ties is Ties.LAST else self._reached[handle],
            self._names.name(handle).encode(),
        )

    def _find(self, handle: int) -> tuple[int, int]:
        """The block where a handle is or belongs, and its place in it; the number of blocks when it is behind all."""
        value, lasts = self._sign * self._scores[handle], self._lasts
        number = bisect_left(lasts, value)
        if number == len(lasts):
            return number, 0
        if lasts[number] == value:  # equals may go on in the next blocks
            key, end = self._key(handle), bisect_right(lasts, value, number)
            number = bisect_left(self._blocks, key, number, end, key=self._last_key)
            if number == len(lasts):
                return number, 0
        firsts = self._firsts[number]
        low = bisect_left(firsts, value)
        if low == len(firsts) or firsts[low] != value:
            return number, low
        block = self._blocks[number]
        if block[low] == handle:  # it is there, and the first or only one of its equals
            return number, low
        high = bisect_right(firsts, value, low)
        if self.order.ties is Ties.FIRST:  # by the time alone, which seldom is the same
            reached = self._reached
            low = bisect_left(block, reached[handle], low, high, key=reached.__getitem__)
            if low == high or block[low] == handle or reached[block[low]] != reached[handle]:
                return number, low
        return number, bisect_left(block, self._key(handle), low, high, key=self._key)

    def _last_key(self, block: "array[int]") -> tuple[int, int, int, bytes]:
        return self._key(block[-1])

    def _put_in(self, handle: int) -> None:
        number, place = self._find(handle)
        value = self._sign * self._scores[handle]
        if number == len(self._blocks):  # behind all
            if not self._blocks:
                self._blocks, self._firsts, self._lasts = [array("I")], [array("q")], array("q", [value])
                self._sizes, self._strides = [0], [0]
                number = 1
            number -= 1
            place = len(self._blocks[number])
            self._lasts[number] = value
        block = self._blocks[number]
        block.insert(place, handle)
        self._firsts[number].insert(place, value)
        self._present[handle] = 1
        self._count += 1
        self.version += 1
        if len(block) > BLOCK:
            self._split(number)
        else:
            self._sizes[number] += 1
            self._strides[number // STRIDE] += 1
        if self._groups is not None:
            self._note_group(handle)

    def _take_out(self, handle: int) -> None:
        number, place = self._find(handle)
        firsts = self._firsts[number]
        if self._groups is not None and not self._has_equal_neighbour(number, place):
            self._groups.remove(_group(self._scores[handle], self._sub_of(handle)))
        del self._blocks[number][place]
        del firsts[place]
        self._present[handle] = 0
        self._count -= 1
        self.version += 1
        if not firsts:
            del self._blocks[number], self._firsts[number], self._lasts[number]
            self._count_blocks()
            return
        if place == len(firsts):
            self._lasts[number] = firsts[-1]
        self._sizes[number] -= 1
        self._strides[number // STRIDE] -= 1

    def _split(self, number: int) -> None:
        block, firsts = self._blocks[number], self._firsts[number]
        half = len(block) // 2
        self._blocks[number : number + 1] = [block[:half], block[half:]]
        self._firsts[number : number + 1] = [firsts[:half], firsts[half:]]
        self._lasts.insert(number, firsts[half - 1])
        self._count_blocks()

    def _count_blocks(self) -> None:
        sizes = self._sizes = list(map(len, self._blocks))
        self._strides = [sum(sizes[start : start + STRIDE]) for start in range(0, len(sizes), STRIDE)]

    def _before(self, number: int) -> int:
        """How many are in the blocks before one."""
        stride = number // STRIDE
        return sum(self._strides[:stride]) + sum(self._sizes[stride * STRIDE : number])

    def _starts(self) -> list[int]:
        """How many are before each block, summed anew when the index has changed."""
        version, starts = self._summed
        if version != self.version:
            starts = [0, *accumulate(self._sizes)]
            self._summed = (self.version, starts)
        return starts

    def _position(self, handle: int) -> int:
        number, place = self._find(handle)
        return self._before(number) + place

    def _place(self, handle: int, position: int) -> Place:
        return self._shown(handle, position, self._rank(handle, position))

    def _shown(self, handle: int, position: int, rank: int) -> Place:
        return Place(
            position,
            rank,
            self._names.name(handle),
            self._scores[handle],
            self._sub_scores[handle],
            self._reached[handle],
        )

    def _rank(self, handle: int, position: int) -> int:
        if self.order.ranking is Ranking.ORDINAL:
            return position + 1
        if self._groups is not None:
            return self._groups.rank(_group(self._scores[handle], self._sub_of(handle)))
        return self._first_of_equals(handle) + 1

    def _first_of_equals(self, handle: int) -> int:
        """The position of the first that is equal in score, and in sub-score where that counts."""
        value = self._sign * self._scores[handle]
        number = bisect_left(self._lasts, value)
        if self.order.ties is not Ties.SUB_SCORE:
            return self._before(number) + bisect_left(self._firsts[number], value)
        second = self._sign * self._sub_scores[handle]
        end = bisect_right(self._lasts, value, number)

        def second_of(other: int) -> int:
            return self._sign * self._sub_scores[other]

        number = bisect_left(self._blocks, second, number, end, key=lambda block: second_of(block[-1]))
        firsts = self._firsts[number]
        low, high = bisect_left(firsts, value), bisect_right(firsts, value)
        return self._before(number) + bisect_left(self._blocks[number], second, low, high, key=second_of)

    def _from(self, start: int, count: int) -> Iterator[int]:
        """Handles from a position on."""
        number, left = 0, start
        for size in self._strides:  # the last block before which there are no more than `start`
            if size > left:
                break
            number, left = number + STRIDE, left - size
        for size in self._sizes[number : number + STRIDE]:
            if size > left:
                break
            number, left = number + 1, left - size
        while count > 0 and number < len(self._blocks):
            some = self._blocks[number][left : left + count]
            yield from some
            count -= len(some)
            number, left = number + 1, 0

    def _sub_of(self, handle: int) -> int:
        return self._sub_scores[handle] if self.order.ties is Ties.SUB_SCORE else 0

    def _are_equal(self, one: int, other: int) -> bool:
        return self._scores[one] == self._scores[other] and self._sub_of(one) == self._sub_of(other)

    def _has_equal_neighbour(self, number: int, place: int) -> bool:
        block = self._blocks[number]
        before = block[place - 1] if place else (self._blocks[number - 1][-1] if number else None)
        if place + 1 < len(block):
            after: int | None = block[place + 1]
        else:
            after = self._blocks[number + 1][0] if number + 1 < len(self._blocks) else None
        return any(other is not None and self._are_equal(block[place], other) for other in (before, after))

    def _note_group(self, handle: int) -> None:
        assert self._groups is not None  # noqa: S101 - asked before
        score, sub_score = self._scores[handle], self._sub_of(handle)
        name = _group(score, sub_score)
        if not self._groups.restore(name):
            self._groups.put(name, score, sub_score, 0, 1)


def _group(score: int, sub_score: int) -> str:
    """The name of those that are equal, in the index of a dense ranking's distinct scores."""
    return f"{score}/{sub_score}"


def _runs(starts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ranges of neighbours that are equal, from the places that equal the next one."""
    begin = end = NOBODY
    for start in starts:
        if start != end:
            if begin != NOBODY:
                yield int(begin), int(end) + 1
            begin = start
        end = start + 1
    if begin != NOBODY:
        yield int(begin), int(end) + 1

"""The rank index is a sorted list, whatever was put in, moved, taken out and put back."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.leaderboard import rank_index
from services.leaderboard.rank_index import Order, RankIndex, Ranking, Ties

ORDERS = [Order(*parts) for parts in product((False, True), Ties, Ranking)]
MEMBERS = st.text("ab_9", min_size=1, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), MEMBERS, st.integers(-3, 3), st.integers(0, 2), st.integers(0, 3)),
        st.tuples(st.sampled_from(["remove", "restore", "forget"]), MEMBERS),
    ),
    max_size=120,
)


def expected(order: Order, scores: dict[str, tuple[int, int, int]]) -> list[tuple[int, int, str]]:
    """Position, rank and member, by sorting and counting."""
    ranked = sorted(scores, key=lambda member: order.key(*scores[member], member))
    found: list[tuple[int, int, str]] = []
    groups: list[tuple[int, int]] = []
    for position, member in enumerate(ranked):
        score, sub_score, _ = scores[member]
        group = (score, sub_score if order.ties is Ties.SUB_SCORE else 0)
        if not groups or group != groups[-1]:
            groups.append(group)
            first = position
        rank = {Ranking.ORDINAL: position + 1, Ranking.DENSE: len(groups), Ranking.COMPETITION: first + 1}
        found.append((position, rank[order.ranking], member))
    return found


def seen(index: RankIndex) -> list[tuple[int, int, str]]:
    return [(place.position, place.rank, place.member) for place in index.page(0, 1_000)]


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=40, deadline=None)
@given(steps=STEPS, block=st.integers(2, 6), stride=st.integers(1, 3))
def test_an_index_is_a_sorted_list(order: Order, steps, block, stride) -> None:
    before, rank_index.BLOCK = rank_index.BLOCK, block
    stride_before, rank_index.STRIDE = rank_index.STRIDE, stride
    try:
        index = RankIndex(order)
        scores: dict[str, tuple[int, int, int]] = {}
        out: dict[str, tuple[int, int, int]] = {}
        for number, (step, member, *values) in enumerate(steps, 1):
            if step == "put":
                out.pop(member, None)
                scores[member] = tuple(values)
                index.put(member, *values, number)
            elif step == "remove":
                assert index.remove(member) == (member in scores)
                if member in scores:
                    out[member] = scores.pop(member)
            elif step == "restore":
                assert index.restore(member) == (member in out)
                if member in out:
                    scores[member] = out.pop(member)
            else:
                index.forget(member)
                scores.pop(member, None)
                out.pop(member, None)
        whole = expected(order, scores)
        assert seen(index) == whole
        assert len(index) == len(whole)
        for position, rank, member in whole:
            place = index.place(member)
            assert place is not None
            assert (place.position, place.rank, index.rank(member)) == (position, rank, rank)
            assert (place.score, place.sub_score, place.reached) == scores[member]
        names = [member for _, _, member in whole]
        some = [*reversed(names), "nobody", *names[::2]]
        assert [(p.position, p.rank, p.member) for p in index.places(some)] == whole
        assert [(p.position, p.rank, p.member) for p in index.places(names[1::2])] == whole[1::2]
        assert all(index.place(p.member) == p for p in index.places(names))
        for start in range(len(whole) + 1):
            assert [(p.position, p.rank, p.member) for p in index.page(start, 3)] == whole[start : start + 3]
    finally:
        rank_index.BLOCK, rank_index.STRIDE = before, stride_before


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=40, deadline=None)
@given(
    scores=st.dictionaries(MEMBERS, st.tuples(st.integers(-3, 3), st.integers(0, 2), st.integers(0, 3))),
    fill=st.integers(1, 4),
)
def test_an_index_that_is_loaded_at_once_is_the_one_that_grew(order: Order, scores, fill) -> None:
    before, rank_index.FILL = rank_index.FILL, fill
    try:
        index = RankIndex(order)
        columns = np.array([[*values, 7] for values in scores.values()], "i8").reshape(len(scores), 4).T
        index.load(list(scores), columns)
        assert seen(index) == expected(order, scores)
        index.put("new", 1, 1, 1, 1)
        assert seen(index) == expected(order, {**scores, "new": (1, 1, 1)})
        assert all(index.moves(member) == 7 for member in scores)
    finally:
        rank_index.FILL = before


def test_what_was_moved_less_than_what_is_there_changes_nothing() -> None:
    index = RankIndex(Order())
    index.put("ann", 5, 0, 1, 3)
    index.put("ann", 9, 0, 1, 2)
    index.put("ann", 9, 0, 1, 3)
    place = index.place("ann")
    assert place is not None
    assert (place.score, index.moves("ann")) == (5, 3)


def test_a_forgotten_member_is_nowhere_in_the_index() -> None:
    index = RankIndex(Order())
    index.put("canary", 5, 0, 1, 1)
    index.forget("canary")
    assert index.place("canary") is None
    assert b"canary" not in bytes(index._names._bytes)

"""A board, whatever its operator, ties, ranks and periods, is a sorted list of what all its facts say.

However the facts are ordered, however often what replicas are told is applied,
and in whatever order that is.
"""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.leaderboard import ranks
from services.leaderboard.periods import Continuous, Cron, Fixed, Periods
from services.leaderboard.rank_index import Order, Ranking, Ties
from services.leaderboard.ranking import Fact, Operator, Score, Scoring, microseconds, move
from services.leaderboard.ranks import BrandRanks

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)  # clocks change in the night that follows
PERIODS: dict[str, Periods] = {
    "continuous": Continuous(),
    "cron": Cron("0 0 * * *", ZoneInfo("Europe/Berlin")),
    "fixed": Fixed([(NOON, NOON + timedelta(hours=9)), (NOON + timedelta(hours=12), NOON + timedelta(hours=30))]),
}
FACTS = st.lists(
    st.builds(
        Fact,
        st.just("board"),
        st.sampled_from(["ann", "bob", "cem", "Zoe"]),
        st.integers(-2, 2),
        st.integers(0, 1),
        st.integers(-3, 40).map(lambda hour: NOON + timedelta(hours=hour)),
        st.sampled_from("xy"),
    ),
    max_size=25,
)


def played(scoring: Scoring, periods: Periods, facts: list[Fact]) -> tuple[dict[tuple[int, str], Score], list[list]]:
    """The scores that facts make as they come in, and what replicas are told of each."""
    scores: dict[tuple[int, str], Score] = {}
    told = []
    for fact in facts:
        span = periods.at(fact.occurred_at)
        if span is None:
            continue
        score = scores.setdefault((span.period, fact.member), Score("board", span.period, fact.member))
        if move(scoring, score, fact):
            told.append(ranks.scored(score))
    return scores, told


def board_of(order: Order, told: list[list]) -> dict[int, list[tuple[int, str, int]]]:
    replica = BrandRanks()
    for _, board, period, *score in told:
        index = replica.indexes.get((board, period))
        if index is None:
            index = replica.indexes[board, period] = ranks.RankIndex(order)
        replica.put(board, period, *score)
    return {
        period: [(place.rank, place.member, place.score) for place in index.page(0, 100)]
        for (_, period), index in replica.indexes.items()
    }


def sorted_board(order: Order, scores: dict[tuple[int, str], Score]) -> dict[int, list[tuple[int, str, int]]]:
    found: dict[int, list[tuple[int, str, int]]] = {}
    for period in {period for period, _ in scores}:
        of_period = [score for (number, _), score in scores.items() if number == period]
        of_period.sort(key=lambda s: order.key(s.score, s.sub_score, microseconds(s.reached_at), s.member))
        equals = [(s.score, s.sub_score if order.ties is Ties.SUB_SCORE else 0) for s in of_period]
        for place, score in enumerate(of_period):
            rank = {
                Ranking.ORDINAL: place + 1,
                Ranking.COMPETITION: equals.index(equals[place]) + 1,
                Ranking.DENSE: len(set(equals[: place + 1])),
            }[order.ranking]
            found.setdefault(period, []).append((rank, score.member, score.score))
    return found


@pytest.mark.parametrize(("operator", "periods"), list(product(Operator, PERIODS)))
@settings(max_examples=60, deadline=None)
@given(
    facts=FACTS,
    order=st.builds(Order, st.booleans(), st.sampled_from(Ties), st.sampled_from(Ranking)),
    random=st.randoms(use_true_random=False),
)
def test_a_board_is_a_sorted_list_under_reordering_and_replay(operator, periods, facts, order, random) -> None:
    scoring, how = Scoring(operator, order), PERIODS[periods]
    scores, told = played(scoring, how, facts)
    expected = sorted_board(order, scores)
    assert board_of(order, told) == expected
    repeated = random.sample(told + told, 2 * len(told))
    assert board_of(order, repeated) == expected
    again, told_again = played(scoring, how, random.sample(facts, len(facts)))
    assert sorted_board(order, again) == expected
    assert board_of(order, told_again) == expected

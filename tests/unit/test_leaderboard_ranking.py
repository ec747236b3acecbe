"""A score is the same in whatever order what moves it arrives, and is what a sorted list of the moves says."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.leaderboard.rank_index import Order, Ties
from services.leaderboard.ranking import (
    Fact,
    Limits,
    Operator,
    OutOfBounds,
    RateLimited,
    Score,
    ScoreTooLarge,
    Scoring,
    check,
    count,
    move,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS = st.lists(
    st.builds(
        Fact,
        st.just("board"),
        st.just("ann"),
        st.integers(-3, 3),
        st.integers(-2, 2),
        st.integers(0, 4).map(lambda minute: NOON + timedelta(minutes=minute)),
        st.sampled_from("xyz"),
    ),
    min_size=1,
    max_size=12,
)
SCORINGS = [Scoring(operator, Order(*order)) for operator in Operator for order in product((False, True), Ties)]


def folded(scoring: Scoring, facts: list[Fact]) -> Score:
    score = Score("board", 0, "ann")
    for fact in facts:
        move(scoring, score, fact)
    return score


def expected(scoring: Scoring, facts: list[Fact]) -> tuple[int, int, datetime]:
    """Score, sub-score and when it was reached, from all facts at once."""
    sign = 1 if scoring.order.ascending else -1
    latest = max(fact.occurred_at for fact in facts)
    match scoring.operator:
        case Operator.ADD:
            return sum(f.score for f in facts), sum(f.sub_score for f in facts), latest
        case Operator.COUNT:
            return len(facts), sum(f.sub_score for f in facts), latest
        case Operator.DISTINCT:
            first = {v: min(f.occurred_at for f in facts if f.value == v) for v in {f.value for f in facts}}
            return len(first), 0, max(first.values())
        case Operator.LAST:
            of_latest = [f for f in facts if f.occurred_at == latest]
            stays = min(of_latest, key=lambda f: (sign * f.score, sign * f.sub_score))
        case _:
            turn = sign if scoring.operator is Operator.BEST else -sign
            sub = turn if scoring.order.ties is Ties.SUB_SCORE else 0
            best = min((turn * f.score, sub * f.sub_score) for f in facts)
            equal = [f for f in facts if (turn * f.score, sub * f.sub_score) == best]
            stays = min(equal, key=lambda f: (f.occurred_at, turn * f.sub_score))
    return stays.score, stays.sub_score, stays.occurred_at


@pytest.mark.parametrize("scoring", SCORINGS)
@given(facts=FACTS, random=st.randoms(use_true_random=False))
def test_a_score_is_what_all_its_facts_say_in_whatever_order(scoring: Scoring, facts, random) -> None:
    for order in (facts, random.sample(facts, len(facts))):
        score = folded(scoring, order)
        assert (score.score, score.sub_score, score.reached_at) == expected(scoring, facts)


def test_a_move_out_of_bounds_or_beyond_a_json_number_is_refused() -> None:
    scoring = Scoring(Operator.ADD, Order(), Limits(-5, 2**53 - 1))
    fact = Fact("board", "ann", 2**53 - 1, 0, NOON)
    check(scoring, None, fact, NOON)
    with pytest.raises(OutOfBounds):
        check(scoring, None, Fact("board", "ann", -6, 0, NOON), NOON)
    score = folded(scoring, [fact])
    with pytest.raises(ScoreTooLarge):
        check(scoring, score, Fact("board", "ann", 1, 0, NOON), NOON)
    check(scoring, score, Fact("board", "ann", -1, 0, NOON), NOON)


def test_a_rate_holds_in_each_window_and_what_is_late_counts_into_the_newest() -> None:
    scoring = Scoring(Operator.ADD, Order(), Limits(count=2, window_s=60))
    score = Score("board", 0, "ann")
    fact = Fact("board", "ann", 1, 0, NOON)

    def moved(second: int) -> None:
        at = NOON + timedelta(seconds=second)
        check(scoring, score, fact, at)
        move(scoring, score, fact)
        count(scoring, score, at)

    moved(0)
    moved(59)
    with pytest.raises(RateLimited):
        moved(30)
    moved(60)
    moved(1)  # late, and the second of the newest window
    with pytest.raises(RateLimited):
        moved(119)
    assert score.score == 4

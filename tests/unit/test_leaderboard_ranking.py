"""A score does not depend on the order of arrival, and the order of a board leaves no two members equal."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.leaderboard.ranking import Scores, order

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENTS = st.integers(-(10**6), 10**6).map(lambda seconds: NOON + timedelta(seconds=seconds))
MEMBERS = st.text("AZaz09_-", min_size=1, max_size=4)
GAINS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["ann", "bob"]), st.integers(1, 2**53 - 1), MOMENTS)
)


def added(gains: list[tuple[str, str, int, datetime]]) -> Scores:
    scores = Scores()
    for gain in gains:
        scores.add(*gain)
    return scores


@given(GAINS, st.randoms(use_true_random=False), st.integers(0, 20))
def test_a_score_is_the_same_in_whatever_order_and_grouping_it_is_gained(gains, random, cut) -> None:
    whole = added(gains)
    shuffled = random.sample(gains, len(gains))
    parts = [added(part).by_key.items() for part in (shuffled[:cut], shuffled[cut:])]
    joined = added([(*key, *value) for part in parts for key, value in part])
    assert joined.by_key == whole.by_key


@given(GAINS)
def test_a_score_is_the_exact_sum_and_was_reached_at_the_latest_gain(gains) -> None:
    for key, (score, reached_at) in added(gains).by_key.items():
        own = [gain for gain in gains if gain[:2] == key]
        assert score == sum(amount for _, _, amount, _ in own)
        assert reached_at == max(at for _, _, _, at in own)


@given(st.dictionaries(MEMBERS, st.tuples(st.integers(1, 3), st.sampled_from([NOON, NOON + timedelta(hours=1)]))))
def test_a_board_is_ordered_by_score_then_time_then_member(scores) -> None:
    ranked = sorted(scores, key=lambda member: order(*scores[member], member))
    for above, below in pairwise(ranked):
        (score, at), (lower, later) = scores[above], scores[below]
        assert score >= lower
        if score == lower:
            assert at <= later
            if at == later:
                assert above.encode() < below.encode()

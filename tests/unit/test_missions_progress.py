"""Progress is a sum that stops at its target, and a mission is finished exactly once."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.missions.progress import Progress, grow, shown

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUES = st.lists(st.integers(1, 1_000), max_size=60)
TARGETS = st.integers(1, 2_000)


def grown(values: list[int], target: int) -> tuple[Progress, list[int]]:
    """The state after the values, one a minute, and the places of those that finished the mission."""
    state = Progress()
    moments = (NOON + timedelta(minutes=place) for place in range(len(values)))
    finished = [
        place for place, (value, at) in enumerate(zip(values, moments, strict=False)) if grow(state, value, target, at)
    ]
    return state, finished


@given(VALUES, TARGETS)
def test_progress_is_the_sum_and_never_more_than_the_target(values: list[int], target: int) -> None:
    state, _ = grown(values, target)
    assert state.progress == min(sum(values), target)


@given(VALUES, TARGETS)
def test_a_mission_is_finished_exactly_once_by_the_activity_that_reaches_the_target(
    values: list[int], target: int
) -> None:
    state, finished = grown(values, target)
    reaching = [place for place in range(len(values)) if sum(values[: place + 1]) >= target][:1]
    assert finished == reaching
    assert state.completed_at == (NOON + timedelta(minutes=reaching[0]) if reaching else None)


@given(VALUES, TARGETS, st.randoms())
def test_the_order_of_activities_changes_neither_the_progress_nor_whether_it_is_finished(
    values: list[int], target: int, random: Random
) -> None:
    state, finished = grown(values, target)
    shuffled = list(values)
    random.shuffle(shuffled)
    other, other_finished = grown(shuffled, target)
    assert (state.progress, len(finished)) == (other.progress, len(other_finished))


@given(VALUES, TARGETS, VALUES, TARGETS)
def test_a_finished_mission_stays_as_it_was_under_any_later_version(
    values: list[int], target: int, later: list[int], later_target: int
) -> None:
    state, finished = grown([*values, target], target)
    before = Progress(state.progress, state.target, state.completed_at)
    assert finished
    for value in later:
        assert not grow(state, value, later_target, NOON + timedelta(days=1))
    assert state == before


@given(VALUES, TARGETS, TARGETS, st.integers(1, 10))
def test_progress_is_kept_across_versions_and_a_lowered_target_finishes_at_the_next_activity(
    values: list[int], target: int, later_target: int, value: int
) -> None:
    state, finished = grown(values, target)
    if finished:
        return
    kept = state.progress
    completes = grow(state, value, later_target, NOON)
    assert completes == (kept + value >= later_target)
    assert state.progress == min(kept + value, later_target)


@given(VALUES, TARGETS, TARGETS)
def test_what_is_shown_is_within_its_target_and_reaches_it_only_unfinished_or_done(
    values: list[int], target: int, newest_target: int
) -> None:
    state, finished = grown(values, target)
    seen = shown(state, newest_target)
    assert 0 <= seen.progress <= seen.target
    assert seen.target == (target if finished else newest_target)
    assert (seen.completed_at is not None) == bool(finished)

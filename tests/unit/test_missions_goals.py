"""Goals are what their ten-line models say, over every calendar and in every order."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laurels.missions.v1 import programme_goals_pb2 as pb
from services.missions import calendar
from services.missions.fold import ACTIVITY, DONE, GOALS, Fact, FoldRules, MissionRule, Watch, replay
from services.missions.goals import CURRENT, FREEZES, LONGEST, Distinct, Goal, Sequence, Streak, Total

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Pacific/Kiritimati",
    "America/Santiago",
)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def model(days: set[date]) -> tuple[int, int]:
    """The streak that the last of some days ends, and the longest."""
    current = longest = 0
    before = None
    for day in sorted(days):
        current = current + 1 if before is not None and day - before == timedelta(days=1) else 1
        longest, before = max(longest, current), day
    return current, longest


def after(goal: Goal, moments: list[datetime], zone: ZoneInfo) -> list[int]:
    state = goal.empty()
    for moment in sorted(moments):
        at = calendar.micros(moment)
        state = goal.count(state, 0, 1, at, calendar.ahead(at, zone))
    return list(state)


@pytest.mark.parametrize("name", ZONES)
@settings(max_examples=12, deadline=None)
@given(minutes=st.lists(st.integers(0, 365 * 24 * 60 - 1), min_size=1, max_size=400))
def test_a_year_of_random_days_is_what_the_calendar_of_the_zone_says(name: str, minutes: list[int]) -> None:
    zone = ZoneInfo(name)
    moments = [NEW_YEAR + timedelta(minutes=minute) for minute in minutes]
    state = after(Streak(10_000), moments, zone)
    assert (state[CURRENT], state[LONGEST]) == model({moment.astimezone(zone).date() for moment in moments})


@pytest.mark.parametrize("name", ZONES)
def test_a_day_is_a_day_over_every_change_of_the_clocks(name: str) -> None:
    """At one minute to midnight and one past, each day of a year."""
    zone = ZoneInfo(name)
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    for hour, minute in ((0, 1), (23, 58)):
        moments = [datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone) for day in days]
        assert after(Streak(10_000), moments, zone)[CURRENT] == 365


@given(
    hours=st.lists(st.integers(1, 20), min_size=1, max_size=60),
    zones=st.lists(st.sampled_from(ZONES), min_size=61, max_size=61),
)
@settings(max_examples=60, deadline=None)
def test_who_acts_within_each_twenty_hours_keeps_the_streak_wherever_they_travel(
    hours: list[int], zones: list[str]
) -> None:
    goal, state, moment = Streak(10_000), None, NEW_YEAR
    lengths = []
    for between, name in zip([0, *hours], zones, strict=False):
        moment += timedelta(hours=between)
        at = calendar.micros(moment)
        state = goal.count(state, 0, 1, at, calendar.ahead(at, ZoneInfo(name)))
        lengths.append(state[CURRENT])
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(lengths))


@pytest.mark.parametrize(
    ("unit", "moments", "current"),
    [
        (pb.STREAK_UNIT_WEEK, [datetime(2026, 3, 1, 23, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)], 2),
        (pb.STREAK_UNIT_WEEK, [datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 8, 23, tzinfo=UTC)], 1),
        (pb.STREAK_UNIT_WEEK, [datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC)], 1),
        (pb.STREAK_UNIT_MONTH, [datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)], 2),
        (pb.STREAK_UNIT_MONTH, [datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)], 1),
    ],
)
def test_weeks_begin_on_monday_and_months_are_of_the_calendar(unit: int, moments: list[datetime], current: int) -> None:
    assert after(Streak(99, unit), moments, ZoneInfo("UTC"))[CURRENT] == current


def noons(*days: int) -> list[datetime]:
    return [NEW_YEAR + timedelta(days=day, hours=12) for day in days]


def test_freezes_are_earned_and_bridge_as_many_days_as_there_are() -> None:
    goal = Streak(99, freeze_every=3, freezes_max=2)
    utc = ZoneInfo("UTC")
    assert after(goal, noons(0, 1, 2), utc)[FREEZES] == 1
    assert after(goal, noons(0, 1, 2, 4), utc)[CURRENT] == 4
    assert after(goal, noons(0, 1, 2, 5), utc)[CURRENT] == 1
    assert after(goal, noons(*range(9)), utc)[FREEZES] == 2
    assert after(goal, noons(*range(9), 11), utc)[CURRENT] == 10
    assert after(goal, noons(*range(9), 11, 13), utc)[CURRENT] == 1


def test_in_the_grace_time_an_activity_counts_for_the_day_before_where_that_was_missed() -> None:
    goal, utc = Streak(99, grace=3 * calendar.HOUR), ZoneInfo("UTC")
    late = NEW_YEAR + timedelta(days=2, hours=2)
    assert after(goal, [*noons(0), late], utc)[CURRENT] == 2
    assert after(goal, [*noons(0), late, *noons(2)], utc)[CURRENT] == 3
    assert after(goal, [*noons(0), late + timedelta(hours=1)], utc)[CURRENT] == 1
    assert after(goal, [*noons(0, 1), late], utc)[CURRENT] == 3


def test_a_repaired_streak_goes_on_as_though_the_gap_had_not_been() -> None:
    goal, utc = Streak(99, repairable=2 * calendar.DAY), ZoneInfo("UTC")
    state = after(goal, noons(0, 1, 2, 5, 6), utc)
    soon = calendar.micros(NEW_YEAR + timedelta(days=7))
    assert goal.repair(state, soon)[CURRENT] == 5
    assert goal.repair(goal.repair(state, soon), soon)[CURRENT] == 5
    assert goal.repair(state, soon + calendar.DAY)[CURRENT] == 2


def brute(steps: list[int], within: tuple[int, ...]) -> int:
    """How many steps some chain of activities, each with its step and at its place's time, takes."""
    best = 0
    ends: list[tuple[int, int]] = []
    for at, step in enumerate(steps):
        for length, end in [(0, at), *ends]:
            if length == step and (length == 0 or not within[step] or at - end <= within[step]):
                ends.append((length + 1, at))
                best = max(best, length + 1)
    return best


@given(st.lists(st.integers(0, 2), max_size=9), st.tuples(st.just(0), st.integers(0, 3), st.integers(0, 3)))
def test_a_sequence_overlooks_no_chain(steps: list[int], within: tuple[int, ...]) -> None:
    goal = Sequence(within)
    state = goal.empty()
    for at, step in enumerate(steps):
        state = goal.count(state, step, 1, at, 0)
    assert goal.progress(state) == brute(steps, within)


def rules_of(*missions: MissionRule) -> FoldRules:
    watches = [Watch(rule, place) for rule in missions for place in range(len(rule.goals))]
    return FoldRules({rule.id: rule for rule in missions}, {"purchase": watches})


RULES = rules_of(
    MissionRule("count", (Total(4),)),
    MissionRule("streak", (Streak(3, freeze_every=2, freezes_max=1),), simple=False),
    MissionRule("kinds", (Distinct(1),), simple=False),
    MissionRule("any", (Total(9), Streak(5)), needs_all=False, simple=False),
    MissionRule("again", (Total(2),), recurrence=pb.RECURRENCE_ON_COMPLETION, simple=False),
    MissionRule("daily", (Total(2),), recurrence=pb.RECURRENCE_DAILY, simple=False),
)


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=25, unique=True), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_a_replay_is_the_same_whatever_the_order_and_the_repetition(hours: list[int], draw: object) -> None:
    start = calendar.micros(NEW_YEAR)

    def facts() -> list[Fact]:
        return [Fact(start + hour * calendar.HOUR, f"a{hour}", ACTIVITY, "purchase") for hour in hours]

    mixed = [*facts(), *facts()[:5]]
    draw.shuffle(mixed)  # type: ignore[attr-defined]
    in_order, in_disorder = replay([], facts(), lambda _: RULES), replay([], mixed, lambda _: RULES)
    assert in_order.state == in_disorder.state
    assert [(done.rule.id, done.run, done.at) for done in in_order.done] == [
        (done.rule.id, done.run, done.at) for done in in_disorder.done
    ]
    run = in_order.state["m"]["count"]
    assert run[GOALS] == [min(4, len(hours))]
    assert bool(run[DONE]) == (len(hours) >= 4)

"""Whatever a league's zones, sizes and members, everybody has one outcome and a seat among no more than fit."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.leaderboard.league_closing import next_period
from services.leaderboard.league_rules import (
    CohortRule,
    Division,
    LeagueRules,
    Outcome,
    Zone,
    shares,
    take_seat,
)
from services.leaderboard.periods import Continuous, Cron, Fixed, Periods
from services.leaderboard.store.leagues import State, Tally

DAY = timedelta(days=1)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def league(*zones: tuple[Zone, Zone], periods: Periods | None = None, **fields: int) -> LeagueRules:
    """A league of divisions with these promotions and demotions."""
    divisions = tuple(Division(f"d{place}", "", *both) for place, both in enumerate(zones))
    return LeagueRules("ladder", "", "sprint", periods or Continuous(), 0, divisions, 30, **fields)  # type: ignore[arg-type]


@st.composite
def both_zones(draw: st.DrawFn) -> tuple[Zone, Zone]:
    """A promotion and a demotion as a programme may have them: by number, or per cent, and not more than a cohort."""
    of = [draw(st.sampled_from([100, 30, 7])) for _ in range(2)]
    first = draw(st.integers(0, of[0]))
    most = floor(of[1] * (1 - Fraction(first, of[0])))
    found = Zone(first, of[0]), Zone(draw(st.integers(0, most)), of[1])
    assert shares(*found)
    return found


@given(st.lists(both_zones(), min_size=1, max_size=4), st.data())
def test_zones_are_shares_of_who_is_ranked_and_never_overlap(
    zones: list[tuple[Zone, Zone]], data: st.DataObject
) -> None:
    ladder, ranked = league(*zones), data.draw(st.integers(0, 200))
    place = data.draw(st.integers(0, len(zones) - 1))
    outcomes = [ladder.outcome(place, rank, ranked) for rank in range(1, ranked + 1)]
    # The model: shares as exact fractions; nobody goes up from the top or down from the bottom.
    up, down = (Fraction(zone.members, zone.of) * ranked for zone in zones[place])
    first = ceil(up) if place < len(zones) - 1 else 0
    last = floor(down) if place > 0 else 0
    assert first + last <= ranked
    assert outcomes == (
        [Outcome.PROMOTED] * first + [Outcome.STAYED] * (ranked - first - last) + [Outcome.DEMOTED] * last
    )


@given(st.lists(both_zones(), min_size=2, max_size=4), st.data())
def test_a_closing_keeps_every_member_in_one_division(zones: list[tuple[Zone, Zone]], data: st.DataObject) -> None:
    ladder = league(*zones)
    cohorts = [data.draw(st.integers(0, 40)) for _ in zones]
    after: Counter[int] = Counter()
    for place, ranked in enumerate(cohorts):
        for rank in range(1, ranked + 1):
            to = ladder.moved(place, ladder.outcome(place, rank, ranked))
            assert abs(to - place) <= 1
            after[to] += 1
    assert sum(after.values()) == sum(cohorts)
    assert set(after) <= set(range(len(zones)))


def test_two_zones_that_are_more_than_a_cohort_have_no_room() -> None:
    assert not shares(Zone(16, 30), Zone(15, 30))
    assert not shares(Zone(51, 100), Zone(15, 30))
    assert shares(Zone(50, 100), Zone(15, 30))


@given(
    st.integers(2, 9),
    st.lists(st.tuples(st.sampled_from(["bronze", "silver"]), st.integers(0, 3)), max_size=80),
)
def test_seats_are_numbered_without_gaps_in_cohorts_of_one_band_that_fill_up_one_after_another(
    size: int, joins: list[tuple[str, int]]
) -> None:
    filling: dict[str, object] = {}
    taken = [(division, band, *take_seat(filling, division, band, size)) for division, band in joins]
    of_cohort: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for division, band, cohort, number in taken:
        of_cohort.setdefault((division, cohort), []).append((band, number))
    for seats in of_cohort.values():
        assert len({band for band, _ in seats}) == 1
        assert [number for _, number in seats] == list(range(1, len(seats) + 1))
        assert len(seats) <= size
    for division in {division for division, _ in joins}:
        numbers = sorted(cohort for of, cohort in of_cohort if of == division)
        assert numbers == list(range(1, len(numbers) + 1))
    for (division, band), count in Counter(joins).items():
        # As few cohorts as there can be.
        cohorts = {cohort for of, in_band, cohort, _ in taken if (of, in_band) == (division, band)}
        assert len(cohorts) == -(-count // size)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.lists(st.booleans(), max_size=30))
def test_idle_periods_in_a_row_demote_one_division_each_and_at_last_end_it(
    demote_after: int, leave_after: int, place: int, scored: list[bool]
) -> None:
    ladder = league(*[(Zone(), Zone())] * 4, demote_after=demote_after, leave_after=leave_after)
    where: int | None = place
    idle = 0
    for number, has_score in enumerate(scored):
        row = 0  # the model: the length of the row of idle periods that ends here
        while row <= number and not scored[number - row]:
            row += 1
        idle = 0 if has_score else idle + 1
        assert idle == row
        if has_score:
            continue
        after = ladder.idled(where, idle)
        if leave_after and row >= leave_after:
            assert after is None
            return
        demotes = demote_after and row >= demote_after
        assert after == (max(where - 1, 0) if demotes else where)
        where = after


def test_a_rating_follows_the_scores_and_the_last_score_is_itself() -> None:
    rating = league((Zone(), Zone()), rule=CohortRule.BY_RATING)  # type: ignore[arg-type]
    last = league((Zone(), Zone()), rule=CohortRule.BY_LAST_SCORE)  # type: ignore[arg-type]
    assert [rating.skill_after(None, 9), rating.skill_after(9, 4), rating.skill_after(-3, 0)] == [9, 6, -2]
    assert [last.skill_after(None, 9), last.skill_after(9, 4)] == [9, 4]


@given(st.lists(st.integers(-(2**53), 2**53), min_size=2), st.lists(st.integers(-50, 50), unique=True, max_size=5))
def test_bands_rise_with_skill(skills: list[int], bands: list[int]) -> None:
    for rule in (CohortRule.BY_LAST_SCORE, CohortRule.BY_RATING):
        ladder = LeagueRules("l", "", "b", Continuous(), 0, (), 30, rule, tuple(sorted(bands)))
        found = [ladder.band_of(skill) for skill in sorted(skills)]
        assert found == sorted(found)
        assert ladder.band_of(None) < found[0]


# -- which period follows -----------------------------------------------------


def state(ends_at: datetime) -> State:
    return State("ladder", int((ends_at - DAY).timestamp()), ends_at, ends_at)


def tally(*, members: bool = True, higher: bool = True, waited_for: datetime | None = None) -> Tally:
    waits = (int(waited_for.timestamp()), waited_for + DAY) if waited_for is not None else None
    return Tally(1, 0, 0, False, members, higher, waits)


def test_the_next_period_is_opened_where_being_idle_in_it_moves_somebody() -> None:
    daily = Cron("0 0 * * *", ZoneInfo("UTC"))
    follows = (int(BEGAN.timestamp()), BEGAN + DAY)
    for rules, counted, opens in (
        ({"demote_after": 1}, tally(), True),
        ({"demote_after": 1}, tally(higher=False), False),
        ({"leave_after": 1}, tally(higher=False), True),
        ({"leave_after": 1}, tally(members=False, higher=False), False),
        ({}, tally(), False),
    ):
        found = next_period(league((Zone(), Zone()), periods=daily, **rules), state(BEGAN), counted)
        assert found == (follows if opens else None)


def test_a_period_that_somebody_waits_for_is_opened_and_none_before_it_is_forgotten() -> None:
    daily = Cron("0 0 * * *", ZoneInfo("UTC"))
    later = BEGAN + 5 * DAY
    waited_for = (int(later.timestamp()), later + DAY)
    idle = league((Zone(), Zone()), periods=daily, demote_after=1)
    lazy = league((Zone(), Zone()), periods=daily)
    assert next_period(idle, state(BEGAN), tally(waited_for=later)) == (int(BEGAN.timestamp()), BEGAN + DAY)
    assert next_period(lazy, state(BEGAN), tally(waited_for=later)) == waited_for
    assert next_period(idle, state(BEGAN), tally(waited_for=BEGAN)) == (int(BEGAN.timestamp()), BEGAN + DAY)


def test_where_the_schedule_changed_no_period_that_began_before_the_end_is_opened() -> None:
    monthly = Cron("0 0 1 * *", ZoneInfo("UTC"))
    idle = league((Zone(), Zone()), periods=monthly, leave_after=1)
    february = datetime(2026, 2, 1, tzinfo=UTC)
    found = next_period(idle, state(BEGAN + 10 * DAY), tally())
    assert found == (int(february.timestamp()), datetime(2026, 3, 1, tzinfo=UTC))
    over = Fixed([(BEGAN - DAY, BEGAN)])
    assert next_period(league((Zone(), Zone()), periods=over, leave_after=1), state(BEGAN), tally()) is None

"""When the day of a date comes round, whatever the date, the year and the zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.points.anniversaries import begins, day_in, is_told, next_day

DATES = st.dates(date(1900, 1, 1), date(2100, 12, 31))
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Cairo"]
).map(ZoneInfo)


@given(DATES, DATES)
def test_the_next_day_is_the_first_one_beyond_and_never_the_date_itself(on: date, after: date) -> None:
    found = next_day(on, after)
    assert found is not None
    assert found > after
    assert found.year > on.year
    earlier = [day_in(year, on) for year in range(on.year + 1, found.year)]
    assert all(day <= after for day in earlier)


@given(DATES, DATES)
def test_days_follow_each_other_one_a_year(on: date, after: date) -> None:
    first = next_day(on, after)
    assert first is not None
    second = next_day(on, first)
    assert second is not None
    assert second.year == first.year + 1


@given(st.integers(1901, 2099))
def test_who_was_born_on_29_february_has_the_28th_in_other_years(year: int) -> None:
    day = day_in(year, date(1888, 2, 29))
    assert day.month == 2
    assert (day + timedelta(days=1)).month == 3, "it is the last day of February"


@given(DATES, ZONES)
def test_a_day_begins_with_its_first_moment_in_the_zone(day: date, zone: ZoneInfo) -> None:
    moment = begins(day, zone)
    before = (moment - timedelta(seconds=1)).astimezone(zone).date()
    assert before < day or before == moment.astimezone(zone).date()
    assert moment.astimezone(zone).date() >= day
    assert moment.tzinfo is UTC


def test_a_day_is_told_for_a_week_and_not_before() -> None:
    today = datetime(2026, 3, 8, tzinfo=UTC).date()
    told = [day for day in range(-2, 12) if is_told(today - timedelta(days=day), today)]
    assert told == list(range(8))

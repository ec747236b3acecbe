"""Every moment is in one period at most, and periods follow each other without a gap."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.leaderboard.periods import Cron, Fixed, period_id, period_of

MOMENTS = st.integers(0, 2 * 365 * 86_400).map(
    lambda second: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)
EXPRESSIONS = ["0 0 * * *", "0 0 * * 1", "30 2 * * *", "0 0 1 * *", "*/15 * * * *", "0 9 * * 1-5", "0 0 29 2 *"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=8), zone=st.sampled_from(ZONES))
def test_a_cron_period_holds_its_moment_and_the_next_begins_at_its_end(expression, moments, zone) -> None:
    asked = Cron(expression, ZoneInfo(zone))
    for moment in moments:
        span = asked.at(moment)
        assert span is not None
        assert span.ends_at is not None
        assert span.starts_at <= moment < span.ends_at
        fresh = Cron(expression, ZoneInfo(zone))
        assert fresh.at(span.starts_at) == fresh.at(span.ends_at - timedelta(microseconds=1)) == span
        following = fresh.at(span.ends_at)
        assert following is not None
        assert following.starts_at == span.ends_at
        assert period_of(period_id(span.period)) == span.period


def test_a_day_of_a_zone_has_as_many_hours_as_its_clocks_say() -> None:
    daily = Cron("0 0 * * *", ZoneInfo("Europe/Berlin"))
    lengths = []
    for day in (28, 29, 30):
        span = daily.at(datetime(2026, 3, day, 12, tzinfo=UTC))
        assert span is not None
        assert span.ends_at is not None
        lengths.append((span.ends_at - span.starts_at) / timedelta(hours=1))
    assert lengths == [24, 23, 24]


def test_fixed_dates_hold_what_is_between_them_and_nothing_else() -> None:
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    periods = Fixed([(first, first + timedelta(days=7)), (second, second + timedelta(days=1))])
    for moment, begins in (
        (first - timedelta(microseconds=1), None),
        (first, first),
        (first + timedelta(days=7), None),
        (second + timedelta(hours=23), second),
        (second + timedelta(days=1), None),
    ):
        span = periods.at(moment)
        assert (span.starts_at if span is not None else None) == begins


@pytest.mark.parametrize("text", ["", "20260301", "20261301T000000Z", "20260301T000000", "all"])
def test_what_names_no_period_is_none(text: str) -> None:
    assert period_of(text) is None

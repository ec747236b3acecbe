"""When campaigns happen, and when their messages leave."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from laurels.missions.v1 import campaigns_pb2 as shown
from laurels.missions.v1 import programme_campaigns_pb2 as pb
from services.missions import campaigns, contact
from services.missions.campaigns import CONTROL, HAPPENED, SUPPRESSED, Bounds, Cap

UTC_ZONE = ZoneInfo("UTC")
# Clocks that go forward and back by an hour and by half of one, at midnight, and not at all; one that left out a day.
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago",
        "Africa/Casablanca", "Asia/Beirut", "Pacific/Apia", "Pacific/Chatham",
    )
]  # fmt: skip
quarters = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
moments = st.integers(1_322_697_600, 1_830_211_200).map(lambda second: datetime.fromtimestamp(second, UTC))
MINUTE = timedelta(minutes=1)


def slowly(moment: datetime, zone: ZoneInfo, quiet: contact.QuietHours, hour: int | None) -> datetime:
    """The first minute that is allowed, by looking at every minute's clock on the wall."""

    def is_quiet(clock: time) -> bool:
        begun, ends, at = (each.hour * 60 + each.minute for each in (quiet.since, quiet.until, clock))
        length = (ends - begun) % 1440
        return (at - begun) % 1440 < length

    if hour is not None and all(is_quiet(time(hour, minute)) for minute in range(60)):
        hour = None
    at = moment
    while True:
        clock = at.astimezone(zone).time()
        if not is_quiet(clock) and (hour is None or clock.hour == hour):
            return at
        at = (at + MINUTE).replace(second=0, microsecond=0)


@given(moments, st.sampled_from(ZONES), quarters, quarters, st.none() | st.integers(0, 23))
@example(datetime(2026, 3, 28, 23, 40, tzinfo=UTC), ZONES[1], time(22), time(2, 30), 2)
@example(datetime(2026, 10, 24, 23, 40, tzinfo=UTC), ZONES[1], time(22), time(2, 30), None)
@example(datetime(2011, 12, 30, 4, tzinfo=UTC), ZONES[8], time(17), time(16, 45), None)
def test_a_message_leaves_at_the_first_minute_that_the_clock_on_the_wall_allows(
    moment: datetime, zone: ZoneInfo, since: time, until: time, hour: int | None
) -> None:
    quiet = contact.QuietHours(since, until)
    assert contact.contact_at(moment, zone, quiet, hour) == slowly(moment, zone, quiet, hour)


@given(moments, st.sampled_from(ZONES), quarters, quarters, st.none() | st.integers(0, 23))
def test_a_message_that_may_leave_at_a_moment_leaves_at_that_moment(
    moment: datetime, zone: ZoneInfo, since: time, until: time, hour: int | None
) -> None:
    quiet = contact.QuietHours(since, until)
    allowed = contact.contact_at(moment, zone, quiet, hour)
    assert contact.contact_at(allowed, zone, quiet, hour) == allowed
    assert not quiet.cover(allowed.astimezone(zone).time())


@pytest.mark.parametrize("text", ["", "8:00", "24:00", "08:10", "08:00:00", "T0800"])
def test_what_is_no_quarter_of_an_hour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quarter|HH:MM|hour must"):
        contact.quarter_of(text)


@given(st.text(min_size=1, max_size=8), st.integers(0, 99), st.integers(0, 99))
def test_a_larger_control_group_holds_the_smaller_one(member: str, one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert campaigns.in_control("spring", member, large) or not campaigns.in_control("spring", member, small)


@pytest.mark.parametrize("percent", [0, 1, 10, 50, 99])
def test_a_control_group_is_as_large_as_it_says(percent: int) -> None:
    held = sum(campaigns.in_control("spring", f"m{number}", percent) for number in range(20_000))
    # Four standard deviations of the binomial.
    assert abs(held - 200 * percent) <= 4 * (20_000 * percent / 100 * (1 - percent / 100)) ** 0.5


def test_the_control_groups_of_two_campaigns_do_not_hang_together() -> None:
    both = sum(
        campaigns.in_control("spring", f"m{number}", 50) and campaigns.in_control("autumn", f"m{number}", 50)
        for number in range(20_000)
    )
    assert abs(both - 5_000) < 250


@given(
    moments, moments, st.integers(0, 800), st.integers(0, 24), st.sampled_from(ZONES),
)  # fmt: skip
def test_exactly_those_who_joined_before_have_been_members_for_so_long(
    enrolled_at: datetime, until: datetime, days: int, months: int, zone: ZoneInfo
) -> None:
    for joined in (enrolled_at, campaigns.joined_before(until, days, months, zone)):
        reached = campaigns.joined_for(joined, days, months, zone) <= until
        assert reached == (joined < campaigns.joined_before(until, days, months, zone))


def bounds(**changes: object) -> Bounds:
    stated = {
        "campaign": "spring", "occurrences_max": 1_000, "caps": (), "overall": (), "needs_consent": False,
        "budget_times": 0, "budget_points": 0, "points": 0, "control_percent": 0,
    }  # fmt: skip
    return Bounds(**(stated | changes))  # type: ignore[arg-type]


DAILY = Cap("cap:spring", pb.CAMPAIGN_PERIOD_DAY, 2)
OVERALL = Cap("overall", pb.CAMPAIGN_PERIOD_WEEK, 4)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 40)), max_size=60),
    st.integers(1, 6), st.integers(0, 12), st.integers(0, 60), st.sampled_from([0, 40]),
)  # fmt: skip
def test_a_campaign_never_passes_its_bounds_and_stops_at_none_before(
    triggers: list[tuple[str, int]], occurrences_max: int, budget_times: int, budget_points: int, percent: int
) -> None:
    """Against sums over what happened: no counters."""
    bound = bounds(
        occurrences_max=occurrences_max, caps=[DAILY], overall=[OVERALL], budget_times=budget_times,
        budget_points=budget_points, points=5, control_percent=percent,
    )  # fmt: skip
    counters: Counter[campaigns.CounterKey] = Counter()
    happened: list[tuple[str, datetime]] = []
    met: list[tuple[str, datetime]] = []
    for name, hours in triggers:
        at = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(hours=hours)
        today = [each for each in met if each[0] == name and each[1].date() == at.date()]
        week = [e for e in happened if e[0] == name and e[1].isocalendar()[:2] == at.isocalendar()[:2]]
        full = (
            len([each for each in met if each[0] == name]) >= occurrences_max
            or len(today) >= 2
            or len(week) >= 4
            or (budget_times and len(happened) >= budget_times)
            or (budget_points and 5 * len(happened) + 5 > budget_points)
        )
        outcome = campaigns.decide(bound, name, at, UTC_ZONE, lambda key: counters[key], consents=False)
        counters.update(outcome.counted)
        expected = SUPPRESSED if full else CONTROL if campaigns.in_control("spring", name, percent) else HAPPENED
        assert outcome.outcome == expected
        assert bool(outcome.counted) == (expected != SUPPRESSED)
        if not full:
            met.append((name, at))
            assert outcome.occurrence == len([each for each in met if each[0] == name])
        if expected == HAPPENED:
            happened.append((name, at))


def test_all_that_is_counted_was_asked_for_before() -> None:
    bound = bounds(caps=[DAILY], overall=[OVERALL], budget_times=3, budget_points=30, points=5)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    outcome = campaigns.decide(bound, "ann", at, UTC_ZONE, lambda key: 0, consents=False)
    assert outcome.counted.keys() == set(bound.counters("ann", at, UTC_ZONE))


@pytest.mark.parametrize(("needs", "consents", "outcome"), [(True, False, SUPPRESSED), (True, True, HAPPENED),
                                                            (False, False, HAPPENED)])  # fmt: skip
def test_only_messages_need_consent(needs: bool, consents: bool, outcome: int) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    found = campaigns.decide(bounds(needs_consent=needs), "ann", at, UTC_ZONE, lambda key: 0, consents=consents)
    assert found.outcome == outcome
    assert (found.reason == shown.SUPPRESSION_REASON_NO_CONSENT) == (outcome == SUPPRESSED)


def test_a_member_s_days_are_counted_by_the_calendar() -> None:
    joined = datetime(2026, 3, 28, 22, tzinfo=UTC)
    at = datetime(2026, 3, 29, 22, 0, tzinfo=UTC)  # midnight in Berlin, 23 hours after the one before
    assert campaigns.days_since(joined, at, ZoneInfo("Europe/Berlin")) == 2
    assert campaigns.days_since(None, at, UTC_ZONE) == -1

"""Windows hold the days that they say; a tier rises with what counts, is kept, and is lost when it was due."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from laurels.points.v1 import programme_tiers_pb2 as pb
from services.points.tier_ladder import (
    EVER,
    NEVER,
    ONE_STEP,
    AtRisk,
    Ladder,
    Qualifier,
    Standing,
    Tally,
    Window,
    highest,
    missing,
)

BALANCE = pb.TIER_DOWNGRADE_BALANCE
FIRST = date(2024, 1, 1)
TIERS = ["bronze", "silver", "gold", "black"]

days = st.integers(0, 1_500).map(lambda number: FIRST + timedelta(days=number))
windows = st.one_of(
    st.integers(1, 400).map(lambda size: Window(days=size)),
    st.integers(1, 24).map(lambda size: Window(months=size)),
    st.sampled_from([1, 3, 12]).map(lambda size: Window(period=size)),
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"]).map(ZoneInfo)
keeps = st.one_of(
    st.integers(1, 400).map(lambda size: pb.TierKeep(days=size)),
    st.integers(1, 24).map(lambda size: pb.TierKeep(months=size)),
    st.integers(1, 24).map(lambda size: pb.TierKeep(end_of_month_after=size)),
    st.integers(1, 3).map(lambda size: pb.TierKeep(end_of_year_after=size)),
)
purchases = st.lists(st.tuples(days, st.integers(1, 300)), max_size=12)


def ladder_of(window: Window, **more: Any) -> Ladder:
    """Four tiers, at 100, 200 and 400 of one qualifier."""
    requirements: list[list[tuple[str, int]]] = [[], [("q", 100)], [("q", 200)], [("q", 400)]]
    return Ladder(TIERS, requirements, [Qualifier("q", "", window)], is_plain=False, **more)


class Member:
    """A member on a ladder, as the service keeps one."""

    def __init__(self, ladder: Ladder) -> None:
        self.ladder, self.standing = ladder, Standing("ann", "bronze")
        self.buckets: dict[str, dict[str, int]] = {"q": {}}
        self.warnings: list[AtRisk] = []

    def pass_to(self, until: datetime) -> Iterator[tuple[datetime, str, str]]:
        """What is due by a moment: when, and the tier before and after."""
        while (due := self.ladder.due(self.standing)) is not None and due <= until:
            before = self.standing.earned
            risk = self.ladder.lapse(self.standing, self.buckets, due)
            if risk is not None:
                self.warnings.append(risk)
            yield due, before, self.standing.earned
            following = self.ladder.due(self.standing)
            assert following is None or following > due, "time stands still"

    def buy(self, day: date, amount: int) -> None:
        at = self.noon(day)
        list(self.pass_to(at))
        bucket = self.ladder.qualifiers[0].window.bucket(day)
        self.buckets["q"][bucket] = self.buckets["q"].get(bucket, 0) + amount
        self.ladder.qualify(self.standing, self.buckets, at)
        list(self.pass_to(at))

    def noon(self, day: date) -> datetime:
        return datetime.combine(day, time(12), tzinfo=self.ladder.zone).astimezone(UTC)

    @property
    def place(self) -> int:
        return TIERS.index(self.standing.earned)

    def reached(self, day: date) -> int:
        return self.ladder.reached_on(self.ladder.tallies(self.buckets), day)


@given(windows, days)
def test_a_day_counts_from_itself_until_its_bucket_leaves(window: Window, day: date) -> None:
    bucket = window.bucket(day)
    gone = window.leaves(bucket)

    def counts_on(other: date) -> bool:
        first, last = window.bounds(other)
        return first <= bucket <= last

    assert counts_on(day)
    assert counts_on(gone - timedelta(days=1))
    assert not counts_on(gone)
    assert gone > day


@given(windows, days, st.lists(st.tuples(days, st.integers(-50, 300)), max_size=20))
def test_what_counts_is_the_sum_over_the_windows_days(window: Window, day: date, parts: list[tuple[date, int]]) -> None:
    buckets: dict[str, int] = {}
    for on, amount in parts:
        buckets[window.bucket(on)] = buckets.get(window.bucket(on), 0) + amount
    if window.period:
        wanted = sum(amount for on, amount in parts if window.first(on) == window.first(day))
    else:
        wanted = sum(amount for on, amount in parts if window.first(day) <= on <= day)
    assert Tally(buckets).between(*window.bounds(day)) == wanted


@given(windows, zones, purchases, days, st.data())
def test_without_keep_the_tier_is_in_the_end_what_the_window_holds_in_whatever_order_things_came(
    window: Window, zone: ZoneInfo, bought: list[tuple[date, int]], tick: date, data: st.DataObject
) -> None:
    member = Member(ladder_of(window, zone=zone))
    for day, amount in data.draw(st.permutations(bought)):
        member.buy(day, amount)
        if data.draw(st.booleans()):
            list(member.pass_to(member.noon(max(day, tick))))
    end = max([tick, *(day for day, _ in bought)])
    list(member.pass_to(member.noon(end)))
    assert member.place == member.reached(end)


@given(windows, keeps, purchases, st.integers(0, 60))
def test_a_tier_that_is_kept_is_lost_at_its_end_or_after_the_grace_and_never_before(
    window: Window, keep: pb.TierKeep, bought: list[tuple[date, int]], grace_days: int
) -> None:
    member = Member(ladder_of(window, keep=keep, grace_days=grace_days))
    for day, amount in sorted(bought):
        before = member.place
        held_until = member.ladder.due(member.standing)
        member.buy(day, amount)
        assert member.place >= member.reached(day)
        if held_until is not None and member.noon(day) < held_until:
            assert member.place >= before
    falls = list(member.pass_to(datetime(2060, 1, 1, tzinfo=UTC)))
    assert member.standing.earned == "bronze"
    assert all(later > earlier for (earlier, *_), (later, *_) in pairwise(falls))
    for due, before_fall, after in falls:
        if grace_days and TIERS.index(after) < TIERS.index(before_fall):
            assert any(risk.lost_at == due and risk.tier == before_fall for risk in member.warnings)


@given(windows, purchases)
def test_a_tier_that_is_never_lost_only_rises(window: Window, bought: list[tuple[date, int]]) -> None:
    member = Member(ladder_of(window, downgrade=NEVER, keep=pb.TierKeep(days=1)))
    places = [0]
    for day, amount in bought:
        member.buy(day, amount)
        assert list(member.pass_to(datetime(2060, 1, 1, tzinfo=UTC))) == []
        places.append(member.place)
    assert places == sorted(places)


@given(windows, keeps, purchases, st.integers(0, 60))
def test_one_step_is_one_step(
    window: Window, keep: pb.TierKeep, bought: list[tuple[date, int]], grace_days: int
) -> None:
    member = Member(ladder_of(window, keep=keep, downgrade=ONE_STEP, grace_days=grace_days))
    for day, amount in sorted(bought):
        member.buy(day, amount)
    for _, before, after in member.pass_to(datetime(2080, 1, 1, tzinfo=UTC)):
        assert TIERS.index(before) - TIERS.index(after) <= 1
    assert member.standing.earned == "bronze"


@given(st.dictionaries(st.sampled_from("ab"), st.integers(0, 500)), st.sampled_from([1, 2]))
def test_a_tier_is_reached_when_nothing_of_it_is_missing(counted: dict[str, int], match: int) -> None:
    requirements: list[list[tuple[str, int]]] = [[], [("a", 100), ("b", 50)], [("a", 200), ("b", 100)]]
    qualifiers = [Qualifier("a", "", Window()), Qualifier("b", "", Window(period=1))]
    ladder = Ladder(TIERS[:3], requirements, qualifiers, match=match)
    amounts = {"a": 0, "b": 0} | counted
    place = ladder.reached(amounts)
    assert place == 0 or not any(missing(ladder, amounts, place).values())
    assert place == 2 or any(missing(ladder, amounts, place + 1).values())


@given(st.sampled_from(TIERS), st.sampled_from(["", *TIERS]), st.booleans(), st.lists(st.sampled_from(TIERS)))
def test_a_member_is_in_the_highest_tier_that_is_given_unless_one_is_locked(
    earned: str, chosen: str, locked: bool, given_tiers: list[str]
) -> None:
    standing = Standing("ann", earned, set_tier=chosen, locked=locked)
    tier = highest(ladder_of(Window()), standing, given_tiers)
    if locked and chosen:
        assert tier == chosen
    else:
        places = [TIERS.index(each) for each in (earned, chosen, *given_tiers) if each]
        assert TIERS.index(tier) == max(places)


def test_what_counts_ever_follows_what_is_taken_back() -> None:
    member = Member(ladder_of(Window()))
    member.buy(FIRST, 250)
    assert (member.standing.earned, member.standing.keep_until) == ("gold", None)
    member.buy(FIRST, -200)
    assert member.buckets["q"] == {EVER: 50}
    assert member.standing.earned == "bronze"


def test_after_the_grace_the_tier_follows_that_the_ended_year_held_or_the_one_reached_since() -> None:
    """Gold of 2024 is kept through 2025; what 2025 held gives silver, whether or not 2026 has begun to count."""
    for since, follows in ((0, "silver"), (150, "silver"), (450, "black")):
        member = Member(ladder_of(Window(period=12), keep=pb.TierKeep(end_of_year_after=1), grace_days=30))
        member.buy(date(2024, 5, 1), 250)
        member.buy(date(2025, 5, 1), 120)
        (warned,) = member.pass_to(datetime(2026, 1, 2, tzinfo=UTC))
        assert warned == (datetime(2026, 1, 1, tzinfo=UTC), "gold", "gold")
        (risk,) = member.warnings
        assert (risk.tier, risk.next_tier, risk.lost_at) == ("gold", "silver", datetime(2026, 1, 31, tzinfo=UTC))
        if since:
            member.buy(date(2026, 1, 10), since)
        list(member.pass_to(datetime(2026, 2, 1, tzinfo=UTC)))
        assert member.standing.earned == follows
        last = 2027 if since == 450 else 2026
        assert member.standing.keep_until == datetime(last + 1, 1, 1, tzinfo=UTC)


def test_a_tier_is_lost_at_once_when_what_reached_it_is_taken_back_and_kept_when_it_was_kept_only() -> None:
    for taken_on, follows in ((date(2024, 6, 1), "bronze"), (date(2025, 1, 10), "gold")):
        member = Member(ladder_of(Window(period=12), keep=pb.TierKeep(end_of_year_after=1)))
        member.buy(date(2024, 5, 1), 250)
        before = member.reached(taken_on)
        bucket = member.ladder.qualifiers[0].window.bucket(taken_on)
        member.buckets["q"][bucket] = member.buckets["q"].get(bucket, 0) - 200
        member.ladder.take_back(member.standing, member.buckets, before, member.noon(taken_on))
        assert member.standing.earned == follows

"""What a reward asks of a member, its codes and its boosters, and what is wrong with a section that says it badly."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1.programme_pb2 import Programme
from services.periods import Per, period_of
from services.points import rewards
from services.points.boosters import multiplied
from services.points.codes import ALPHABET, CANDIDATES, drawn
from services.points.earning import AMOUNT_MAX, Award
from services.points.programme import PointsRules, compile_programme
from services.points.rewards import CounterKey, Offer
from services.points.states import MemberState
from services.points.store.rewards import Booster
from services.programme import Problems

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VIENNA = ZoneInfo("Europe/Vienna")
ANN = MemberState("ann", "", NOON - timedelta(days=10), "gold", [])
MOMENTS = st.integers(-25 * 366 * 86_400, 25 * 366 * 86_400).map(lambda seconds: NOON + timedelta(seconds=seconds))
Change = Callable[[pb.Reward], Any]


def section(*found: pb.Reward, menus: Any = ()) -> pb.PointsProgramme:
    return pb.PointsProgramme(
        currencies=[
            pb.Currency(id="points"),
            pb.Currency(id="status", purpose=pb.CURRENCY_PURPOSE_STATUS),
            pb.Currency(id="euro", purpose=pb.CURRENCY_PURPOSE_CASHBACK, iso_currency="EUR"),
        ],
        tiers=pb.TierLadder(currency="status", levels=[pb.Tier(id="base"), pb.Tier(id="gold", threshold=5)]),
        rewards=found,
        perk_menus=menus,
    )


def compiled(*found: pb.Reward, menus: Any = ()) -> tuple[PointsRules, dict[str, str]]:
    """The rules, and what is wrong by its path."""
    problems = Problems()
    rules = compile_programme(Programme(points=section(*found, menus=menus)), problems)
    assert len({problem.field for problem in problems.found}) == len(problems.found), "a place is named twice"
    return rules, {problem.field: problem.detail for problem in problems.found}


def offer(**more: Any) -> Offer:
    rules, wrong = compiled(pb.Reward(**({"id": "mug", "currency": "points", "price": 10} | more)))
    assert wrong == {}
    return rules.catalogue.offers["mug"]


def whole() -> pb.Reward:
    """A reward with something of everything."""
    return pb.Reward(
        id="mug",
        currency="points",
        price=10,
        kind=pb.REWARD_KIND_EXPERIENCE,
        other_prices=[pb.PriceOption(currency="euro", price=5)],
        stock=5,
        limits=[pb.RewardLimit(per=pb.REWARD_PERIOD_DAY, most=1), pb.RewardLimit(most=3)],
        available_from=datetime(2026, 1, 1, tzinfo=UTC),
        available_until=datetime(2027, 1, 1, tzinfo=UTC),
        tiers=["gold"],
        condition="member.tier == 'gold' && member.enrolled_days >= 3",
        partner=pb.Partner(name="A partner", url="https://example.org/", terms="None."),
        description="It is.",
        images=["https://example.org/mug.png"],
        member_may_cancel=True,
        reserved_hours_max=24,
    )


def test_a_reward_with_something_of_everything_has_no_problem() -> None:
    rules, wrong = compiled(whole())
    assert wrong == {}
    assert rules.catalogue.offers["mug"].prices == (("points", 10), ("euro", 5))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda r: setattr(r, "price", 0), "price"),
        (lambda r: setattr(r, "currency", ""), "currency"),
        (lambda r: setattr(r, "currency", "status"), "currency"),
        (lambda r: setattr(r.other_prices[0], "currency", "points"), "other_prices[0].currency"),
        (lambda r: setattr(r.other_prices[0], "currency", "none"), "other_prices[0].currency"),
        (lambda r: setattr(r.other_prices[0], "price", -1), "other_prices[0].price"),
        (lambda r: setattr(r, "stock", -1), "stock"),
        (lambda r: setattr(r.limits[0], "most", 0), "limits[0].most"),
        (lambda r: r.limits.add(per=pb.REWARD_PERIOD_EVER, most=1), "limits[2].per"),
        (lambda r: r.available_until.FromJsonString("2026-01-01T00:00:00Z"), "available_until"),
        (lambda r: setattr(r.available_from, "seconds", -(10**12)), "available_from"),
        (lambda r: r.tiers.append("none"), "tiers[1]"),
        (lambda r: setattr(r, "condition", "member.colour == 'red'"), "condition"),
        (lambda r: setattr(r, "condition", "member.enrolled_days"), "condition"),
        (lambda r: setattr(r.partner, "name", ""), "partner.name"),
        (lambda r: setattr(r.partner, "url", "http://example.org/"), "partner.url"),
        (lambda r: setattr(r.partner, "terms", "x" * 4_001), "partner.terms"),
        (lambda r: setattr(r, "description", "x" * 4_001), "description"),
        (lambda r: r.images.append("javascript:alert(1)"), "images[1]"),
        (lambda r: r.images.extend(["https://example.org/"] * 10), "images"),
        (lambda r: setattr(r, "recipient", "Trees"), "recipient"),
        (lambda r: setattr(r.codes, "length", 9), "codes"),
        (lambda r: setattr(r.cashback, "amount", 9), "cashback"),
        (lambda r: setattr(r.booster, "percent", 200), "booster"),
        (lambda r: setattr(r, "reserved_hours_max", 8_761), "reserved_hours_max"),
    ],
)
def test_what_is_wrong_with_a_reward_is_said_with_its_path(change: Change, path: str) -> None:
    reward = whole()
    change(reward)
    assert list(compiled(reward)[1]) == [f"points.rewards[0].{path}"]


@pytest.mark.parametrize(
    ("reward", "paths"),
    [
        (pb.Reward(kind=pb.REWARD_KIND_COUPON, codes=pb.CouponCodes(length=7)), ["codes.length"]),
        (pb.Reward(kind=pb.REWARD_KIND_COUPON, codes=pb.CouponCodes(prefix="sale")), ["codes.prefix"]),
        (
            pb.Reward(kind=pb.REWARD_KIND_COUPON, codes=pb.CouponCodes(prefix="A", source=pb.CODE_SOURCE_IMPORTED)),
            ["codes"],
        ),
        (pb.Reward(kind=pb.REWARD_KIND_COUPON, reserved_hours_max=1), ["reserved_hours_max"]),
        (pb.Reward(kind=pb.REWARD_KIND_COUPON, member_may_cancel=True), ["member_may_cancel"]),
        (pb.Reward(kind=pb.REWARD_KIND_CASHBACK), ["cashback.currency", "cashback.amount"]),
        (
            pb.Reward(kind=pb.REWARD_KIND_CASHBACK, cashback=pb.Cashback(currency="points", amount=1)),
            ["cashback.currency"],
        ),
        (pb.Reward(kind=pb.REWARD_KIND_BOOSTER), ["booster.percent", "booster.days"]),
        (
            pb.Reward(kind=pb.REWARD_KIND_BOOSTER, booster=pb.Booster(percent=200, days=1, currencies=["none"])),
            ["booster.currencies[0]"],
        ),
    ],
)
def test_what_a_kind_needs_is_asked_for(reward: pb.Reward, paths: list[str]) -> None:
    reward.id = "mug"
    assert list(compiled(reward)[1]) == [f"points.rewards[0].{path}" for path in paths]


@pytest.mark.parametrize(
    ("menu", "path"),
    [
        ({"rewards": []}, "rewards"),
        ({"rewards": ["spa", "none"]}, "rewards[1]"),
        ({"rewards": ["spa", "spa"]}, "rewards[1]"),
        ({"choose": 0}, "choose"),
        ({"choose": 3}, "choose"),
        ({"per": pb.REWARD_PERIOD_DAY}, "per"),
        ({"per": pb.REWARD_PERIOD_UNSPECIFIED}, "per"),
        ({"tiers": ["none"]}, "tiers[0]"),
        ({"id": "no id"}, "id"),
    ],
)
def test_what_is_wrong_with_a_menu_is_said_with_its_path(menu: dict[str, Any], path: str) -> None:
    right: dict[str, Any] = {"id": "m", "rewards": ["spa", "ride"], "choose": 1, "per": pb.REWARD_PERIOD_MONTH}
    found = [pb.Reward(id="spa"), pb.Reward(id="ride")]
    assert compiled(*found, menus=[pb.PerkMenu(**right)])[1] == {}
    assert list(compiled(*found, menus=[pb.PerkMenu(**(right | menu))])[1]) == [f"points.perk_menus[0].{path}"]


def test_a_condition_that_many_rewards_state_is_compiled_once() -> None:
    found = [pb.Reward(id=f"r{number}", condition="member.tier == 'gold'") for number in range(3_000)]
    rules, wrong = compiled(*found)
    assert wrong == {}
    assert len({id(each.condition) for each in rules.catalogue.offers.values()}) == 1


# -- judging ----------------------------------------------------------------------


@given(MOMENTS, st.sampled_from([*pb.RewardPeriod.values()]))
def test_periods_are_the_ones_of_the_counters(at: datetime, per: int) -> None:
    name = pb.RewardPeriod.Name(per).removeprefix("REWARD_PERIOD_").lower()
    if name in list(Per):
        assert rewards.period(per, at, VIENNA) == period_of(Per(name), at, VIENNA)
    if name == "quarter":
        months = {rewards.period(pb.REWARD_PERIOD_MONTH, at + timedelta(days=days), VIENNA) for days in range(-95, 95)}
        quarter = rewards.period(per, at, VIENNA)
        begins = datetime.fromisoformat(quarter[1:]).date()
        assert begins.day == 1
        assert begins.month in (1, 4, 7, 10)
        assert 0 <= (at.astimezone(VIENNA).date() - begins).days < 92
        assert f"m{begins}" in months


@given(
    stock=st.integers(0, 6),
    most=st.lists(st.integers(1, 3), min_size=5, max_size=5),
    wishes=st.lists(st.tuples(st.sampled_from(["ann", "bob", "cas"]), st.integers(0, 60 * 24 * 40)), max_size=40),
)
def test_what_is_let_pass_keeps_every_limit_and_the_stock(
    stock: int, most: list[int], wishes: list[tuple[str, int]]
) -> None:
    periods = [
        pb.REWARD_PERIOD_DAY,
        pb.REWARD_PERIOD_WEEK,
        pb.REWARD_PERIOD_MONTH,
        pb.REWARD_PERIOD_QUARTER,
        pb.REWARD_PERIOD_EVER,
    ]
    limits = [pb.RewardLimit(per=per, most=each) for per, each in zip(periods, most, strict=True)]
    mug = offer(stock=stock, limits=limits)
    counts: Counter[CounterKey] = Counter()
    passed: list[tuple[str, datetime]] = []
    for name, minute in sorted(wishes, key=lambda wish: wish[1]):
        at, member = NOON + timedelta(minutes=minute), MemberState(name, "", NOON, "base", [])
        left = rewards.left_for_member(mug, name, at, VIENNA, counts.__getitem__)
        refused = rewards.refusal(mug, member, at, VIENNA, counts.__getitem__)
        assert (refused is None) == (left != 0 and rewards.stock_left(mug, counts.__getitem__) != 0)
        if refused is None:
            passed.append((name, at))
            counts[mug.stock_counter] += 1
            counts.update(key for key, _ in mug.limit_counters(name, at, VIENNA))
    assert len(passed) <= stock
    for limit in limits:
        per_member = Counter((name, rewards.period(limit.per, at, VIENNA)) for name, at in passed)
        assert all(count <= limit.most for count in per_member.values())


@given(st.integers(-(10**6), 10**6))
def test_a_window_begins_with_its_first_moment_and_ends_before_its_last(seconds: int) -> None:
    begins, ends = NOON, NOON + timedelta(days=3)
    mug = offer(available_from=begins, available_until=ends)
    at = NOON + timedelta(seconds=seconds)
    assert (rewards.refusal(mug, ANN, at, VIENNA, lambda _: 0) is None) == (begins <= at < ends)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("member.enrolled_days == 10", True),
        ("member.enrolled_days > 10", False),
        ("member.tier == 'gold' && member.id == 'ann'", True),
        ("1 / (member.enrolled_days - 10) > 0", False),
    ],
)
def test_a_condition_is_over_the_member_and_does_not_hold_when_it_fails(condition: str, holds: bool) -> None:
    refused = rewards.refusal(offer(condition=condition), ANN, NOON, VIENNA, lambda _: 0)
    assert (refused is None) == holds


# -- codes and boosters -----------------------------------------------------------


@given(st.integers(0, 2**200))
def test_random_characters_are_as_many_as_the_longest_code_needs(seed: int) -> None:
    found = drawn(lambda most: seed % most)
    assert len(found) == CANDIDATES
    assert all(len(each) == rewards.CODE_LENGTH_MAX and set(each) <= set(ALPHABET) for each in found)


def test_codes_are_drawn_anew_each_time() -> None:
    found = [code[: rewards.CODE_LENGTH_LEAST] for _ in range(1_000) for code in drawn()]
    assert len(set(found)) == len(found), "3,000 of 30^8 codes meet with a chance of 1 in 146,000"


@given(
    amount=st.integers(1, AMOUNT_MAX),
    found=st.lists(st.tuples(st.integers(101, 10_000), st.sampled_from([[], ["points"], ["gems"]])), max_size=5),
)
def test_the_highest_booster_of_a_currency_counts_alone(amount: int, found: list[tuple[int, list[str]]]) -> None:
    active = [Booster("b", percent, currencies, NOON, NOON) for percent, currencies in found]
    highest = max([100] + [percent for percent, currencies in found if currencies != ["gems"]])
    award = multiplied(Award("rule", "points", amount), active)
    assert award.amount == min(amount * highest // 100, AMOUNT_MAX)
    assert award.amount >= amount

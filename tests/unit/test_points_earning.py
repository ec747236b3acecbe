"""Awards, groups, multipliers, limits and refunds, against the sentences that say what they are."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.activity.v1.activity_pb2 import Activity
from laurels.programme.v1 import programme_pb2
from services.activity import ActivitySchema
from services.points.earning import ALWAYS, Award, Multiplier, Terms, TypeRules, multiplied
from services.points.limits import AT_ONCE, STRIPES, is_far
from services.points.programme import VARIABLES
from services.points.refunds import due
from services.programme import moment_in

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = ActivitySchema(
    programme_pb2.ActivityType(
        type="purchase",
        attributes=[programme_pb2.Attribute(name="amount", kind=programme_pb2.ATTRIBUTE_KIND_INTEGER)],
    ),
    VARIABLES,
)
MEMBER: dict[str, Any] = {"member.id": "ann", "member.tier": "gold", "member.is_first_activity": False}
terms = st.builds(
    Terms,
    since=st.sampled_from([None, NOON, NOON + timedelta(seconds=1)]),
    until=st.sampled_from([None, NOON, NOON + timedelta(seconds=1)]),
    group=st.sampled_from(["", "a", "b"]),
    priority=st.integers(0, 2),
)


def chosen(amounts: Sequence[int], found: Sequence[Terms]) -> list[int]:
    """What counts, by the sentence: of a group's that hold, the first of the highest priority."""
    held = [amount if term.holds_at(NOON) else 0 for amount, term in zip(amounts, found, strict=True)]
    kept = []
    for place, term in enumerate(found):
        rivals = [other for other, it in enumerate(found) if it.group == term.group and held[other] > 0]
        best = max(rivals, key=lambda other: (found[other].priority, -other), default=place)
        kept.append(held[place] if not term.group or best == place else 0)
    return kept


@given(
    st.lists(st.tuples(st.integers(0, 3), terms), max_size=6),
    st.lists(st.tuples(st.integers(1, 300), terms), max_size=4),
)
def test_what_an_activity_earns_is_what_its_group_leaves_times_what_multiplies_it(
    rules: list[tuple[int, Terms]], multipliers: list[tuple[int, Terms]]
) -> None:
    compiled = TypeRules(SCHEMA)
    for place, (amount, term) in enumerate(rules):
        compiled.add(f"r{place}", "points" if place % 2 else "gems", "", str(amount * 1_000), terms=term)
    for place, (percent, term) in enumerate(multipliers):
        currencies = frozenset({"points"}) if place % 2 else frozenset()
        compiled.multiply(Multiplier(f"m{place}", currencies, percent, term), "")
    percents = chosen([percent for percent, _ in multipliers], [term for _, term in multipliers])
    wanted = []
    for place, amount in enumerate(chosen([amount * 1_000 for amount, _ in rules], [term for _, term in rules])):
        currency = "points" if place % 2 else "gems"
        counting = [p for m, p in enumerate(percents) if p and (m % 2 == 0 or currency == "points")]
        if given_amount := amount * max(0, 100 + sum(p - 100 for p in counting)) // 100:
            wanted.append(Award(f"r{place}", currency, given_amount))
    assert compiled.awards(Activity(), MEMBER, _fails, NOON) == wanted


def test_a_paused_rule_does_not_exclude_others() -> None:
    compiled = TypeRules(SCHEMA)
    compiled.add("promo", "points", "", "9", terms=Terms(group="g", priority=1))
    compiled.add("usual", "points", "", "1", terms=Terms(group="g"))
    assert compiled.awards(Activity(), MEMBER, _fails, NOON) == [Award("promo", "points", 9)]
    assert compiled.awards(Activity(), MEMBER, _fails, NOON, ["promo"]) == [Award("usual", "points", 1)]


def test_a_failing_multiplier_is_told_by_its_name_and_multiplies_nothing() -> None:
    compiled, told = TypeRules(SCHEMA), []
    compiled.add("each", "points", "", "10")
    compiled.multiply(Multiplier("broken", frozenset(), 200, ALWAYS), "1 / attributes.amount > 0")
    awards = compiled.awards(Activity(), MEMBER, lambda rule, why: told.append(rule), NOON)
    assert (awards, told) == ([Award("each", "points", 10)], ["broken"])


def test_the_clock_is_only_read_where_a_rule_asks_for_it() -> None:
    plain, clock = TypeRules(SCHEMA), TypeRules(SCHEMA)
    plain.add("each", "points", "attributes.amount > 1", "1")
    clock.add("late", "points", "activity.hour > 20", "1")
    assert (plain.reads_clock, clock.reads_clock) == (False, True)


@given(st.integers(1, 2**53), st.lists(st.integers(100, 100_000), max_size=10))
def test_multipliers_of_at_least_100_take_nothing_away(amount: int, percents: list[int]) -> None:
    assert multiplied(amount, percents) >= amount
    assert multiplied(amount, percents) == multiplied(amount, reversed(percents))


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=20), st.integers(0, 3))
def test_refunds_in_parts_take_what_the_whole_takes(base: int, parts: list[int], missing: int) -> None:
    total, refunded, taken = sum(parts) + missing, 0, 0
    for part in parts:
        refunded += part
        share = due(base, refunded, total) - taken
        assert share >= 0, "a refund never gives back"
        taken += share
    assert taken == (base * sum(parts) // total if missing else base)
    assert due(base, refunded + total, total) == base


@given(st.integers(1, 10**6), st.lists(st.integers(0, len(STRIPES) - 1), max_size=400), st.data())
def test_stripes_that_do_not_wait_for_each_other_never_pass_a_limit(
    most: int, order: list[int], data: st.DataObject
) -> None:
    """Transactions begin and commit in any order; one that must know the count waits until no other is open."""
    committed, opened = 0, dict[int, int]()
    for stripe in order:
        if stripe in opened:
            committed += data.draw(st.integers(0, opened.pop(stripe)))
        elif is_far(most, committed):
            opened[stripe] = most // AT_ONCE
        elif not opened:
            committed += data.draw(st.integers(0, most - committed))
        assert committed + sum(opened.values()) <= most


@pytest.mark.parametrize("text", ["2026-02-30", "tomorrow", "2026-03-01T10:00:00", "2026-03-01 ", "10"])
def test_what_is_neither_a_date_nor_a_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|range|offset"):
        moment_in(text, ZoneInfo("UTC"))


def _fails(rule: str, why: str) -> None:
    raise AssertionError(f"{rule}: {why}")

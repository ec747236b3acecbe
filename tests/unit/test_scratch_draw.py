"""A card's draw is what the documented computation gives, always the same, and unbiased."""

import hashlib
import hmac
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from services.leaderboard.scratch import (
    Odds,
    activity_cause,
    card_id,
    commitment,
    draw,
    mission_cause,
    number_below,
    prize_at,
)

SEED = hashlib.sha256(b"a seed of the tests").digest()
SEEDS = st.binary(min_size=32, max_size=32)
IDS = st.text("abcXYZ019_-", min_size=1, max_size=8)
DRAWS = 200_000
# By chance alone a fair draw passes this bound all but one time in 100,000.
BY_CHANCE = 1e-5


def documented(total: int, seed: bytes, pool: str, card: str) -> tuple[int, int]:
    """The draw and how many numbers were passed over, by the module's text, written another way."""
    bits = len(bin(total - 1)) - 2 if total > 1 else 0
    n = 0
    while True:
        digest = hmac.new(seed, f"{pool}\n{card}\n{n}".encode(), "sha256").hexdigest()
        first = format(int(digest, 16), "0256b")[:bits]
        if int(first or "0", 2) < total:
            return int(first or "0", 2), n
        n += 1


def statistic(counts: Counter[object], shares: dict[object, Fraction], draws: int) -> float:
    """Pearson's chi-squared of counts against expected shares."""
    return sum(float((counts[key] - draws * share) ** 2 / (draws * share)) for key, share in shares.items())


@given(st.integers(1, 2**63), SEEDS, IDS, IDS)
def test_a_number_is_the_documented_one(total, seed, pool, card) -> None:
    assert number_below(total, seed, pool, card) == documented(total, seed, pool, card)[0]


def test_numbers_that_are_not_below_the_total_are_passed_over() -> None:
    passed_over = Counter(documented(5, SEED, "pool", str(card))[1] for card in range(20_000))
    # Three of eight numbers of three bits are passed over; 7,500 of 20,000 first
    # ones, give or take five standard deviations of 69.
    assert abs(sum(count for n, count in passed_over.items() if n > 0) - 7_500) < 345
    for card in range(2_000):
        assert number_below(5, SEED, "pool", str(card)) == documented(5, SEED, "pool", str(card))[0]


@pytest.mark.parametrize("total", [1, 2, 3, 5, 64, 65, 1_000])
def test_every_number_is_equally_likely(total) -> None:
    draws = DRAWS // 4
    counts: Counter[object] = Counter(number_below(total, SEED, "pool", str(card)) for card in range(draws))
    assert set(counts) <= set(range(total))
    shares = {number: Fraction(1, total) for number in range(total)}
    assert statistic(counts, shares, draws) <= chi2.isf(BY_CHANCE, max(total - 1, 1))


def test_prizes_are_drawn_as_often_as_their_weights_say() -> None:
    odds = Odds(("car", "bike", "pen", "sticker"), (1, 10, 333, 3_000), nothing_weight=6_667)
    total = sum(odds.weights) + odds.nothing_weight
    counts: Counter[object] = Counter(draw(odds, SEED, "spring", card_id("b", "spring", str(n))) for n in range(DRAWS))
    shares = {prize: Fraction(weight, total) for prize, weight in zip(odds.prizes, odds.weights, strict=True)}
    shares[None] = Fraction(odds.nothing_weight, total)
    assert sum(counts.values()) == DRAWS
    # Four degrees of freedom: five outcomes less one.
    assert statistic(counts, shares, DRAWS) <= chi2.isf(BY_CHANCE, 4)


def test_a_biased_draw_would_be_found() -> None:
    """Folding back instead of passing over, on the same weights' total, fails the same bound."""
    total, draws = 5, DRAWS // 4
    folded = Counter(
        (int.from_bytes(hmac.digest(SEED, str(card).encode(), "sha256"), "big") >> 253) % total for card in range(draws)
    )
    shares = {number: Fraction(1, total) for number in range(total)}
    assert statistic(folded, shares, draws) > chi2.isf(BY_CHANCE, total - 1)


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.integers(0, 20),
)
def test_weights_take_the_numbers_from_0_on_and_nothing_the_rest(weights, nothing_weight) -> None:
    odds = Odds(tuple(f"p{place}" for place in range(len(weights))), tuple(weights), nothing_weight)
    listed = [prize_at(number, odds) for number in range(sum(weights) + nothing_weight)]
    by_hand = [f"p{place}" for place, weight in enumerate(weights) for _ in range(weight)] + [None] * nothing_weight
    assert listed == by_hand


@given(SEEDS, IDS, IDS, st.lists(st.integers(1, 2**53 - 1), min_size=1, max_size=5), st.integers(0, 2**53 - 1))
def test_a_draw_is_the_same_for_ever(seed, pool, card, weights, nothing_weight) -> None:
    odds = Odds(tuple(map(str, range(len(weights)))), tuple(weights), nothing_weight)
    assert draw(odds, seed, pool, card) == draw(odds, seed, pool, card)


def test_a_known_draw_has_not_changed() -> None:
    """Published commitments bind to these numbers, which `openssl mac` gives, too."""
    assert commitment(bytes(32)) == "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
    assert [number_below(1_000_000, bytes(32), "spring", f"card-{n}") for n in range(3)] == [42_928, 434_755, 110_379]


def test_a_card_follows_from_what_gave_it() -> None:
    cards = {
        card_id(brand, pool, cause)
        for brand in ("a", "b")
        for pool in ("spring", "autumn")
        for cause in (activity_cause("x"), activity_cause("y"), mission_cause("x", "ann"), mission_cause("x", "bob"))
    }
    assert len(cards) == 16
    assert all(len(card) == 32 and set(card) <= set("0123456789abcdef") for card in cards)
    assert card_id("a", "spring", activity_cause("x")) in cards


def test_an_activity_cannot_pass_for_a_mission() -> None:
    assert activity_cause("m:ann") != mission_cause("m", "ann")

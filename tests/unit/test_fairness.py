"""A fair draw is what docs/fairness.md states, unbiased, never more than there is, and whatever is changed is seen."""

import hashlib
import hmac
import json
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from cli.card_check import check
from cli.cards import BROKEN, HOLDS, PENDING, verdict
from laurels.leaderboard.v1 import programme_cards_pb2 as cards_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from services.leaderboard import fairness
from services.leaderboard.fairness import DECK, NOTHING, ODDS, WHOLE, canonical, parse, released
from services.leaderboard.published import micros, terms_of, text_of
from tests.fair_pool import DAY, SEED, START, FairPool, pools, table
from tests.tampering import TAMPERED, Tamper

DRAWS = 200_000
# By chance alone a fair draw passes this bound all but one time in 100,000.
BY_CHANCE = 1e-5
SEEDS = st.binary(min_size=32, max_size=32)
OWN = st.text("abcXYZ019_-", max_size=64)
STOCKS = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def statistic(counts: Counter[str], shares: dict[str, Fraction], draws: int) -> float:
    """Pearson's chi-squared of counts against expected shares."""
    return sum(float((counts[key] - draws * share) ** 2 / (draws * share)) for key, share in shares.items())


def deck(stocks: list[int], nothing: int = 0, **fields: Any) -> dict[str, Any]:
    prizes = [(f"p{place}", 0, stock) for place, stock in enumerate(stocks)]
    return table(DECK, *prizes, cards=sum(stocks) + nothing, **fields)


# -- numbers and odds --------------------------------------------------------


@given(st.integers(1, 2**63), SEEDS, st.binary(max_size=80))
def test_a_number_is_the_documented_one(total, key, message) -> None:
    bits = len(bin(total - 1)) - 2 if total > 1 else 0
    n = 0
    while True:
        digest = hmac.new(key, message + n.to_bytes(4, "big"), "sha256").hexdigest()
        number = int(format(int(digest, 16), "0256b")[:bits] or "0", 2)
        if number < total:
            break
        n += 1
    assert fairness.number_below(total, key, message) == number


def test_prizes_of_odds_are_drawn_as_often_as_the_table_says() -> None:
    published = parse(
        canonical(table(ODDS, ("car", 1, 1), ("bike", 10, 9), ("pen", 333, 9), ("pin", 3_000, 9), nothing_weight=6_667))
    )
    counts = Counter(fairness.drawn_of(published, SEED, number, f"own{number % 97}") for number in range(1, DRAWS + 1))
    total = sum(prize.weight for prize in published.prizes) + published.nothing_weight
    shares = {prize.id: Fraction(prize.weight, total) for prize in published.prizes}
    shares[NOTHING] = Fraction(published.nothing_weight, total)
    # Four degrees of freedom: five outcomes less one.
    assert statistic(counts, shares, DRAWS) <= chi2.isf(BY_CHANCE, 4)


def test_prizes_of_decks_are_drawn_as_often_as_the_table_says() -> None:
    """The first cards of 20,000 decks of 37, ten of each: within a deck draws are without replacement."""
    counts: Counter[str] = Counter()
    firsts: Counter[int] = Counter()
    published, own = parse(canonical(deck([1, 3, 9], 24))), 0
    decks = DRAWS // 10
    for number in range(decks):
        seed = hashlib.sha256(b"%d" % number).digest()
        order = fairness.deck_of(published, seed)
        firsts[order[0]] += 1
        taken = b""
        for card in range(1, 11):
            position = fairness.position_of(published, seed, card, f"own{own % 89}", taken, START)
            taken = fairness.with_taken(taken, position, published.cards)
            counts[fairness.prize_of(published, order[position])] += 1
            own += 1
    shares = {f"p{place}": Fraction(stock, 37) for place, stock in enumerate((1, 3, 9))} | {NOTHING: Fraction(24, 37)}
    # Draws without replacement vary less than independent ones, so the bound holds all the more.
    assert statistic(counts, shares, DRAWS) <= chi2.isf(BY_CHANCE, 3)
    by_place = Counter({f"p{place}" if place < 3 else NOTHING: count for place, count in firsts.items()})
    assert statistic(by_place, shares, decks) <= chi2.isf(BY_CHANCE, 3)


def test_every_order_of_a_small_deck_is_equally_likely() -> None:
    published, orders = parse(canonical(deck([1, 1, 1, 1]))), 24_000
    counts = Counter(
        "".join(map(str, fairness.deck_of(published, hashlib.sha256(b"%d" % number).digest())))
        for number in range(orders)
    )
    assert len(counts) == 24
    shares = {order: Fraction(1, 24) for order in counts}
    assert statistic(counts, shares, orders) <= chi2.isf(BY_CHANCE, 23)


@given(SEEDS, st.integers(1, 10**9), OWN, OWN)
def test_the_members_own_seed_is_a_part_of_the_draw(seed, number, one, other) -> None:
    wide = parse(canonical(table(ODDS, *((f"p{place}", 1, 1) for place in range(999)))))
    drawn = [
        fairness.number_below(2**200, seed, fairness.message_of(wide.version, number, own.encode()))
        for own in (one, other)
    ]
    assert (drawn[0] == drawn[1]) == (one == other)


# -- decks -------------------------------------------------------------------


@given(STOCKS, st.integers(0, 20), SEEDS)
def test_a_deck_holds_each_prize_exactly_as_often_as_its_stock_says(stocks, nothing, seed) -> None:
    published = parse(canonical(deck(stocks, nothing)))
    counts = Counter(fairness.deck_of(published, seed))
    assert counts == Counter({place: stock for place, stock in enumerate([*stocks, nothing]) if stock})


@settings(max_examples=40, deadline=None)
@given(STOCKS, st.integers(0, 20), SEEDS, st.data())
def test_a_deck_that_is_revealed_to_its_end_has_given_every_prize_whatever_the_order_and_the_seeds(
    stocks, nothing, seed, data
) -> None:
    pool = FairPool(deck(stocks, nothing), seed)
    numbers = data.draw(st.permutations(range(1, pool.table.cards + 1)))
    won = Counter(pool.reveal(number, data.draw(OWN)) for number in numbers)
    assert won == Counter(
        {f"p{place}": stock for place, stock in enumerate(stocks)} | ({NOTHING: nothing} if nothing else {})
    )
    assert sorted(draw.position for draw, _ in pool.draws) == list(range(pool.table.cards))
    for place in range(pool.table.cards):
        assert verdict(check(pool.proofs[place])) == HOLDS
    with pytest.raises(ValueError, match="every position"):
        pool.reveal(pool.table.cards + 1)


@given(st.integers(1, 300), st.data())
def test_a_position_is_that_of_the_plain_statement(cards, data) -> None:
    published = parse(canonical(deck([1], cards - 1)))
    gone = data.draw(st.sets(st.integers(0, cards - 1), max_size=cards - 1))
    taken = b""
    for position in gone:
        taken = fairness.with_taken(taken, position, cards)
    free = [position for position in range(cards) if position not in gone]
    number = fairness.number_below(len(free), SEED, fairness.message_of(published.version, 5, b"own"))
    assert fairness.position_of(published, SEED, 5, "own", taken, START) == free[number]


# -- pacing, stock and budget ------------------------------------------------

CURVES = st.lists(
    st.tuples(st.integers(0, WHOLE - 1), st.integers(0, WHOLE)), max_size=5, unique_by=lambda point: point[0]
).map(lambda points: list(zip(sorted(p[0] for p in points), sorted(p[1] for p in points), strict=True)))


def curved(points: list[tuple[int, int]], **fields: Any) -> fairness.Table:
    return parse(
        canonical(
            table(
                ODDS,
                ("car", 1, 5),
                ("pen", 3, 9),
                window={"starts_at": START, "ends_at": START + 7 * DAY, "closes_at": START + 7 * DAY},
                pacing=[{"elapsed": elapsed, "released": share} for elapsed, share in points],
                **fields,
            )
        )
    )


@given(CURVES, st.integers(0, 10**12), st.lists(st.integers(-DAY, 8 * DAY), min_size=2, max_size=9))
def test_what_is_released_never_falls_and_is_everything_at_the_end(points, whole, moments) -> None:
    published = curved(points)
    found = [released(published, whole, START + at) for at in sorted(moments)]
    assert found == sorted(found)
    assert all(0 <= count <= whole for count in found)
    assert released(published, whole, START + 7 * DAY) == whole
    for elapsed, share in points:
        assert released(published, whole, START + elapsed * 7 * DAY // WHOLE) == whole * share // WHOLE


@settings(max_examples=60, deadline=None)
@given(CURVES, st.integers(0, 40), SEEDS, st.lists(st.integers(0, 7 * DAY), min_size=1, max_size=40).map(sorted))
def test_stock_budget_and_curve_are_never_passed(points, budget, seed, moments) -> None:
    pool = FairPool(json.loads(curved(points, budget=budget).text), seed)
    for number, at in enumerate(moments, 1):
        pool.reveal(number, "", START + at)
        for prize in pool.table.prizes:
            assert pool.won.get(prize.id, 0) <= released(pool.table, prize.stock, START + at) <= prize.stock
        assert not budget or pool.spent <= released(pool.table, budget, START + at) <= budget
    assert verdict(check(pool.whole(len(moments) - 1))) == HOLDS


def test_a_prize_that_is_gone_becomes_what_the_table_says() -> None:
    published = parse(canonical(table(ODDS, ("car", 1, 1), ("pen", 1, 2), nothing_weight=1)))
    won = {"car": 0, "pen": 0}
    assert fairness.won_of(published, "car", won.__getitem__, 0, START) == "car"
    won["car"] = 1
    assert fairness.won_of(published, "car", won.__getitem__, 0, START) == "pen"
    won["pen"] = 2
    assert fairness.won_of(published, "car", won.__getitem__, 0, START) == NOTHING
    assert fairness.won_of(published, NOTHING, won.__getitem__, 0, START) == NOTHING


# -- tables ------------------------------------------------------------------


def test_a_table_is_the_one_text_of_what_the_programme_declares() -> None:
    starts = datetime(2026, 3, 1, tzinfo=UTC)
    declared = pb.ScratchPool(
        id="wheel",
        name="A name that is not published",
        prizes=[pb.Prize(id="mug", name="Glücksmug", weight=1, stock=2, reward="mug", value=300)],
        nothing_weight=9,
        face=cards_pb.FACE_WHEEL,
        window=cards_pb.CardWindow(starts_at=starts, ends_at=starts + timedelta(days=7), reveal_days=2),
        limits=cards_pb.CardLimits(per_member_day=1),
        valid_days=3,
    )
    text = text_of("main", declared, "Europe/Berlin")
    assert text == canonical(json.loads(text))
    assert text.startswith('{"brand":"main","budget":0,"cards":0,"face":"wheel","kind":"odds","limits":{"per_day":0,')
    terms = terms_of(text)
    assert list(terms.prizes.values()) == list(declared.prizes)
    assert (terms.starts_at, terms.closes_at) == (starts, starts + timedelta(days=9))
    assert terms.day_of(datetime(2026, 3, 1, 23, 30, tzinfo=UTC)) == "2026-03-02"
    assert terms.expires_at(starts) == starts + timedelta(days=3)
    assert terms.expires_at(starts + timedelta(days=8)) == starts + timedelta(days=9)
    assert micros(starts) == START - 12 * 3_600_000_000


def test_a_known_pool_has_not_changed() -> None:
    """Published commitments bind to these numbers."""
    found = pools()
    assert {name: pool.head.hex()[:16] for name, pool in found.items()} == KNOWN
    assert found["deck"].won == {"car": 1, "bike": 3, "pen": 9}


KNOWN = {"odds": "c05cfd6b30d80b15", "deck": "d7c4ef95eb2d12f6"}


# -- what the check sees -----------------------------------------------------


@pytest.mark.parametrize("kind", ["odds", "deck"])
def test_every_draw_of_a_pool_holds_alone_and_with_all_others(kind) -> None:
    pool = pools()[kind]
    for place, proof in enumerate(pool.proofs):
        assert verdict(check(proof)) == HOLDS, check(proof)
        assert verdict(check(pool.whole(place))) == HOLDS, check(pool.whole(place))


@pytest.mark.parametrize("kind", ["odds", "deck"])
def test_before_the_pool_closes_nothing_speaks_against_a_draw_and_the_rest_is_pending(kind) -> None:
    pool = pools()[kind]
    for place in range(len(pool.proofs)):
        proof = {**pool.whole(place), "seed": ""}
        found = check(proof)
        assert verdict(found) == PENDING
        pending = {each.name for each in found if each.holds is None}
        assert pending == ({"seed", "permutation"} if kind == "deck" else {"seed", "outcome"})


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda tamper: tamper.name)
def test_what_was_tampered_with_is_seen(tamper: Tamper) -> None:
    pool = pools()[tamper.kind]
    published = {**pool.proofs[0]}
    data = tamper.of(deepcopy(pool.whole(tamper.place)))
    found = check(data, published)
    assert verdict(found) == BROKEN
    assert tamper.seen <= {each.name for each in found if each.holds is False}, found


def test_a_proof_of_another_pool_is_seen_by_who_kept_the_commitments() -> None:
    honest, other = pools()["odds"], pools()["odds"]
    forged = FairPool(honest.published, hashlib.sha256(b"another").digest())
    forged.reveal(1, "own-7", START)
    assert verdict(check(forged.proofs[0])) == HOLDS
    found = check(forged.proofs[0], other.proofs[0])
    assert [each.name for each in found if each.holds is False] == ["published"]


@pytest.mark.parametrize("data", [None, [], {}, {"scheme": 2}, {"scheme": "2"}, "text", 7])
def test_what_is_no_proof_is_told(data) -> None:
    assert [(each.name, each.holds) for each in check(data)] == [("form", False)]

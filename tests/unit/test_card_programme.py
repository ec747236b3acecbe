"""A pool is checked when the programme is: each mistake is told with its path, and what is right is published."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from laurels.leaderboard.v1 import programme_cards_pb2 as cards_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.missions.v1.programme_pb2 import Badge, CountGoal, Mission, MissionsProgramme
from laurels.points.v1.programme_pb2 import Currency, PointsProgramme, Reward
from laurels.programme.v1 import programme_pb2
from services.leaderboard.card_programme import check_published
from services.leaderboard.programme import compile_programme
from services.leaderboard.published import terms_of, text_of, zone_of
from services.programme import Problems

STARTS = datetime(2026, 3, 1, tzinfo=UTC)
ENDS = STARTS + timedelta(days=7)


def odds() -> pb.ScratchPool:
    """Odds with everything that odds may have."""
    return pb.ScratchPool(
        id="odds",
        name="Odds",
        kind=cards_pb.POOL_KIND_ODDS,
        face=cards_pb.FACE_SEALED_BOX,
        prizes=[
            pb.Prize(id="trip", name="Trip", weight=1, stock=1, reward="trip", value=900, instead="pin"),
            pb.Prize(id="card", name="Card", weight=5, stock=9, scratch_card="deck", value=2, instead="coins"),
            pb.Prize(id="pin", name="Pin", weight=9, stock=9, badge="pin"),
            pb.Prize(id="coins", name="Coins", weight=9, stock=99, currency="points", amount=5, value=1),
        ],
        nothing_weight=76,
        window=cards_pb.CardWindow(starts_at=STARTS, ends_at=ENDS, reveal_days=3),
        cards=500,
        budget=1_000,
        limits=cards_pb.CardLimits(per_member_day=1, per_member=5, per_day=100),
        pacing=[cards_pb.PacePoint(elapsed=0, released=500), cards_pb.PacePoint(elapsed=5_000, released=4_000)],
        valid_days=2,
    )


def deck() -> pb.ScratchPool:
    return pb.ScratchPool(
        id="deck",
        name="Deck",
        kind=cards_pb.POOL_KIND_DECK,
        cards=20,
        prizes=[pb.Prize(id="coins", name="Coins", stock=5, currency="points", amount=5)],
    )


def programme(*pools: pb.ScratchPool) -> programme_pb2.Programme:
    return programme_pb2.Programme(
        activity_types=[programme_pb2.ActivityType(type="purchase")],
        points=PointsProgramme(
            currencies=[Currency(id="points")], rewards=[Reward(id="trip", currency="points", price=1)]
        ),
        missions=MissionsProgramme(
            missions=[Mission(id="m", activity_type="purchase", count=CountGoal(target=1), badge="pin")],
            badges=[Badge(id="pin")],
        ),
        leaderboard=pb.LeaderboardProgramme(scratch_pools=pools),
    )


def problems(*pools: pb.ScratchPool) -> dict[str, str]:
    found = Problems()
    compile_programme(programme(*pools), found)
    prefix = "leaderboard.scratch_pools[0]"
    return {problem.field.removeprefix(prefix).removeprefix("."): problem.detail for problem in found.found}


def test_a_right_pool_of_each_kind_has_no_problems_and_needs_no_issues() -> None:
    assert problems(odds(), deck()) == {}


Change = Callable[[pb.ScratchPool], Any]
OF_ODDS: dict[str, tuple[Change, str]] = {
    "kind": (lambda pool: setattr(pool, "kind", 7), "which is none"),
    "face": (lambda pool: setattr(pool, "face", 9), "which is none"),
    "cards": (lambda pool: setattr(pool, "cards", -1), "is -1"),
    "budget": (lambda pool: setattr(pool, "budget", -1), "is -1"),
    "valid_days": (lambda pool: setattr(pool, "valid_days", 9_999), "not within"),
    "limits.per_day": (lambda pool: setattr(pool.limits, "per_day", -1), "is -1"),
    "limits.per_member_day": (lambda pool: setattr(pool.limits, "per_member_day", -1), "is -1"),
    "window.starts_at": (lambda pool: pool.window.ClearField("starts_at"), "is missing"),
    "window.ends_at ": (lambda pool: setattr(pool.window.ends_at, "seconds", 2**50), "not within the years"),
    "window.ends_at": (lambda pool: pool.window.ends_at.FromDatetime(STARTS), "not after"),
    "window.reveal_days": (lambda pool: setattr(pool.window, "reveal_days", 400), "not within"),
    "pacing": (lambda pool: pool.ClearField("window"), "needs a window"),
    "pacing[1].elapsed": (lambda pool: setattr(pool.pacing[1], "elapsed", 0), "not within 1"),
    "pacing[1].released": (lambda pool: setattr(pool.pacing[1], "released", 499), "not within 500"),
    "pacing[0].released": (lambda pool: setattr(pool.pacing[0], "released", 10_001), "not within"),
    "prizes[0].reward": (lambda pool: setattr(pool.prizes[0], "reward", "car"), "reward 'car', which does not exist"),
    "prizes[1].scratch_card": (lambda pool: setattr(pool.prizes[1], "scratch_card", "x"), "scratch-card pool 'x'"),
    "prizes[2].badge": (lambda pool: setattr(pool.prizes[2], "badge", "x"), "badge 'x'"),
    "prizes[3].amount": (lambda pool: setattr(pool.prizes[3], "amount", 0), "is 0"),
    "prizes[3].currency": (lambda pool: setattr(pool.prizes[3], "currency", "gold"), "currency 'gold'"),
    "prizes[0]": (lambda pool: setattr(pool.prizes[0], "currency", "points"), "more than one of"),
    "prizes[0].value": (lambda pool: setattr(pool.prizes[0], "value", -1), "is -1"),
    "prizes[0].weight": (lambda pool: setattr(pool.prizes[0], "weight", 0), "is 0"),
    "prizes[0].instead": (lambda pool: setattr(pool.prizes[0], "instead", "x"), "prize 'x', which does not exist"),
    "prizes[2].instead": (lambda pool: setattr(pool.prizes[2], "instead", "trip"), "does not stand after it"),
    "prizes[1].instead": (lambda pool: setattr(pool.prizes[1], "instead", "card"), "does not stand after it"),
}
OF_DECKS: dict[str, tuple[Change, str]] = {
    "cards": (lambda pool: setattr(pool, "cards", 4), "less than the 5 prizes"),
    "nothing_weight": (lambda pool: setattr(pool, "nothing_weight", 1), "not within 0 and 0"),
    "budget": (lambda pool: setattr(pool, "budget", 1), "not within 0 and 0"),
    "prizes[0].weight": (lambda pool: setattr(pool.prizes[0], "weight", 1), "not within 0 and 0"),
    "prizes[0].instead": (lambda pool: setattr(pool.prizes[0], "instead", "x"), "always there"),
    "prizes[0].stock": (lambda pool: setattr(pool.prizes[0], "stock", 0), "is 0"),
}


@pytest.mark.parametrize("path", OF_ODDS)
def test_a_mistake_in_odds_is_told_with_its_path(path: str) -> None:
    pool, (change, said) = odds(), OF_ODDS[path]
    change(pool)
    assert said in problems(pool, deck())[path.strip()]


@pytest.mark.parametrize("path", OF_DECKS)
def test_a_mistake_in_a_deck_is_told_with_its_path(path: str) -> None:
    pool, (change, said) = deck(), OF_DECKS[path]
    change(pool)
    assert said in problems(pool)[path]


def test_a_deck_may_not_be_larger_than_can_be_shuffled_at_once() -> None:
    pool = deck()
    pool.cards = 100_001
    assert "not within 1 and 100000" in problems(pool)["cards"]


ALLOWED: list[Change] = [
    lambda pool: setattr(pool, "name", "Another name"),
    lambda pool: pool.issues.add(mission="m"),
]
REFUSED: dict[str, Change] = {
    "face": lambda pool: setattr(pool, "face", cards_pb.FACE_WHEEL),
    "budget": lambda pool: setattr(pool, "budget", 999),
    "cards": lambda pool: setattr(pool, "cards", 501),
    "window": lambda pool: setattr(pool.window, "reveal_days", 4),
    "limits": lambda pool: setattr(pool.limits, "per_day", 0),
    "pacing": lambda pool: pool.pacing.pop(),
    "valid_days": lambda pool: setattr(pool, "valid_days", 3),
    "nothing_weight": lambda pool: setattr(pool, "nothing_weight", 1),
    "prizes": lambda pool: pool.prizes.pop(),
    "prizes[1].value": lambda pool: setattr(pool.prizes[1], "value", 3),
    "prizes[0].instead": lambda pool: setattr(pool.prizes[0], "instead", ""),
    "kind": lambda pool: setattr(pool, "kind", cards_pb.POOL_KIND_DECK),
}


def changed(change: Change) -> set[str]:
    pool, found = odds(), Problems()
    change(pool)
    published = {"odds": text_of("main", odds(), "Europe/Berlin")}
    check_published(programme(pool), published, "main", found)
    return {problem.field.removeprefix("leaderboard.scratch_pools[0].") for problem in found.found}


@pytest.mark.parametrize("change", ALLOWED)
def test_a_pools_name_and_what_gives_its_cards_may_change(change: Change) -> None:
    assert changed(change) == set()


@pytest.mark.parametrize("path", REFUSED)
def test_what_was_published_may_not_change(path: str) -> None:
    assert changed(REFUSED[path]) == {path}


def test_a_pool_from_before_there_were_tables_takes_no_rule_of_theirs() -> None:
    old = pb.ScratchPool(id="odds", prizes=[pb.Prize(id="a", name="A", weight=1, stock=1, currency="points", amount=1)])
    now, found = pb.ScratchPool(), Problems()
    now.CopyFrom(old)
    now.kind = cards_pb.POOL_KIND_ODDS
    check_published(programme(now), {"odds": old}, "main", found)
    assert found.found == []
    now.valid_days, now.prizes[0].value = 3, 2
    check_published(programme(now), {"odds": old}, "main", found)
    told = {problem.field for problem in found.found}
    assert told == {f"leaderboard.scratch_pools[0].{path}" for path in ("valid_days", "prizes[0].value")}


def test_a_zone_that_there_is_not_is_utc() -> None:
    named = programme()
    for time_zone, found in (("Europe/Berlin", "Europe/Berlin"), ("", "UTC"), ("Nowhere/City", "UTC"), ("../x", "UTC")):
        named.time_zone = time_zone
        assert zone_of(named) == found


def test_terms_are_what_the_table_says() -> None:
    terms = terms_of(text_of("main", odds(), "UTC"))
    assert (terms.per_member_day, terms.per_member, terms.per_day, terms.valid_days) == (1, 5, 100, 2)
    assert (terms.starts_at, terms.ends_at, terms.closes_at) == (STARTS, ENDS, ENDS + timedelta(days=3))
    assert terms.table.curve == ((0, 500), (5_000, 4_000), (10_000, 10_000))
    assert terms.limits_cards
    assert list(terms.prizes.values()) == list(odds().prizes)

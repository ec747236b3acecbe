"""Whether a pool gives another card, and what it is that a prize gives."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chassis.errors import FailedPrecondition
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.value.v1 import events_pb2 as value_pb
from services.leaderboard.fairness import DECK, released
from services.leaderboard.published import Terms, micros

EVER = ""
"""In a day's place: in all."""
ALL = ""
"""In a member's place: to everybody."""


class CardRefused(FailedPrecondition):
    """A pool gives no other card; the code says why."""

    code = "card_refused"


class NotRevealed(FailedPrecondition):
    """A card has no draw yet."""

    code = "not_revealed"

    def __init__(self, card: str) -> None:
        super().__init__(f"Card {card!r} was not revealed yet.")


class CardExpired(FailedPrecondition):
    """A card can no longer be revealed."""

    code = "card_expired"

    def __init__(self, card: str, at: datetime) -> None:
        super().__init__(f"Card {card!r} expired at {at:%Y-%m-%d %H:%M:%S} UTC.")


class PoolClosed(FailedPrecondition):
    """A pool's seed is published, so nothing is drawn from it any more."""

    code = "pool_closed"

    def __init__(self, pool: str) -> None:
        super().__init__(f"Pool {pool!r} is closed.")


def counts_of(terms: Terms, member: str, at: datetime) -> list[tuple[str, str, int, str]]:
    """The counts that limit another card: of whom, of which day, how many may be, and the code of the refusal."""
    day = terms.day_of(at) if terms.per_member_day or terms.per_day else EVER
    found = [
        (member, day, terms.per_member_day, "member_day_limit"),
        (member, EVER, terms.per_member, "member_limit"),
        (ALL, day, terms.per_day, "day_limit"),
    ]
    return [limit for limit in found if limit[2]]


def check_window(pool: str, terms: Terms, at: datetime) -> None:
    """Raises CardRefused outside the window."""
    if terms.starts_at is not None and at < terms.starts_at:
        raise CardRefused(f"Pool {pool!r} gives cards from {terms.starts_at} on.", code="pool_not_open")
    if terms.ends_at is not None and at >= terms.ends_at:
        raise CardRefused(f"Pool {pool!r} gave cards until {terms.ends_at}.", code="pool_over")


def check_cards(pool: str, terms: Terms, issued: int, at: datetime) -> None:
    """Raises CardRefused when there are no more cards, of a deck when no more are released."""
    cards = terms.table.cards
    if cards and issued >= cards:
        raise CardRefused(f"All {cards} cards of pool {pool!r} were given.", code="cards_gone")
    if terms.table.kind == DECK and issued >= (opened := released(terms.table, cards, micros(at))):
        raise CardRefused(f"Of pool {pool!r} {opened} cards are released so far.", code="not_released")


def check_limits(
    pool: str, terms: Terms, member: str, at: datetime, given: Callable[[str, str], int]
) -> list[tuple[str, str]]:
    """The counts that another card goes on, as (member, day). Raises CardRefused when one is reached."""
    limits = counts_of(terms, member, at)
    for who, day, most, code in limits:
        if given(who, day) >= most:
            raise CardRefused(f"Pool {pool!r} gives {most} cards at most ({code}).", code=code)
    return [(who, day) for who, day, _, _ in limits]


def grant_of(prize: pb.Prize) -> Any:
    """What a prize gives."""
    if prize.reward:
        return value_pb.Grant(reward=prize.reward)
    if prize.badge:
        return value_pb.Grant(badge=prize.badge)
    if prize.scratch_card:
        return value_pb.Grant(scratch_card=prize.scratch_card)
    return value_pb.Grant(points=value_pb.PointsGrant(currency=prize.currency, amount=prize.amount))

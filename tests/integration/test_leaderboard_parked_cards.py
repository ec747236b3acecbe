"""A card that could not be given is given once somebody can, or written off, once and under a key."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chassis.errors import (
    DomainError,
    FailedPrecondition,
    IdempotencyConflict,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from cli.embedded import Servers
from laurels.leaderboard.v1 import programme_cards_pb2 as published_pb
from laurels.leaderboard.v1 import scratch_cards_pb2 as cards_pb
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued
from laurels.value.v1.events_pb2 import GRANT_REASON_MISSION, Grant, RewardGranted
from services.leaderboard.scratch import card_id, grant_cause, prize_cause
from tests.conftest import running
from tests.integration.leaderboard_support import NOON, Leaderboard, listening, pool, prize, programme
from tests.integration.test_leaderboard_fair_cards import winning


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


async def parked(service: Leaderboard, brand: str, state: Any = 0) -> list[cards_pb.ParkedCard]:
    return list((await service.call("ListParkedCards", cards_pb.ListParkedCardsRequest(state=state), brand)).cards)


async def retry(service: Leaderboard, brand: str, of: str, key: str, **credential: Any) -> cards_pb.ParkedCard:
    request = cards_pb.RetryParkedCardRequest(parked=of, idempotency_key=key)
    found: cards_pb.ParkedCard = (await service.call("RetryParkedCard", request, brand, **credential)).card
    return found


async def dismiss(
    service: Leaderboard, brand: str, of: str, key: str, reason: str = "", **credential: Any
) -> cards_pb.ParkedCard:
    request = cards_pb.DismissParkedCardRequest(parked=of, reason=reason, idempotency_key=key)
    found: cards_pb.ParkedCard = (await service.call("DismissParkedCard", request, brand, **credential)).card
    return found


def granted(key: str, member: str, version: int = 1) -> RewardGranted:
    return RewardGranted(
        key=key,
        member=member,
        grants=[Grant(scratch_card="later")],
        reason=GRANT_REASON_MISSION,
        occurred_at=NOON,
        programme_version=version,
    )


async def waiting(service: Leaderboard, brand: str, *keys: str) -> list[cards_pb.ParkedCard]:
    """Cards of a pool that there is not, granted to ann, in the order of their keys."""
    await service.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    ids = await service.publish(brand, *(granted(key, "ann") for key in keys))
    await service.settled(brand, *ids)
    return sorted(await parked(service, brand), key=lambda card: card.key)


async def test_a_parked_card_stays_until_it_can_be_given_and_is_given_once(
    leaderboard: Leaderboard, brand: str
) -> None:
    (card,) = await waiting(leaderboard, brand, "g1")
    with pytest.raises(NotFound) as refused:
        await retry(leaderboard, brand, card.parked, "k1")
    assert refused.value.reason == "unknown_pool"
    assert [(each.parked, each.state) for each in await parked(leaderboard, brand)] == [
        (card.parked, cards_pb.PARKED_CARD_STATE_PARKED)
    ]
    shop = programme(pool("spring", prize("pen", 1, 9)), pool("later", prize("pen", 1, 9)))
    await leaderboard.apply(brand, shop, version=2)
    # The same key from many callers at once, and others, too.
    calls = [retry(leaderboard, brand, card.parked, key) for key in ("k1", "k1", "k1", "k2", "k3")]
    answers = await asyncio.gather(*calls)
    expected = card_id(brand, "later", grant_cause("g1", 0))
    assert {(each.card, each.state) for each in answers} == {(expected, cards_pb.PARKED_CARD_STATE_GIVEN)}
    assert [each.card for each in (await leaderboard.cards(brand, "ann")).cards] == [expected]
    assert [each.card for each in await leaderboard.told(brand, ScratchCardIssued)] == [expected]
    assert await parked(leaderboard, brand) == []
    assert [each.parked for each in await parked(leaderboard, brand, cards_pb.PARKED_CARD_STATE_GIVEN)] == [card.parked]
    # The grant itself, told once more, gives nothing further.
    await leaderboard.settled(brand, *await leaderboard.publish(brand, granted("g1", "ann", 2)))
    assert (await leaderboard.pool(brand, "later")).issued == 1
    assert await leaderboard.violations(brand) == []


async def test_a_card_is_given_or_written_off_and_never_both(leaderboard: Leaderboard, brand: str) -> None:
    found = await waiting(leaderboard, brand, *(f"g{n}" for n in range(8)))
    shop = programme(pool("spring", prize("pen", 1, 9)), pool("later", prize("pen", 1, 99)))
    await leaderboard.apply(brand, shop, version=2)
    calls = [
        call(leaderboard, brand, card.parked, f"{call.__name__}-{card.key}")
        for card in found
        for call in (retry, dismiss)
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for first, second in zip(answers[::2], answers[1::2], strict=True):
        won, lost = (first, second) if not isinstance(first, BaseException) else (second, first)
        assert not isinstance(won, BaseException)
        assert isinstance(lost, DomainError)
        assert lost.reason == "parked_card_ended"
    given = await parked(leaderboard, brand, cards_pb.PARKED_CARD_STATE_GIVEN)
    gone = await parked(leaderboard, brand, cards_pb.PARKED_CARD_STATE_DISMISSED)
    assert len(given) + len(gone) == 8
    assert (await leaderboard.pool(brand, "later")).issued == len(given)
    assert await leaderboard.violations(brand) == []


async def test_who_decides_gives_a_key_that_stands_for_one_decision(leaderboard: Leaderboard, brand: str) -> None:
    first, second = await waiting(leaderboard, brand, "g1", "g2")
    assert (
        await dismiss(leaderboard, brand, first.parked, "k1", "a test")
    ).state == cards_pb.PARKED_CARD_STATE_DISMISSED
    assert (await dismiss(leaderboard, brand, first.parked, "k1", "a test")).HasField("decided_at")
    with pytest.raises(IdempotencyConflict):
        await dismiss(leaderboard, brand, second.parked, "k1", "a test")
    with pytest.raises(FailedPrecondition) as ended:
        await retry(leaderboard, brand, first.parked, "k2")
    assert ended.value.reason == "parked_card_ended"
    for call, refusal in (
        (retry(leaderboard, brand, "0" * 32, "k3"), NotFound),
        (retry(leaderboard, f"{brand}-other", second.parked, "k3"), NotFound),
        (retry(leaderboard, brand, second.parked, ""), InvalidArgument),
        (dismiss(leaderboard, brand, second.parked, "k3", "x" * 201), InvalidArgument),
        (retry(leaderboard, brand, second.parked, "k3", scope="service"), PermissionDenied),
        (dismiss(leaderboard, brand, second.parked, "k3", scope="member", subject="ann"), PermissionDenied),
    ):
        with pytest.raises(refusal):
            await call
    assert [card.parked for card in await parked(leaderboard, brand)] == [second.parked]


async def test_a_card_that_another_card_won_is_given_and_shown_no_more_as_parked(
    leaderboard: Leaderboard, brand: str
) -> None:
    coins = winning("coins", currency="gems", amount=7)
    coins.limits.CopyFrom(published_pb.CardLimits(per_member_day=1))
    await leaderboard.apply(brand, programme(winning("boxes", scratch_card="coins"), coins))
    first, second = [await leaderboard.issue(brand, "boxes", "ann", key) for key in ("k1", "k2")]
    await leaderboard.reveal(brand, first.card)
    assert (await leaderboard.reveal(brand, second.card)).parked.code == "member_day_limit"
    (card,) = await parked(leaderboard, brand)
    with pytest.raises(FailedPrecondition) as refused:
        await retry(leaderboard, brand, card.parked, "r1")
    assert refused.value.reason == "member_day_limit"
    # As on the next day.
    await leaderboard.fetch("UPDATE scratch_counts SET day = '2020-01-01' WHERE brand = $1 AND day <> ''", brand)
    given = await retry(leaderboard, brand, card.parked, "r1")
    assert given.card == card_id(brand, "coins", prize_cause(second.card))
    assert not any(each.HasField("parked") for each in (await leaderboard.cards(brand, "ann")).cards)
    assert (await leaderboard.report_row(brand, "boxes")).parked == 0


async def test_verification_finds_a_parked_card_that_is_said_to_be_given_and_is_not(
    leaderboard: Leaderboard, brand: str
) -> None:
    await waiting(leaderboard, brand, "g1")
    await leaderboard.fetch("UPDATE parked_cards SET state = 2, card = 'nothing' WHERE brand = $1", brand)
    assert any("is said to be given" in sentence for sentence in await leaderboard.violations(brand))

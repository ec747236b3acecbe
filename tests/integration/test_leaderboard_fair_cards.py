"""Scratch cards on the real servers: given within limits, drawn as published, paid once, provable by anybody."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest
from google.protobuf.json_format import MessageToDict

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.errors import (
    DomainError,
    IdempotencyConflict,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from chassis.write_path import WritePath
from cli.card_check import check
from cli.cards import HOLDS, PENDING, verdict
from cli.embedded import Servers
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from laurels.leaderboard.v1 import programme_boards_pb2 as boards_pb
from laurels.leaderboard.v1 import programme_cards_pb2 as published_pb
from laurels.leaderboard.v1 import programme_pb2 as pb
from laurels.leaderboard.v1 import scratch_cards_pb2 as cards_pb
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued, ScratchCardRevealed, ScratchPoolClosed
from laurels.missions.v1.programme_pb2 import Badge
from laurels.points.v1 import grants_pb2, grants_pb2_grpc, points_pb2
from laurels.points.v1.programme_pb2 import Reward
from laurels.programme.v1 import programme_pb2
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.value.v1 import events_pb2 as value_pb
from laurels.value.v1.events_pb2 import GrantParked, RewardGranted
from services.leaderboard.book import Book
from services.leaderboard.cards import Close, Issue, Reveal
from services.leaderboard.operations import ADOPTING, OPERATIONS
from services.leaderboard.programme import compile_document
from services.leaderboard.scratch import Odds, card_id, commitment, draw, grant_cause, key_cause, prize_cause
from services.leaderboard.sealing import Seal, key_of
from tests.conftest import running
from tests.integration.leaderboard_support import (
    NOON,
    Leaderboard,
    card_of,
    eventually,
    listening,
    pool,
    prize,
    programme,
    purchase,
)
from tests.integration.mortal import Mortal, died
from tests.integration.points_support import Points
from tests.integration.test_leaderboard_periods import FIXED, PAST, Sport, board, closed, with_boards

NOW = datetime.now(UTC)
DECK, WHEEL = published_pb.POOL_KIND_DECK, published_pb.FACE_WHEEL


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


def deck(name: str, cards: int, *prizes: pb.Prize, **fields: Any) -> pb.ScratchPool:
    """A deck of so many cards."""
    for each in prizes:
        each.weight = 0
    return pool(name, *prizes, kind=DECK, cards=cards, **fields)


def window(begins: timedelta, ends: timedelta, reveal_days: int = 0) -> published_pb.CardWindow:
    """A window from now."""
    return published_pb.CardWindow(starts_at=NOW + begins, ends_at=NOW + ends, reveal_days=reveal_days)


def as_json(proof: cards_pb.GetScratchCardProofResponse, *draws: cards_pb.ScratchDraw) -> dict[str, Any]:
    """A proof as the gateway shows it."""

    def shown(message: Any) -> Any:
        found = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        return numbers(found)

    return {**shown(proof), "draws": [shown(each) for each in draws]} if draws else shown(proof)


def numbers(value: Any) -> Any:
    if isinstance(value, dict):
        whole = {"draw", "number", "count", "spent_before"}
        return {
            key: int(held) if key in whole and isinstance(held, str) else numbers(held) for key, held in value.items()
        }
    return [numbers(each) for each in value] if isinstance(value, list) else value


async def issued(leaderboard: Leaderboard, brand: str, count: int, name: str = "spring") -> list[cards_pb.ScratchCard]:
    return await asyncio.gather(*(leaderboard.issue(brand, name, f"m{n % 7}", f"k{n}") for n in range(count)))


async def reason(call: Any) -> str:
    with pytest.raises(DomainError) as refused:
        await call
    return refused.value.reason


# -- giving ------------------------------------------------------------------


async def test_a_key_gives_one_card_whoever_asks_how_often(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9), face=WHEEL, valid_days=3)))
    first = await leaderboard.issue(brand, "spring", "ann", "k1")
    answers = await asyncio.gather(*(leaderboard.issue(brand, "spring", "ann", "k1") for _ in range(30)))
    assert all(answer == first for answer in answers)
    await leaderboard.reveal(brand, first.card)
    assert await leaderboard.issue(brand, "spring", "ann", "k1") == first
    assert first.card == card_id(brand, "spring", key_cause("k1"))
    assert (first.number, first.face, first.state) == (1, WHEEL, cards_pb.CARD_STATE_SEALED)
    assert first.expires_at.ToDatetime(tzinfo=UTC) - first.issued_at.ToDatetime(tzinfo=UTC) == timedelta(days=3)
    with pytest.raises(IdempotencyConflict):
        await leaderboard.issue(brand, "spring", "bob", "k1")
    (told,) = await leaderboard.told(brand, ScratchCardIssued)
    assert (told.number, told.expires_at) == (1, first.expires_at)
    assert await reason(leaderboard.issue(brand, "autumn", "ann", "k1")) == "unknown_pool"
    for member, key in (("a b", "k2"), ("ann", ""), ("ann", "k 2"), ("ann", "k" * 129)):
        with pytest.raises(InvalidArgument):
            await leaderboard.issue(brand, "spring", member, key)
    with pytest.raises(PermissionDenied):
        await leaderboard.issue(brand, "spring", "ann", "k2", subject="ann", scope="member")
    assert await leaderboard.violations(brand) == []


async def test_numbers_are_given_in_order_without_gaps_whatever_the_source(
    leaderboard: Leaderboard, brand: str
) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    bought = leaderboard.publish(brand, *(purchase(f"m{n}", f"a{n}") for n in range(40)))
    granted = leaderboard.publish(brand, *(granting(f"g{n}", f"m{n}", "spring") for n in range(20)))
    ids, more, *_ = await asyncio.gather(bought, granted, *(issued(leaderboard, brand, 40) for _ in range(2)))
    await leaderboard.settled(brand, *ids, *more)
    rows = await leaderboard.fetch("SELECT number FROM scratch_cards WHERE brand = $1 ORDER BY number", brand)
    assert [row["number"] for row in rows] == list(range(1, 101))
    assert (await leaderboard.pool(brand, "spring")).issued == 100
    assert await leaderboard.violations(brand) == []


def granting(key: str, member: str, *pools: str) -> RewardGranted:
    return RewardGranted(
        key=key,
        member=member,
        grants=[
            value_pb.Grant(points=value_pb.PointsGrant(currency="points", amount=1)),
            *(value_pb.Grant(scratch_card=name) for name in pools),
        ],
        reason=value_pb.GRANT_REASON_CAMPAIGN,
        occurred_at=NOON,
        programme_version=1,
    )


async def test_a_grant_gives_its_cards_once_and_parks_what_it_cannot_give(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9)), deck("tiny", 1, prize("car", 1, 1))))
    events = [granting("g1", "ann", "spring", "tiny", "nowhere"), granting("g2", "ann", "tiny")]
    ids = await leaderboard.publish(brand, *events)
    await leaderboard.settled(brand, *ids)
    for _ in range(2):  # once more under other ids, as a later replay would send it
        await leaderboard.settled(brand, *await leaderboard.publish(brand, *events))
    cards = {card.card for card in (await leaderboard.cards(brand, "ann")).cards}
    assert cards == {
        card_id(brand, "spring", grant_cause("g1", 1)),
        card_id(brand, "tiny", grant_cause("g1", 2)),
    }
    told = [(each.key, each.grant.scratch_card, each.code) for each in await leaderboard.told(brand, GrantParked)]
    assert sorted(told) == [("g1", "nowhere", "unknown_pool"), ("g2", "tiny", "cards_gone")]
    answer = await leaderboard.call("ListParkedCards", cards_pb.ListParkedCardsRequest(page_size=1), brand)
    again = cards_pb.ListParkedCardsRequest(page_size=1, page_token=answer.next_page_token)
    rest = await leaderboard.call("ListParkedCards", again, brand)
    listed = [(each.key, each.place, each.pool) for page in (answer, rest) for each in page.cards]
    assert (sorted(listed), rest.next_page_token) == ([("g1", 3, "nowhere"), ("g2", 1, "tiny")], "")
    assert await leaderboard.violations(brand) == []


async def test_a_boards_place_wins_a_card_once_or_it_is_parked(leaderboard: Leaderboard, brand: str) -> None:
    sport = Sport(leaderboard, brand)
    grants = [value_pb.Grant(scratch_card="tiny"), value_pb.Grant(scratch_card="spring")]
    places = boards_pb.BoardPrize(ranks=boards_pb.RankRange(first=1, last=2), grants=grants)
    dated = board(schedule=boards_pb.BoardSchedule(fixed=FIXED), prizes=[places])
    applied = with_boards(dated)
    applied.leaderboard.scratch_pools.extend([pool("spring", prize("pen", 1, 9)), deck("tiny", 1, prize("car", 1, 1))])
    await leaderboard.apply(brand, applied)
    await sport.submit(("ann", 3), ("bob", 2), ("cem", 1), at=PAST)
    (told,) = await closed(sport)
    keys = {member: f"board:sprint:{told.period}:{member}" for member in ("ann", "bob")}
    for member, pools in (("ann", {"tiny", "spring"}), ("bob", {"spring"}), ("cem", set())):
        assert {card.pool for card in (await leaderboard.cards(brand, member)).cards} == pools
    cards = {card.card for card in (await leaderboard.cards(brand, "ann")).cards}
    assert cards == {
        card_id(brand, "tiny", grant_cause(keys["ann"], 0)),
        card_id(brand, "spring", grant_cause(keys["ann"], 1)),
    }
    parked = [(each.key, each.code) for each in await leaderboard.told(brand, GrantParked)]
    assert parked == [(keys["bob"], "cards_gone")]
    assert await leaderboard.violations(brand) == []


LIMITS = {
    "member_day_limit": (published_pb.CardLimits(per_member_day=2), 14),
    "member_limit": (published_pb.CardLimits(per_member=3), 21),
    "day_limit": (published_pb.CardLimits(per_day=17), 17),
    "cards_gone": (None, 12),
}


@pytest.mark.parametrize("code", LIMITS)
async def test_a_limit_holds_under_concurrency(leaderboard: Leaderboard, brand: str, code: str) -> None:
    limits, most = LIMITS[code]
    await leaderboard.apply(
        brand, programme(pool("spring", prize("pen", 1, 9), limits=limits, cards=0 if limits else most))
    )
    calls = (leaderboard.issue(brand, "spring", f"m{n % 7}", f"k{n}") for n in range(70))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    given = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(given) == most
    assert {answer.reason for answer in answers if isinstance(answer, DomainError)} == {code}
    # The same key has its card, whatever the limit is at now.
    again = next(n for n, answer in enumerate(answers) if not isinstance(answer, BaseException))
    assert await leaderboard.issue(brand, "spring", f"m{again % 7}", f"k{again}") == answers[again]
    assert (await leaderboard.pool(brand, "spring")).issued == most
    assert await leaderboard.violations(brand) == []


async def test_a_purchase_that_no_limit_allows_goes_without_a_card_and_days_are_those_of_the_purchase(
    leaderboard: Leaderboard, brand: str
) -> None:
    limits = published_pb.CardLimits(per_member_day=1)
    applied = programme(pool("spring", prize("pen", 1, 9), limits=limits))
    applied.time_zone = "Pacific/Auckland"  # 13 hours ahead of UTC in March: noon is one o'clock at night
    await leaderboard.apply(brand, applied)
    minutes = (0, 10, 11 * 60 - 61, 11 * 60 - 60 + 1, 24 * 60)
    events = [purchase("ann", f"a{minute}", minute=minute) for minute in minutes]
    await leaderboard.settled(brand, *await leaderboard.publish(brand, *events))
    found = {card.card for card in (await leaderboard.cards(brand, "ann")).cards}
    # From one o'clock until midnight is 23 hours: the first three and the fourth are on one day.
    assert found == {card_of(brand, "spring", "a0"), card_of(brand, "spring", f"a{24 * 60}")}
    assert await leaderboard.violations(brand) == []


async def test_a_window_gives_cards_from_its_start_to_its_end(leaderboard: Leaderboard, brand: str) -> None:
    day = timedelta(days=1)
    await leaderboard.apply(
        brand,
        programme(
            pool("early", prize("pen", 1, 9), window=window(day, 2 * day)),
            pool("late", prize("pen", 1, 9), window=window(-2 * day, -day, reveal_days=30)),
            pool("now", prize("pen", 1, 9), window=window(-day, day)),
        ),
    )
    assert await reason(leaderboard.issue(brand, "early", "ann", "k")) == "pool_not_open"
    assert await reason(leaderboard.issue(brand, "late", "ann", "k")) == "pool_over"
    card = await leaderboard.issue(brand, "now", "ann", "k")
    assert card.expires_at == (await leaderboard.pool(brand, "now")).closes_at


async def test_a_deck_opens_along_its_curve(leaderboard: Leaderboard, brand: str) -> None:
    day = timedelta(days=1)
    pacing = [
        published_pb.PacePoint(elapsed=4_000, released=2_500),
        published_pb.PacePoint(elapsed=9_000, released=2_500),
    ]
    cards = deck("spring", 40, prize("pen", 1, 9), window=window(-day, day), pacing=pacing)
    await leaderboard.apply(brand, programme(cards))
    answers = await asyncio.gather(
        *(leaderboard.issue(brand, "spring", f"m{n}", f"k{n}") for n in range(30)), return_exceptions=True
    )
    given = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(given) == 10  # a quarter of 40 in the middle of the window
    assert {answer.reason for answer in answers if isinstance(answer, DomainError)} == {"not_released"}
    await asyncio.gather(*(leaderboard.reveal(brand, card.card, f"o{card.number}") for card in given))
    assert sorted(each.position for each in await leaderboard.draws(brand, "spring")) == list(range(10))
    assert await leaderboard.violations(brand) == []


# -- revealing ---------------------------------------------------------------


async def reveal_all(
    leaderboard: Leaderboard, brand: str, cards: list[cards_pb.ScratchCard]
) -> dict[str, cards_pb.ScratchCard]:
    """Each card is revealed by its member and by a back end at once, with seeds of their own."""
    calls = [
        call
        for card in cards
        for call in (
            leaderboard.reveal(brand, card.card, f"one-{card.number}", subject=card.member, scope="member"),
            leaderboard.reveal(brand, card.card, f"two-{card.number}"),
        )
    ]
    answers = await asyncio.gather(*calls)
    for one, other in zip(answers[::2], answers[1::2], strict=True):
        assert one == other
        assert one.state == cards_pb.CARD_STATE_REVEALED
    return {card.card: card for card in answers}


@pytest.mark.parametrize("kind", ["deck", "odds"])
async def test_1000_concurrent_revealers_win_300_prizes_and_no_more(
    leaderboard: Leaderboard, brand: str, kind: str
) -> None:
    prizes = [prize("car", 1, 1), prize("bike", 49, 49), prize("pen", 250, 250)]
    for each, value in zip(prizes, (1_000, 100, 1), strict=True):
        each.value = value
    spring = deck("spring", 1_000, *prizes)
    if kind == "odds":
        for each, weight in zip(prizes, (1, 100, 500), strict=True):
            each.weight = weight
        prizes[0].instead, prizes[1].instead = "bike", "pen"
        spring = pool("spring", *prizes, budget=5_000)
    await leaderboard.apply(brand, programme(spring))
    cards = await issued(leaderboard, brand, 1_000)
    calls = [leaderboard.reveal(brand, card.card, f"own{card.number}") for card in cards]
    answers = await asyncio.gather(*calls)
    won = Counter(answer.prize.id for answer in answers if answer.HasField("prize"))
    published = await leaderboard.pool(brand, "spring")
    if kind == "deck":
        assert won == {"car": 1, "bike": 49, "pen": 250}
    else:
        assert all(won[each.id] <= each.stock for each in prizes)
        spent = 1_000 * won["car"] + 100 * won["bike"] + won["pen"]
        assert published.budget_left == 5_000 - spent >= 0
        # Each draw is a prize, at last a pen, and a thousand draws leave none, or nothing to buy one with.
        assert won["pen"] == 250 or published.budget_left == 0
    assert {each.prize.id: each.prize.stock - each.remaining for each in published.prizes} == {
        name: won[name] for name in ("car", "bike", "pen")
    }
    granted = await leaderboard.told(brand, RewardGranted)
    assert Counter(each.key for each in granted) == Counter(
        f"prize:{answer.card}" for answer in answers if answer.HasField("prize")
    )
    assert [each.draw for each in await leaderboard.draws(brand, "spring", 300)] == list(range(1, 1_001))
    assert await leaderboard.violations(brand) == []


async def test_a_card_has_one_outcome_whatever_seeds_race(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(deck("spring", 60, prize("car", 1, 5), prize("pen", 1, 20))))
    cards = await issued(leaderboard, brand, 60)
    revealed = await reveal_all(leaderboard, brand, cards)
    assert Counter(card.prize.id for card in revealed.values() if card.HasField("prize")) == {"car": 5, "pen": 20}
    assert all(card.own_seed in (f"one-{card.number}", f"two-{card.number}") for card in revealed.values())
    told = await leaderboard.told(brand, ScratchCardRevealed)
    assert sorted(each.card for each in told) == sorted(revealed)
    assert all(each.granted == each.HasField("prize") for each in told)
    for own in ("a b", "x" * 65, "ä"):
        with pytest.raises(InvalidArgument):
            await leaderboard.reveal(brand, cards[0].card, own)
    assert await leaderboard.violations(brand) == []


async def test_a_card_that_expired_is_not_revealed_and_leaves_what_it_might_have_won(
    leaderboard: Leaderboard, brand: str
) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9), valid_days=1)))
    await leaderboard.settled(brand, *await leaderboard.publish(brand, purchase("ann", "a1")))
    card = card_of(brand, "spring", "a1")
    (shown,) = (await leaderboard.cards(brand, "ann")).cards
    assert shown.state == cards_pb.CARD_STATE_EXPIRED
    assert shown.expires_at.ToDatetime(tzinfo=UTC) == NOON + timedelta(days=1)
    assert await reason(leaderboard.reveal(brand, card)) == "card_expired"
    assert await reason(leaderboard.proof(brand, card)) == "not_revealed"
    assert (await leaderboard.pool(brand, "spring")).prizes[0].remaining == 9
    assert await leaderboard.violations(brand) == []


# -- prizes ------------------------------------------------------------------


def winning(name: str, **given: Any) -> pb.ScratchPool:
    """A pool in which every card wins."""
    return pool(name, pb.Prize(id="won", name="Won", weight=1, stock=99, **given))


def with_everything(*pools: pb.ScratchPool) -> programme_pb2.Programme:
    found = programme(*pools)
    found.points.rewards.append(Reward(id="mug", name="Mug", currency="points", price=100))
    found.missions.badges.append(Badge(id="lucky", name="Lucky"))
    found.missions.missions[0].badge = "lucky"
    return found


async def test_a_prize_is_granted_once_by_the_service_that_owns_its_kind(leaderboard: Leaderboard, brand: str) -> None:
    pools = [
        winning("coins", currency="gems", amount=7),
        winning("mugs", reward="mug"),
        winning("badges", badge="lucky"),
        winning("boxes", scratch_card="coins"),
    ]
    assert await leaderboard.problems(brand, with_everything(*pools)) == {}
    await leaderboard.apply(brand, with_everything(*pools))
    cards = {each.id: await leaderboard.issue(brand, each.id, "ann", "k") for each in pools}
    for card in cards.values():
        await asyncio.gather(*(leaderboard.reveal(brand, card.card) for _ in range(5)))
    told = {each.key: each for each in await leaderboard.told(brand, RewardGranted)}
    assert len(await leaderboard.told(brand, RewardGranted)) == 3
    granted = {name: told[f"prize:{cards[name].card}"].grants[0] for name in ("coins", "mugs", "badges")}
    assert granted["coins"].points == value_pb.PointsGrant(currency="gems", amount=7)
    assert (granted["mugs"].reward, granted["badges"].badge) == ("mug", "lucky")
    assert {each.reason for each in told.values()} == {value_pb.GRANT_REASON_PRIZE}
    assert {each.programme_version for each in told.values()} == {1}
    another = card_id(brand, "coins", prize_cause(cards["boxes"].card))
    assert another in {card.card for card in (await leaderboard.cards(brand, "ann")).cards}
    assert (await leaderboard.reveal(brand, another, subject="ann", scope="member")).prize.id == "won"
    assert await leaderboard.violations(brand) == []


async def test_a_card_that_cannot_be_won_is_parked_and_shown(leaderboard: Leaderboard, brand: str) -> None:
    limits = published_pb.CardLimits(per_member=1)
    coins = winning("coins", currency="gems", amount=7)
    coins.limits.CopyFrom(limits)
    await leaderboard.apply(brand, programme(winning("boxes", scratch_card="coins"), coins))
    first, second = [await leaderboard.issue(brand, "boxes", "ann", key) for key in ("k1", "k2")]
    assert not (await leaderboard.reveal(brand, first.card)).HasField("parked")
    answers = await asyncio.gather(*(leaderboard.reveal(brand, second.card) for _ in range(5)))
    assert {(each.prize.id, each.parked.code) for each in answers} == {("won", "member_limit")}
    (told,) = await leaderboard.told(brand, GrantParked)
    assert (told.key, told.grant.scratch_card) == (f"prize:{second.card}", "coins")
    assert (await leaderboard.report_row(brand, "boxes")).parked == 1
    assert await leaderboard.violations(brand) == []


async def test_points_credits_a_prize_once_and_one_that_it_parks_is_shown_on_the_card(
    leaderboard: Leaderboard, settings_of: Callable[..., Any], token: Callable[..., str], brand: str
) -> None:
    await leaderboard.forget()  # points hears of this test alone
    async with running("points", settings_of("points")) as channel:
        points = Points(channel, token, grants_pb2_grpc.GrantsServiceStub(channel))
        applied = with_everything(winning("coins", currency="points", amount=7), winning("mugs", reward="mug"))
        applied.points.rewards[0].available_until.FromDatetime(NOON)
        await points.call("ApplyProgramme", programme_pb2.ApplyProgrammeRequest(programme=applied), brand)
        await points.call("EnrolMember", points_pb2.EnrolMemberRequest(member="ann"), brand)

        async def published() -> bool:
            try:
                return (await leaderboard.pool(brand, "mugs")).scheme == 2
            except NotFound:
                return False

        await eventually(published)
        coins, mugs = [await leaderboard.issue(brand, name, "ann", "k") for name in ("coins", "mugs")]
        await asyncio.gather(*(leaderboard.reveal(brand, card.card) for card in (coins, mugs) for _ in range(3)))

        async def paid_and_parked() -> bool:
            cards = {card.pool: card for card in (await leaderboard.cards(brand, "ann")).cards}
            return cards["mugs"].HasField("parked") and await credited(points, brand) == [7]

        await eventually(paid_and_parked)
        cards = {card.pool: card for card in (await leaderboard.cards(brand, "ann")).cards}
        assert cards["mugs"].prize.reward == "mug"
        assert (cards["mugs"].parked.code != "", cards["coins"].HasField("parked")) == (True, False)
        # What was told once more, as a relay that died before it marked it would, has no other effect.
        again = await leaderboard.told(brand, RewardGranted)
        assert len(again) == 2
        await leaderboard.republish(brand)
        await eventually(leaderboard.all_published)
        assert await credited(points, brand) == [7]
        # A manager has it given after all, and the card says so.
        applied.points.rewards[0].ClearField("available_until")
        await points.call("ApplyProgramme", programme_pb2.ApplyProgrammeRequest(programme=applied), brand)
        (grant,) = (await points.call("ListParkedGrants", grants_pb2.ListParkedGrantsRequest(), brand)).grants
        retry = grants_pb2.RetryGrantRequest(grant=grant.grant, idempotency_key="retry")
        await points.call("RetryGrant", retry, brand)

        async def shown_as_given() -> bool:
            return not any(card.HasField("parked") for card in (await leaderboard.cards(brand, "ann")).cards)

        await eventually(shown_as_given)
    assert await leaderboard.violations(brand) == []


async def credited(points: Points, brand: str) -> list[int]:
    request = points_pb2.ListEntriesRequest(member="ann")
    entries = (await points.call("ListEntries", request, brand)).entries
    return [entry.amount for entry in entries if entry.kind == points_pb2.ENTRY_KIND_PRIZE]


# -- proofs and closing ------------------------------------------------------


async def test_what_is_published_before_the_close_tells_nobody_an_outcome(leaderboard: Leaderboard, brand: str) -> None:
    spring = deck("spring", 30, prize("pen", 1, 9))
    await leaderboard.apply(brand, programme(spring, pool("autumn", prize("pen", 1, 9), nothing_weight=1)))
    for name in ("spring", "autumn"):
        one, other = await issued(leaderboard, brand, 2, name)
        await leaderboard.reveal(brand, one.card)
        published = await leaderboard.pool(brand, name)
        assert (published.seed, published.HasField("closed_at")) == ("", False)
        proof = await leaderboard.proof(brand, one.card, subject=one.member, scope="member")
        assert proof.seed == ""
        assert await reason(leaderboard.proof(brand, other.card)) == "not_revealed"
        (row,) = await leaderboard.fetch(
            "SELECT sealed_seed FROM scratch_pools WHERE brand = $1 AND pool = $2", brand, name
        )
        seed = Seal(key_of(leaderboard.servers.data.seed_key())).open(brand, name, row["sealed_seed"])
        for secret in (seed.hex().encode(), seed):
            for answer in (published, proof, *(await leaderboard.draws(brand, name))):
                assert secret not in answer.SerializeToString()
            query = "SELECT count(*) FROM outbox WHERE brand = $1 AND position($2::bytea IN payload) > 0"
            assert (await leaderboard.fetch(query, brand, secret))[0][0] == 0
        assert verdict(check(as_json(proof))) == PENDING


async def test_closing_publishes_the_seed_and_every_draw_then_holds(leaderboard: Leaderboard, brand: str) -> None:
    prizes = [prize("car", 1, 9), prize("pen", 3, 9)]
    await leaderboard.apply(
        brand, programme(deck("spring", 30, *prizes), pool("autumn", prize("car", 1, 9), prize("pen", 3, 9)))
    )
    for name in ("spring", "autumn"):
        cards = await issued(leaderboard, brand, 20, name)
        await reveal_all(leaderboard, brand, cards[:18])
        before = await leaderboard.pool(brand, name)
        with pytest.raises(PermissionDenied):
            await leaderboard.close(brand, name, scope="service")
        answers = await asyncio.gather(*(leaderboard.close(brand, name, scope="manager") for _ in range(5)))
        assert all(answer == answers[0] for answer in answers)
        assert hashlib.sha256(bytes.fromhex(answers[0].seed)).hexdigest() == before.commitment
        after = await leaderboard.pool(brand, name)
        assert (after.seed, after.closed_at) == (answers[0].seed, answers[0].closed_at)
        # Whoever knows the seed could choose their own part in the draw.
        assert await reason(leaderboard.reveal(brand, cards[18].card)) == "pool_closed"
        assert await reason(leaderboard.issue(brand, name, "ann", "late")) == "pool_closed"
        assert (await leaderboard.reveal(brand, cards[0].card)).state == cards_pb.CARD_STATE_REVEALED
        draws = await leaderboard.draws(brand, name, 7)
        assert len(draws) == 18
        kept = MessageToDict(before, preserving_proto_field_name=True) | {"root": before.root}
        for card in cards[:18]:
            proof = await leaderboard.proof(brand, card.card, subject=card.member, scope="member")
            found = check(as_json(proof, *draws), kept)
            assert verdict(found) == HOLDS, found
    told = {each.pool: each for each in await leaderboard.told(brand, ScratchPoolClosed)}
    assert {name: (each.issued, each.revealed) for name, each in told.items()} == {
        "spring": (20, 18),
        "autumn": (20, 18),
    }
    states = {card.state for card in (await leaderboard.cards(brand, "m4")).cards}
    assert states == {cards_pb.CARD_STATE_REVEALED, cards_pb.CARD_STATE_EXPIRED}
    assert await reason(leaderboard.close(brand, "winter")) == "unknown_pool"
    assert await leaderboard.violations(brand) == []


async def test_a_pool_closes_by_itself_when_its_time_is_over(leaderboard: Leaderboard, brand: str) -> None:
    ends = window(timedelta(days=-9), timedelta(days=-2), reveal_days=1)
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9), window=ends)))

    async def closed() -> bool:
        return bool((await leaderboard.pool(brand, "spring")).seed)

    await eventually(closed)
    found = await leaderboard.pool(brand, "spring")
    # At the moment that it was due, however late somebody looked.
    assert found.closed_at.ToDatetime(tzinfo=UTC) == NOW - timedelta(days=1)
    (told,) = await leaderboard.told(brand, ScratchPoolClosed)
    assert told.seed == found.seed


async def test_a_proof_is_shown_to_who_holds_the_card_alone(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    card = await leaderboard.issue(brand, "spring", "ann", "k")
    await leaderboard.reveal(brand, card.card)
    for name, credential in (
        (card.card, {"subject": "bob", "scope": "member"}),
        ("0" * 32, {"subject": "ann", "scope": "member"}),
        ("", {}),
    ):
        assert await reason(leaderboard.proof(brand, name, **credential)) == "unknown_card"
    assert "ann" not in str(await leaderboard.draws(brand, "spring"))
    request = cards_pb.ListScratchDrawsRequest(pool="spring", page_token="nonsense")
    with pytest.raises(InvalidArgument):
        await leaderboard.call("ListScratchDraws", request, brand)
    assert await reason(leaderboard.draws(brand, "winter")) == "unknown_pool"


# -- schemes -----------------------------------------------------------------


async def test_a_pool_of_the_old_scheme_keeps_its_draw(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("other", prize("pen", 1, 9))))
    await publish_in_scheme_1(leaderboard, brand)
    seed = bytes(range(32))
    with_old = programme(pool("other", prize("pen", 1, 9)), pool("spring", prize("car", 1, 9), prize("pen", 3, 9)))
    assert await leaderboard.problems(brand, with_old) == {}
    await leaderboard.apply(brand, with_old, version=2)
    cards = await issued(leaderboard, brand, 8)
    for card in cards:
        revealed = await leaderboard.reveal(brand, card.card, "is-not-taken")
        expected = draw(Odds(("car", "pen"), (1, 3), 0), seed, "spring", card.card)
        assert revealed.prize.id == expected
        assert revealed.own_seed == ""
    assert len(await leaderboard.told(brand, RewardGranted)) == 8
    assert await leaderboard.violations(brand) == []
    await leaderboard.close(brand, "spring")
    for card in cards:
        proof = await leaderboard.proof(brand, card.card)
        assert proof.scheme == 1
        assert verdict(check(as_json(proof))) == HOLDS
        proof.draw.prize = "car" if proof.draw.prize == "pen" else "pen"
        assert verdict(check(as_json(proof))) != HOLDS
    changed = programme(pool("spring", prize("car", 2, 9), prize("pen", 3, 9)))
    found = await leaderboard.problems(brand, changed)
    assert set(found) == {"leaderboard.scratch_pools[0].prizes[0].weight"}


async def publish_in_scheme_1(leaderboard: Leaderboard, brand: str) -> None:
    """As the revision that introduced tables finds a pool."""
    seed = bytes(range(32))
    sealed = Seal(key_of(leaderboard.servers.data.seed_key())).close(brand, "spring", seed)
    session = await asyncpg.connect(leaderboard.servers.postgres.admin_url("laurels_leaderboard"))
    try:
        await session.execute(
            "INSERT INTO scratch_pools "
            "(brand, pool, name, nothing_weight, commitment, sealed_seed, scheme, table_text, root) "
            "VALUES ($1, 'spring', 'Spring', 0, $2, $3, 1, '', '')",
            brand,
            commitment(seed),
            sealed,
        )
        await session.execute(
            "INSERT INTO scratch_prizes "
            "SELECT $1, 'spring', id, place, initcap(id), weight, stock, 'points', 100, stock "
            "FROM (VALUES ('car', 0, 1, 9), ('pen', 1, 3, 9)) AS new (id, place, weight, stock)",
            brand,
        )
        await session.execute("INSERT INTO scratch_pool_states VALUES ($1, 'spring', 0, 0, 0, '', '')", brand)
    finally:
        await session.close()


async def test_validation_tells_what_a_published_table_may_not_change(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    changed = pool("spring", prize("pen", 1, 9), face=WHEEL, cards=5, valid_days=2, budget=9)
    changed.limits.per_day = 3
    found = await leaderboard.problems(brand, programme(changed))
    assert {path.rpartition(".")[2] for path in found} == {"face", "cards", "valid_days", "budget", "limits"}
    moved = programme(pool("spring", prize("pen", 1, 9)))
    moved.time_zone = "Europe/Berlin"  # of which what was published keeps its own
    assert await leaderboard.problems(brand, moved) == {}


# -- erasure -----------------------------------------------------------------


async def test_an_erasure_leaves_what_a_check_needs_and_no_member(leaderboard: Leaderboard, brand: str) -> None:
    limits = published_pb.CardLimits(per_member=9)
    spring = deck("spring", 9, prize("pen", 1, 4), limits=limits)
    await leaderboard.apply(brand, programme(spring, pool("autumn", prize("pen", 1, 9))))
    cards = [await leaderboard.issue(brand, "spring", member, f"k{n}") for n, member in enumerate(("ann", "bob") * 3)]
    for card in cards[:4]:
        await leaderboard.reveal(brand, card.card, f"own{card.number}")
    await leaderboard.settled(brand, *await leaderboard.publish(brand, granting("of-ann", "ann", "nowhere")))
    await leaderboard.settled(
        brand, *await leaderboard.publish(brand, MemberErased(member="ann", erasure="e1", alias="!x1", erased_at=NOON))
    )
    last = ErasureReceipt(erasure="e1", service="missions", after="points", alias="!x1")
    await leaderboard.settled(brand, *await leaderboard.publish(brand, last, member="ann"))
    await leaderboard.publish(brand, ErasureSettled(erasure="e1"))
    named = """
        SELECT (SELECT count(*) FROM scratch_cards WHERE brand = $1 AND (member = 'ann' OR cause LIKE '%ann%'))
            + (SELECT count(*) FROM scratch_counts WHERE brand = $1 AND member = 'ann')
            + (SELECT count(*) FROM parked_cards WHERE brand = $1 AND (member = 'ann' OR key LIKE '%ann%'))
            + (SELECT count(*) FROM outbox WHERE brand = $1 AND (member = 'ann' OR payload LIKE '%ann%'))
            + (SELECT count(*) FROM erasing WHERE brand = $1)"""

    async def forgotten() -> bool:
        return bool((await leaderboard.fetch(named, brand))[0][0] == 0)

    await eventually(forgotten)
    # Nobody reveals what was hers, and nobody is shown it.
    for card in (cards[4], cards[0]):
        assert await reason(leaderboard.reveal(brand, card.card)) == "unknown_card"
        assert await reason(leaderboard.proof(brand, card.card)) == "unknown_card"
    assert await leaderboard.violations(brand) == []
    await leaderboard.close(brand, "spring")
    draws = await leaderboard.draws(brand, "spring")
    assert [each.number for each in draws] == [1, 2, 3, 4]
    for card in (cards[1], cards[3]):
        assert verdict(check(as_json(await leaderboard.proof(brand, card.card), *draws))) == HOLDS


# -- crashes -----------------------------------------------------------------

KEPT = (
    "SELECT pool, number, revealed_at IS NULL, prize, own_seed, draw, position IS NULL FROM scratch_cards "
    "WHERE brand = $1 ORDER BY pool, number",
    "SELECT pool, issued, revealed, spent, bit_count(taken), closed_at IS NULL FROM scratch_pool_states "
    "WHERE brand = $1 ORDER BY pool",
    "SELECT pool, id, remaining FROM scratch_prizes WHERE brand = $1 ORDER BY 1, 2",
    "SELECT pool, member, cards FROM scratch_counts WHERE brand = $1 ORDER BY 1, 2",
    "SELECT member, type, count(*) FROM outbox WHERE brand = $1 GROUP BY 1, 2 ORDER BY 1, 2",
)
CUT_OFF = {
    "issue": lambda brand: Issue("spring", "ann", "new"),
    "reveal": lambda brand: Reveal(card_id(brand, "spring", key_cause("first")), "ann", "own"),
    "reveal of another card": lambda brand: Reveal(card_id(brand, "boxes", key_cause("first")), "ann", "own"),
    "close": lambda brand: Close(["spring"]),
    "due close": lambda brand: Close(["soon"], NOW + timedelta(days=9)),
}


@pytest.mark.parametrize("operation", CUT_OFF)
async def test_an_operation_that_died_anywhere_is_done_once_when_it_is_asked_again(
    servers: Servers, leaderboard: Leaderboard, brand: str, operation: str
) -> None:
    limits = published_pb.CardLimits(per_member=5)
    soon = window(timedelta(days=-3), timedelta(days=2))
    pools = [
        deck("spring", 3, prize("pen", 1, 3), limits=limits),
        winning("boxes", scratch_card="spring"),
        pool("soon", prize("pen", 1, 3), window=soon),
    ]
    applied = ProgrammeApplied(version=1, programme=programme(*pools))
    healthy = Database(servers.postgres.url("leaderboard"))
    path, expected = path_over(servers, healthy), []
    try:
        for dies_at in range(100):
            place = f"{brand}-{dies_at}"
            await path.submit(place, applied)
            for name in ("spring", "boxes"):
                await path.submit(place, Issue(name, "ann", "first"))
            request = CUT_OFF[operation](place)
            died = await cut_off(servers, place, request, dies_at)
            await path.submit(place, request)
            found = [[tuple(row) for row in await leaderboard.fetch(query, place)] for query in KEPT]
            if dies_at == 0:
                expected = found
            assert found == expected, f"cut off at statement {dies_at}"
            assert await leaderboard.violations(place) == []
            if dies_at and not died:
                break
    finally:
        await healthy.close()
    assert dies_at > 4, "it was cut off at each of its statements"


def path_over(servers: Servers, database: Database) -> WritePath:
    begin = partial(
        Book,
        programmes=Configurations(compile_document),
        operations=OPERATIONS,
        adopting=ADOPTING,
        seal=Seal(key_of(servers.data.seed_key())),
    )
    return WritePath("leaderboard", database, begin, on_commit=lambda: None)


async def cut_off(servers: Servers, brand: str, request: Any, dies_at: int) -> bool:
    """Asks; whether the one who was asked died of it."""
    database = Mortal(servers.postgres.url("leaderboard"), dies_at)
    return await died(database, path_over(servers, database).submit(brand, request))


async def test_seeds_are_not_shown_by_what_is_logged_of_a_failure(leaderboard: Leaderboard, brand: str) -> None:
    from services.leaderboard.cards import Drawing

    shown = repr(Drawing(None, 1, "ann", b"a-secret-seed"))  # type: ignore[arg-type]
    assert not re.search("a-secret-seed", shown)

"""Scratch cards on the real servers: issued once, revealed once, never more prizes than there are."""

import asyncio
import base64
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from chassis.database import Database
from chassis.errors import InvalidArgument, NotFound, PermissionDenied
from cli.embedded import Servers
from laurels.leaderboard.v1.events_pb2 import ScratchCardIssued, ScratchCardRevealed
from services.leaderboard.__main__ import try_seal
from services.leaderboard.fairness import drawn_of, parse
from services.leaderboard.sealing import Seal, WrongSeedKey, key_of
from tests.conftest import running
from tests.integration.leaderboard_support import (
    NOON,
    Leaderboard,
    card_of,
    eventually,
    finished,
    listening,
    pool,
    prize,
    programme,
    purchase,
)


@pytest.fixture(scope="module")
async def leaderboard(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Leaderboard]:
    async with listening(servers) as client, running("leaderboard", settings_of("leaderboard")) as channel:
        service = Leaderboard(servers, channel, client, token)
        yield service
        await service.forget()


async def purchases(leaderboard: Leaderboard, brand: str, count: int, *, members: int = 1) -> list[tuple[str, str]]:
    """Makes so many purchases; returns the card of pool `spring` that each gave, with its member."""
    made = [(f"m{n % members}", f"{brand}-a{n}") for n in range(count)]
    ids = await leaderboard.publish(brand, *(purchase(m, a, minute=n) for n, (m, a) in enumerate(made)))
    await leaderboard.settled(brand, *ids)
    return [(card_of(brand, "spring", activity), member) for member, activity in made]


async def test_a_qualifying_activity_gives_a_card_once(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9), condition="attributes.amount > 10")))
    messages = [purchase("ann", "a1", 10), purchase("ann", "a2", 11, 5), purchase("bob", "b1", 99)]
    ids = await leaderboard.publish(brand, *messages)
    await leaderboard.settled(brand, *ids)
    await leaderboard.delivered_again(brand, ids, *messages)
    (card,) = (await leaderboard.cards(brand, "ann")).cards
    assert (card.card, card.pool, card.member) == (card_of(brand, "spring", "a2"), "spring", "ann")
    assert card.issued_at == messages[1].activity.occurred_at
    assert not card.HasField("revealed_at")
    assert not card.HasField("prize")
    told = await leaderboard.told(brand, ScratchCardIssued)
    assert sorted(event.member for event in told) == ["ann", "bob"]
    assert {event.card for event in told} >= {card.card}
    assert await leaderboard.violations(brand) == []


async def test_a_card_stays_one_when_the_inbox_has_forgotten_its_event(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    for _ in range(2):  # the same activity under another event id, as a later replay would send it
        await leaderboard.settled(brand, *await leaderboard.publish(brand, purchase("ann", "a1")))
    assert len((await leaderboard.cards(brand, "ann")).cards) == 1
    assert len(await leaderboard.told(brand, ScratchCardIssued)) == 1


async def test_a_finished_mission_gives_a_card_once_a_member(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("fives", prize("pen", 1, 9), mission="five")))
    messages = [finished("ann"), finished("bob"), finished("bob", "other")]
    ids = await leaderboard.publish(brand, *messages)
    await leaderboard.settled(brand, *ids)
    await leaderboard.delivered_again(brand, ids, *messages)
    for member in ("ann", "bob"):
        (card,) = (await leaderboard.cards(brand, member)).cards
        assert (card.pool, card.issued_at.ToDatetime(tzinfo=NOON.tzinfo)) == ("fives", NOON)
    assert await leaderboard.report(brand) == [("fives", "Fives", 2, 0, 0)]
    assert await leaderboard.violations(brand) == []


async def test_a_reveal_wins_what_the_committed_seed_says_and_is_told_once(
    leaderboard: Leaderboard, brand: str
) -> None:
    prizes = [prize("car", 1, 20, 1_000), prize("pen", 2, 50, 10)]
    await leaderboard.apply(brand, programme(pool("spring", *prizes, nothing_weight=2)))
    published = await leaderboard.pool(brand, "spring")
    made = await purchases(leaderboard, brand, 20)
    (row,) = await leaderboard.fetch("SELECT sealed_seed FROM scratch_pools WHERE brand = $1", brand)
    seed = Seal(key_of(leaderboard.servers.data.seed_key())).open(brand, "spring", row["sealed_seed"])
    assert published.commitment == hashlib.sha256(seed).hexdigest()
    assert published.table_hash == hashlib.sha256(published.table.encode()).hexdigest()
    won = Counter()
    for card, member in made:
        revealed = await leaderboard.reveal(brand, card, f"own-{card[:9]}", subject=member, scope="member")
        expected = drawn_of(parse(published.table), seed, revealed.number, f"own-{card[:9]}") or None
        assert revealed.HasField("revealed_at")
        assert (revealed.prize.id if revealed.HasField("prize") else None) == expected
        assert not revealed.HasField("prize") or revealed.prize in prizes
        won[expected] += 1
    told = await leaderboard.told(brand, ScratchCardRevealed)
    assert sorted(event.card for event in told) == sorted(card for card, _ in made)
    assert Counter(event.prize.id if event.HasField("prize") else None for event in told) == won
    left = {stock.prize.id: stock.remaining for stock in (await leaderboard.pool(brand, "spring")).prizes}
    assert left == {"car": 20 - won["car"], "pen": 50 - won["pen"]}
    assert await leaderboard.report(brand) == [("spring", "Spring", 20, 20, won["car"] + won["pen"])]
    assert await leaderboard.violations(brand) == []

    async def published_all() -> bool:
        return len(await leaderboard.published(brand, ScratchCardRevealed)) == 20

    await eventually(published_all)


async def test_200_concurrent_reveals_never_give_more_than_30_prizes_and_repeated_ones_agree(
    leaderboard: Leaderboard, brand: str
) -> None:
    prizes = [prize("car", 10, 1), prize("bike", 9, 9), prize("pen", 20, 20)]
    await leaderboard.apply(brand, programme(pool("spring", *prizes)))
    made = await purchases(leaderboard, brand, 200, members=11)
    calls = [leaderboard.reveal(brand, card, subject=m, scope="member") for card, m in made for _ in range(3)]
    answers = await asyncio.gather(*calls)
    revealed = {card: answers[3 * place] for place, (card, _) in enumerate(made)}
    for place, answer in enumerate(answers):
        assert answer == revealed[made[place // 3][0]]
    won = Counter(card.prize.id for card in revealed.values() if card.HasField("prize"))
    # Nothing has no weight here, and 200 draws of three prizes leave none of the stock.
    assert won == {"car": 1, "bike": 9, "pen": 20}
    assert {stock.remaining for stock in (await leaderboard.pool(brand, "spring")).prizes} == {0}
    told = await leaderboard.told(brand, ScratchCardRevealed)
    assert sorted(event.card for event in told) == sorted(revealed)
    assert await leaderboard.report(brand) == [("spring", "Spring", 200, 200, 30)]
    again = await asyncio.gather(*(leaderboard.reveal(brand, card) for card in revealed))
    assert again == list(revealed.values())
    assert await leaderboard.violations(brand) == []


async def test_another_members_card_is_answered_like_one_that_does_not_exist(
    leaderboard: Leaderboard, brand: str
) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    ((card, _),) = await purchases(leaderboard, brand, 1)
    refusals = set()
    for named, credential in (
        (card, {"subject": "m1", "scope": "member"}),
        (card, {"subject": "m1", "scope": "member manager"}),
        ("0" * 32, {"subject": "m0", "scope": "member"}),
        ("0" * 32, {}),
        ("", {}),
    ):
        with pytest.raises(NotFound) as refused:
            await leaderboard.reveal(brand, named, **credential)
        refusals.add((refused.value.reason, refused.value.detail.replace(named, "CARD") if named else "CARD"))
    assert {reason for reason, _ in refusals} == {"unknown_card"}
    with pytest.raises(PermissionDenied):
        await leaderboard.reveal(brand, card, scope="manager")
    with pytest.raises(NotFound) as refused:
        await leaderboard.cards(brand, "m0", subject="m1", scope="member")
    assert refused.value.reason == "unknown_member"
    assert not (await leaderboard.cards(brand, "m0")).cards[0].HasField("revealed_at")
    assert (await leaderboard.reveal(brand, card, subject="m0", scope="member")).HasField("revealed_at")


async def test_another_brands_card_is_answered_like_one_that_does_not_exist(
    leaderboard: Leaderboard, brand: str
) -> None:
    other = f"{brand}-other"
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    await leaderboard.apply(other, programme(pool("autumn", prize("pen", 1, 9))))
    ((card, member),) = await purchases(leaderboard, brand, 1)
    with pytest.raises(NotFound) as refused:
        await leaderboard.reveal(other, card, subject=member, scope="member")
    assert refused.value.reason == "unknown_card"
    with pytest.raises(NotFound) as refused:
        await leaderboard.pool(other, "spring")
    assert refused.value.reason == "unknown_pool"
    assert list((await leaderboard.cards(other, member)).cards) == []
    assert await leaderboard.report(other) == [("autumn", "Autumn", 0, 0, 0)]


async def test_cards_are_listed_by_pages_newest_first(leaderboard: Leaderboard, brand: str) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9)), pool("autumn", prize("pen", 1, 9))))
    made = await purchases(leaderboard, brand, 7)
    await leaderboard.reveal(brand, made[3][0])
    listed, page_token = [], ""
    while True:
        page = await leaderboard.cards(brand, "m0", 4, page_token, subject="m0", scope="member")
        listed += page.cards
        if not (page_token := page.next_page_token):
            break
    assert len(listed) == 14
    keys = [(card.issued_at.ToDatetime(), card.card) for card in listed]
    assert keys == sorted(keys, reverse=True)
    assert [card.card for card in listed if card.pool == "spring"] == [card for card, _ in reversed(made)]
    assert [card.card for card in listed if card.HasField("prize")] == [made[3][0]]
    assert list((await leaderboard.cards(brand, "nobody")).cards) == []
    for page_size, token in ((-1, ""), (1_001, ""), (0, "abc")):
        with pytest.raises(InvalidArgument):
            await leaderboard.cards(brand, "m0", page_size, token)


async def test_a_brand_without_a_programme_is_unknown(leaderboard: Leaderboard, brand: str) -> None:
    for call in (leaderboard.cards(brand, "ann"), leaderboard.pool(brand, "spring"), leaderboard.report(brand)):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.reason == "unknown_brand"
    with pytest.raises(NotFound) as refused:
        await leaderboard.reveal(brand, "0" * 32)
    assert refused.value.reason == "unknown_card"


async def test_a_pool_keeps_its_seed_its_stock_and_its_prizes_over_versions(
    leaderboard: Leaderboard, brand: str
) -> None:
    spring = pool("spring", prize("pen", 1, 9))
    await leaderboard.apply(brand, programme(spring))
    made = await purchases(leaderboard, brand, 2)
    await leaderboard.reveal(brand, made[0][0])
    before = await leaderboard.pool(brand, "spring")
    assert before.prizes[0].remaining == 8
    spring.name = "Late spring"
    spring.prizes[0].stock = 99  # which no validated programme says
    await leaderboard.apply(brand, programme(spring, pool("summer", prize("pen", 1, 9))), version=2)
    after = await leaderboard.pool(brand, "spring")
    assert after.name == "Late spring"
    after.name = before.name
    assert after == before
    assert (await leaderboard.pool(brand, "summer")).commitment != before.commitment
    await leaderboard.apply(brand, programme(pool("summer", prize("pen", 1, 9))), version=3)
    assert await leaderboard.report(brand) == [("summer", "Summer", 0, 0, 0), ("spring", "Spring", 2, 1, 1)]
    assert (await leaderboard.pool(brand, "spring")).commitment == before.commitment
    assert (await leaderboard.reveal(brand, made[1][0])).prize.id == "pen"
    assert await leaderboard.violations(brand) == []


async def test_validation_tells_what_a_published_pool_may_not_change(leaderboard: Leaderboard, brand: str) -> None:
    assert await leaderboard.problems(brand, programme(pool("spring", prize("pen", 1, 9)))) == {}
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    assert await leaderboard.problems(brand, programme(pool("spring", prize("pen", 1, 9)))) == {}
    changed = programme(pool("first", prize("pen", 1, 9)), pool("spring", prize("pen", 2, 9)))
    changed.leaderboard.boards[0].points.currency = "gold"
    found = await leaderboard.problems(brand, changed)
    assert set(found) == {"leaderboard.scratch_pools[1].prizes[0].weight", "leaderboard.boards[0].points.currency"}
    assert await leaderboard.problems(f"{brand}-other", programme(pool("spring", prize("pen", 2, 9)))) == {}
    with pytest.raises(PermissionDenied):
        await leaderboard.problems(brand, changed, scope="service")


async def test_validation_tells_when_a_currency_goes_that_an_unrevealed_card_may_win(
    leaderboard: Leaderboard, brand: str
) -> None:
    gems = prize("gem", 1, 9)
    gems.currency = "gems"
    await leaderboard.apply(brand, programme(pool("spring", gems)))
    without = programme()
    del without.points.currencies[1]
    assert await leaderboard.problems(brand, without) == {}
    ((card, _),) = await purchases(leaderboard, brand, 1)
    found = await leaderboard.problems(brand, without)
    assert "unrevealed cards of pool 'spring'" in found["points.currencies"]
    await leaderboard.reveal(brand, card)
    assert await leaderboard.problems(brand, without) == {}


async def test_a_section_that_nobody_validated_does_not_stop_the_brand(leaderboard: Leaderboard, brand: str) -> None:
    broken = programme(pool("spring", prize("pen", 1, 0)), pool("summer", prize("pen", 1, 9)))
    await leaderboard.apply(brand, broken)
    await leaderboard.settled(brand, *await leaderboard.publish(brand, purchase("ann", "a1")))
    assert [card.pool for card in (await leaderboard.cards(brand, "ann")).cards] == ["summer"]
    assert await leaderboard.violations(brand) == []


async def test_the_applications_role_cannot_change_what_was_published_or_drawn(
    leaderboard: Leaderboard, brand: str
) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    app = await asyncpg.connect(leaderboard.servers.postgres.url("leaderboard"))
    try:
        await app.execute("SELECT set_config('laurels.brand', $1, false)", brand)
        for statement in (
            "UPDATE scratch_pools SET commitment = ''",
            "DELETE FROM scratch_pools",
            "UPDATE scratch_prizes SET weight = 2",
            "UPDATE scratch_cards SET pool = ''",
            "DELETE FROM scratch_cards",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
        for remaining in (-1, 10):
            with pytest.raises(asyncpg.CheckViolationError):
                await app.execute("UPDATE scratch_prizes SET remaining = $1", remaining)
    finally:
        await app.close()


async def test_another_key_is_refused_at_the_start(
    leaderboard: Leaderboard, settings_of: Callable[..., Any], brand: str
) -> None:
    await leaderboard.apply(brand, programme(pool("spring", prize("pen", 1, 9))))
    other = base64.b64encode(bytes(range(32))).decode()
    with pytest.raises(WrongSeedKey):
        async with running("leaderboard", settings_of("leaderboard", seed_key=other)):
            pass
    database = Database(leaderboard.servers.postgres.url("leaderboard"))
    try:
        await try_seal(database, Seal(key_of(leaderboard.servers.data.seed_key())))
    finally:
        await database.close()


TAMPERED = {
    "UPDATE scratch_prizes SET remaining = remaining + 1 WHERE brand = $1 AND remaining < stock": "are left",
    "UPDATE scratch_cards SET prize = NULL WHERE brand = $1 AND prize = 'pen'": "won 'nothing', but its",
    "UPDATE scratch_cards SET prize = 'car' WHERE brand = $1 AND prize = 'pen'": "its draw gives 'pen'",
    "UPDATE scratch_cards SET revealed_at = now() WHERE brand = $1": "was told other than",
    "UPDATE scratch_cards SET own_seed = 'other' WHERE brand = $1": "not chained to the draws before",
    "UPDATE scratch_cards SET draw = draw + 1 WHERE brand = $1 AND draw = 6": "where draw 6 is due",
    "UPDATE scratch_cards SET number = number + 1 WHERE brand = $1 AND number = 6": "the last one's number is 7",
    "UPDATE scratch_cards SET link = repeat('0', 64) WHERE brand = $1": "not chained to the draws before",
    "UPDATE scratch_cards SET revealed_at = NULL, prize = NULL, draw = NULL WHERE brand = $1": "no such revealed card",
    "UPDATE scratch_cards SET cause = 'activity:other' WHERE brand = $1": "is not the one that pool",
    "DELETE FROM scratch_cards WHERE brand = $1": "no such card",
    "DELETE FROM outbox WHERE brand = $1 AND type LIKE '%Revealed'": "no event tells of it",
    "DELETE FROM outbox WHERE brand = $1 AND type LIKE '%RewardGranted'": "no event grants it",
    "INSERT INTO outbox (brand, member, type, payload, traceparent) SELECT brand, member, type, payload, traceparent "
    "FROM outbox WHERE brand = $1 AND type LIKE '%ScratchCard%'": "told twice",
    "INSERT INTO outbox (brand, member, type, payload, traceparent) SELECT brand, member, type, payload, traceparent "
    "FROM outbox WHERE brand = $1 AND type LIKE '%RewardGranted'": "was told twice",
    "UPDATE scratch_pools SET commitment = repeat('0', 64) WHERE brand = $1": "not the one that was committed to",
    "UPDATE scratch_pools SET table_text = replace(table_text, '1000', '2000') WHERE brand = $1": "programme declares",
    "UPDATE scratch_pools SET sealed_seed = sealed_seed || 'x' WHERE brand = $1": "does not open",
    "UPDATE scratch_prizes SET weight = weight + 1000 WHERE brand = $1 AND id = 'car'": "other than it was published",
    "UPDATE scratch_pool_states SET revealed = 3 WHERE brand = $1": "counts 3 cards revealed, and 6 are",
    "UPDATE scratch_pool_states SET head = repeat('0', 64) WHERE brand = $1": "not what its draws give",
    "DELETE FROM scores WHERE brand = $1": "and no score",
    "UPDATE scores SET score = score + 1 WHERE brand = $1": "is not what its facts say",
    "DELETE FROM board_facts WHERE brand = $1": "has no facts",
    "DELETE FROM board_periods WHERE brand = $1": "which it does not have",
    "INSERT INTO dead_letters SELECT 'points', 1, $1, 'm', 'laurels.points.v1.PointsCredited', '', 'poison'": "poison",
}


@pytest.mark.parametrize("statement", TAMPERED)
async def test_verification_finds_what_was_tampered_with(leaderboard: Leaderboard, brand: str, statement: str) -> None:
    prizes = [prize("car", 1, 20, 1_000), prize("pen", 1_000, 50, 10)]
    await leaderboard.apply(brand, programme(pool("spring", *prizes)))
    for card, _ in await purchases(leaderboard, brand, 6):
        await leaderboard.reveal(brand, card)
    assert await leaderboard.violations(brand) == []
    session = await asyncpg.connect(leaderboard.servers.postgres.admin_url("laurels_leaderboard"))
    try:
        await session.execute(statement, brand)
        found = await leaderboard.violations(brand)
        assert any(TAMPERED[statement] in sentence for sentence in found), found
    finally:
        await session.execute("DELETE FROM dead_letters WHERE brand = $1", brand)
        await session.close()
    assert await leaderboard.violations(brand, base64.b64encode(bytes(range(32))).decode()) != []

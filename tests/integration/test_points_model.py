"""Random histories of one brand: every answer is the one of a model that fits on a page, on one replica or two.

The model knows nothing of batches, locks or tables. In turn, each answer is
predicted; at once, where the order is the service's to choose, the answers and
the statements must be those of some order.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any

import pytest

from chassis.errors import DomainError
from cli.embedded import Servers
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1.events_pb2 import PointsSpent, TierChanged
from tests.conftest import running
from tests.integration.points_support import (
    Points,
    Streams,
    earned,
    programme,
    purchase,
    rule,
    streams_of,
)

MEMBERS = ("ann", "bob", "cas", "dan")
LADDER = {"bronze": 0, "silver": 200, "gold": 600}
RULES = (
    rule("each", "attributes.amount"),
    rule("welcome", "20", condition="member.is_first_activity"),
    rule("golden", "attributes.amount / 10", condition="member.tier == 'gold'"),
)
STEPS, AT_ONCE = 200, 40
REFUSALS = ("idempotency_conflict", "insufficient_points", "unknown_member")

Buy = tuple[tuple[str, str, int], ...]
"""Activities of one request: id, member, amount."""
Spend = tuple[str, str, int]
"""Key, member, amount."""


@dataclass
class Model:
    """What must come of a history."""

    bought: dict[str, tuple[str, int]] = field(default_factory=dict)
    gave: dict[str, int] = field(default_factory=dict)
    spent: dict[str, tuple[str, int]] = field(default_factory=dict)
    balance: dict[str, int] = field(default_factory=dict)
    ever: dict[str, int] = field(default_factory=dict)

    def tier(self, member: str) -> str:
        return [tier for tier, threshold in LADDER.items() if threshold <= self.ever[member]][-1]

    def buy(self, activities: Buy) -> list[int] | str:
        """What each activity earned, or the refusal."""
        bodies = dict(self.bought)
        for name, *body in activities:
            if bodies.setdefault(name, (body[0], body[1])) != tuple(body):
                return "idempotency_conflict"
        for name, member, amount in activities:
            if name in self.bought:
                continue
            first = member not in self.balance
            if first:
                self.balance[member] = self.ever[member] = 0
            points = amount + (20 if first else 0) + (amount // 10 if self.tier(member) == "gold" else 0)
            self.bought[name], self.gave[name] = (member, amount), points
            self.balance[member] += points
            self.ever[member] += points
        return [self.gave[name] for name, _, _ in activities]

    def spend(self, key: str, member: str, amount: int) -> str:
        """The refusal, or nothing."""
        if key in self.spent:
            return "" if self.spent[key] == (member, amount) else "idempotency_conflict"
        if member not in self.balance:
            return "unknown_member"
        if amount > self.balance[member]:
            return "insufficient_points"
        self.spent[key] = member, amount
        self.balance[member] -= amount
        return ""


def history(random: Random, steps: int) -> list[Buy | Spend]:
    """Requests of which many are sent again, and some are sent again with another body."""
    made: list[Buy | Spend] = []
    activities: list[tuple[str, str, int]] = []
    for step in range(steps):
        if made and random.random() < 0.15:
            made.append(random.choice(made))
        elif random.random() < 0.5:
            request = [
                (f"a{step}-{place}", random.choice(MEMBERS), random.randint(1, 40))
                for place in range(random.randint(1, 4))
            ]
            if activities and random.random() < 0.3:
                name, member, amount = random.choice(activities)
                request.append((name, member, amount + (random.random() < 0.3)))
            activities += request
            made.append(tuple(request))
        else:
            key = f"k{random.randint(0, step) if random.random() < 0.1 else step}"
            made.append((key, random.choice(MEMBERS), random.randint(1, 90)))
    return made


def is_buy(request: Buy | Spend) -> bool:
    return isinstance(request[0], tuple)


async def sent(points: Points, brand: str, request: Buy | Spend) -> Any:
    """The answer, or the refusal's reason."""
    try:
        if is_buy(request):
            return await points.record(brand, *(purchase(name, member, amount=n) for name, member, n in request))
        key, member, amount = request
        return await points.spend(brand, key, amount, member=member)
    except DomainError as refusal:
        return refusal.reason


@pytest.fixture(scope="module")
async def around(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[tuple[list[Points], Streams]]:
    """Two replicas of the service."""
    async with (
        streams_of(servers) as client,
        running("points", settings_of("points")) as one,
        running("points", settings_of("points")) as other,
    ):
        replicas = [Points(channel, token) for channel in (one, other)]
        streams = Streams(replicas[0], client)
        yield replicas, streams
        await streams.forget()


@pytest.mark.parametrize("seed", range(3))
async def test_one_after_another_every_answer_is_the_models(
    around: tuple[list[Points], Streams], brand: str, seed: int
) -> None:
    (points, _), streams = around
    streams.touched(brand)
    await points.apply(brand, programme(*RULES))
    model = Model()
    for place, request in enumerate(history(Random(seed), STEPS)):
        answer = await sent(points, brand, request)
        told = (seed, place, request, answer)
        if is_buy(request):
            known = set(model.bought)
            wanted = model.buy(request)
            if isinstance(wanted, str):
                assert answer == wanted, told
                continue
            assert [found["points"] for found in earned(answer)] == wanted, told
            assert answer.accepted == len({name for name, _, _ in request} - known), told
            assert answer.accepted + answer.duplicates == len(request), told
        else:
            key, member, amount = request
            is_new = key not in model.spent
            refusal = model.spend(key, member, amount)
            if refusal:
                assert answer == refusal, told
                continue
            assert answer.amount == -amount, told
            assert not is_new or answer.balance == model.balance[member], told
    for member in model.balance:
        assert await points.wallets(brand, member) == {
            "points": (model.balance[member], model.ever[member]),
            "gems": (0, 0),
        }
        assert (await points.member(brand, member)).tier == model.tier(member)
    issued, spent = sum(model.ever.values()), sum(amount for _, amount in model.spent.values())
    assert (await points.liability(brand))["points"] == (issued, spent, issued - spent)
    assert (await points.members(brand)).activities == len(model.bought)


@pytest.mark.parametrize("seed", range(3, 6))
async def test_at_once_on_two_replicas_the_answers_are_those_of_some_order(
    around: tuple[list[Points], Streams], brand: str, seed: int
) -> None:
    replicas, streams = around
    points, random = replicas[0], Random(seed)
    streams.touched(brand)
    await points.apply(brand, programme(*RULES))
    requests = history(random, 2 * STEPS)
    free = asyncio.Semaphore(AT_ONCE)

    async def send(request: Buy | Spend) -> Any:
        async with free:
            return await sent(random.choice(replicas), brand, request)

    answers = await asyncio.gather(*map(send, requests))

    gave: dict[str, set[int]] = defaultdict(set)
    taken: dict[str, set[tuple[int, int, str]]] = defaultdict(set)
    accepted = 0
    for request, answer in zip(requests, answers, strict=True):
        if isinstance(answer, str):
            assert answer in REFUSALS[: 1 if is_buy(request) else 3], (request, answer)
        elif is_buy(request):
            accepted += answer.accepted
            for (name, _, _), found in zip(request, earned(answer), strict=True):
                gave[name].add(found["points"])
        else:
            taken[request[0]].add((answer.id, -answer.amount, request[1]))
    assert {name: found for name, found in gave.items() if len(found) > 1} == {}, "one activity, two answers"
    assert {key: found for key, found in taken.items() if len(found) > 1} == {}, "one key, two answers"
    assert accepted == len(gave)

    issued = spent = 0
    told = await streams.told(brand, ActivityRecorded, PointsSpent, TierChanged)
    for member in MEMBERS:
        entries = list(reversed(await points.statement(brand, member)))
        assert [entry.balance for entry in entries] == list(accumulate(entry.amount for entry in entries))
        assert min(entry.balance for entry in entries) >= 0
        spends = {(entry.id, -entry.amount, member) for entry in entries if entry.amount < 0}
        assert spends == {found for (found,) in taken.values() if found[2] == member}
        ever = sum(entry.amount for entry in entries if entry.amount > 0)
        balance = entries[-1].balance
        assert (await points.wallets(brand, member))["points"] == (balance, ever)
        assert replayed(told, member) == (balance, ever, (await points.member(brand, member)).tier)
        issued, spent = issued + ever, spent + ever - balance
    assert issued == sum(points for (points,) in gave.values())
    assert (await points.liability(brand))["points"] == (issued, spent, issued - spent)


def replayed(told: list[Any], member: str) -> tuple[int, int, str]:
    """Balance, what was ever earned, and tier by the member's events, which tell each balance on the way."""
    model, tier = Model(), ""
    for event in told:
        match event:
            case ActivityRecorded() if event.activity.member == member:
                bought = (event.activity.id, member, int(event.activity.attributes["amount"]))
                assert event.enrolled == (member not in model.balance)
                (points,) = model.buy((bought,))
                (found,) = event.earned
                assert (found.amount, found.balance) == (points, model.balance[member])
                tier = event.tier
                assert tier == model.tier(member)
            case PointsSpent() if event.member == member:
                assert model.spend(f"k{len(model.spent)}", member, event.amount) == ""
                assert event.balance == model.balance[member]
            case TierChanged() if event.member == member:
                assert event.from_tier == (tier or "bronze")
                tier = event.to_tier
    return model.balance[member], model.ever[member], tier

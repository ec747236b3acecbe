"""One transaction's profiles, decisions and models, and what is decided on them.

Requests are decided one after another. Choices are made on the models that are
committed; outcomes are learnt on the locked ones. A refused request leaves
everything untouched: every check comes before the first change.
"""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import asyncpg
import numpy as np

from chassis.configuration import Configurations
from chassis.errors import IdempotencyConflict, NotFound
from chassis.events import NewEvent
from chassis.write_path import NotYet
from laurels.programme.v1.events_pb2 import ProgrammeApplied
from laurels.recommender.v1 import recommender_pb2 as pb
from laurels.recommender.v1.events_pb2 import OutcomeRecorded, RecommendationMade
from services import programme as programmes_of_services
from services.erasure import Erase, Erasures, MemberWasErased, Settle, erased
from services.fingerprints import Fingerprints
from services.programme import Problems
from services.recommender import store
from services.recommender.bandit import Arms, Choice, Model, Why, learn
from services.recommender.memory import PRIOR, Memory
from services.recommender.profile import Change, features
from services.recommender.programme import RecommenderRules, compile_programme
from services.recommender.store import ModelKey, NewDecision, NewOutcome


class UnknownSlot(NotFound):
    """The programme has no such slot."""

    code = "unknown_slot"

    def __init__(self, slot: str) -> None:
        super().__init__(f"The programme has no slot {slot!r}.")


class UnknownDecision(NotFound):
    """There is no such decision, or it is not the caller's to see."""

    code = "unknown_decision"

    def __init__(self, decision: str) -> None:
        super().__init__(f"There is no decision {decision!r}.")


class OutcomeConflict(IdempotencyConflict):
    """A decision has another outcome already."""

    def __init__(self, decision: str, recorded: float, value: float) -> None:
        super().__init__(f"Decision {decision!r} has the outcome {recorded:g} already; it stays, and is not {value:g}.")


@dataclass(frozen=True, slots=True)
class SeenActivity:
    """An activity that the points service recorded as its event number `event`."""

    member: str
    event: int
    programme_version: int
    type: str
    occurred_at: datetime
    amount: float | None
    tier: str


@dataclass(frozen=True, slots=True)
class SeenTier:
    """A tier that the points service's event number `event` named."""

    member: str
    event: int
    tier: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision. `member` is whose decision it must be; empty for anybody's."""

    decision: str
    value: float
    member: str = ""


@dataclass(frozen=True, slots=True)
class Chance:
    """The random sources: `draws` makes choices, `secret(n)` gives n bytes that nobody can guess."""

    draws: np.random.Generator = field(default_factory=np.random.default_rng)
    secret: Callable[[int], bytes] = os.urandom

    def decision_id(self) -> str:
        """A new id of 32 hexadecimal digits, 122 bits of them unknown to anybody."""
        return uuid.UUID(bytes=self.secret(16), version=4).hex


class Book:
    """The unit of the recommender service's write path."""

    def __init__(
        self,
        brand: str,
        now: datetime,
        programmes: Configurations[RecommenderRules],
        memory: Memory,
        chance: Chance,
        prints: Fingerprints,
    ) -> None:
        self.events: list[NewEvent] = []
        self._brand, self._now = brand, now
        self._programmes, self._memory, self._chance = programmes, memory, chance
        self._version = 0
        self._rules: RecommenderRules | None = None
        self._rules_at: dict[int, RecommenderRules] = {}
        self._profiles: dict[str, pb.Profile] = {}
        self._arms: dict[str, Arms] = {}
        self._decisions: dict[str, Any] = {}
        self._outcomes: dict[str, float] = {}
        self._models: dict[ModelKey, Model] = {}
        self._changes: dict[str, Change] = {}
        self._learnt: dict[ModelKey, Model] = {}
        self._new_decisions: list[NewDecision] = []
        self._new_outcomes: list[NewOutcome] = []
        self._applied: list[ProgrammeApplied] = []
        self._erasures = Erasures("recommender", brand)
        self._prints = prints
        self._erased: set[str] = set()

    # -- loading ------------------------------------------------------------

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        await self._erasures.load(connection, requests)
        await self._load_versions(connection, requests)
        outcomes = sorted({request.decision for request in requests if isinstance(request, Outcome)})
        if outcomes:
            await self._load_decisions(connection, outcomes)
        wanted = [request for request in requests if isinstance(request, pb.ListRecommendationsRequest)]
        if wanted:
            await self._load_choices(connection, wanted)

    async def _load_versions(self, connection: asyncpg.Connection, requests: Sequence[Any]) -> None:
        """The programme versions that activities were recorded under, as far as they have arrived."""
        for request in requests:
            if isinstance(request, ProgrammeApplied):
                self._rules_at[request.version] = compile_programme(request.programme, Problems())
        named = {request.programme_version for request in requests if isinstance(request, SeenActivity)}
        for version in named - self._rules_at.keys():
            try:
                self._rules_at[version] = await self._programmes.at(connection, self._brand, version)
            except NotYet:
                continue  # told to the activities of that version alone

    async def _load_decisions(self, connection: asyncpg.Connection, ids: Sequence[str]) -> None:
        self._decisions = await store.decisions(connection, self._brand, ids)
        keys = {(row["slot"], row["reward"]) for row in self._decisions.values()}
        if keys:
            self._models = await store.lock_models(connection, self._brand, keys, PRIOR)
            # Read under the models' locks, so that no other outcome slips in between.
            self._outcomes = await store.outcomes(connection, self._brand, self._decisions)

    async def _load_choices(
        self, connection: asyncpg.Connection, wanted: Sequence[pb.ListRecommendationsRequest]
    ) -> None:
        try:
            self._version, self._rules = await self._programmes.newest(connection, self._brand)
        except NotFound:
            return  # told to each request
        members = sorted({request.member for request in wanted})
        self._erased = await erased(connection, self._brand, members, self._prints)
        slots = self._rules.slots
        asked = {request.slot for request in wanted} & slots.keys()
        if not asked:
            return
        self._profiles = await store.profiles(connection, self._brand, (request.member for request in wanted))
        self._arms = await self._memory.arms(connection, self._brand, [slots[slot] for slot in sorted(asked)])

    # -- deciding -----------------------------------------------------------

    def decide(self, request: Any) -> Any:
        match request:
            case SeenActivity():
                return self._see_activity(request)
            case SeenTier():
                return self._change(request.member).see_tier(request.tier, request.event)
            case pb.ListRecommendationsRequest():
                return self._recommend(request)
            case Outcome():
                return self._record(request)
            case ProgrammeApplied():
                return self._applied.append(request)
            case Erase() | Settle():
                return self._erasures.decide(request)
        raise TypeError(f"not a request of the recommender service: {type(request).__name__}")

    def _see_activity(self, seen: SeenActivity) -> None:
        rules = self._rules_at.get(seen.programme_version)
        if rules is None:
            raise NotYet(f"Version {seen.programme_version} of brand {self._brand!r} has not arrived yet.")
        counts = seen.amount is not None and seen.type in rules.amount_types
        change = self._change(seen.member)
        change.see_activity(seen.occurred_at, int(seen.amount or 0) if counts else 0)
        change.see_tier(seen.tier, seen.event)

    def _change(self, member: str) -> Change:
        return self._changes.setdefault(member, Change())

    def _recommend(self, request: pb.ListRecommendationsRequest) -> pb.ListRecommendationsResponse:
        if self._rules is None:
            raise NotFound(f"Brand {self._brand!r} has no programme yet.", code="unknown_brand")
        slot = self._rules.slots.get(request.slot)
        if slot is None:
            raise UnknownSlot(request.slot)
        if request.member in self._erased:
            raise MemberWasErased(request.member)
        arms = self._arms.get(slot.id)
        if arms is None:
            return pb.ListRecommendationsResponse()  # none of its rewards exists
        profile = self._profiles.get(request.member)
        found = features(profile, self._rules.tiers, self._now)
        choices = arms.choose(np.array(found), slot.exploration, request.count or 1, self._chance.draws)
        response = pb.ListRecommendationsResponse()
        for place, choice in enumerate(choices):
            made = self._note(request.member, slot.id, arms, choice, place, found)
            response.recommendations.add(
                decision=made.decision,
                reward=made.reward,
                propensity=made.propensity,
                reason=reason(choice.why, place, is_known=profile is not None),
            )
        return response

    def _note(
        self, member: str, slot: str, arms: Arms, choice: Choice, place: int, found: tuple[float, ...]
    ) -> NewDecision:
        """Notes a choice as a decision to be stored, and tells of it."""
        made = NewDecision(
            decision=self._chance.decision_id(),
            member=member,
            slot=slot,
            reward=arms.names[choice.arm],
            place=place,
            propensity=choice.propensity,
            explored=choice.why is Why.EVEN,
            features=found,
            model_version=arms.models[choice.arm].version,
        )
        self._new_decisions.append(made)
        told = RecommendationMade(
            member=member,
            decision=made.decision,
            slot=slot,
            reward=made.reward,
            propensity=made.propensity,
            decided_at=self._now,
        )
        self.events.append(NewEvent(member, told))
        return made

    def _record(self, outcome: Outcome) -> pb.RecordOutcomeResponse:
        decision = self._decisions.get(outcome.decision)
        if decision is None or outcome.member not in ("", decision["member"]):
            raise UnknownDecision(outcome.decision)
        recorded = self._outcomes.get(outcome.decision)
        if recorded is not None:
            if recorded != outcome.value:
                raise OutcomeConflict(outcome.decision, recorded, outcome.value)
            return pb.RecordOutcomeResponse()
        slot, reward = key = (decision["slot"], decision["reward"])
        model = learn(self._learnt.get(key, self._models[key]), np.array(decision["features"]), outcome.value)
        self._learnt[key] = model
        self._outcomes[outcome.decision] = outcome.value
        self._new_outcomes.append(NewOutcome(outcome.decision, slot, reward, outcome.value, model.updates))
        told = OutcomeRecorded(
            member=decision["member"],
            decision=outcome.decision,
            slot=slot,
            reward=reward,
            value=outcome.value,
            recorded_at=self._now,
        )
        self.events.append(NewEvent(decision["member"], told))
        return pb.RecordOutcomeResponse(recorded=True)

    # -- saving -------------------------------------------------------------

    async def save(self, connection: asyncpg.Connection) -> None:
        if self._new_decisions:
            await store.add_decisions(connection, self._brand, self._version, self._now, self._new_decisions)
        if self._learnt:
            changed = {
                key: replace(model, version=self._models[key].version + 1) for key, model in self._learnt.items()
            }
            await store.save_models(connection, self._brand, changed)
            await store.add_outcomes(connection, self._brand, self._new_outcomes)
        if self._changes:
            await store.change_profiles(connection, self._brand, self._changes)
        for applied in self._applied:
            adopted = await programmes_of_services.adopt(connection, "recommender", self._brand, applied)
            self.events.append(adopted)
        self.events = await self._erasures.save(connection, self.events, store.erase)


_REASONS: Mapping[Why, str] = {
    Why.ONLY: "It is the only one to choose from here.",
    Why.EVEN: "It was picked at random, so that we keep learning what suits whom.",
    Why.UNTRIED: "It is being tried: nobody's answer to it is known yet.",
    Why.BEST: "It is the one most likely to suit {whom}, by what others answered so far.",
    Why.PROMISING: "It is being tried: it may suit {whom} better than what is known to do well.",
}


def reason(why: Why, place: int, *, is_known: bool) -> str:
    """Why a choice was made, as a sentence for people; `place` counts the choices before it.

    >>> reason(Why.BEST, 0, is_known=True)
    'It is the one most likely to suit members like you, by what others answered so far.'
    """
    sentence = _REASONS[why].format(whom="members like you" if is_known else "members here")
    if place == 0:
        return sentence
    return "Of those left: " + sentence[0].lower() + sentence[1:]

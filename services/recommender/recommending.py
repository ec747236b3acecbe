"""Recommendations: what a slot may offer a member, chosen, counted and written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.errors import NotFound
from laurels.recommender.v1 import policies_pb2
from laurels.recommender.v1 import programme_slots_pb2 as slots_pb
from laurels.recommender.v1 import recommender_pb2 as pb
from laurels.recommender.v1.events_pb2 import (
    DECISION_BASIS_CONTROL,
    DECISION_BASIS_ORDER,
    DECISION_BASIS_POLICY,
    RecommendationMade,
)
from services.erasure import MemberWasErased, erased
from services.recommender import store
from services.recommender.book import Book
from services.recommender.choosing import Drawn, Style, Why, may_follow, reason
from services.recommender.features import Context, context
from services.recommender.learner import Learner
from services.recommender.programme import RecommenderRules
from services.recommender.slots import Choice, CounterKey, Group, Slot, eligible
from services.recommender.store import decisions as rows
from services.recommender.store import models
from services.recommender.store.decisions import Counter, NewDecision
from services.recommender.store.models import Head

COUNTERS: Kind[CounterKey, Counter] = Kind("slot_counters", 40, rows.lock_counters, rows.save_counters)
BASES: Mapping[str, int] = {
    Group.POLICY: DECISION_BASIS_POLICY,
    Group.CONTROL: DECISION_BASIS_CONTROL,
    Group.ORDER: DECISION_BASIS_ORDER,
}
_SHOWN = {"reward": "catalogue_reward"}
_LISTED = Drawn(0, 1.0, Why.LISTED)


class UnknownSlot(NotFound):
    """The programme has no such slot."""

    code = "unknown_slot"

    def __init__(self, slot: str) -> None:
        super().__init__(f"The programme has no slot {slot!r}.")


@dataclass(frozen=True, slots=True)
class Known:
    """What the requests of a transaction go by."""

    profiles: Mapping[str, pb.Profile]
    erased: set[str]
    learners: Mapping[str, Learner]
    heads: Mapping[str, Head]
    configurations: Mapping[str, policies_pb2.PolicyConfiguration]


class Recommend(Operation):
    """Chooses, one request after another, on what is committed."""

    requests = (pb.ListRecommendationsRequest,)

    async def find(
        self,
        connection: asyncpg.Connection,
        book: Book,
        rules: RecommenderRules,
        requests: Sequence[pb.ListRecommendationsRequest],
    ) -> Known:
        members = sorted({request.member for request in requests})
        learners, heads = await book.memory.learners(
            connection, book.brand, {request.slot for request in requests} & rules.slots.keys()
        )
        known = book.known = Known(
            profiles=await store.profiles(connection, book.brand, members),
            erased=await erased(connection, book.brand, members, book.prints),
            learners=learners,
            heads=heads,
            configurations=models.configurations(heads),
        )
        return known

    def touch(
        self, request: pb.ListRecommendationsRequest, found: Known, rules: RecommenderRules, touched: Touched
    ) -> None:
        slot = rules.slots.get(request.slot)
        if slot is not None and request.member not in found.erased:
            for key in slot.counters(request.member, touched.now, rules.zone):
                touched.row(COUNTERS, key)

    def decide(
        self, book: Book, rules: RecommenderRules, request: pb.ListRecommendationsRequest
    ) -> pb.ListRecommendationsResponse:
        slot = rules.slots.get(request.slot)
        if slot is None:
            raise UnknownSlot(request.slot)
        known: Known = book.known
        if request.member in known.erased:
            raise MemberWasErased(request.member)
        return _Answer(book, rules, known, slot, request.member).of(request.count or 1)


class _Answer:
    """One member's answer."""

    def __init__(self, book: Book, rules: RecommenderRules, known: Known, slot: Slot, member: str) -> None:
        self._book, self._rules, self._slot, self._member = book, rules, slot, member
        self._learner, self._head = known.learners[slot.id], known.heads[slot.id]
        self._style = Style.of(known.configurations.get(slot.id), slot.exploration)
        self._context: Context = context(known.profiles.get(member), rules.tiers, book.now)
        self._group = slot.chooses_for(book.brand, member, rules.control_share)

    def of(self, count: int) -> pb.ListRecommendationsResponse:
        answer = pb.ListRecommendationsResponse()
        options = eligible(self._slot, self._rules.members.values(self._member, self._context))
        chosen: list[Choice] = []
        while len(chosen) < min(count, self._slot.count_max):
            left = [choice for choice in options if self._may_offer(choice, chosen)]
            if not left:
                break
            drawn, intended = self._drawn(left)
            choice = left[drawn.place]
            made = self._note(choice, len(chosen), drawn, intended, left)
            shown: Any = {_SHOWN.get(choice.kind, choice.kind): choice.reference}
            answer.recommendations.add(
                decision=made.decision,
                reward=choice.id,
                propensity=made.propensity,
                reason=reason(drawn.why, len(chosen), choice, self._context, self._style.kind),
                **shown,
            )
            chosen.append(choice)
        return answer

    def _may_offer(self, choice: Choice, chosen: Sequence[Choice]) -> bool:
        if not may_follow(choice, chosen, self._slot.category_max):
            return False
        return all(self._counter(key).value + takes <= most for key, takes, most in self._bounds(choice))

    def _bounds(self, choice: Choice) -> list[tuple[CounterKey, int, int]]:
        now, zone = self._book.now, self._rules.zone
        return [
            *((bound.key("", now, zone), bound.takes, bound.most) for bound in choice.budgets),
            *((bound.key(self._member, now, zone), bound.takes, bound.most) for bound in choice.caps),
        ]

    def _counter(self, key: CounterKey) -> Counter:
        return self._book.row(COUNTERS, key) or Counter(*key, 0)

    def _drawn(self, left: Sequence[Choice]) -> tuple[Drawn, Drawn | None]:
        """What is offered of the choices, and what the policy would have offered where it only looks on."""
        shadow = self._slot.mode == slots_pb.SLOT_MODE_SHADOW
        if self._group != Group.POLICY and not (shadow and self._group == Group.ORDER):
            return _LISTED, None
        features = self._style.features(self._context)
        drawn = self._style.draw(self._learner, [choice.id for choice in left], features, self._book.chance.draws)
        return (_LISTED, drawn) if shadow else (drawn, None)

    def _note(
        self, choice: Choice, place: int, drawn: Drawn, intended: Drawn | None, left: Sequence[Choice]
    ) -> NewDecision:
        """Counts a choice, writes it down as a decision, and tells of it."""
        book, slot = self._book, self._slot
        taken = []
        for key, takes, _ in self._bounds(choice):
            counter = self._counter(key)
            counter.value += takes
            book.put(COUNTERS, key, counter)
            if not key.owner and takes:
                taken.append((key.name, key.period, takes))
        made = NewDecision(
            decision=book.chance.decision_id(),
            member=self._member,
            slot=slot.id,
            choice=choice.id,
            place=place,
            propensity=drawn.propensity,
            explored=drawn.why is Why.EVEN,
            features=self._context.values,
            epoch=self._learner.epoch,
            lessons=self._learner.lessons,
            basis=self._group,
            policy=self._head.policy,
            intended=left[intended.place].id if intended else "",
            intended_propensity=intended.propensity if intended else 0.0,
            among=[each.id for each in left],
            teaches=self._context.teaches,
            value_most=slot.counts.value_most,
            decided_at=book.now,
            due_at=book.now + timedelta(seconds=slot.counts.within_s),
            taken=taken,
            programme_version=book.newest,
        )
        book.add(rows.add_decisions, made)
        book.count(slot.id).decisions += 1
        told = RecommendationMade(
            member=self._member,
            decision=made.decision,
            slot=slot.id,
            reward=choice.id,
            propensity=made.propensity,
            decided_at=book.now,
            basis=BASES[self._group],  # type: ignore[arg-type]
            policy=self._head.policy,
        )
        book.tell(self._member, told)
        return made

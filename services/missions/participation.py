"""Joining, assigning, claiming and repairing: what callers do about missions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from chassis.book import Operation, Touched
from chassis.conditions import ExpressionFailed
from chassis.errors import FailedPrecondition, NotFound
from laurels.missions.v1 import participation_pb2 as pb
from laurels.missions.v1 import programme_goals_pb2 as goals_pb
from laurels.value.v1.events_pb2 import GRANT_REASON_MISSION
from services.missions import calendar, gifts, journal, members, rewarding, showing
from services.missions.book import Book
from services.missions.fold import ASSIGN, GOALS, JOIN, REPAIR, Fact, MissionRule
from services.missions.goals import Streak
from services.missions.journal import MISSIONS
from services.missions.programme import MissionsRules
from services.missions.store import journal as store
from services.missions.store.journal import DUE, EXHAUSTED, PAID, Completion, CompletionKey, MemberMissions


class UnknownMission(NotFound):
    """The programme has no such mission."""

    code = "unknown_mission"

    def __init__(self, mission: str) -> None:
        super().__init__(f"The programme has no mission {mission!r}.")


class NotJoinable(FailedPrecondition):
    """A mission that does not begin by opting in."""

    code = "not_joinable"


class NotAssignable(FailedPrecondition):
    """A mission that does not begin by being assigned."""

    code = "not_assignable"


class NotEligible(FailedPrecondition):
    """A mission that is not for this member."""

    code = "not_eligible"


class MissionOver(FailedPrecondition):
    """A mission whose window is not open."""

    code = "mission_over"


class NothingToClaim(NotFound):
    """A run that is not finished, or pays by itself."""

    code = "nothing_to_claim"

    def __init__(self, mission: str) -> None:
        super().__init__(f"There is nothing to claim of mission {mission!r}.")


class ClaimOver(FailedPrecondition):
    """A reward that was not claimed in time."""

    code = "claim_over"


class LimitReached(FailedPrecondition):
    """A mission that pays no more."""

    code = "limit_reached"


class NothingToRepair(FailedPrecondition):
    """No streak of the mission is broken, or it was too long ago."""

    code = "nothing_to_repair"


class TakePart(Operation):
    """Opts a member in, assigns a mission, or repairs a streak, as a fact of the transaction's moment."""

    requests = (pb.JoinMissionRequest, pb.AssignMissionRequest, pb.RepairStreakRequest)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[Any]
    ) -> None:
        names = [request.member for request in requests]
        await members.look(connection, book, names)
        # What happened may be ahead of the clock, so what is now may be late.
        await journal.find_late(connection, book, names)

    def touch(self, request: Any, found: None, rules: MissionsRules, touched: Touched) -> None:
        journal.touch(touched, request.member, late=True)

    def decide(self, book: Book, rules: MissionsRules, request: Any) -> Any:
        rule = rules.missions.get(request.mission)
        if rule is None:
            raise UnknownMission(request.mission)
        book.settle(request.member)
        row = book.row(MISSIONS, request.member) or MemberMissions(request.member)
        match request:
            case pb.JoinMissionRequest():
                if self._may_begin(book, rules, row, rule, goals_pb.START_BY_OPT_IN):
                    self._add(book, rules, request, JOIN)
                return pb.JoinMissionResponse(progress=self._shown(book, rules, request))
            case pb.AssignMissionRequest():
                if self._may_begin(book, rules, row, rule, goals_pb.START_BY_ASSIGNMENT):
                    self._add(book, rules, request, ASSIGN)
                return pb.AssignMissionResponse(progress=self._shown(book, rules, request))
        now = calendar.micros(book.now)
        if not any(_may_repair(row, rule, place, now) for place in range(len(rule.goals))):
            raise NothingToRepair(f"Mission {rule.id!r} has no streak to repair.")
        self._add(book, rules, request, REPAIR)
        return pb.RepairStreakResponse(progress=self._shown(book, rules, request))

    def _may_begin(self, book: Book, rules: MissionsRules, row: MemberMissions, rule: MissionRule, start: int) -> bool:
        """Whether it is to begin; False where it has begun. Raises why it may not."""
        if rule.start != start:
            if start == goals_pb.START_BY_OPT_IN:
                raise NotJoinable(f"Mission {rule.id!r} does not begin by opting in.")
            raise NotAssignable(f"Mission {rule.id!r} does not begin by being assigned.")
        if rule.id in row.state["m"]:
            return False
        gate = rules.gates.get(rule.id)
        if gate is not None:
            member = members.seen(book, row.member)
            if not gate.is_open(calendar.micros(book.now), member):
                raise MissionOver(f"Mission {rule.id!r} is not open now.")
            if not is_eligible(gate.condition, rules, member):
                raise NotEligible(f"Mission {rule.id!r} is not for this member.")
        return True

    def _add(self, book: Book, rules: MissionsRules, request: Any, kind: str) -> None:
        now = calendar.micros(book.now)
        own = calendar.ahead(now, members.zone_of(members.seen(book, request.member), rules))
        minutes = (own, calendar.ahead(now, rules.zone))
        fact = Fact(now, f"{kind} {request.mission} {now}", kind, request.mission, rules.version, minutes)
        journal.add(book, rules, request.member, fact)

    def _shown(self, book: Book, rules: MissionsRules, request: Any) -> Any:
        book.settle(request.member)
        row = book.row(MISSIONS, request.member) or MemberMissions(request.member)
        mission = next(each for each in rules.programme.missions.missions if each.id == request.mission)
        return showing.progress(rules, mission, row, (), members.seen(book, request.member), book.now)


def is_eligible(condition: Any, rules: MissionsRules, member: Any) -> bool:
    """Whether a condition over a member holds; one that fails does not."""
    try:
        return condition is None or bool(condition.holds(rules.members.values(member)))
    except ExpressionFailed:
        return False


def _may_repair(row: MemberMissions, rule: MissionRule, place: int, now: int) -> bool:
    goal, run = rule.goals[place], row.state["m"].get(rule.id)
    return isinstance(goal, Streak) and run is not None and goal.may_repair(run[GOALS][place], now)


@dataclass(frozen=True, slots=True)
class PayDue:
    """Completions whose rewards are bounded, to be paid in their order."""

    keys: Sequence[CompletionKey]


class Pay(Operation):
    """Gives rewards that wait: what is claimed, and what a mission's limits bound."""

    requests = (pb.ClaimMissionRequest, PayDue)

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[Any]
    ) -> dict[CompletionKey, MissionRule]:
        """What each pays, by the version that it was finished under."""
        keys = [key for request in requests for key in _keys(request)]
        found = {}
        for key, version in (await store.completion_versions(connection, book.brand, keys)).items():
            await book.load_rules(connection, version)
            rule = book.rules(version).missions.get(key[1])
            if rule is not None:
                found[key] = rule
        await gifts.find(connection, book, [key[0] for key in keys])
        book.paying |= found
        return found

    def touch(
        self, request: Any, found: dict[CompletionKey, MissionRule], rules: MissionsRules, touched: Touched
    ) -> None:
        for key in _keys(request):
            touched.row(rewarding.COMPLETIONS, key)
            rule = found.get(key)
            # The missions' lock guards completions, too.
            journal.touch(touched, key[0], late=rule is not None and rule.claiming)
            for name in rewarding.counters_of(rule) if rule is not None else ():
                touched.row(rewarding.COUNTERS, name)

    def decide(self, book: Book, rules: MissionsRules, request: Any) -> Any:
        if isinstance(request, PayDue):
            return sum(self._pay_due(book, key) for key in request.keys)
        return self._claim(book, rules, request)

    def _pay_due(self, book: Book, key: CompletionKey) -> int:
        completion, rule = book.row(rewarding.COMPLETIONS, key), book.paying.get(key)
        if completion is None or rule is None or completion.state != DUE or completion.retracted:
            return 0
        if not rewarding.is_within(book, rule):
            completion.state = EXHAUSTED
            book.put(rewarding.COMPLETIONS, key, completion)
            return 1
        rewarding.take(book, rule)
        completion.state, completion.settled_at = PAID, book.now
        book.put(rewarding.COMPLETIONS, key, completion)
        rewarding.tell(
            book,
            completion.programme_version,
            completion.member,
            rewarding.key_of(completion),
            rule.rewards,
            GRANT_REASON_MISSION,
            completion.mission,
            completion.completed_at,
        )
        return 1

    def _claim(self, book: Book, rules: MissionsRules, request: pb.ClaimMissionRequest) -> pb.ClaimMissionResponse:
        key = (request.member, request.mission, request.run)
        book.settle(request.member)
        completion, rule = book.row(rewarding.COMPLETIONS, key), book.paying.get(key)
        if completion is None or rule is None or not rule.claiming:
            if request.mission not in rules.missions and completion is None:
                raise UnknownMission(request.mission)
            raise NothingToClaim(request.mission)
        if completion.state == PAID:
            return _claimed(completion, rule)
        if completion.retracted:
            raise NothingToClaim(request.mission)
        if completion.state == EXHAUSTED or not rewarding.is_within(book, rule):
            raise LimitReached(f"Mission {request.mission!r} pays no more.")
        if completion.claim_until is not None and book.now >= completion.claim_until:
            raise ClaimOver(f"The reward of mission {request.mission!r} was not claimed in time.")
        rewarding.take(book, rule)
        completion.state, completion.settled_at = PAID, book.now
        book.put(rewarding.COMPLETIONS, key, completion)
        gifts.give(
            book,
            book.rules(completion.programme_version),
            completion.member,
            rewarding.key_of(completion),
            rule.rewards,
            GRANT_REASON_MISSION,
            completion.mission,
            completion.completed_at,
        )
        return _claimed(completion, rule)


def _keys(request: Any) -> Iterable[CompletionKey]:
    return request.keys if isinstance(request, PayDue) else [(request.member, request.mission, request.run)]


def _claimed(completion: Completion, rule: MissionRule) -> pb.ClaimMissionResponse:
    return pb.ClaimMissionResponse(
        mission=completion.mission, run=completion.run, rewards=rule.rewards, claimed_at=completion.settled_at
    )


async def due(connection: asyncpg.Connection, brand: str, _until: datetime, most: int) -> PayDue | None:
    """Bounded rewards that wait."""
    found = await store.due(connection, brand, most)
    return PayDue(found) if found else None

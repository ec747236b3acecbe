"""Missions as a member is shown them at a moment."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.conditions import ExpressionFailed
from laurels.missions.v1 import missions_pb2 as pb
from laurels.missions.v1 import programme_goals_pb2 as goals_pb
from laurels.missions.v1 import programme_pb2
from services.missions import calendar
from services.missions.fold import BEGAN, DONE, GOALS, RUN, SHAPE, TIMES, Fact, MissionRule
from services.missions.goals import FREEZES, LONGEST, Goal, Streak, Total
from services.missions.members import zone_of
from services.missions.programme import MissionsRules
from services.missions.store.journal import CLAIMABLE, Completion, MemberMissions
from services.missions.store.members import Member


def progress(
    rules: MissionsRules,
    mission: programme_pb2.Mission,
    row: MemberMissions,
    completions: Iterable[Completion],
    member: Member,
    now: datetime,
) -> pb.MissionProgress:
    """A mission of the programme as it is for a member."""
    shown = pb.MissionProgress(mission=mission.id, name=mission.name)
    rule = rules.missions.get(mission.id)
    if rule is None:
        return shown
    at = calendar.micros(now)
    zone = rules.zone if rule.by_brand else zone_of(member, rules)
    minutes = calendar.ahead(at, zone)
    run = _run(rule, row, at, minutes)
    states = run[GOALS] if run is not None else [goal.empty() for goal in rule.goals]
    is_done = run is not None and bool(run[DONE])
    for goal, state in zip(rule.goals, states, strict=True):
        shown.goals.append(_goal(goal, state, at, minutes, is_done))
    shown.progress, shown.target = _together(rule, shown, is_done)
    if run is not None:
        shown.run, shown.completions = run[RUN], run[TIMES]
        if is_done:
            shown.completed_at.FromDatetime(calendar.moment(run[DONE]))
    ends = _ends(rules, rule, run, zone)
    if ends is not None:
        shown.ends_at.FromDatetime(ends)
    shown.state = state_of(rules, rule, row, run, member, at, ends)
    for completion in completions:
        is_over = completion.claim_until is not None and completion.claim_until <= now
        if completion.state == CLAIMABLE and not completion.retracted and not is_over:
            shown.claimable.add(
                run=completion.run, completed_at=completion.completed_at, claim_until=completion.claim_until
            )
    return shown


def _run(rule: MissionRule, row: MemberMissions, at: int, minutes: int) -> list[Any] | None:
    """The run as it is at a moment; one that is over is not the member's any more."""
    run = row.state["m"].get(rule.id)
    if run is None:
        return None
    if run[SHAPE] != rule.shape:
        run = [*run[:GOALS], [goal.empty() for goal in rule.goals], *run[DONE:]]
    if rule.cron or rule.recurrence not in (goals_pb.RECURRENCE_UNSPECIFIED, goals_pb.RECURRENCE_ON_COMPLETION):
        name = rule.run_at(Fact(at, "", "", "", minutes=(minutes, minutes)))
        if name > run[RUN]:
            kept = zip(rule.goals, run[GOALS], strict=True)
            goals = [state if isinstance(goal, Streak) else goal.empty() for goal, state in kept]
            return [name, run[BEGAN], "", goals, 0, "", run[TIMES], rule.shape]
    return list(run)


def _goal(goal: Goal, state: Any, at: int, minutes: int, is_done: bool) -> pb.GoalProgress:
    target = goal.target
    if is_done and isinstance(goal, Total):
        target = min(target, max(1, goal.progress(state)))
    shown = pb.GoalProgress(progress=min(goal.progress(state), target), target=target)
    if isinstance(goal, Streak):
        shown.current_streak = goal.current(state, at, minutes)
        shown.longest_streak = state[LONGEST] if state is not None else 0
        shown.freezes = state[FREEZES] if state is not None else 0
        if not is_done:
            shown.progress = min(shown.current_streak, target)
        else:
            shown.progress = target
    return shown


def _together(rule: MissionRule, shown: pb.MissionProgress, is_done: bool) -> tuple[int, int]:
    """One number for all goals: of one, its own; of several, how many are reached of those that are needed."""
    if len(rule.goals) == 1:
        return shown.goals[0].progress, shown.goals[0].target
    reached = sum(goal.progress >= goal.target for goal in shown.goals)
    needed = len(rule.goals) if rule.needs_all else 1
    return (needed if is_done else min(reached, needed)), needed


def _ends(rules: MissionsRules, rule: MissionRule, run: list[Any] | None, zone: Any) -> datetime | None:
    found = []
    gate = rules.gates.get(rule.id)
    if gate is not None and gate.ends:
        found.append(calendar.moment(gate.ends))
    if run is not None and rule.deadline:
        found.append(calendar.moment(run[BEGAN]) + timedelta(microseconds=rule.deadline))
    if run is not None and run[RUN]:
        if rule.cron:
            found.append(calendar.cron_end(rule.cron, run[RUN]).replace(tzinfo=zone).astimezone(UTC))
        elif rule.recurrence != goals_pb.RECURRENCE_ON_COMPLETION:
            found.append(calendar.run_end(rule.recurrence, run[RUN]).replace(tzinfo=zone).astimezone(UTC))
    return min(found, default=None)


def state_of(
    rules: MissionsRules,
    rule: MissionRule,
    row: MemberMissions,
    run: list[Any] | None,
    member: Member,
    at: int,
    ends: datetime | None,
) -> Any:
    """Where a member stands in a mission."""
    comes_back = rule.recurrence == goals_pb.RECURRENCE_ON_COMPLETION
    if run is not None and run[DONE] and not comes_back:
        return pb.MISSION_STATE_FINISHED
    if ends is not None and at >= calendar.micros(ends):
        return pb.MISSION_STATE_OVER
    gate = rules.gates.get(rule.id)
    if gate is not None and (not gate.is_open(at, member) or not _holds(gate, rules, member)):
        return pb.MISSION_STATE_WAITING
    if any(badge not in row.state["b"] for badge in rule.badges_needed):
        return pb.MISSION_STATE_WAITING
    if run is None and rule.start == goals_pb.START_BY_OPT_IN:
        return pb.MISSION_STATE_JOINABLE
    if run is None and rule.start != goals_pb.START_BY_ITSELF:
        return pb.MISSION_STATE_WAITING
    return pb.MISSION_STATE_OPEN


def _holds(gate: Any, rules: MissionsRules, member: Member) -> bool:
    try:
        return gate.condition is None or bool(gate.condition.holds(rules.members.values(member)))
    except ExpressionFailed:
        return False

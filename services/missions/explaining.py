"""Why an activity counted for a mission or did not, and why a mission is where it is: clause by clause.

Each clause is judged on its own, also behind one that does not hold, so that
the whole answer is seen at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from chassis.conditions import ExpressionFailed
from laurels.activity.v1.activity_pb2 import Activity
from laurels.missions.v1 import participation_pb2 as pb
from laurels.missions.v1 import programme_goals_pb2 as goals_pb
from laurels.missions.v1 import programme_pb2
from services.missions import calendar
from services.missions.fold import BEGAN, BEGAN_BY, DONE, DONE_BY, GOALS, SHAPE, Fact, MissionRule
from services.missions.goal_programme import Gate
from services.missions.programme import MissionsRules
from services.missions.store.journal import MemberMissions
from services.missions.store.members import Member

STARTS: Mapping[int, str] = {
    goals_pb.START_BY_ITSELF: "begins by itself",
    goals_pb.START_BY_OPT_IN: "begins when the member opts in",
    goals_pb.START_BY_MISSION: "begins when another mission is done",
    goals_pb.START_BY_ASSIGNMENT: "begins when it is assigned",
}

FED_GOALS = (".tier", ".rank", ".quiz")


def explain(
    rules: MissionsRules,
    mission: programme_pb2.Mission,
    row: MemberMissions,
    member: Member,
    now: datetime,
    asked: tuple[Fact, Activity, str] | None,
) -> Iterator[pb.Clause]:
    """The clauses of a mission; with a fact, the activity that it was and the tier then, those of the activity too."""
    rule = rules.missions[mission.id]
    gate = rules.gates.get(mission.id)
    at = asked[0].at if asked is not None else calendar.micros(now)
    if asked is not None:
        yield from _activity(rules, mission, rule, *asked)
    if gate is not None:
        yield from _gate(rules, gate, member, at, asked[0] if asked is not None else None)
    for badge in mission.badges_needed:
        earned = row.state["b"].get(badge)
        holds = earned is not None and earned <= at
        seen = f"earned_at = {_said(earned)}" if earned is not None else "not earned"
        yield pb.Clause(clause="badges_needed", holds=holds, says=badge, seen=[seen])
    yield from _run(rule, row, at, asked[0] if asked is not None else None)
    if asked is None:
        yield from _reached(mission, rule, row)


def hold(clauses: Iterable[pb.Clause]) -> bool:
    """Whether all hold but what is yet to be reached: a tier, a rank, a quiz."""
    return all(clause.holds for clause in clauses if not clause.clause.endswith(FED_GOALS))


def _activity(
    rules: MissionsRules,
    mission: programme_pb2.Mission,
    rule: MissionRule,
    fact: Fact,
    activity: Activity,
    tier: str,
) -> Iterator[pb.Clause]:
    seen = [f"activity.type = {_quoted(activity.type)}"]
    of_type = rules.types.get(activity.type)
    watches = [] if of_type is None else [watch for watch in of_type.watches if watch.rule.id == rule.id]
    types = sorted({name for name, each in rules.types.items() for watch in each.watches if watch.rule.id == rule.id})
    yield pb.Clause(clause="activity_type", holds=bool(watches), says=" or ".join(types), seen=seen)
    if of_type is None or not watches:
        return
    if fact.left is not None:
        refunded = f"{fact.total - fact.left} of {fact.total}"
        yield pb.Clause(clause="refunds", holds=fact.left > 0, says="not refunded whole", seen=[refunded])
    values = of_type.plain(activity, {"member.id": activity.member, "member.tier": tier})
    for clause, source in _conditions(mission, activity.type):
        try:
            holds = of_type.schema.vocabulary.condition(source).holds(of_type.schema.vocabulary.values(values))
            failed = ""
        except ExpressionFailed as error:
            holds, failed = False, f"failed: {error}"
        seen = [f"{name} = {_quoted(value)}" for name, value in values.items() if name in source]
        yield pb.Clause(clause=clause, holds=holds, says=source, seen=[*seen, failed] if failed else seen)


def _conditions(mission: programme_pb2.Mission, type_name: str) -> Iterator[tuple[str, str]]:
    """The conditions that an activity of a type is judged by, with their places in the programme."""
    if mission.condition.strip() and mission.activity_type == type_name:
        yield "condition", mission.condition
    for place, goal in enumerate(mission.goals):
        of_goal = goal.activity_type or mission.activity_type
        steps = goal.sequence.steps
        if goal.condition.strip() and (
            of_goal == type_name or any((step.activity_type or of_goal) == type_name for step in steps)
        ):
            yield f"goals[{place}].condition", goal.condition
        for number, step in enumerate(steps):
            if step.condition.strip() and (step.activity_type or of_goal) == type_name:
                yield f"goals[{place}].sequence.steps[{number}].condition", step.condition


def _gate(rules: MissionsRules, gate: Gate, member: Member, at: int, fact: Fact | None) -> Iterator[pb.Clause]:
    bounds = []
    if gate.starts:
        bounds.append(f"from {_said(gate.starts)}")
    if gate.ends:
        bounds.append(f"until {_said(gate.ends)}")
    if gate.joined_from or gate.joined_until:
        bounds.append(f"from day {gate.joined_from} to {gate.joined_until or 'ever'} after joining")
    if bounds:
        seen = [f"at = {_said(at)}"]
        if member.enrolled_at is not None:
            seen.append(f"member.enrolled_at = {member.enrolled_at.astimezone(UTC).isoformat()}")
        yield pb.Clause(clause="window", holds=gate.is_open(at, member), says=", ".join(bounds), seen=seen)
    if gate.condition is None:
        return
    values = rules.members.plain(member)
    seen = [f"{name} = {_quoted(value)}" for name, value in values.items() if name in gate.source]
    try:
        holds = gate.condition.holds(rules.members.values(member))
    except ExpressionFailed as error:
        holds, seen = False, [*seen, f"failed: {error}"]
    if fact is not None:
        # What counted was decided when it arrived; the member may be another since.
        held_then = gate.mission not in fact.out
        if held_then != holds:
            seen.append(f"when it arrived: {'held' if held_then else 'did not hold'}")
        holds = held_then
    yield pb.Clause(clause="eligible", holds=holds, says=gate.source, seen=seen)


def _run(rule: MissionRule, row: MemberMissions, at: int, fact: Fact | None) -> Iterator[pb.Clause]:
    run = row.state["m"].get(rule.id)
    by_itself = rule.start == goals_pb.START_BY_ITSELF
    began = by_itself or (
        run is not None and (run[BEGAN] <= at and not (fact is not None and fact.id == run[BEGAN_BY]))
    )
    seen = [f"began_at = {_said(run[BEGAN])}"] if run is not None and not by_itself else []
    yield pb.Clause(clause="start", holds=began, says=STARTS.get(rule.start, ""), seen=seen)
    if rule.deadline and run is not None:
        until = run[BEGAN] + rule.deadline
        yield pb.Clause(clause="deadline", holds=at < until, says=f"until {_said(until)}", seen=[f"at = {_said(at)}"])
    if run is not None and run[DONE]:
        still = rule.recurrence == goals_pb.RECURRENCE_ON_COMPLETION or (
            fact is not None and (fact.at, fact.id) <= (run[DONE], run[DONE_BY])
        )
        done = f"done_at = {_said(run[DONE])}"
        yield pb.Clause(clause="not_finished", holds=still, says="the run is not finished before", seen=[done])


def _reached(mission: programme_pb2.Mission, rule: MissionRule, row: MemberMissions) -> Iterator[pb.Clause]:
    """Goals that no activity moves: whether each is reached in the run at hand."""
    run = row.state["m"].get(rule.id)
    for place, goal in enumerate(mission.goals):
        kind = goal.WhichOneof("kind")
        if kind not in ("tier", "rank", "quiz"):
            continue
        state = run[GOALS][place] if run is not None and run[SHAPE] == rule.shape else 0
        clause = pb.Clause(clause=f"goals[{place}].{kind}", holds=rule.goals[place].progress(state) > 0)
        match kind:
            case "rank":
                clause.says = f"rank {goal.rank.rank} or better on board {_quoted(goal.rank.board)}"
                clause.seen.append(f"rank = {state}" if state else "no rank told")
            case "tier":
                clause.says = f"tier {_quoted(goal.tier.tier)} reached"
            case "quiz":
                clause.says = f"quiz {_quoted(goal.quiz.quiz)} passed"
        yield clause


def _said(at: int) -> str:
    return calendar.moment(at).isoformat()


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)

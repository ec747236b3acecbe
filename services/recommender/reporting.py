"""The report of slots: what choosing gains over the control group, with how sure that is."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
from scipy.special import stdtrit

from laurels.recommender.v1 import recommender_pb2 as pb
from services.recommender.programme import RecommenderRules
from services.recommender.slots import Bound, CounterKey, Group, Slot
from services.recommender.store import decisions, models, reports
from services.recommender.store.decisions import Counter
from services.recommender.store.reports import ChoiceSums, GroupSums

CONFIDENCE = 0.95


def gain(policy: GroupSums, control: GroupSums) -> pb.Gain | None:
    """The difference of mean values with its 95 % interval, members being clusters; None with fewer than two in either.

    Each mean is a ratio of sums over members, and its error is linearised;
    degrees of freedom by Welch and Satterthwaite.
    """
    if policy.members < 2 or control.members < 2:
        return None
    errors = [_error(policy), _error(control)]
    value = policy.value / policy.outcomes - control.value / control.outcomes
    total = sum(errors)
    if total <= 0:
        return pb.Gain(value=value, low=value, high=value)
    parts = zip(errors, (policy.members, control.members), strict=True)
    freedom = total**2 / sum(error**2 / (members - 1) for error, members in parts)
    reach = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * math.sqrt(total)
    return pb.Gain(value=value, low=value - reach, high=value + reach)


def _error(group: GroupSums) -> float:
    """The variance of a group's mean: of sums s over numbers n, by members."""
    mean = group.value / group.outcomes
    squares = max(group.ss - 2 * mean * group.ns + mean**2 * group.nn, 0.0)
    return squares * group.members / (group.members - 1) / group.outcomes**2


async def report(
    connection: asyncpg.Connection, brand: str, rules: RecommenderRules, now: datetime
) -> list[pb.SlotReport]:
    """How each slot of the programme fares."""
    groups, of_choices = await reports.groups(connection, brand), await reports.choices(connection, brand)
    late, heads = await reports.late(connection, brand), await models.heads(connection, brand, rules.slots)
    budgets = {slot.id: _budgets(slot) for slot in rules.slots.values()}
    keys = {bound.key("", now, rules.zone) for found in budgets.values() for _, bound in found}
    spent = await decisions.counters(connection, brand, sorted(keys))
    found = []
    for slot in rules.slots.values():
        row = _slot(slot, groups, of_choices)
        row.late_outcomes = late.get(slot.id, 0)
        row.policy = heads[slot.id].policy if slot.id in heads else ""
        for choice, bound in budgets[slot.id]:
            row.budgets.append(_spent(choice, bound, spent, bound.key("", now, rules.zone)))
        found.append(row)
    return found


def _slot(
    slot: Slot, groups: Mapping[tuple[str, str], GroupSums], of_choices: Mapping[tuple[str, str], ChoiceSums]
) -> pb.SlotReport:
    policy = groups.get((slot.id, Group.POLICY)) or GroupSums(slot.id, Group.POLICY)
    control = groups.get((slot.id, Group.CONTROL)) or GroupSums(slot.id, Group.CONTROL)
    row = pb.SlotReport(
        slot=slot.id,
        decisions=policy.decisions,
        outcomes=policy.outcomes,
        rate=_share(policy.positive, policy.outcomes),
        mean_value=_share(policy.value, policy.outcomes),
        control_outcomes=control.outcomes,
        control_mean_value=_share(control.value, control.outcomes),
        gain=gain(policy, control),
    )
    for choice in slot.choices:
        sums = of_choices.get((slot.id, choice.id)) or ChoiceSums(slot.id, choice.id)
        row.choices.add(
            choice=choice.id,
            decisions=sums.decisions,
            share=_share(sums.decisions, policy.decisions),
            outcomes=sums.outcomes,
            rate=_share(sums.positive, sums.outcomes),
            mean_value=_share(sums.value, sums.outcomes),
        )
    return row


def _budgets(slot: Slot) -> Sequence[tuple[str, Bound]]:
    """The budgets of a slot and of its choices, each once, with the choice whose it is."""
    found: dict[str, tuple[str, Bound]] = {}
    for choice in slot.choices:
        for bound in choice.budgets:
            own = bound.name.partition(":")[2].startswith("choice:")
            found.setdefault(bound.name, (choice.id if own else "", bound))
    return list(found.values())


def _spent(choice: str, bound: Bound, spent: Mapping[CounterKey, Counter], key: CounterKey) -> pb.BudgetSpent:
    taken = spent[key].value if key in spent else 0
    return pb.BudgetSpent(choice=choice, is_value=bound.name.startswith("value:"), most=bound.most, spent=taken)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

"""Recorded activities move the missions that they count for.

What an activity counts follows from it and its version of the programme alone.
It is found first, so that nothing is locked and read of members whom no
activity of the batch moves.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from chassis.book import Operation, Touched
from chassis.conditions import ExpressionFailed
from laurels.activity.v1.activity_pb2 import Activity
from laurels.activity.v1.events_pb2 import ActivityRecorded
from services.missions import calendar, journal, members
from services.missions.book import Book
from services.missions.fold import ACTIVITY, REFUND, Fact
from services.missions.goal_programme import Gate
from services.missions.programme import MissionsRules
from services.missions.store.members import Member


class CountActivity(Operation):
    """Counts an activity for the missions that look at its type, and takes a refunded purchase out."""

    requests = (ActivityRecorded,)

    def version(self, request: ActivityRecorded) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[ActivityRecorded]
    ) -> set[str]:
        """The members whose facts do not come in their order."""
        counted = []
        for request in requests:
            of_type = rules.types.get(request.activity.type)
            if of_type is not None:
                book.values[id(request)] = of_type.values(request.activity, request.tier, book.expression_failed)
                counted.append(request)
            elif request.activity.type in rules.refunds:
                counted.append(request)
        names = {request.activity.member for request in counted}
        # Versions are looked through one after another, so of members of several the order is not known here.
        late = names & book.last.keys()
        await journal.find(connection, book, names)
        for request in counted:
            activity = request.activity
            place = (moment_of(activity), activity.id)
            if place <= book.last[activity.member] or activity.type in rules.refunds:
                late.add(activity.member)
            book.last[activity.member] = max(book.last[activity.member], place)
        await journal.find_late(connection, book, late)
        return late

    def touch(self, request: ActivityRecorded, found: set[str], rules: MissionsRules, touched: Touched) -> None:
        member = request.activity.member
        if request.activity.type in rules.types or request.activity.type in rules.refunds:
            journal.touch(touched, member, late=member in found)

    def decide(self, book: Book, rules: MissionsRules, request: ActivityRecorded) -> None:
        activity = request.activity
        if activity.type in rules.types:
            member = members.seen(book, activity.member)
            fact = fact_of(rules, activity, request.programme_version, book.values[id(request)], member)
            fact.out = closed(rules.types[activity.type].gates, rules, fact.at, member, book)
            journal.add(book, rules, activity.member, fact, activity.SerializeToString())
        for fact in refund_of(rules, activity, request.programme_version):
            journal.add(book, rules, activity.member, fact, activity.SerializeToString())


def refund_of(rules: MissionsRules, activity: Activity, version: int) -> list[Fact]:
    """An activity that refunds a purchase, as a fact; none where it does not."""
    refund = rules.refunds.get(activity.type)
    if refund is None:
        return []
    fields = activity.attributes.fields
    purchase = fields[refund.purchase].string_value if refund.purchase in fields else ""
    amount = max(0, int(fields[refund.amount].number_value)) if refund.amount in fields else 0
    # An activity's id has no space, so that a refund that counts itself is two facts.
    return [Fact(moment_of(activity), f"refund {activity.id}", REFUND, purchase, version, total=amount)]


def moment_of(activity: Activity) -> int:
    """When an activity happened, in microseconds."""
    return activity.occurred_at.seconds * calendar.SECOND + activity.occurred_at.nanos // 1_000


def fact_of(rules: MissionsRules, activity: Activity, version: int, values: Sequence[object], member: Member) -> Fact:
    """An activity as a fact: by the clocks of the member and of the brand, where somebody looks at them."""
    at, of_type = moment_of(activity), rules.types[activity.type]
    minutes = (0, 0)
    if of_type.by_calendar:
        zone = members.zone_of(member, rules)
        own = calendar.ahead(at, zone)
        minutes = (own, own if zone is rules.zone else calendar.ahead(at, rules.zone))
    total = 0
    if of_type.total and of_type.total in activity.attributes.fields:
        total = max(0, int(activity.attributes.fields[of_type.total].number_value))
    return Fact(at, activity.id, ACTIVITY, activity.type, version, minutes, values, (), total)


def closed(gates: Mapping[str, Gate], rules: MissionsRules, at: int, member: Member, book: Book) -> Sequence[str]:
    """The missions that are not for a member, or not at a time."""
    if not gates:
        return ()
    values = None
    found = []
    for name, gate in gates.items():
        is_open = gate.is_open(at, member)
        if is_open and gate.condition is not None:
            values = values or rules.members.values(member)
            try:
                is_open = gate.condition.holds(values)
            except ExpressionFailed as error:
                book.expression_failed(name, str(error))
                is_open = False
        if not is_open:
            found.append(name)
    return found

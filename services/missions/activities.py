"""Recorded activities move the missions that they count for.

What an activity counts for follows from the activity and its version of the
programme alone. It is found first, so that no more is locked and read than
what the activities of the batch move.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from chassis.book import Kind, Operation, Touched
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1.events_pb2 import MissionCompleted
from services.activity import moment_of
from services.missions import store
from services.missions.badge_rules import BadgeBook
from services.missions.book import Book
from services.missions.programme import Goal, MissionsRules, Step
from services.missions.progress import grow
from services.missions.store import Completion, Row

PROGRESS: Kind[tuple[str, str], Row] = Kind("progress", 20, store.lock_progress, store.save_progress)

Steps = dict[int, list[Step]]
"""What activities count for, by the identity of their events."""


class CountActivity(Operation):
    """Counts an activity for the missions that look at its type."""

    requests = (ActivityRecorded,)

    def version(self, request: ActivityRecorded) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[ActivityRecorded]
    ) -> Steps:
        found = {id(request): rules.steps(request, book.expression_failed) for request in requests}
        book.steps.update(found)
        return found

    def touch(self, request: ActivityRecorded, found: Steps, rules: MissionsRules, touched: Touched) -> None:
        for goal, _ in found[id(request)]:
            touched.row(PROGRESS, (request.activity.member, goal.mission))

    def decide(self, book: Book, rules: MissionsRules, request: ActivityRecorded) -> None:
        member, moment = request.activity.member, moment_of(request.activity)
        for goal, value in book.steps[id(request)]:
            row = book.row(PROGRESS, (member, goal.mission)) or Row(member=member, mission=goal.mission)
            if row.completed_at is not None:
                continue
            if grow(row, value, goal.target, moment):
                self._complete(book, request, goal, moment)
            book.put(PROGRESS, (member, goal.mission), row)

    def _complete(self, book: Book, recorded: ActivityRecorded, goal: Goal, moment: datetime) -> None:
        member, version = recorded.activity.member, recorded.programme_version
        book.add(store.add_completions, Completion(member, goal.mission, recorded.activity.id, moment, version))
        book.tell(
            member,
            MissionCompleted(
                member=member,
                mission=goal.mission,
                reward=goal.reward,
                completed_at=moment,
                programme_version=version,
            ),
        )
        if goal.badge:
            badges: BadgeBook = book.rules(version).badges
            key, activity = f"mission:{goal.mission}:{member}", recorded.activity.id
            book.give_badge(badges, member, goal.badge, key, moment, cause=goal.mission, activity=activity)

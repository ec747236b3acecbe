"""Ranks on boards feed the missions whose goals they are."""

from collections.abc import Iterator, Sequence
from datetime import UTC

import asyncpg

from chassis.book import Operation, Touched
from laurels.leaderboard.v1.ranks_events_pb2 import RankReached
from services.missions import activities, calendar, journal, members
from services.missions.book import Book
from services.missions.goal_programme import rank_feed
from services.missions.programme import MissionsRules


class FeedRank(Operation):
    """Feeds a rank: one of a standing to all goals of the board, one that was seen before to those that ask for it."""

    requests = (RankReached,)

    def version(self, request: RankReached) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[RankReached]
    ) -> None:
        names = [request.member for request in requests if any(_feeds(rules, request))]
        await members.look(connection, book, names)
        await journal.find_late(connection, book, names)

    def touch(self, request: RankReached, found: None, rules: MissionsRules, touched: Touched) -> None:
        if any(_feeds(rules, request)):
            journal.touch(touched, request.member, late=True)

    def decide(self, book: Book, rules: MissionsRules, request: RankReached) -> None:
        # A standing is of the period that it ends, not of the one that begins then.
        at = calendar.micros(request.occurred_at.ToDatetime(tzinfo=UTC)) - int(request.final)
        member = members.seen(book, request.member)
        minutes = calendar.ahead(at, members.zone_of(member, rules))
        key = f"{request.period} {'final' if request.final else request.rank}"
        for name in _feeds(rules, request):
            gates = {
                watch.rule.id: rules.gates[watch.rule.id]
                for watch in rules.by_feed[name]
                if watch.rule.id in rules.gates
            }
            out = activities.closed(gates, rules, at, member, book)
            journal.feed(book, rules, request.member, name, request.rank, at=at, key=key, minutes=minutes, out=out)


def _feeds(rules: MissionsRules, request: RankReached) -> Iterator[str]:
    """What a rank is called where goals are fed, as far as goals are."""
    for while_open in (True, False) if request.final else (True,):
        name = rank_feed(request.board, while_open)
        if name in rules.by_feed:
            yield name

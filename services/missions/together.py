"""What members contribute to challenges, what refunds take out again, and what is reached by it.

Contributions only add facts and raise striped tallies, so they wait for no
row that all of them share. That a milestone is reached is decided by a sweep
on a total that was read at one moment: never early, and once, since a reached
milestone is a row. Rewards go out page by page, each page in one transaction
with its place in the list, and each member's reward is a row of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.configuration import Configurations, newest_version
from chassis.events import NO_MEMBER
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1.programme_together_pb2 import Milestone, TeamPrize
from laurels.missions.v1.together_events_pb2 import ChallengeClosed, ChallengeRewarded, CommunityProgressed
from laurels.points.v1.earning_events_pb2 import PointsRefunded
from laurels.value.v1.events_pb2 import GRANT_REASON_MISSION, RewardGranted
from services.activity import moment_of
from services.missions import gifts, teams
from services.missions.book import Book
from services.missions.challenge_rules import Refunded, Standing, kept, later, prize_of, ranked
from services.missions.programme import MissionsRules
from services.missions.programme_together import ChallengeRules, Contribution
from services.missions.rewarding import OWN
from services.missions.store import together as rows
from services.missions.store.tallies import count
from services.missions.sweeps import Due

TELL_EVERY = timedelta(seconds=2)
"""How often the total of a challenge is told at most, but for milestones."""
PAGE = 200
"""So many members are rewarded in a transaction, so that callers do not wait for it."""

STATES: Kind[str, rows.State] = Kind("challenge states", 65, rows.lock_states, rows.save_states)
# Read when the state is locked: what is decided on them is decided once.
TOTALS: Kind[str, int] = Kind("challenge totals", 66, rows.totals, rows.save_nothing)
MILESTONES: Kind[str, rows.Milestones] = Kind("milestones", 67, rows.milestones, rows.save_milestones)
STANDINGS: Kind[str, list[Standing]] = Kind("team standings", 68, rows.standings, rows.save_nothing)
REFUNDS: Kind[tuple[str, str], rows.RefundedActivity] = Kind("refunds", 71, rows.lock_refunds, rows.save_refunds)
CONTRIBUTIONS: Kind[rows.ContributionKey, rows.Contribution] = Kind(
    "contributions", 73, rows.lock_contributions, rows.save_contributions
)
PAYOUTS: Kind[rows.PayoutKey, rows.Payout] = Kind("payouts", 74, rows.lock_payouts, rows.save_payouts)


class Contribute(Operation):
    """Counts activities towards challenges."""

    requests = (ActivityRecorded,)

    def version(self, request: ActivityRecorded) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[ActivityRecorded]
    ) -> dict[str, list[Contribution]]:
        """What each activity counts for, by its id; nothing where nothing counts."""
        found = book.contributions
        for request in requests:
            member = {"member.id": request.activity.member, "member.tier": request.tier}
            if contributions := rules.together.contributions(request, member, book.expression_failed):
                found[request.activity.id] = contributions
        named = {challenge.challenge for contributions in found.values() for challenge, _ in contributions}
        await _look_for_closed(connection, book, named)
        return found

    def touch(
        self, request: ActivityRecorded, found: dict[str, list[Contribution]], rules: MissionsRules, touched: Touched
    ) -> None:
        activity = request.activity
        contributions = found.get(activity.id)
        if not contributions:
            return
        touched.row(REFUNDS, (activity.member, activity.id))
        for challenge, _ in contributions:
            if challenge.teams is not None:
                teams.touch_place(touched, challenge, activity.member)
            if challenge.ends_at <= touched.now:
                # It may be closed; it is no crowd that contributes late.
                touched.row(STATES, challenge.challenge)

    def decide(self, book: Book, rules: MissionsRules, request: ActivityRecorded) -> None:
        activity, at = request.activity, moment_of(request.activity)
        for challenge, value in book.contributions.get(activity.id, ()):
            name = challenge.challenge
            if _is_closed(book, name):
                continue
            team = teams.team_for(book, challenge, activity.member, at) if challenge.teams is not None else ""
            if team is None:
                continue
            refund = book.row(REFUNDS, (activity.member, activity.id))
            counted = kept(value, challenge.is_each, refund.refunded if refund is not None else None)
            row = rows.Contribution(
                name, activity.member, activity.id, team, value, counted, challenge.is_each, at, is_new=True
            )
            book.put(CONTRIBUTIONS, (name, activity.member, activity.id), row)
            _count(book, row, counted)


class TakeOut(Operation):
    """Takes refunded activities out of challenges again."""

    requests = (PointsRefunded,)

    def version(self, request: PointsRefunded) -> int:
        return request.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[PointsRefunded]
    ) -> None:
        await _look_for_closed(connection, book, set(rules.together.challenges))

    def touch(self, request: PointsRefunded, found: None, rules: MissionsRules, touched: Touched) -> None:
        touched.row(REFUNDS, (request.member, request.purchase))
        for name, challenge in rules.together.challenges.items():
            touched.row(CONTRIBUTIONS, (name, request.member, request.purchase))
            if challenge.ends_at <= touched.now:
                touched.row(STATES, name)

    def decide(self, book: Book, rules: MissionsRules, request: PointsRefunded) -> None:
        key = (request.member, request.purchase)
        known = book.row(REFUNDS, key)
        refund = later(known.refunded if known is not None else None, Refunded(request.refunded, request.total))
        book.put(REFUNDS, key, rows.RefundedActivity(*key, refund))
        for name in rules.together.challenges:
            row = book.row(CONTRIBUTIONS, (name, *key))
            if row is None or _is_closed(book, name):
                continue
            counted = kept(row.value, row.is_each, refund)
            if counted != row.counted:
                _count(book, row, counted - row.counted)
                row.counted = counted
                book.put(CONTRIBUTIONS, (name, *key), row)


@dataclass(frozen=True, slots=True)
class Look:
    """A challenge of a version, at which a sweep looks; `closing` when its result is to be final."""

    challenge: str
    version: int
    closing: bool


class Advance(Operation):
    """Tells how far a challenge is, what it has reached, and that its result is final. The answer is what it did."""

    requests = (Look,)

    def version(self, request: Look) -> int:
        return request.version

    def touch(self, request: Look, found: None, rules: MissionsRules, touched: Touched) -> None:
        name = request.challenge
        for kind in (STATES, TOTALS, MILESTONES):
            touched.row(kind, name)
        challenge = rules.together.challenges[name]
        if not request.closing:
            return
        if challenge.teams is not None:
            touched.row(STANDINGS, name)
        if challenge.community is not None:
            for milestone in challenge.community.milestones:
                touched.row(PAYOUTS, (name, _payout_of(milestone)))

    def decide(self, book: Book, rules: MissionsRules, request: Look) -> int:
        challenge = rules.together.challenges[request.challenge]
        state = book.row(STATES, request.challenge)
        if state is None:
            long_ago = datetime(1970, 1, 1, tzinfo=UTC)
            state = rows.State(request.challenge, 0, long_ago, None, is_new=True)
            book.put(STATES, request.challenge, state)
        if state.closed_at is not None:
            return 0
        is_new = state.is_new
        total = book.row(TOTALS, request.challenge) or 0
        reached = self._reach(book, challenge, total, request.version)
        told = self._tell(book, challenge, state, total, reached)
        if request.closing and challenge.final_at <= book.now:
            self._close(book, challenge, state, total, request.version)
            return 1
        return int(told or is_new)

    def _reach(self, book: Book, challenge: ChallengeRules, total: int, version: int) -> list[str]:
        """Marks what the total reaches, and lets its rewards go out; the ids of the milestones."""
        if challenge.community is None:
            return []
        milestones = book.row(MILESTONES, challenge.challenge)
        if milestones is None:
            raise TypeError("the milestones of a challenge were not read")
        found = []
        for milestone in challenge.community.milestones:
            if milestone.total > total or milestone.id in milestones.reached:
                continue
            reached = rows.Reached(challenge.challenge, milestone.id, total, book.now)
            milestones.reached[milestone.id] = reached
            milestones.added.append(reached)
            found.append(milestone.id)
            if milestone.rewards:
                _put_payout(book, challenge, _payout_of(milestone), "", milestone, version)
        if found:
            book.put(MILESTONES, challenge.challenge, milestones)
        return found

    def _tell(self, book: Book, challenge: ChallengeRules, state: rows.State, total: int, reached: list[str]) -> bool:
        if challenge.community is None:
            return False
        if not reached and (total == state.told_total or book.now - state.told_at < TELL_EVERY):
            return False
        state.told_total, state.told_at = total, book.now
        book.put(STATES, challenge.challenge, state)
        book.tell(
            NO_MEMBER,
            CommunityProgressed(
                challenge=challenge.challenge,
                total=total,
                target=challenge.community.target,
                reached=reached,
                occurred_at=book.now,
            ),
        )
        return True

    def _close(self, book: Book, challenge: ChallengeRules, state: rows.State, total: int, version: int) -> None:
        state.closed_at = book.now
        book.put(STATES, challenge.challenge, state)
        book.tell(NO_MEMBER, ChallengeClosed(challenge=challenge.challenge, total=total, closed_at=book.now))
        if challenge.community is not None:
            # Once more over all who contributed: some did enough only after the milestone was reached.
            for milestone in challenge.community.milestones:
                payout = book.row(PAYOUTS, (challenge.challenge, _payout_of(milestone)))
                if payout is not None:
                    payout.paid_through, payout.done = "", False
                    book.put(PAYOUTS, (challenge.challenge, payout.payout), payout)
        if challenge.teams is not None:
            standing = book.row(STANDINGS, challenge.challenge) or []
            for team in ranked(standing, challenge.teams.score, challenge.teams.size_min):
                book.add(rows.add_results, (challenge.challenge, team))
                prize = prize_of(challenge.teams.prizes, team.rank)
                if prize is not None and prize.rewards:
                    _put_payout(book, challenge, f"team:{team.team}", team.team, prize, version)


@dataclass(frozen=True, slots=True)
class PayOut:
    """The next page of a payout, which was there as it is given."""

    payout: rows.Payout
    page: Sequence[rows.Recipient]


class Pay(Operation):
    """Rewards the next page of the members whom a payout reaches. The answer is whether it did."""

    requests = (PayOut,)

    def version(self, request: PayOut) -> int:
        return request.payout.programme_version

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: MissionsRules, requests: Sequence[PayOut]
    ) -> None:
        members = {each.member for request in requests for each in request.page if _gets(request.payout, each)}
        if any(grant.WhichOneof("kind") in OWN for r in requests for grant in _granted(r.payout).grants):
            await gifts.find(connection, book, members)

    def touch(self, request: PayOut, found: None, rules: MissionsRules, touched: Touched) -> None:
        payout = request.payout
        touched.row(PAYOUTS, _key(payout))
        for recipient in request.page:
            if _gets(payout, recipient):
                gifts.touch(touched, recipient.member, _granted(payout).grants)

    def decide(self, book: Book, rules: MissionsRules, request: PayOut) -> int:
        payout, page = book.row(PAYOUTS, _key(request.payout)), request.page
        if payout is None or payout.done or payout.paid_through != request.payout.paid_through:
            return 0  # another replica paid it
        for recipient in page:
            if _gets(payout, recipient):
                self._reward(book, rules, payout, recipient)
        if page:
            payout.paid_through = page[-1].member
        payout.done = len(page) < PAGE
        book.put(PAYOUTS, _key(payout), payout)
        return 1

    def _reward(self, book: Book, rules: MissionsRules, payout: rows.Payout, recipient: rows.Recipient) -> None:
        contributed = recipient.contributed
        book.add(
            rows.add_rewards,
            rows.Rewarded(payout.challenge, payout.payout, recipient.member, contributed, book.now),
        )
        book.tell(
            recipient.member,
            ChallengeRewarded(
                member=recipient.member,
                challenge=payout.challenge,
                reward=payout.payout,
                contributed=contributed,
                occurred_at=book.now,
            ),
        )
        gifts.give(
            book,
            rules,
            recipient.member,
            f"challenge:{payout.challenge}:{payout.payout}:{recipient.member}",
            _granted(payout).grants,
            GRANT_REASON_MISSION,
            payout.challenge,
            payout.decided_at,
        )


async def _look_for_closed(connection: asyncpg.Connection, book: Book, challenges: set[str]) -> None:
    """Notes which challenges are closed. An event of an older version may not know that they have ended."""
    missing = challenges - book.closed.keys()
    if missing:
        states = await rows.states(connection, book.brand, sorted(missing))
        book.closed |= {name: name in states and states[name].closed_at is not None for name in missing}


def _is_closed(book: Book, challenge: str) -> bool:
    state = book.row(STATES, challenge)
    return state.closed_at is not None if state is not None else book.closed.get(challenge, False)


def _count(book: Book, row: rows.Contribution, by: int) -> None:
    count(book, f"total:{row.challenge}", row.member, by)
    if row.team:
        count(book, f"team:{row.challenge}:{row.team}", row.member, by)


def _put_payout(
    book: Book, challenge: ChallengeRules, name: str, team: str, rewarded: Milestone | TeamPrize, version: int
) -> None:
    least = rewarded.contribution_min or (0 if team else 1)
    grants = RewardGranted(grants=rewarded.rewards).SerializeToString()
    payout = rows.Payout(challenge.challenge, name, team, least, grants, version, book.now, "", done=False)
    book.put(PAYOUTS, _key(payout), payout)


def _payout_of(milestone: Milestone) -> str:
    return f"milestone:{milestone.id}"


def _key(payout: rows.Payout) -> rows.PayoutKey:
    return payout.challenge, payout.payout


def _granted(payout: rows.Payout) -> RewardGranted:
    return RewardGranted.FromString(payout.grants)


def _gets(payout: rows.Payout, recipient: rows.Recipient) -> bool:
    return not recipient.rewarded and recipient.contributed >= payout.contribution_min


def due_challenges(programmes: Configurations[MissionsRules]) -> Due:
    """Finds challenges of the newest version of which something is to be told, reached or closed."""

    async def due(connection: asyncpg.Connection, brand: str, until: datetime, _at_once: int) -> Look | None:
        version = await newest_version(connection, brand)
        if not version:
            return None
        rules = await programmes.at(connection, brand, version)
        names = list(rules.together.challenges)
        if not names:
            return None
        states = await rows.states(connection, brand, names)
        open_ones = [name for name in names if name not in states or states[name].closed_at is None]
        if not open_ones:
            return None
        totals = await rows.totals(connection, brand, open_ones)
        milestones = await rows.milestones(connection, brand, open_ones)
        for name in open_ones:
            challenge, state = rules.together.challenges[name], states.get(name)
            closing = challenge.final_at <= until
            if closing or state is None or _has_news(challenge, state, totals[name], milestones[name], until):
                return Look(name, version, closing)
        return None

    return due


async def due_payouts(connection: asyncpg.Connection, brand: str, _until: datetime, _at_once: int) -> PayOut | None:
    """Finds a page of a payout that is not done."""
    payout = await rows.due_payout(connection, brand)
    return PayOut(payout, await rows.recipients(connection, brand, payout, PAGE)) if payout is not None else None


def _has_news(
    challenge: ChallengeRules, state: rows.State, total: int, milestones: rows.Milestones, until: datetime
) -> bool:
    if challenge.community is None:
        return False
    reached = any(
        milestone.total <= total and milestone.id not in milestones.reached
        for milestone in challenge.community.milestones
    )
    return reached or (total != state.told_total and until - state.told_at >= TELL_EVERY)

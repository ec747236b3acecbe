"""Badges are given and taken away, and what a member is shown with follows from what stands.

Each time that a member earns a badge is an award under a key, which happens
once. A badge that is not repeatable is told once and shown once, however many
awards stand behind it, so that it stays while one of them does.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from chassis.book import NEWEST, Kind
from laurels.missions.v1 import badges_pb2, missions_pb2
from laurels.missions.v1.badges_events_pb2 import (
    BADGE_REVOCATION_REFUND,
    BADGE_REVOCATION_REQUEST,
    BadgeRevocation,
    BadgeRevoked,
)
from laurels.missions.v1.events_pb2 import BadgeEarned
from services.missions.badge_rules import BadgeBook, standing
from services.missions.store import badges as rows
from services.missions.store.badges import Award, AwardKey, Holding, HoldingKey
from services.missions.store.tallies import count

if TYPE_CHECKING:
    from services.missions.book import Book

HOLDINGS: Kind[HoldingKey, Holding] = Kind("badges", 75, rows.lock_holdings, rows.save_holdings)
AWARDS: Kind[AwardKey, Award] = Kind("badge awards", 76, rows.lock_awards, rows.save_awards)


@dataclass(frozen=True, slots=True)
class Give:
    """A badge to give, once a member and key. `activity` is the one whose refund takes it away again."""

    member: str
    badge: str
    key: str
    at: datetime
    cause: str = ""
    activity: str = ""
    answer: badges_pb2.AwardBadgeResponse | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """What a refunded activity earned is to be taken away, or what was given under keys of a prefix, or a badge."""

    member: str
    at: datetime
    activity: str = ""
    prefix: str = ""
    badge: str = ""
    answer: badges_pb2.RevokeBadgeResponse | None = None


async def settle(connection: asyncpg.Connection, book: "Book", asked: "list[Give | Take]") -> None:
    """Gives and takes what the transaction's decisions asked for, in their order.

    It is the last that a transaction locks, so that who gives a badge need not
    say so before: which ones a decision gives is often known by it alone.
    """
    if not asked:
        return
    await book.load_rules(connection, NEWEST)
    badges: BadgeBook = book.rules().badges
    takes = [each for each in asked if isinstance(each, Take)]
    found = await rows.by_activity(
        connection, book.brand, [(each.member, each.activity) for each in takes if each.activity]
    )
    for member in sorted({each.member for each in takes if not each.activity}):
        found += await rows.standing_of(connection, book.brand, member)
    earned = {(each.member, each.badge) for each in asked if isinstance(each, Give)}
    earned |= {(award.member, award.badge) for award in found}
    await book.read(connection, HOLDINGS, {(member, name) for member, badge in earned for name in badges.kin(badge)})
    keys = {(each.member, each.key) for each in asked if isinstance(each, Give)}
    await book.read(connection, AWARDS, keys | {(award.member, award.key) for award in found})
    for each in asked:
        if isinstance(each, Give):
            _give(book, badges, each)
        else:
            _take(book, badges, each)
    asked.clear()


def shown(badges: BadgeBook, badge: str, earned_at: datetime, times: int) -> missions_pb2.EarnedBadge:
    """A badge as its member sees it. One that left the programme was earned all the same."""
    declared = badges.badges.get(badge)
    if declared is None:
        return missions_pb2.EarnedBadge(badge=badge, name=badge, earned_at=earned_at, count=1)
    return missions_pb2.EarnedBadge(
        badge=badge,
        name=declared.name,
        earned_at=earned_at,
        count=times if declared.repeatable else 1,
        family=declared.family,
        grade=declared.grade,
    )


def _give(book: "Book", badges: BadgeBook, asked: Give) -> None:
    member, badge, at = asked.member, asked.badge, asked.at
    declared, holding = badges.badges.get(badge), book.row(HOLDINGS, (member, badge))
    known = book.row(AWARDS, (member, asked.key))
    if known is None or known.revoked_at is not None:
        if holding is None:
            holding = Holding(member, badge, asked.cause, at, 0, stands=False, is_new=True)
        tells = holding.count == 0 or (declared is not None and declared.repeatable)
        holding.count += 1
        if tells:
            holding.earned_at = max(holding.earned_at, at) if holding.count > 1 else at
            told = BadgeEarned(member=member, badge=badge, earned_at=at, key=asked.key, count=holding.count)
            book.tell(member, told)
        if known is None:
            known = Award(member, asked.key, badge, asked.activity, at, told=tells, is_new=True)
        known.revoked_at, known.told = None, known.told or tells
        book.put(AWARDS, (member, asked.key), known)
        book.put(HOLDINGS, (member, badge), holding)
        _settle(book, badges, member, badge)
    if asked.answer is not None and holding is not None:
        asked.answer.badge.CopyFrom(shown(badges, badge, holding.earned_at, holding.count))


def _take(book: "Book", badges: BadgeBook, asked: Take) -> None:
    revoked = 0
    for each in book.rows(AWARDS):
        if each.member != asked.member:
            continue
        declared = badges.badges.get(each.badge)
        if asked.badge:
            if each.badge == asked.badge:
                revoked += _revoke(book, badges, each, asked.at, BADGE_REVOCATION_REQUEST)
        elif declared is not None and declared.revocable:
            by_activity = asked.activity and each.activity == asked.activity
            if by_activity or (asked.prefix and _is_under(each.key, asked.prefix)):
                revoked += _revoke(book, badges, each, asked.at, BADGE_REVOCATION_REFUND)
    if asked.answer is not None:
        asked.answer.revoked = revoked > 0


def _is_under(key: str, prefix: str) -> bool:
    """Whether a key is a prefix with a badge's id behind it: the keys of later runs have another part between."""
    return key.startswith(prefix) and ":" not in key[len(prefix) :]


def _revoke(book: "Book", badges: BadgeBook, each: Award, at: datetime, reason: BadgeRevocation) -> int:
    """Takes one award away; 1, or 0 when it was before."""
    holding = book.row(HOLDINGS, (each.member, each.badge))
    if each.revoked_at is not None or holding is None:
        return 0
    each.revoked_at = at
    book.put(AWARDS, (each.member, each.key), each)
    holding.count -= 1
    book.put(HOLDINGS, (each.member, each.badge), holding)
    declared = badges.badges.get(each.badge)
    if holding.count == 0 or (declared is not None and declared.repeatable):
        book.tell(
            each.member,
            BadgeRevoked(
                member=each.member,
                badge=each.badge,
                key=each.key,
                count=holding.count,
                reason=reason,
                revoked_at=at,
            ),
        )
    _settle(book, badges, each.member, each.badge)
    return 1


def _settle(book: "Book", badges: BadgeBook, member: str, badge: str) -> None:
    """Has the badges stand that should, of those that one badge concerns, and counts their holders."""
    kin = [holding for name in badges.kin(badge) if (holding := book.row(HOLDINGS, (member, name))) is not None]
    stands = standing(badges, {holding.badge: holding.count for holding in kin})
    for holding in kin:
        if holding.stands != (holding.badge in stands):
            holding.stands = not holding.stands
            book.put(HOLDINGS, (member, holding.badge), holding)
            count(book, f"badge:{holding.badge}", member, 1 if holding.stands else -1)

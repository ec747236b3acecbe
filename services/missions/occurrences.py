"""A campaign happens to a member: what that touches, what is counted, and what the member gets.

All that bounds it is decided under the member's lock, and under the budget's
where there is one, so that nothing is passed by any number of replicas.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from chassis.book import Kind, Touched
from chassis.conditions import ExpressionFailed
from laurels.missions.v1.campaigns_events_pb2 import CampaignTriggered, OfferMade
from laurels.value.v1.events_pb2 import GRANT_REASON_CAMPAIGN, Grant, PointsGrant
from services.missions import gifts
from services.missions.book import Book
from services.missions.campaigns import HAPPENED, CounterKey, days_since, decide
from services.missions.contact import contact_at
from services.missions.members import MEMBERS, zone_of
from services.missions.programme import MissionsRules
from services.missions.programme_campaigns import Campaign, MessageEffect
from services.missions.store import campaigns as store
from services.missions.store.campaigns import Counter, Hours, Message, Offer, Seen, Trigger, TriggerKey
from services.missions.store.members import Member

MARKETING = "marketing"
"""The consent that messages need."""

HOURS: Kind[str, Hours] = Kind("campaign hours", 142, store.lock_hours, store.save_hours)
SEEN: Kind[tuple[str, str], Seen] = Kind("campaign seen", 143, store.lock_seen, store.save_seen)
COUNTERS: Kind[CounterKey, Counter] = Kind("campaign counters", 144, store.lock_counters, store.save_counters)
TRIGGERS: Kind[TriggerKey, Any] = Kind("campaign triggers", 145, store.known_triggers, store.add_triggers)
OFFERS: Kind[str, Offer] = Kind("campaign offers", 146, store.lock_offers, store.save_offers)
MESSAGES: Kind[str, Message] = Kind("campaign messages", 147, store.lock_messages, store.save_messages)


def touch(touched: Touched, rules: MissionsRules, campaign: Campaign, member: str, at: datetime) -> None:
    """What a campaign that is set off at a moment may read and change."""
    touched.row(MEMBERS, member)
    for key in campaign.bounds.counters(member, at, rules.zone):
        touched.row(COUNTERS, key)
    if any(effect.message.contact_hour.best for effect in campaign.messages):
        touched.row(HOURS, member)
    gifts.touch(touched, member, grants_of(campaign))


def lock(book: Book, member: str) -> Member:
    """A touched member, for whom campaigns are decided one transaction after another.

    One of whom nothing was known is there from now on, since only a row can be
    locked: of two transactions that make it one is repeated.
    """
    known = book.row(MEMBERS, member)
    if known is None:
        known = Member(member, is_new=True)
        book.put(MEMBERS, member, known)
    return known


def variables(rules: MissionsRules, member: Member, at: datetime) -> dict[str, Any]:
    """What conditions read of a member at a moment."""
    days = days_since(member.enrolled_at, at, rules.zone)
    return rules.members.plain(member) | {"member.days_since_joining": days}


def holds(book: Book, campaign: Campaign, values: Any) -> bool:
    """Whether its condition holds; one that fails does not, and is told to the log."""
    try:
        return campaign.condition.holds(values)
    except ExpressionFailed as failed:
        book.expression_failed(campaign.id, str(failed))
        return False


def judge(
    book: Book,
    rules: MissionsRules,
    campaign: Campaign,
    member: str,
    at: datetime,
    *,
    cause: str,
    trigger: Mapping[str, Any],
) -> None:
    """A trigger that is no activity: does what follows, if the campaign runs and its condition holds."""
    known = lock(book, member)
    values = campaign.values(variables(rules, known, at), trigger)
    if campaign.runs_at(at) and holds(book, campaign, values):
        set_off(book, rules, campaign, known, at, cause=cause, values=values)


def set_off(
    book: Book,
    rules: MissionsRules,
    campaign: Campaign,
    member: Member,
    at: datetime,
    *,
    cause: str,
    values: Any,
) -> None:
    """A trigger and its condition held: records what becomes of it, counts, and gives.

    `values` are those that the messages' fields read. A cause that is known
    has had its effect.
    """
    key = (campaign.id, member.member, cause)
    if book.row(TRIGGERS, key) is not None:
        return
    consents = member.consents.get(MARKETING, False)
    outcome = decide(
        campaign.bounds, member.member, at, rules.zone, lambda counter: _count(book, counter), consents=consents
    )
    for counter, by in outcome.counted.items():
        found = book.row(COUNTERS, counter) or Counter(*counter, 0)
        found.value += by
        book.put(COUNTERS, counter, found)
    happened = outcome.outcome == HAPPENED
    effects = " ".join(str(effect.WhichOneof("kind")) for effect in campaign.stated.effects) if happened else ""
    row = Trigger(
        campaign.id,
        member.member,
        cause,
        outcome.outcome,
        outcome.reason,
        outcome.occurrence,
        effects,
        campaign.bounds.points if happened else 0,
        at,
        rules.version,
    )
    book.put(TRIGGERS, key, row)
    if happened:
        told = CampaignTriggered(
            member=member.member,
            campaign=campaign.id,
            occurrence=outcome.occurrence,
            occurred_at=at,
            programme_version=rules.version,
        )
        book.tell(member.member, told)
        _give(book, rules, campaign, member, row, values)


def _count(book: Book, key: CounterKey) -> int:
    found = book.row(COUNTERS, key)
    return found.value if found is not None else 0


def _give(book: Book, rules: MissionsRules, campaign: Campaign, member: Member, row: Trigger, values: Any) -> None:
    key = f"campaign:{campaign.id}:{member.member}:{row.occurrence}"
    grants = grants_of(campaign)
    gifts.give(book, rules, member.member, key, grants, GRANT_REASON_CAMPAIGN, campaign.id, row.occurred_at)
    for place, effect in enumerate(campaign.stated.effects):
        if effect.HasField("offer"):
            _offer(book, row, f"{key}:{place}", effect.offer.reward, effect.offer.days)
    for message in campaign.messages:
        _message(book, rules, member, row, f"{key}:{message.place}", message, values)


def grants_of(campaign: Campaign) -> list[Grant]:
    """What a campaign gives at once."""
    found = []
    for effect in campaign.stated.effects:
        match effect.WhichOneof("kind"):
            case "points":
                points = PointsGrant(currency=effect.points.currency, amount=effect.points.amount)
                found.append(Grant(points=points))
            case "scratch_card":
                found.append(Grant(scratch_card=effect.scratch_card))
            case "mission":
                found.append(Grant(mission=effect.mission))
    return found


def _offer(book: Book, row: Trigger, key: str, reward: str, days: int) -> None:
    offer = Offer(
        identifier("off", key),
        row.member,
        row.campaign,
        reward,
        key,
        row.programme_version,
        row.occurred_at,
        row.occurred_at + timedelta(days=days),
    )
    book.put(OFFERS, offer.offer, offer)
    told = OfferMade(
        offer=offer.offer,
        member=offer.member,
        campaign=offer.campaign,
        reward=reward,
        expires_at=offer.expires_at,
    )
    book.tell(offer.member, told)


def _message(
    book: Book, rules: MissionsRules, member: Member, row: Trigger, key: str, effect: MessageEffect, values: Any
) -> None:
    fields = {}
    for name, expression in effect.fields:
        try:
            fields[name] = expression.of(values)
        except ExpressionFailed as failed:
            book.expression_failed(row.campaign, str(failed))
            fields[name] = ""
    hour = _hour(book, rules, member.member, effect)
    message = Message(
        identifier("msg", key),
        row.member,
        row.campaign,
        effect.message.channel,
        effect.message.template,
        fields,
        store.WAITING if member.consents.get(MARKETING, False) else store.DROPPED,
        -1 if hour is None else hour,
        row.occurred_at,
        contact_at(row.occurred_at, zone_of(member, rules), rules.campaigns.quiet, hour),
    )
    book.put(MESSAGES, message.message, message)


def _hour(book: Book, rules: MissionsRules, member: str, effect: MessageEffect) -> int | None:
    """The hour at which a message is sent; None for any."""
    stated, known = effect.message.contact_hour, book.row(HOURS, member)
    best = known.best_hour if stated.best and known is not None else -1
    if best >= 0 and not rules.campaigns.quiet.cover_hour(best):
        return best
    return stated.hour if stated.HasField("hour") else None


def identifier(prefix: str, key: str) -> str:
    """An id that follows from a key, unique in the brand.

    >>> identifier("off", "campaign:spring:ann:1:0")
    'off_bd1e73826123d3b02c4931b9'
    """
    return f"{prefix}_{blake2b(key.encode(), digest_size=12).hexdigest()}"

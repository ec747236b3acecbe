"""A campaign happens to a member: what that touches, what is counted, and what the member gets.

All that bounds it is decided under the member's lock, and under the budget's
where there is one, so that nothing is passed by any number of replicas.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from chassis import metrics
from chassis.book import Kind, Touched
from chassis.conditions import ExpressionFailed
from chassis.logging import logger
from laurels.missions.v1.campaigns_events_pb2 import CampaignTriggered, OfferMade
from laurels.value.v1 import events_pb2 as value_pb2
from services.missions.campaigns import CONTROL, HAPPENED, CounterKey, Member, decide
from services.missions.contact import contact_at
from services.missions.programme_campaigns import Campaign, CampaignRules, MessageEffect
from services.missions.store import campaigns as store
from services.missions.store.campaigns import Counter, Message, Offer, Seen, Trigger, TriggerKey

_log = logger("missions")

MEMBERS: Kind[str, Member] = Kind("campaign members", 142, store.lock_members, store.save_members)
SEEN: Kind[tuple[str, str], Seen] = Kind("campaign seen", 143, store.lock_seen, store.save_seen)
COUNTERS: Kind[CounterKey, Counter] = Kind("campaign counters", 144, store.lock_counters, store.save_counters)
TRIGGERS: Kind[TriggerKey, Any] = Kind("campaign triggers", 145, store.known_triggers, store.add_triggers)
OFFERS: Kind[str, Offer] = Kind("campaign offers", 146, store.lock_offers, store.save_offers)
MESSAGES: Kind[str, Message] = Kind("campaign messages", 147, store.lock_messages, store.save_messages)


def touch(touched: Touched, rules: CampaignRules, campaign: Campaign, member: str, at: datetime) -> None:
    """What a campaign that is set off at a moment may read and change."""
    touched.row(MEMBERS, member)
    for key in campaign.bounds.counters(member, at, rules.zone):
        touched.row(COUNTERS, key)


def member_of(book: Any, member: str) -> Member:
    """A touched member."""
    return book.row(MEMBERS, member) or Member(member)


def holds(book: Any, campaign: Campaign, values: Any) -> bool:
    """Whether its condition holds; one that fails does not, and is told to the log."""
    try:
        return campaign.condition.holds(values)
    except ExpressionFailed as failed:
        _tell_failure(book.brand, campaign, str(failed))
        return False


def _tell_failure(brand: str, campaign: Campaign, why: str) -> None:
    metrics.RULE_FAILURES.labels("missions").inc()
    _log.warning("campaign's expression failed", campaign=campaign.id, brand=brand, why=why)


def judge(
    book: Any,
    rules: CampaignRules,
    campaign: Campaign,
    member: str,
    at: datetime,
    *,
    cause: str,
    version: int,
    trigger: Mapping[str, Any],
) -> None:
    """A trigger that is no activity: does what follows, if the campaign runs and its condition holds."""
    known = member_of(book, member)
    values = campaign.values(known.variables(at, rules.zone), trigger)
    if campaign.runs_at(at) and holds(book, campaign, values):
        set_off(book, rules, campaign, known, at, cause=cause, version=version, values=values)


def set_off(
    book: Any,
    rules: CampaignRules,
    campaign: Campaign,
    member: Member,
    at: datetime,
    *,
    cause: str,
    version: int,
    values: Any,
) -> None:
    """A trigger and its condition held: records what becomes of it, counts, and gives.

    `values` are those that the messages' fields read. A cause that is known
    has had its effect.
    """
    key = (campaign.id, member.member, cause)
    if book.row(TRIGGERS, key) is not None:
        return
    outcome = decide(campaign.bounds, member, at, rules.zone, lambda counter: _count(book, counter))
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
        version,
    )
    book.put(TRIGGERS, key, row)
    if outcome.occurrence:
        told = CampaignTriggered(
            member=member.member,
            campaign=campaign.id,
            occurrence=outcome.occurrence,
            control=outcome.outcome == CONTROL,
            occurred_at=at,
            programme_version=version,
        )
        book.tell(member.member, told)
    if happened:
        _give(book, rules, campaign, member, row, values)


def _count(book: Any, key: CounterKey) -> int:
    found = book.row(COUNTERS, key)
    return found.value if found is not None else 0


def _give(book: Any, rules: CampaignRules, campaign: Campaign, member: Member, row: Trigger, values: Any) -> None:
    key = f"campaign:{campaign.id}:{member.member}:{row.occurrence}"
    grants: list[value_pb2.Grant] = []
    for place, effect in enumerate(campaign.stated.effects):
        match effect.WhichOneof("kind"):
            case "points":
                points = value_pb2.PointsGrant(currency=effect.points.currency, amount=effect.points.amount)
                grants.append(value_pb2.Grant(points=points))
            case "scratch_card":
                grants.append(value_pb2.Grant(scratch_card=effect.scratch_card))
            case "mission":
                grants.append(value_pb2.Grant(mission=effect.mission))
            case "offer":
                _offer(book, row, f"{key}:{place}", effect.offer.reward, effect.offer.days)
    if grants:
        book.tell(member.member, granted(row, key, grants))
    for message in campaign.messages:
        _message(book, rules, campaign, member, row, f"{key}:{message.place}", message, values)


def granted(of: Trigger | Offer, key: str, grants: list[value_pb2.Grant], at: datetime | None = None) -> Any:
    """What a campaign gives, as the services hear that own it."""
    return value_pb2.RewardGranted(
        key=key,
        member=of.member,
        grants=grants,
        reason=value_pb2.GRANT_REASON_CAMPAIGN,
        reference=of.campaign,
        occurred_at=at or (of.occurred_at if isinstance(of, Trigger) else of.accepted_at),
        programme_version=of.programme_version,
    )


def _offer(book: Any, row: Trigger, key: str, reward: str, days: int) -> None:
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
    book: Any,
    rules: CampaignRules,
    campaign: Campaign,
    member: Member,
    row: Trigger,
    key: str,
    effect: MessageEffect,
    values: Any,
) -> None:
    fields = {}
    for name, expression in effect.fields:
        try:
            fields[name] = expression.of(values)
        except ExpressionFailed as failed:
            _tell_failure(book.brand, campaign, str(failed))
            fields[name] = ""
    hour = _hour(rules, member, effect)
    message = Message(
        identifier("msg", key),
        member.member,
        campaign.id,
        effect.message.channel,
        effect.message.template,
        fields,
        store.WAITING if member.marketing else store.DROPPED,
        -1 if hour is None else hour,
        row.occurred_at,
        contact_at(row.occurred_at, rules.zone_of(member), rules.quiet, hour),
    )
    book.put(MESSAGES, message.message, message)


def _hour(rules: CampaignRules, member: Member, effect: MessageEffect) -> int | None:
    """The hour at which a message is sent; None for any."""
    stated = effect.message.contact_hour
    if stated.best and member.best_hour >= 0 and not rules.quiet.cover_hour(member.best_hour):
        return member.best_hour
    return stated.hour if stated.HasField("hour") else None


def identifier(prefix: str, key: str) -> str:
    """An id that follows from a key, unique in the brand.

    >>> identifier("off", "campaign:spring:ann:1:0")
    'off_b3aa8e5b6fd46fc0ba7efa31'
    """
    return f"{prefix}_{blake2b(key.encode(), digest_size=12).hexdigest()}"

"""Finds whatever in a brand's campaigns, offers, messages and deliveries does not add up."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import asyncpg

from laurels.missions.v1.campaigns_events_pb2 import CampaignTriggered, MessageRequested
from laurels.missions.v1.programme_campaigns_pb2 import Campaign
from laurels.programme.v1.programme_pb2 import Programme
from laurels.value.v1.events_pb2 import GRANT_REASON_CAMPAIGN, RewardGranted
from services.missions.campaigns import CONTROL, HAPPENED, in_control
from services.missions.store.campaigns import REQUESTED

_VERSIONS = "SELECT version, document FROM configurations WHERE brand = current_setting('laurels.brand')"
_TRIGGERS = """
    SELECT campaign, member, outcome, occurrence, effects, points, programme_version, recorded_at
    FROM campaign_triggers
    WHERE brand = current_setting('laurels.brand') AND outcome <> 3 ORDER BY campaign, member, occurrence"""
_COUNTERS = """
    SELECT name, owner, value FROM campaign_counters
    WHERE brand = current_setting('laurels.brand') AND period = '' ORDER BY name, owner"""
_OFFERS = """
    SELECT offer, member, campaign, key, accepted_at FROM campaign_offers
    WHERE brand = current_setting('laurels.brand') ORDER BY offer"""
_MESSAGES = """
    SELECT message, member, campaign, state FROM campaign_messages
    WHERE brand = current_setting('laurels.brand') ORDER BY message"""
_EVENTS = """
    SELECT id, payload FROM outbox
    WHERE brand = current_setting('laurels.brand') AND type = $1 AND member NOT LIKE '!%' ORDER BY id"""
_UNPROVEN = """
    SELECT delivery, webhook FROM webhook_deliveries
    WHERE brand = current_setting('laurels.brand') AND state = 2 AND NOT EXISTS (
        SELECT FROM webhook_attempts
        WHERE brand = current_setting('laurels.brand') AND webhook_attempts.delivery = webhook_deliveries.delivery
          AND status BETWEEN 200 AND 299)
    ORDER BY delivery"""

Occurrence = tuple[str, str, int]
"""Campaign, member, which one."""


async def violations(connection: asyncpg.Connection, kept_since: datetime) -> list[list[str]]:
    """What does not hold, a list of sentences a kind; events are there of what happened after `kept_since`."""
    stated = await _campaigns_by_version(connection)
    triggers = await connection.fetch(_TRIGGERS)
    counters = await connection.fetch(_COUNTERS)
    offers, messages = await connection.fetch(_OFFERS), await connection.fetch(_MESSAGES)
    told = await _events(connection, CampaignTriggered)
    granted = [each for each in await _events(connection, RewardGranted) if each.reason == GRANT_REASON_CAMPAIGN]
    requested = await _events(connection, MessageRequested)
    return [
        list(found)
        for found in (
            _counted(triggers, counters),
            _spent(triggers, counters, stated.values()),
            _control(triggers, stated),
            _triggered(told, triggers, kept_since),
            _granted(granted, triggers, offers, kept_since),
            _gifts(triggers, offers, messages),
            _requested(requested, messages),
            _proven(await connection.fetch(_UNPROVEN)),
        )
    ]


async def _campaigns_by_version(connection: asyncpg.Connection) -> dict[tuple[int, str], Campaign]:
    return {
        (row["version"], campaign.id): campaign
        for row in await connection.fetch(_VERSIONS)
        for campaign in Programme.FromString(row["document"]).missions.campaigns
    }


async def _events(connection: asyncpg.Connection, kind: type[Any]) -> list[Any]:
    rows = await connection.fetch(_EVENTS, kind.DESCRIPTOR.full_name)
    return [kind.FromString(row["payload"]) for row in rows]


def _counted(triggers: Iterable[Any], counters: Iterable[Any]) -> Iterator[str]:
    """A member's occurrences of a campaign are numbered from 1, and the counter stands at the last."""
    seen: dict[tuple[str, str], list[int]] = {}
    for row in triggers:
        seen.setdefault((row["campaign"], row["member"]), []).append(row["occurrence"])
    counted = {
        (row["name"].removeprefix("times:"), row["owner"]): row["value"]
        for row in counters
        if row["name"].startswith("times:")
    }
    for (campaign, member), numbers in seen.items():
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"The occurrences of campaign {campaign} for member {member} are numbered {numbers[:10]}."
        if counted.get((campaign, member), 0) != len(numbers):
            yield (
                f"Campaign {campaign} came to member {member} {len(numbers)} times, and is counted "
                f"{counted.get((campaign, member), 0)} times."
            )
    for (campaign, member), value in counted.items():
        if value and (campaign, member) not in seen:
            yield f"Campaign {campaign} is counted {value} times for member {member}, and never came."


def _spent(triggers: Iterable[Any], counters: Iterable[Any], stated: Iterable[Campaign]) -> Iterator[str]:
    """What a campaign has a budget for in all versions is counted, whether or not its members were erased since."""
    values = {row["name"]: row["value"] for row in counters if not row["owner"]}
    budgets: dict[str, list[Campaign]] = {}
    for campaign in stated:
        budgets.setdefault(campaign.id, []).append(campaign)
    times: Counter[str] = Counter()
    points: Counter[str] = Counter()
    for row in triggers:
        if row["outcome"] == HAPPENED:
            times[row["campaign"]] += 1
            points[row["campaign"]] += row["points"]
    for name, versions in budgets.items():
        for counter, actual, always in (
            (f"budget-times:{name}", times[name], all(each.budget.times for each in versions)),
            (f"budget-points:{name}", points[name], all(each.budget.points for each in versions)),
        ):
            if always and values.get(counter, 0) < actual:
                yield f"Campaign {name} took {actual} of its budget, and {values.get(counter, 0)} are counted."


def _control(triggers: Iterable[Any], stated: Mapping[tuple[int, str], Campaign]) -> Iterator[str]:
    """Who is in the control group follows from campaign and member; each trigger names a campaign of its version."""
    for row in triggers:
        campaign = stated.get((row["programme_version"], row["campaign"]))
        if campaign is None:
            yield (
                f"Campaign {row['campaign']} came to member {row['member']} under version "
                f"{row['programme_version']}, which has no such campaign."
            )
            continue
        control = in_control(campaign.id, row["member"], campaign.control_percent)
        if control != (row["outcome"] == CONTROL):
            what = "treated" if control else "in the control group"
            yield f"Member {row['member']} was {what} by campaign {campaign.id}, and should not be."


def _triggered(told: Iterable[CampaignTriggered], triggers: Iterable[Any], kept_since: datetime) -> Iterator[str]:
    """What happened and CampaignTriggered events are one to one, as long as events are kept."""
    recorded = {
        (row["campaign"], row["member"], row["occurrence"]): row["recorded_at"]
        for row in triggers
        if row["outcome"] == HAPPENED
    }
    said = Counter((each.campaign, each.member, each.occurrence) for each in told)
    yield from _one_to_one(said, recorded, kept_since, _named)


def _named(occurrence: Occurrence) -> str:
    campaign, member, number = occurrence
    return f"Occurrence {number} of campaign {campaign} for member {member}"


def _granted(
    granted: Iterable[RewardGranted], triggers: Iterable[Any], offers: Iterable[Any], kept_since: datetime
) -> Iterator[str]:
    """What campaigns gave, and accepted offers, and RewardGranted events are one to one, as long as events are kept."""
    valued = {"points", "scratch_card"}
    recorded = {
        f"campaign:{row['campaign']}:{row['member']}:{row['occurrence']}": row["recorded_at"]
        for row in triggers
        if row["outcome"] == HAPPENED and valued & set(row["effects"].split())
    }
    recorded |= {row["key"]: row["accepted_at"] for row in offers if row["accepted_at"] is not None}
    said = Counter(each.key for each in granted)
    yield from _one_to_one(said, recorded, kept_since, lambda key: f"The grant {key}")


def _one_to_one(
    said: Counter[Any], recorded: Mapping[Any, datetime], kept_since: datetime, named: Callable[[Any], str]
) -> Iterator[str]:
    for fact, times in said.items():
        if fact not in recorded:
            yield f"{named(fact)} is told by an event, and did not happen."
        elif times > 1:
            yield f"{named(fact)} is told by {times} events."
    for fact, recorded_at in recorded.items():
        if fact not in said and recorded_at > kept_since:
            yield f"{named(fact)} is told by no event."


def _gifts(triggers: Iterable[Any], offers: Iterable[Any], messages: Iterable[Any]) -> Iterator[str]:
    """There are as many offers and messages of a campaign to a member as its occurrences gave."""
    given: dict[str, Counter[tuple[str, str]]] = {"offer": Counter(), "message": Counter()}
    for row in triggers:
        for effect in row["effects"].split():
            if effect in given and row["outcome"] == HAPPENED:
                given[effect][row["campaign"], row["member"]] += 1
    for kind, rows in (("offer", offers), ("message", messages)):
        found = Counter((row["campaign"], row["member"]) for row in rows)
        for campaign, member in sorted(found.keys() | given[kind].keys()):
            times, there = given[kind][campaign, member], found[campaign, member]
            if times != there:
                yield f"Campaign {campaign} gave member {member} {times} {kind}s, and there are {there}."


def _requested(requested: Iterable[MessageRequested], messages: Iterable[Any]) -> Iterator[str]:
    """A message is told once, and then it was requested."""
    states = {row["message"]: row["state"] for row in messages}
    for message, times in Counter(each.message for each in requested).items():
        if times > 1:
            yield f"Message {message} is told by {times} events."
        if states.get(message) != REQUESTED:
            yield f"Message {message} is told by an event, and was not requested."


def _proven(rows: Iterable[Any]) -> Iterator[str]:
    """A delivery that was taken has a try that the endpoint took."""
    for row in rows:
        yield f"Delivery {row['delivery']} to webhook {row['webhook']} was taken, by no try."

"""An erasure reaches everything, whatever service, subscription or table is added."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from cli.embedded import SERVICES, Servers
from laurels.access.v1 import fields_pb2
from laurels.erasure.v1.events_pb2 import ErasureReceipt, ErasureSettled, MemberErased
from services.points.erasing import RECEIPTS_DUE

SUBSCRIPTIONS = {name: import_module(f"services.{name}.subscriber").SUBSCRIPTIONS for name in SERVICES}
# The columns that hold a member's id, all of which an erasure empties, renames or deletes.
NAMED = {
    "points": {
        "accounts.owner", "activities.member", "consent_records.member", "counters.owner", "holds.member",
        "member_particulars.member", "members.member", "pending_lots.member",
        "refunds.member", "tier_standings.member", "tier_buckets.member", "tier_subscriptions.member",
        "tier_history.member", "redemptions.member", "boosters.member", "groups.owner", "group_members.member",
        "referral_codes.member", "referrals.referee", "referrals.referrer",
        "parked_grants.member", "given_rewards.member", "hold_requests.member", "anniversaries.member",
    },
    "missions": {
        "badges.member", "completions.member", "member_missions.member", "mission_checkpoints.member",
        "mission_facts.member", "mission_members.member",
        "campaign_hours.member", "campaign_seen.member", "campaign_counters.owner", "campaign_triggers.member",
        "campaign_cursors.member", "campaign_offers.member", "campaign_messages.member", "webhook_deliveries.member",
        "badge_awards.member", "experiences.member", "levels_reached.member", "quiz_records.member",
        "quiz_attempts.member", "quiz_answers.member", "contributions.member", "refunded_activities.member",
        "challenge_rewards.member", "team_members.member", "teams.owner",
    },
    "leaderboard": {
        "answers.member", "board_facts.member", "board_removals.member", "board_standings.member",
        "known_members.member", "scores.member", "scratch_cards.member", "scratch_counts.member",
        "parked_cards.member", "ranks_told.member", "group_standings.member",
        "league_members.member", "league_seats.member", "league_waiting.member",
    },
    "recommender": {"decisions.member", "pending.member", "profiles.member", "slot_counters.owner"},
}  # fmt: skip
CHASSIS = {"dead_letters.member", "erasing.member", "outbox.member"}


def test_receipts_are_due_of_each_service_for_each_that_it_listens_to() -> None:
    listens = {(name, source) for name, sources in SUBSCRIPTIONS.items() for source in sources if name != "points"}
    assert listens == RECEIPTS_DUE


def test_each_service_hears_the_last_word_of_each_that_it_listens_to() -> None:
    for name, sources in SUBSCRIPTIONS.items():
        for source, types in sources.items():
            wanted = {MemberErased, ErasureSettled} if source == "points" else {ErasureReceipt}
            assert wanted <= set(types), (name, source)


@pytest.mark.parametrize("service", SERVICES)
async def test_no_column_that_names_a_member_is_forgotten(servers: Servers, service: str) -> None:
    connection = await asyncpg.connect(servers.postgres.admin_url(f"laurels_{service}"))
    try:
        rows = await connection.fetch(
            "SELECT c.table_name || '.' || c.column_name FROM information_schema.columns AS c "
            "JOIN information_schema.tables AS t USING (table_schema, table_name) "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type = 'text' "
            "AND column_name ~ '(^|_)(member|owner|referrer|referee|giver|recipient)$'"
        )
    finally:
        await connection.close()
    assert {row[0] for row in rows} == NAMED[service] | CHASSIS


PROTOS = Path(__file__).resolve().parents[2] / "protos"
NAMES_A_MEMBER = re.compile(r"^(by|to|giver|receiver|referee|referrer|owner|target|rival|friend)$|_member$")


def fields_of(message: Descriptor) -> Iterator[FieldDescriptor]:
    """All fields of a message and of those within it."""
    for field in message.fields:
        yield field
        if field.message_type is not None and field.message_type.full_name.startswith("laurels."):
            yield from fields_of(field.message_type)


def events() -> Iterator[Descriptor]:
    for path in sorted(PROTOS.glob("laurels/**/*events.proto")):
        name = str(path.relative_to(PROTOS))
        import_module(name.replace("/", ".").removesuffix(".proto") + "_pb2")
        yield from descriptor_pool.Default().FindFileByName(name).message_types_by_name.values()


def test_each_field_of_an_event_that_names_another_member_says_so() -> None:
    # An erasure finds them by that.
    silent = {
        field.full_name
        for event in events()
        for field in fields_of(event)
        if NAMES_A_MEMBER.search(field.name)
        and field.type == FieldDescriptor.TYPE_STRING
        and not field.GetOptions().Extensions[fields_pb2.other_member]
    }
    assert silent == set()


def test_only_points_tells_of_others_since_it_takes_such_messages_off_its_own_stream_alone() -> None:
    services = {
        event.full_name.split(".")[1]
        for event in events()
        for field in fields_of(event)
        if field.GetOptions().Extensions[fields_pb2.other_member]
    }
    assert services == {"points"}

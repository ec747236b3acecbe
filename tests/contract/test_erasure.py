"""An erasure reaches everything, whatever service, subscription or table is added."""

from importlib import import_module

import asyncpg
import pytest

from cli.embedded import SERVICES, Servers
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
    },
    "missions": {"badges.member", "completions.member", "progress.member"},
    "leaderboard": {
        "answers.member", "board_facts.member", "board_removals.member", "board_standings.member",
        "known_members.member", "scores.member", "scratch_cards.member",
    },
    "recommender": {"decisions.member", "profiles.member"},
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

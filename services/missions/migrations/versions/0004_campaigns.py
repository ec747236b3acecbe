"""Campaigns, offers, messages and webhooks."""

from alembic import op

from chassis.migrations import app_role, secure

revision = "0004"
down_revision = "0003"

BRAND = "current_setting('laurels.brand')"


def upgrade() -> None:
    _create_state()
    _create_gifts()
    _create_webhooks()
    _erase_all()


def _create_state() -> None:
    op.execute("""
        CREATE TABLE campaign_hours (
            brand text NOT NULL,
            member text NOT NULL,
            best_hour integer NOT NULL,
            PRIMARY KEY (brand, member),
            CONSTRAINT best_hour_of_day CHECK (best_hour BETWEEN -1 AND 23)
        )""")
    secure("campaign_hours", grants="SELECT, INSERT, UPDATE (best_hour)")
    # Who has been a member for how long is looked for by when they joined, and late news of it by when it came.
    op.execute("ALTER TABLE mission_members ADD COLUMN noted_at timestamptz NOT NULL DEFAULT now()")
    op.execute("CREATE INDEX mission_members_joined ON mission_members (brand, enrolled_at, member)")
    op.execute("""
        CREATE TABLE campaign_seen (
            brand text NOT NULL,
            member text NOT NULL,
            type text NOT NULL,
            first_at timestamptz NOT NULL,
            last_at timestamptz NOT NULL,
            noted_at timestamptz NOT NULL,
            PRIMARY KEY (brand, member, type),
            CONSTRAINT seen_in_order CHECK (first_at <= last_at)
        )""")
    op.execute("CREATE INDEX campaign_seen_last ON campaign_seen (brand, type, last_at, member)")
    secure("campaign_seen", grants="SELECT, INSERT, UPDATE (first_at, last_at, noted_at)")
    op.execute("""
        CREATE TABLE campaign_counters (
            brand text NOT NULL,
            name text NOT NULL,
            owner text NOT NULL,
            period text NOT NULL,
            value bigint NOT NULL,
            PRIMARY KEY (brand, owner, name, period),
            CONSTRAINT campaign_counters_value CHECK (value >= 0)
        ) WITH (fillfactor = 80)""")
    secure("campaign_counters", grants="SELECT, INSERT, UPDATE (value)")
    # What became of a trigger stays: the application may add and read, nothing else.
    op.execute("""
        CREATE TABLE campaign_triggers (
            brand text NOT NULL,
            member text NOT NULL,
            campaign text NOT NULL,
            cause text NOT NULL,
            outcome integer NOT NULL,
            reason integer NOT NULL,
            occurrence bigint NOT NULL,
            effects text NOT NULL,
            points bigint NOT NULL,
            occurred_at timestamptz NOT NULL,
            programme_version integer NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (brand, member, campaign, cause),
            CONSTRAINT suppressed_for_a_reason CHECK ((outcome = 3) = (reason > 0)),
            CONSTRAINT occurrence_unless_suppressed CHECK ((outcome = 3) = (occurrence = 0))
        )""")
    op.execute("CREATE INDEX campaign_triggers_of_campaign ON campaign_triggers (brand, campaign)")
    secure("campaign_triggers", grants="SELECT, INSERT")
    op.execute("""
        CREATE TABLE campaign_cursors (
            brand text NOT NULL,
            campaign text NOT NULL,
            reached_at timestamptz NOT NULL,
            member text NOT NULL,
            looked_back_at timestamptz NOT NULL,
            PRIMARY KEY (brand, campaign)
        )""")
    secure("campaign_cursors", grants="SELECT, INSERT, UPDATE (reached_at, member, looked_back_at)")


def _create_gifts() -> None:
    op.execute("""
        CREATE TABLE campaign_offers (
            brand text NOT NULL,
            offer text NOT NULL,
            member text NOT NULL,
            campaign text NOT NULL,
            reward text NOT NULL,
            key text NOT NULL,
            programme_version integer NOT NULL,
            offered_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            accepted_at timestamptz,
            PRIMARY KEY (brand, offer),
            CONSTRAINT accepted_in_time CHECK (accepted_at IS NULL OR accepted_at < expires_at)
        )""")
    op.execute("CREATE INDEX campaign_offers_of_member ON campaign_offers (brand, member, offered_at)")
    secure("campaign_offers", grants="SELECT, INSERT, UPDATE (accepted_at)")
    op.execute("""
        CREATE TABLE campaign_messages (
            brand text NOT NULL,
            message text NOT NULL,
            member text NOT NULL,
            campaign text NOT NULL,
            channel text NOT NULL,
            template text NOT NULL,
            fields jsonb NOT NULL,
            state integer NOT NULL,
            contact_hour integer NOT NULL,
            occurred_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            PRIMARY KEY (brand, message),
            CONSTRAINT campaign_messages_state CHECK (state BETWEEN 1 AND 3),
            CONSTRAINT contact_hour_of_day CHECK (contact_hour BETWEEN -1 AND 23)
        )""")
    op.execute("CREATE INDEX campaign_messages_due ON campaign_messages (brand, due_at) WHERE state = 1")
    op.execute("CREATE INDEX campaign_messages_of_member ON campaign_messages (brand, member, occurred_at, message)")
    secure("campaign_messages", grants="SELECT, INSERT, UPDATE (state, due_at)")


def _create_webhooks() -> None:
    op.execute("""
        CREATE TABLE webhook_endpoints (
            brand text NOT NULL,
            webhook text NOT NULL,
            url text NOT NULL,
            types text NOT NULL,
            key text NOT NULL,
            digest bytea NOT NULL,
            sealed bytea NOT NULL,
            previous bytea NOT NULL,
            previous_until timestamptz,
            rotated_key text NOT NULL,
            created_at timestamptz NOT NULL,
            rotated_at timestamptz,
            PRIMARY KEY (brand, webhook)
        )""")
    secure(
        "webhook_endpoints",
        grants="SELECT, INSERT, UPDATE (sealed, previous, previous_until, rotated_key, rotated_at), DELETE",
        every_brand="SELECT",
    )
    op.execute("""
        CREATE TABLE webhook_deliveries (
            brand text NOT NULL,
            delivery text NOT NULL,
            webhook text NOT NULL,
            type text NOT NULL,
            member text NOT NULL,
            campaign text NOT NULL,
            body text NOT NULL,
            state integer NOT NULL,
            attempts integer NOT NULL,
            due_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (brand, delivery),
            CONSTRAINT webhook_deliveries_state CHECK (state BETWEEN 1 AND 3)
        )""")
    op.execute("CREATE INDEX webhook_deliveries_due ON webhook_deliveries (brand, webhook, due_at) WHERE state = 1")
    op.execute("CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (brand, created_at, delivery)")
    op.execute("CREATE INDEX webhook_deliveries_of_member ON webhook_deliveries (brand, member)")
    secure(
        "webhook_deliveries", grants="SELECT, INSERT, UPDATE (state, attempts, due_at), DELETE", every_brand="SELECT"
    )
    op.execute("""
        CREATE TABLE webhook_attempts (
            brand text NOT NULL,
            delivery text NOT NULL,
            attempted_at timestamptz NOT NULL,
            status integer NOT NULL,
            detail text NOT NULL,
            PRIMARY KEY (brand, delivery, attempted_at)
        )""")
    secure("webhook_attempts", grants="SELECT, INSERT, DELETE")


def _erase_all() -> None:
    being_erased = f"$1 IN (SELECT member FROM erasing WHERE brand = {BRAND})"  # noqa: S608
    tables = (
        "completions", "badges", "mission_members", "member_missions", "mission_facts", "mission_checkpoints",
        "campaign_hours", "campaign_seen", "campaign_triggers", "campaign_offers", "campaign_messages",
    )  # fmt: skip
    deletions = [
        f"DELETE FROM {table} WHERE brand = {BRAND} AND member = $1 AND {being_erased}"  # noqa: S608
        for table in tables
    ]
    deletions += [
        f"DELETE FROM campaign_counters WHERE brand = {BRAND} AND owner = $1 AND {being_erased}",  # noqa: S608
        # The place stays, whoever stood there.
        f"UPDATE campaign_cursors SET member = '' WHERE brand = {BRAND} AND member = $1 AND {being_erased}",  # noqa: S608
        f"""DELETE FROM webhook_attempts WHERE brand = {BRAND} AND {being_erased} AND delivery IN (
            SELECT delivery FROM webhook_deliveries WHERE brand = {BRAND} AND member = $1)""",  # noqa: S608
        f"DELETE FROM webhook_deliveries WHERE brand = {BRAND} AND member = $1 AND {being_erased}",  # noqa: S608
    ]
    op.execute(
        "CREATE OR REPLACE FUNCTION erase_member(text) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER "
        f"SET search_path = public, pg_temp AS $body$ {'; '.join(deletions)} $body$"
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION erase_member(text) TO {app_role()}")

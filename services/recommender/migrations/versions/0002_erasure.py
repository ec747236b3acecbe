"""Members can be erased."""

from alembic import op

from chassis.migrations import create_erasing_table, create_owners_function

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_erasing_table()
    op.execute("CREATE INDEX decisions_of_member ON decisions (brand, member)")
    # What a model learnt from stays under the alias, so that it can be learnt again.
    create_owners_function(
        "erase_member(text, text) RETURNS void",
        """
        DELETE FROM profiles WHERE brand = current_setting('laurels.brand') AND member = $1
            AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'));
        DELETE FROM decisions WHERE brand = current_setting('laurels.brand') AND member = $1
            AND NOT EXISTS (
                SELECT FROM outcomes WHERE outcomes.brand = decisions.brand AND outcomes.decision = decisions.decision)
            AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'));
        UPDATE decisions SET member = $2 WHERE brand = current_setting('laurels.brand') AND member = $1
            AND ($1, $2) IN (SELECT member, alias FROM erasing WHERE brand = current_setting('laurels.brand'))""",
    )

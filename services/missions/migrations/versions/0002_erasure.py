"""Members can be erased."""

from chassis.migrations import create_erasing_table, create_owners_function

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_erasing_table()
    # What was achieved stays, unless its member is being erased.
    create_owners_function(
        "erase_member(text) RETURNS void",
        """
        DELETE FROM progress WHERE brand = current_setting('laurels.brand') AND member = $1
            AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'));
        DELETE FROM completions WHERE brand = current_setting('laurels.brand') AND member = $1
            AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'));
        DELETE FROM badges WHERE brand = current_setting('laurels.brand') AND member = $1
            AND $1 IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'))""",
    )

"""Members know the segments that the recommender puts them in."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("ALTER TABLE members ADD COLUMN segments text[] NOT NULL DEFAULT '{}'")

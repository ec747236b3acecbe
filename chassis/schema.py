"""A service starts only on a schema that its code knows.

Revisions are files `<number>_<name>.py`, numbered without gaps, so the newest is
known without loading what runs them.
"""

from pathlib import Path

import asyncpg

from chassis.database import EVERY_BRAND, Database
from chassis.errors import FailedPrecondition

REPOSITORY = Path(__file__).resolve().parent.parent


def folder(service: str) -> Path:
    """Where a service's revisions are."""
    return REPOSITORY / "services" / service / "migrations"


def revisions(service: str) -> list[str]:
    """The revisions in the code, oldest first."""
    return sorted(path.name.partition("_")[0] for path in (folder(service) / "versions").glob("[0-9]*_*.py"))


async def require_current(service: str, database: Database) -> None:
    """Raises FailedPrecondition when the database is behind the code, saying by what.

    One that is ahead is well: revisions only ever expand what older code uses.
    """
    try:
        async with database.reading(EVERY_BRAND) as connection:
            found = await connection.fetchval("SELECT version_num FROM alembic_version")
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        found = None
    known = revisions(service)
    if found is None or (found in known and found != known[-1]):
        raise FailedPrecondition(
            f"The database of {service} is at revision {found or 'none'}, the code needs {known[-1]}: "
            f"run `python -m chassis.migrations {service}` first.",
            code="schema_too_old",
        )

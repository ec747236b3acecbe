"""Every SQL statement of the missions service.

Statements are set-based: their number does not depend on how many activities a
transaction carries. Rows are locked, and new ones inserted, in key order.
"""

import asyncpg

# The tallies first, which count what is deleted then.
_ERASE = "SELECT erase_achievements($1), erase_member($1)"


async def erase(connection: asyncpg.Connection, _brand: str, member: str, _alias: str) -> None:
    """Deletes everything of a member who is being erased."""
    await connection.execute(_ERASE, member)

"""Every SQL statement of the leaderboard service, a module a topic.

Statements are set-based: their number does not depend on how many requests a
transaction carries. Rows are locked in the order of their kinds' ranks, of one
kind in key order.
"""

import asyncpg

_ERASE = "SELECT erase_member($1, $2)"


async def erase(connection: asyncpg.Connection, _brand: str, member: str, alias: str) -> None:
    """Deletes all of a member who is being erased, but for won cards and past places, which the alias keeps."""
    await connection.execute(_ERASE, member, alias)

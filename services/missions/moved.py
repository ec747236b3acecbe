"""What another transaction did meanwhile."""

import asyncpg


class Moved(asyncpg.SerializationError):
    """What a request touches changed between its reading and its locking; the write path repeats the transaction."""

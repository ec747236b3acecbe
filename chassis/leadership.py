"""At most one process at a time does a named thing, as PostgreSQL decides.

A session-level advisory lock on a connection of its own: it is held exactly as
long as that connection lives, and is free again when the holder dies.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b

import asyncpg

from chassis.errors import Unavailable
from chassis.loops import Beat, beating

ASK_S = 0.5
"""Pause between two tries for a lock that another process holds."""


def lock_key(name: str) -> int:
    """The 63-bit key of a lock's name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


@asynccontextmanager
async def exclusively(url: str, name: str, beat: Beat) -> AsyncIterator[None]:
    """Waits until no other process holds `name`, then works under it. Who waits is alive, and so beats.

    When the lock is lost with its connection, the block is cancelled and
    Unavailable is raised.
    """
    async with beating(beat):
        connection = await asyncpg.connect(
            url, timeout=5, server_settings={"application_name": f"laurels:{name}", "tcp_keepalives_idle": "5"}
        )
    holder = asyncio.current_task()
    assert holder is not None  # noqa: S101 - a coroutine always runs in a task
    lost, left = False, False

    def on_loss(_: object) -> None:
        nonlocal lost
        # The listener is called a moment after the loss; by then the block may
        # have failed of it, and the holder be at other work.
        if not left:
            lost = True
            holder.cancel()

    connection.add_termination_listener(on_loss)
    try:
        await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        # Asked for again and again: a statement that waits for the lock keeps its
        # snapshot as long, and no dead row of the database can be removed meanwhile.
        async with beating(beat):
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock_key(name)):
                await asyncio.sleep(ASK_S)
        yield
    except asyncio.CancelledError:
        if not lost:
            raise
        holder.uncancel()
        raise Unavailable(f"The lock {name!r} was lost with its connection.") from None
    finally:
        left = True
        connection.remove_termination_listener(on_loss)
        if not connection.is_closed():
            connection.terminate()

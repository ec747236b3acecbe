"""The ledger's log grows by every entry, in the order of their ids and without a hole, and is signed on a schedule.

One process at a time builds it. Ids are drawn under a lock that writers share;
holding it alone for a moment tells up to which id everything is committed or
gone. Whatever is new up to there is appended to the logs of all brands in one
transaction, so that a kill at any point loses and doubles nothing.

A log that is not what was signed before is not signed again. While a brand's
log contradicts itself nothing is appended to any: a hole could not be mended.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from chassis import merkle, outbox
from chassis.database import EVERY_BRAND, Database
from chassis.errors import FailedPrecondition
from chassis.events import NO_MEMBER, NewEvent
from chassis.leadership import exclusively
from chassis.logging import logger
from chassis.loops import Beat
from chassis.merkle import Edge, Place
from laurels.points.v1 import log_events_pb2, log_pb2
from services.points.checkpoints import BadNote, Signer, UnknownSigner, opened
from services.points.store import log as store
from services.points.store.log import Log, Tile, Unsigned

LOOK_EVERY_S = 1.0
AT_ONCE = 4_096
"""So many entries a transaction: a tenth of a second of work, at most 16 new tiles of leaves."""
_log = logger("ledger_log")


class LogDamaged(FailedPrecondition):
    """What is kept of a log contradicts itself, or what was signed."""

    code = "log_damaged"

    def __init__(self, brand: str, what: str) -> None:
        super().__init__(f"The ledger's log of brand {brand!r} is damaged: {what}.")


class LedgerLog:
    """Builds and signs the logs of all brands. `on_publish` is called when checkpoints were."""

    def __init__(
        self, database: Database, signer: Signer, *, checkpoint_every_s: float, on_publish: Callable[[], None]
    ) -> None:
        self._database, self._signer, self._on_publish = database, signer, on_publish
        self._checkpoint_every = timedelta(seconds=checkpoint_every_s)
        self._look_every_s = min(LOOK_EVERY_S, checkpoint_every_s)
        self._done = 0
        """Up to this id everything is in the logs."""

    async def run(self, beat: Beat) -> None:
        """Builds and signs for ever, while no other replica does."""
        async with exclusively(self._database.url, "points:ledger-log", beat):
            self._done = 0
            while True:
                beat()
                # A writer that does not commit is not waited for; the next look is soon.
                with suppress(asyncpg.LockNotAvailableError):
                    await self.build(beat)
                await self.sign()
                await asyncio.sleep(self._look_every_s)

    async def build(self, beat: Beat = lambda: None) -> int:
        """Appends everything that is committed; how many entries that were. Raises LogDamaged."""
        async with self._database.reading(EVERY_BRAND) as connection:
            if await store.newest_id(connection) == self._done:
                return 0  # nobody is troubled for nothing
        async with self._database.transaction(EVERY_BRAND) as connection:
            settled = await store.settled_id(connection)
        total = 0
        while True:
            beat()
            began = time.monotonic()
            async with self._database.transaction(EVERY_BRAND) as connection:
                count = await self._append(connection, settled)
            total += count
            if count < AT_ONCE:
                self._done = settled
                return total
            # However much there is, writers have the machine half of the time.
            await asyncio.sleep(time.monotonic() - began)

    async def _append(self, connection: asyncpg.Connection, settled: int) -> int:
        reached = await store.lock_logs(connection)
        rows = await store.new_leaves(connection, reached, settled, AT_ONCE)
        if not rows:
            return 0
        new: dict[str, list[Any]] = {}
        for row in rows:
            new.setdefault(row["brand"], []).append(row)
        logs = await store.logs(connection, new)
        edges = [(brand, place) for brand, log in logs.items() for place in merkle.edge_of(log.size)]
        known: dict[str, dict[Place, Tile]] = {}
        for tile in await store.tiles(connection, edges):
            known.setdefault(tile.brand, {})[tile.level, tile.number] = tile
        grown = [appended(brand, logs.get(brand), known.get(brand, {}), new[brand]) for brand in sorted(new)]
        await store.save_tiles(connection, [tile for _, tiles in grown for tile in tiles])
        await store.save_logs(connection, [log for log, _ in grown])
        return len(rows)

    async def sign(self) -> int:
        """Signs and publishes the logs that are due; how many."""
        async with self._database.transaction(EVERY_BRAND) as connection:
            await store.lock_logs(connection)
            now = datetime.now(UTC)
            count = 0
            for log in await store.unsigned(connection, now - self._checkpoint_every):
                try:
                    await self._check(connection, log)
                except LogDamaged as damage:
                    _log.error("ledger's log not signed", brand=log.brand, why=damage.detail)
                else:
                    await self._publish(connection, log, now)
                    count += 1
        if count:
            self._on_publish()
        return count

    async def _check(self, connection: asyncpg.Connection, log: Unsigned) -> None:
        """Raises LogDamaged unless the log has its own root, and the one that was signed of its beginning."""
        wanted = {log.size: log.root}
        if log.signed_size is not None and log.signed_root is not None and log.signed_note is not None:
            wanted[log.signed_size] = log.signed_root
            try:
                signed = opened(log.signed_note, [self._signer.public_key(log.brand)])
            except UnknownSigner:
                pass  # by the key before this one
            except BadNote as error:
                raise LogDamaged(log.brand, f"its newest checkpoint: {error}") from None
            else:
                if (signed.size, signed.root) != (log.signed_size, log.signed_root):
                    raise LogDamaged(log.brand, "its newest checkpoint is not what was signed")
        ranges = [(0, size) for size in wanted]
        tiles = await store.tiles_at(connection, log.brand, merkle.tiles_of(ranges))
        for size, root in wanted.items():
            if _root(tiles, size) != root:
                raise LogDamaged(log.brand, f"its first {size} entries are not what they were")

    async def _publish(self, connection: asyncpg.Connection, log: Unsigned, now: datetime) -> None:
        note = self._signer.sign(log.brand, log.size, log.root, now)
        await store.add_checkpoint(connection, log.brand, log.size, log.root, now, note)
        told = log_events_pb2.CheckpointPublished(
            checkpoint=log_pb2.Checkpoint(size=log.size, root=log.root, made_at=now, note=note),
            public_key=str(self._signer.public_key(log.brand)),
        )
        await outbox.append(connection, log.brand, [NewEvent(NO_MEMBER, told)])


def appended(
    brand: str, log: Log | None, known: Mapping[Place, Tile], leaves: Sequence[Mapping[str, Any]]
) -> tuple[Log, list[Tile]]:
    """A brand's log with leaves (id, hash) appended, and its tiles that are new or changed.

    `known` are the tiles of the log's edge. Raises LogDamaged.
    """
    size = log.size if log is not None else 0
    try:
        edge = Edge(size, {place: tile.hashes for place, tile in known.items()})
    except (KeyError, merkle.TreeTooSmall) as error:
        raise LogDamaged(brand, f"a tile of its edge is missing or short ({error})") from None
    if log is not None and edge.root() != log.root:
        raise LogDamaged(brand, f"its {size} entries do not have its root")
    changed = edge.append(b"".join([leaf["hash"] for leaf in leaves]))

    def first_entry(place: Place) -> int | None:
        level, number = place
        if level:
            return None
        new = number * merkle.TILE_HASHES - size
        return int(leaves[new]["id"]) if new >= 0 else known[place].first_entry

    tiles = [Tile(brand, *place, first_entry(place), hashes) for place, hashes in changed.items()]
    return Log(brand, edge.size, leaves[-1]["id"], edge.root()), tiles


def _root(tiles: Mapping[Place, bytes], size: int) -> bytes | None:
    try:
        return merkle.root_of(tiles, (0, size))
    except (KeyError, merkle.TreeTooSmall):
        return None

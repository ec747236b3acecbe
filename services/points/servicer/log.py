"""The RPCs of the ledger's log."""

from typing import Any

from chassis import merkle
from chassis.credentials import caller
from chassis.database import Database
from chassis.errors import FailedPrecondition, FieldViolation, InvalidArgument, NotFound
from chassis.paging import page_size_of
from laurels.points.v1 import log_pb2, log_pb2_grpc
from services.points.checkpoints import Signer
from services.points.leaves import Leaf
from services.points.log import LogDamaged
from services.points.store import log as store

ID_DIGITS_MAX = 18


class UnknownEntry(NotFound):
    """There is no such entry in the brand, or it is not the member's."""

    code = "unknown_entry"

    def __init__(self, entry: str) -> None:
        super().__init__(f"There is no entry {entry!r}.")


class UnknownCheckpoint(NotFound):
    """The brand has no checkpoint of this size."""

    code = "unknown_checkpoint"

    def __init__(self, size: int) -> None:
        super().__init__(f"There is no checkpoint of {size} entries." if size else "There is no checkpoint yet.")


class NotPublished(FailedPrecondition):
    """The entry is newer than the checkpoint."""

    code = "not_published"

    def __init__(self, entry: int, size: int) -> None:
        super().__init__(f"Entry {entry} is not among the {size} of the checkpoint; a later one has it.")


class EntryDiffers(FailedPrecondition):
    """The ledger and its log do not say the same."""

    code = "entry_differs"

    def __init__(self, entry: int) -> None:
        super().__init__(f"Entry {entry} is not the one that was logged.")


class LedgerLogServicer(log_pb2_grpc.LedgerLogServiceServicer):
    """Checkpoints and proofs."""

    def __init__(self, database: Database, signer: Signer) -> None:
        self._database, self._signer = database, signer

    async def ListCheckpoints(
        self, request: log_pb2.ListCheckpointsRequest, context: Any
    ) -> log_pb2.ListCheckpointsResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            found, token = await store.checkpoints(connection, brand, page_size, request.page_token)
        return log_pb2.ListCheckpointsResponse(
            checkpoints=found, public_key=str(self._signer.public_key(brand)), next_page_token=token
        )

    async def GetConsistencyProof(
        self, request: log_pb2.GetConsistencyProofRequest, context: Any
    ) -> log_pb2.GetConsistencyProofResponse:
        brand, first, second = caller().brand, getattr(request, "from"), request.to
        if first <= 0:
            raise InvalidArgument.of([FieldViolation("from", "is not the size of a checkpoint")])
        if second and first > second:
            raise InvalidArgument.of([FieldViolation("from", "is larger than `to`")])
        async with self._database.reading(brand) as connection:
            older = await store.checkpoint(connection, brand, first)
            newer = await store.checkpoint(connection, brand, second) if second >= 0 else None
            if older is None or newer is None:
                raise UnknownCheckpoint(first if older is None else second)
            ranges = merkle.consistency_ranges(older.size, newer.size)
            path = await self._roots(connection, brand, ranges)
        answer = log_pb2.GetConsistencyProofResponse(to=newer, path=path)
        getattr(answer, "from").CopyFrom(older)
        return answer

    async def GetEntryProof(self, request: log_pb2.GetEntryProofRequest, context: Any) -> log_pb2.GetEntryProofResponse:
        who, asked = caller(), request.entry
        if not (asked.isascii() and asked.isdigit()) or len(asked) > ID_DIGITS_MAX:
            raise UnknownEntry(asked)
        async with self._database.reading(who.brand) as connection:
            found = await store.entry(connection, who.brand, int(asked))
            if found is None or (who.is_member_only and who.subject not in found[1]):
                raise UnknownEntry(asked)
            leaf = found[0]
            checkpoint = await store.checkpoint(connection, who.brand, max(request.checkpoint, 0))
            if checkpoint is None or request.checkpoint < 0:
                raise UnknownCheckpoint(request.checkpoint)
            index = await store.place_of(connection, who.brand, leaf)
            if index is None:
                known = (await store.logs(connection, [who.brand])).get(who.brand)
                if known is not None and leaf.entry <= known.last_entry:
                    raise EntryDiffers(leaf.entry)
            if index is None or index >= checkpoint.size:
                raise NotPublished(leaf.entry, checkpoint.size)
            path = await self._roots(connection, who.brand, merkle.inclusion_ranges(index, checkpoint.size))
        return log_pb2.GetEntryProofResponse(
            entry=_shown(leaf), leaf=leaf.encoded(), index=index, checkpoint=checkpoint, path=path
        )

    async def ListLedgerEntries(
        self, request: log_pb2.ListLedgerEntriesRequest, context: Any
    ) -> log_pb2.ListLedgerEntriesResponse:
        brand, page_size = caller().brand, page_size_of(request.page_size)
        async with self._database.reading(brand) as connection:
            found, token = await store.logged_entries(connection, brand, page_size, request.page_token)
        return log_pb2.ListLedgerEntriesResponse(entries=[_shown(leaf) for leaf in found], next_page_token=token)

    async def _roots(self, connection: Any, brand: str, ranges: list[merkle.Range]) -> list[bytes]:
        """The roots of ranges of the brand's log. Raises LogDamaged."""
        tiles = await store.tiles_at(connection, brand, merkle.tiles_of(ranges))
        try:
            return [merkle.root_of(tiles, leaves) for leaves in ranges]
        except (KeyError, merkle.TreeTooSmall) as error:
            raise LogDamaged(brand, f"a tile is missing or short ({error})") from None


def _shown(leaf: Leaf) -> log_pb2.LedgerEntry:
    return log_pb2.LedgerEntry(
        id=leaf.entry,
        debit=leaf.debit,
        credit=leaf.credit,
        currency=leaf.currency,
        amount=leaf.amount,
        kind=leaf.kind,  # type: ignore[arg-type]
        occurred_at=leaf.occurred_at,
        recorded_at=leaf.recorded_at,
    )

"""The ledger's log over gRPC on the real servers: checkpoints, proofs, and what tampering does to them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from chassis.database import EVERY_BRAND, Database
from chassis.errors import DomainError
from cli.embedded import Servers
from laurels.points.v1 import ledger_pb2, log_events_pb2, log_pb2, log_pb2_grpc, points_pb2
from services.points import merkle
from services.points.checkpoints import PublicKey, Signer, key_of, opened
from services.points.leaves import Leaf
from services.points.log import LedgerLog
from tests.conftest import running
from tests.integration.points_support import WITHIN_S, Points, Streams, eventually, programme, purchase, streams_of
from tests.integration.test_points_ledger_service import ISSUED, ledger_pb2_grpc, post, transfer

EVERY_S = 0.05


@pytest.fixture(scope="module")
async def points(settings_of: Callable[..., Any], token: Callable[..., str]) -> AsyncIterator[Points]:
    async with running("points", settings_of("points", checkpoint_every_s=EVERY_S)) as channel:
        log = log_pb2_grpc.LedgerLogServiceStub(channel)
        yield Points(channel, token, log, ledger_pb2_grpc.LedgerServiceStub(channel))


@pytest.fixture
async def superuser(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    yield session
    await session.close()


async def checkpoints(points: Points, brand: str, **credential: Any) -> log_pb2.ListCheckpointsResponse:
    request = log_pb2.ListCheckpointsRequest(page_size=1_000)
    return await points.call("ListCheckpoints", request, brand, **credential)


async def signed(points: Points, brand: str, size: int) -> log_pb2.Checkpoint:
    """The checkpoint of so many entries, once there is one."""

    async def newest() -> int:
        found = (await checkpoints(points, brand)).checkpoints
        return found[0].size if found else 0

    await eventually(newest, size)
    return (await checkpoints(points, brand)).checkpoints[0]


async def proof(points: Points, brand: str, entry: int, checkpoint: int = 0, **credential: Any) -> Any:
    request = log_pb2.GetEntryProofRequest(entry=str(entry), checkpoint=checkpoint)
    return await points.call("GetEntryProof", request, brand, **credential)


async def code_of(call: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        await call
    return refusal.value.reason


async def logged(points: Points, brand: str, page_size: int = 1_000) -> list[log_pb2.LedgerEntry]:
    found: list[log_pb2.LedgerEntry] = []
    token = ""
    while True:
        request = log_pb2.ListLedgerEntriesRequest(page_size=page_size, page_token=token)
        answer = await points.call("ListLedgerEntries", request, brand)
        found += answer.entries
        token = answer.next_page_token
        if not token:
            return found


def hashed(entry: log_pb2.LedgerEntry) -> bytes:
    """What a stranger computes of an answer."""
    occurred_at, recorded_at = (
        moment.ToDatetime() for moment in (entry.occurred_at, entry.recorded_at)
    )
    zone = entry.occurred_at.ToDatetime(tzinfo=__import__("datetime").UTC).tzinfo
    leaf = Leaf(
        entry.id, entry.debit, entry.credit, entry.currency, entry.amount, entry.kind,
        occurred_at.replace(tzinfo=zone), recorded_at.replace(tzinfo=zone),
    )  # fmt: skip
    return leaf.hashed()


def root_of(entries: list[log_pb2.LedgerEntry]) -> bytes:
    growing = merkle.Growing()
    for entry in entries:
        growing.push(hashed(entry))
    return growing.root()


async def grow(points: Points, brand: str, name: str, count: int, member: str = "ann") -> list[int]:
    """So many transfers to a member; their entries."""
    made = [transfer(f"{name}-{number}", 1 + number, ISSUED, member) for number in range(count)]
    found = []
    for first in range(0, count, 1_000):
        found += await post(points, brand, *made[first : first + 1_000])
    assert all(result.entry for result in found)
    return [result.entry for result in found]


async def test_every_entry_is_proved_to_be_under_a_signed_checkpoint(points: Points, brand: str) -> None:
    await points.apply(brand, programme())
    await points.enrol(brand, "ann")
    first = await grow(points, brand, "a", 3)
    old = await signed(points, brand, 3)
    second = await grow(points, brand, "b", 600)
    new = await signed(points, brand, 603)
    answer = await checkpoints(points, brand)
    key = PublicKey.parse(answer.public_key)
    for checkpoint in answer.checkpoints:
        note = opened(checkpoint.note, [key])
        made_at = checkpoint.made_at.ToDatetime(tzinfo=note.made_at.tzinfo)
        assert (note.origin, note.size, note.root) == (f"{brand}.laurels", checkpoint.size, checkpoint.root)
        assert note.made_at == made_at
    entries = await logged(points, brand, page_size=250)
    assert [entry.id for entry in entries] == first + second
    assert root_of(entries) == new.root
    assert root_of(entries[:3]) == old.root
    for index, under in ((0, old), (2, old), (0, new), (255, new), (256, new), (602, new)):
        found = await proof(points, brand, (first + second)[index], under.size)
        assert found.entry == entries[index]
        assert (found.index, found.checkpoint) == (index, under)
        assert merkle.leaf_hash(found.leaf) == hashed(found.entry)
        path = list(found.path)
        assert merkle.root_by_inclusion(merkle.leaf_hash(found.leaf), index, under.size, path) == under.root
    request = log_pb2.GetConsistencyProofRequest(**{"from": 3, "to": 603})
    shown = await points.call("GetConsistencyProof", request, brand)
    assert (getattr(shown, "from"), shown.to) == (old, new)
    assert merkle.is_consistent(3, old.root, 603, new.root, list(shown.path))
    assert await code_of(proof(points, brand, second[0], 3)) == "not_published"

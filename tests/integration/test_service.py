"""A service stops without losing what it has begun, and without beginning more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from chassis import consumer, events, schema
from chassis.errors import FailedPrecondition
from chassis.service import Service
from chassis.settings import ServiceSettings
from cli.embedded import Servers
from tests.integration.chassis_support import SERVICE, WITHIN_S, Book, Gate, Note, Notes, Stage, open_notes


@pytest.fixture
async def notes(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Notes]:
    monkeypatch.setattr(schema, "folder", lambda _service: tmp_path)
    async for opened in open_notes(servers, tmp_path):
        yield opened


@pytest.fixture
def settings(servers: Servers) -> ServiceSettings:
    data = servers.data
    return ServiceSettings(
        database_url=servers.postgres.url(SERVICE),
        nats_url=f"nats://127.0.0.1:{servers.nats.port}",
        nats_user="operator",
        nats_password=data.password("nats_operator"),
        jwks=str(data.jwks),
        drain_s=0.0,
    )


async def test_a_stopping_service_commits_the_batch_at_hand_and_leaves_its_backlog(
    notes: Notes, settings: ServiceSettings, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "BATCH", 10)
    place = events.subject(SERVICE, "StringValue", brand, "ann")
    for number in range(1, 301):
        body = StringValue(value=str(number)).SerializeToString()
        await notes.js.publish(place, body, headers=events.headers(SERVICE, number, "google.protobuf.StringValue", ""))
    gate = Gate()
    stage = Stage(tells=False, before_commit=gate)
    async with asyncio.timeout(WITHIN_S):
        async with Service(SERVICE, settings) as service:
            path = service.write_path(lambda one, _now: Book(stage, one))
            service.subscribe(SERVICE, [StringValue], path, lambda event: Note(event.member, event.message.value))
            await gate.reached()
            stop = service.server.stop

            async def stopped(grace_s: float) -> None:
                await stop(grace_s)
                asyncio.get_running_loop().call_soon(gate.open)

            monkeypatch.setattr(service.server, "stop", stopped)
    taken = await notes.taken(brand)
    assert taken == [("ann", str(number)) for number in range(1, len(taken) + 1)]
    assert 0 < len(taken) <= 20, "the batch at hand, and at most what came with it"
    assert await notes.claimed(brand) == set(range(1, len(taken) + 1))


async def test_a_service_does_not_start_on_a_schema_older_than_its_code(
    notes: Notes, settings: ServiceSettings, tmp_path: Path
) -> None:
    (tmp_path / "versions" / "0002_more.py").write_text("")
    with pytest.raises(FailedPrecondition, match="is at revision 0001, the code needs 0002") as refusal:
        async with Service(SERVICE, settings):
            pytest.fail("it started")
    assert refusal.value.reason == "schema_too_old"

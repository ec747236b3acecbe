"""What the chassis' own tests share: a service of theirs, with a database and a stream of its own.

The service takes notes. What it does with one, and when, is on its `Stage`, so
that a test may refuse, break or hold up a transaction where it wants to.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import nats
from google.protobuf.wrappers_pb2 import StringValue
from nats.aio.client import Client

from chassis import logging, migrations, outbox, transport
from chassis.database import Database
from chassis.errors import DomainError
from chassis.events import Event, NewEvent
from chassis.loops import Beat
from chassis.write_path import WritePath
from cli.embedded import Servers

logging.configure("json", "error")

SERVICE = "notes"
STREAM = "NOTES"
WITHIN_S = 15.0
_REVISION = '''
from alembic import op

from chassis.migrations import app_role, create_chassis_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables()
    op.execute("""
        CREATE TABLE notes (
            brand text NOT NULL,
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            member text NOT NULL,
            text text NOT NULL CHECK (length(text) <= 20),
            number integer NOT NULL,
            transaction text NOT NULL DEFAULT pg_current_xact_id()::text
        )""")
    secure("notes", grants="SELECT, INSERT")
'''


@dataclass(frozen=True, slots=True)
class Note:
    """A request: what a member notes, with a number."""

    member: str
    text: str
    number: int = 0


async def nothing(*_: Any) -> None:
    """What a stage does until it is told otherwise."""


@dataclass(slots=True)
class Stage:
    """What units do on cue."""

    refused: dict[str, DomainError] = field(default_factory=dict)
    """By text: notes that break a rule."""
    broken: set[str] = field(default_factory=set)
    """Texts that the code does not get over."""
    tells: bool = True
    """Whether notes leave events."""
    before_commit: Callable[[asyncpg.Connection], Awaitable[None]] = nothing
    """Called when everything is written, in the transaction."""


class Book:
    """A unit of notes: each is a row, an event and an answer."""

    def __init__(self, stage: Stage, brand: str) -> None:
        self.events: list[NewEvent] = []
        self._stage, self._brand = stage, brand
        self._new: list[Note] = []

    async def load(self, connection: asyncpg.Connection, requests: Sequence[Note]) -> None:
        """Notes have no state."""

    def decide(self, note: Note) -> str:
        if (refusal := self._stage.refused.get(note.text)) is not None:
            raise refusal
        if note.text in self._stage.broken:
            raise RuntimeError(f"broken by {note.text!r}")
        self._new.append(note)
        if self._stage.tells:
            self.events.append(NewEvent(note.member, StringValue(value=note.text)))
        return f"{note.member} noted {note.text}"

    async def save(self, connection: asyncpg.Connection) -> None:
        await connection.executemany(
            "INSERT INTO notes (brand, member, text, number) VALUES ($1, $2, $3, $4)",
            [(self._brand, note.member, note.text, note.number) for note in self._new],
        )
        await self._stage.before_commit(connection)


class Gate:
    """Holds up those who come until it is opened; `entered` counts them."""

    def __init__(self) -> None:
        self.entered = 0
        self._someone = asyncio.Event()
        self._open = asyncio.Event()

    async def __call__(self, _: object) -> None:
        self.entered += 1
        self._someone.set()
        await self._open.wait()

    async def reached(self) -> None:
        """Returns when somebody is held up, or was."""
        async with asyncio.timeout(WITHIN_S):
            await self._someone.wait()

    def open(self) -> None:
        self._open.set()


class Notes:
    """The service of notes on the session's servers."""

    def __init__(self, servers: Servers, client: Client) -> None:
        self.servers, self.client = servers, client
        self.js = transport.jetstream(client)
        self.database = Database(servers.postgres.url(SERVICE))

    def write_path(self, stage: Stage, **limits: Any) -> WritePath:
        """A write path with a queue of its own, as another process has it."""
        limits.setdefault("on_commit", lambda: None)
        return WritePath(SERVICE, self.database, lambda brand, _now: Book(stage, brand), **limits)

    async def append(self, brand: str, *notes: tuple[str, str]) -> list[int]:
        """Commits events to the outbox, by member and text, and returns their ids."""
        events = [NewEvent(member, StringValue(value=text)) for member, text in notes]
        async with self.database.transaction(brand) as connection:
            await outbox.append(connection, brand, events)
        rows = await self.fetch("SELECT id FROM outbox WHERE brand = $1 ORDER BY id", brand)
        return [row["id"] for row in rows[-len(notes) :]]

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of the database, as the superuser sees them."""
        async with self.superuser() as session:
            return list(await session.fetch(query, *arguments))

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[asyncpg.Connection]:
        session = await asyncpg.connect(self.servers.postgres.admin_url(f"laurels_{SERVICE}"))
        try:
            yield session
        finally:
            await session.close()

    async def taken(self, brand: str) -> list[tuple[str, str]]:
        """The notes that were taken: member and text, in order."""
        rows = await self.fetch("SELECT member, text FROM notes WHERE brand = $1 ORDER BY id", brand)
        return [(row["member"], row["text"]) for row in rows]

    async def transactions(self, brand: str) -> list[int]:
        """How many notes each transaction took, in order."""
        query = "SELECT count(*) FROM notes WHERE brand = $1 GROUP BY transaction ORDER BY min(id)"
        return [row[0] for row in await self.fetch(query, brand)]

    async def claimed(self, brand: str) -> set[int]:
        """The ids of the events that were claimed."""
        return {row[0] for row in await self.fetch("SELECT id FROM claims WHERE brand = $1", brand)}

    async def parked(self, brand: str) -> list[tuple[int, str]]:
        """The events that were parked: id and reason."""
        return [tuple(row) for row in await self.fetch("SELECT id, reason FROM dead_letters WHERE brand = $1", brand)]

    async def stored(self, brand: str) -> list[tuple[str, str]]:
        """The brand's events on the stream: member and text, in order."""
        subject = f"laurels.{SERVICE}.*.*.{brand}.>"
        counts = (await self.js.stream_info(STREAM, subjects_filter=subject)).state.subjects or {}
        subscription = await self.js.subscribe(subject, stream=STREAM, ordered_consumer=True)
        try:
            messages = [await subscription.next_msg(timeout=WITHIN_S) for _ in range(sum(counts.values()))]
        finally:
            await subscription.unsubscribe()
        return [(found.subject.rpartition(".")[2], StringValue.FromString(found.data).value) for found in messages]


async def open_notes(servers: Servers, folder: Path) -> AsyncIterator[Notes]:
    """The service with nothing in it, while the generator is held."""
    await _migrate(servers, folder)
    client = await nats.connect(servers.nats.url("operator"))
    notes = Notes(servers, client)
    try:
        await fresh_stream(notes)
        yield notes
    finally:
        with suppress(nats.js.errors.NotFoundError):
            await notes.js.delete_stream(STREAM)
        await client.close()
        await notes.database.close()


async def _migrate(servers: Servers, folder: Path) -> None:
    """Makes the database as every service's is made, or empties it."""
    await servers.postgres.ensure_service(SERVICE)
    (folder / "versions").mkdir()
    (folder / "versions" / "0001_initial.py").write_text(_REVISION)
    (folder / "env.py").write_text("from chassis.migrations import run_environment\n\nrun_environment()\n")
    found, migrations.folder = migrations.folder, lambda _service: folder
    try:
        await migrations.upgrade(SERVICE, servers.postgres.url(SERVICE, "owner"), f"laurels_{SERVICE}_app")
    finally:
        migrations.folder = found
    session = await asyncpg.connect(servers.postgres.url(SERVICE, "owner"))
    try:
        await session.execute("TRUNCATE notes, outbox, inbox, dead_letters")
    finally:
        await session.close()


async def fresh_stream(notes: Notes, **changes: Any) -> None:
    """An empty stream, as the service would make it but for `changes`."""
    with suppress(nats.js.errors.NotFoundError):
        await notes.js.delete_stream(STREAM)
    settings: Any = SimpleNamespace(stream_bytes_max=2**28, retention_days=7, stream_replicas=1)
    await notes.js.add_stream(transport.stream_config(SERVICE, settings).evolve(**changes))


def event(number: int, brand: str, note: Note, deliveries: int = 1) -> tuple[Event, Note]:
    """An event of another service, and the request that it is."""
    message = StringValue(value=note.text)
    return Event("elsewhere", number, brand, note.member, message, deliveries=deliveries), note


@asynccontextmanager
async def looping(body: Callable[[Beat], Awaitable[None]]) -> AsyncIterator["asyncio.Future[None]"]:
    """Runs a loop's body within the block; the block fails when the body does not end on being cancelled."""
    task = asyncio.ensure_future(body(lambda: None))
    try:
        yield task
    finally:
        await stopped(task)


async def stopped(task: "asyncio.Future[None]") -> None:
    """Cancels a loop's body and waits until it has ended."""
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=WITHIN_S)
    assert done, "the loop did not end when it was cancelled"


async def eventually(claim: Callable[[], Awaitable[Any]], within_s: float = WITHIN_S) -> Any:
    """What `claim` returns once it is true. Fails after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while True:
        found = await claim()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} seconds; last seen: {found!r}"
        await asyncio.sleep(0.02)


def counted(numbers: Sequence[int], member: str = "m") -> list[Note]:
    """Notes of members of their own."""
    return [Note(f"{member}{number}", f"note {number}") for number in numbers]

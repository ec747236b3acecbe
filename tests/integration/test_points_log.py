"""The ledger's log over gRPC on the real servers: checkpoints, proofs, and what tampering does to them."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from rich.console import Console

from chassis import merkle, migrations, outbox, schema
from chassis.database import Database
from chassis.errors import DomainError
from cli import ledger as cli_ledger
from cli.embedded import Servers
from cli.gateway_client import Target
from gateway import json_codec
from laurels.points.v1 import ledger_pb2_grpc, log_events_pb2, log_pb2, log_pb2_grpc
from services.points import verification
from services.points.checkpoints import PublicKey, Signer, key_of, opened
from services.points.leaves import Leaf
from services.points.log import LedgerLog, LogDamaged
from services.points.store import log as store
from tests.conftest import running
from tests.integration.chassis_support import Gate
from tests.integration.points_support import Points, Streams, eventually, programme, purchase, streams_of
from tests.integration.test_points_ledger_service import ISSUED, post, transfer

EVERY_S = 0.05
SEED = "c2VlZCBvZiBhIGxlZGdlciBrZXkgZm9yIHRlc3RzLi4="


@pytest.fixture(scope="module")
async def points(settings_of: Callable[..., Any], token: Callable[..., str]) -> AsyncIterator[Points]:
    async with running("points", settings_of("points", checkpoint_every_s=EVERY_S)) as channel:
        yield Points(
            channel,
            token,
            log_pb2_grpc.LedgerLogServiceStub(channel),
            ledger_pb2_grpc.LedgerServiceStub(channel),
        )


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


async def proof(points: Points, brand: str, entry: Any, checkpoint: int = 0, **credential: Any) -> Any:
    request = log_pb2.GetEntryProofRequest(entry=str(entry), checkpoint=checkpoint)
    return await points.call("GetEntryProof", request, brand, **credential)


async def consistency(points: Points, brand: str, older: int, newer: int, **credential: Any) -> Any:
    request = log_pb2.GetConsistencyProofRequest(**{"from": older, "to": newer})
    return await points.call("GetConsistencyProof", request, brand, **credential)


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
    particulars = (entry.id, entry.debit, entry.credit, entry.currency, entry.amount, entry.kind)
    moments = (moment.ToDatetime(tzinfo=UTC) for moment in (entry.occurred_at, entry.recorded_at))
    return Leaf(*particulars, *moments).hashed()


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


async def violations(servers: Servers, brand: str) -> list[str]:
    session = await asyncpg.connect(servers.postgres.url("points"))
    try:
        async with session.transaction(isolation="repeatable_read"):
            await session.execute("SELECT set_config('laurels.brand', $1, true)", brand)
            return await verification.violations(session)
    finally:
        await session.close()


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
        assert (note.origin, note.size, note.root) == (f"{brand}.laurels", checkpoint.size, checkpoint.root)
        assert note.made_at == checkpoint.made_at.ToDatetime(tzinfo=UTC)
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
    shown = await consistency(points, brand, 3, 603)
    assert (getattr(shown, "from"), shown.to) == (old, new)
    assert merkle.is_consistent(3, old.root, 603, new.root, list(shown.path))
    assert await consistency(points, brand, 3, 0) == shown
    assert list((await consistency(points, brand, 603, 603)).path) == []


async def test_what_is_not_there_is_told_as_such(points: Points, brand: str) -> None:
    await points.apply(brand, programme())
    await points.enrol(brand, "ann")
    assert list((await checkpoints(points, brand)).checkpoints) == []
    assert await logged(points, brand) == []
    assert await code_of(consistency(points, brand, 1, 0)) == "unknown_checkpoint"
    (first,) = await grow(points, brand, "a", 1)
    await signed(points, brand, 1)
    (second,) = await grow(points, brand, "b", 1)
    await signed(points, brand, 2)
    assert await code_of(proof(points, brand, second, 1)) == "not_published"
    assert await code_of(proof(points, brand, first, 7)) == "unknown_checkpoint"
    assert await code_of(proof(points, brand, first, -1)) == "unknown_checkpoint"
    for unknown in (0, second + 10**9, "x", "1" * 30, "-1"):
        assert await code_of(proof(points, brand, unknown)) == "unknown_entry"
    assert await code_of(consistency(points, brand, 1, 7)) == "unknown_checkpoint"
    for older, newer in ((0, 1), (-1, 1), (2, 1)):
        assert await code_of(consistency(points, brand, older, newer)) == "invalid_argument"
    for method, request in (
        ("ListCheckpoints", log_pb2.ListCheckpointsRequest(page_token="x")),
        ("ListLedgerEntries", log_pb2.ListLedgerEntriesRequest(page_token="-1")),
        ("ListLedgerEntries", log_pb2.ListLedgerEntriesRequest(page_size=1_001)),
    ):
        assert await code_of(points.call(method, request, brand)) == "invalid_argument"


async def test_a_small_brand_s_pages_do_not_read_through_the_others(
    points: Points, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page ends after so many ids, full or not, and the pages together are the whole."""
    other = f"{brand}-other"
    for each in (brand, other):
        await points.apply(each, programme())
        await points.enrol(each, "ann")
    entries = []
    for round_ in range(4):
        await grow(points, other, f"b{round_}", 9)
        entries += await grow(points, brand, f"a{round_}", 1)
    await signed(points, brand, 4)
    monkeypatch.setattr(store, "ENTRIES_LOOKED_AT_MAX", entries[0] - 1)
    first = await points.call("ListLedgerEntries", log_pb2.ListLedgerEntriesRequest(), brand)
    assert list(first.entries) == []
    assert first.next_page_token
    assert [entry.id for entry in await logged(points, brand)] == entries
    assert [entry.id for entry in await logged(points, brand, page_size=1)] == entries


async def test_a_member_is_shown_proofs_of_their_own_entries_alone(points: Points, brand: str) -> None:
    await points.apply(brand, programme())
    for member in ("ann", "bob", "eve"):
        await points.enrol(brand, member)
    ann: dict[str, Any] = {"subject": "ann", "scope": "member"}
    (own,) = await grow(points, brand, "a", 1)
    (other,) = await grow(points, brand, "b", 1, member="bob")
    (given,) = (result.entry for result in await post(points, brand, transfer("g", 1, "bob", "ann")))
    await signed(points, brand, 3)
    assert (await proof(points, brand, own, **ann)).entry.id == own
    assert (await proof(points, brand, given, **ann)).entry.id == given
    assert await code_of(proof(points, brand, other, **ann)) == "unknown_entry"
    assert await code_of(proof(points, brand, given, subject="eve", scope="member")) == "unknown_entry"
    assert len((await checkpoints(points, brand, **ann)).checkpoints) >= 1
    assert (await consistency(points, brand, 3, 0, **ann)).to.size == 3
    for scope in ("member", "service"):
        call = points.call("ListLedgerEntries", log_pb2.ListLedgerEntriesRequest(), brand, subject="ann", scope=scope)
        assert await code_of(call) == "permission_denied"
    stranger = f"{brand}-other"
    assert await code_of(proof(points, stranger, own)) == "unknown_entry"
    assert list((await checkpoints(points, stranger)).checkpoints) == []


async def test_a_checkpoint_is_told_to_everybody_who_listens(servers: Servers, points: Points, brand: str) -> None:
    async with streams_of(servers) as client:
        streams = Streams(points, client)
        await points.apply(brand, programme())
        await points.record(brand, purchase("p", amount=100))
        newest = await signed(points, brand, 1)
        told = await streams.told(brand, log_events_pb2.CheckpointPublished)
        assert [event.checkpoint for event in told] == [newest]
        key = PublicKey.parse(told[0].public_key)
        assert opened(told[0].checkpoint.note, [key]).root == newest.root
        await streams.forget()


# -- the builder -------------------------------------------------------------


@asynccontextmanager
async def builder(servers: Servers) -> AsyncIterator[LedgerLog]:
    database = Database(servers.postgres.url("points"))
    try:
        yield LedgerLog(database, Signer(key_of(SEED)), checkpoint_every_s=1e-3, on_publish=lambda: None)
    finally:
        await database.close()


async def test_no_entry_is_left_out_or_doubled_whatever_commits_when_and_whoever_builds(
    servers: Servers, points: Points, brand: str
) -> None:
    """Writers in many transactions at once, and three builders beside the service's, none of them the leader."""
    brands = [f"{brand}-{number}" for number in range(3)]
    for each in brands:
        await points.apply(each, programme())
        for member in range(6):
            await points.enrol(each, f"m{member}")
    writing = True

    async def build() -> None:
        async with builder(servers) as log:
            while writing:
                try:
                    await log.build()
                except asyncpg.LockNotAvailableError:
                    continue

    builders = [asyncio.create_task(build()) for _ in range(3)]
    calls = [
        grow(points, each, f"r{round_}-{member}", 5, f"m{member}")
        for round_ in range(8)
        for each in brands
        for member in range(6)
    ]
    made = await asyncio.gather(*calls)
    writing = False
    await asyncio.gather(*builders)
    for number, each in enumerate(brands):
        entries = sorted(entry for place, found in enumerate(made) if place // 6 % 3 == number for entry in found)
        newest = await signed(points, each, 240)
        found = await logged(points, each)
        assert [entry.id for entry in found] == entries
        assert root_of(found) == newest.root
        assert await violations(servers, each) == []


async def test_a_writer_that_does_not_commit_holds_up_the_log_and_not_other_writers(
    servers: Servers, points: Points, brand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entry has an id already, and another's that is larger commits first: neither may be left out."""
    slow, fast = f"{brand}-slow", f"{brand}-fast"
    for each in (slow, fast):
        await points.apply(each, programme())
        await points.enrol(each, "ann")
    gate, append = Gate(), outbox.append

    async def held(connection: asyncpg.Connection, of: str, events: Any) -> None:
        if of == slow:
            await gate(None)
        await append(connection, of, events)

    monkeypatch.setattr(outbox, "append", held)
    writing = asyncio.create_task(grow(points, slow, "a", 1))
    await gate.reached()
    (later,) = await asyncio.wait_for(grow(points, fast, "b", 1), 2)
    async with builder(servers) as log:
        with pytest.raises(asyncpg.LockNotAvailableError):
            await log.build()
    assert await code_of(proof(points, fast, later)) == "unknown_checkpoint"
    gate.open()
    (earlier,) = await writing
    assert earlier < later
    for each, entry in ((slow, earlier), (fast, later)):
        await signed(points, each, 1)
        assert (await proof(points, each, entry)).index == 0


async def test_another_replica_goes_on_when_the_one_that_builds_is_lost(
    settings_of: Callable[..., Any], points: Points, superuser: asyncpg.Connection, brand: str
) -> None:
    await points.apply(brand, programme())
    await points.enrol(brand, "ann")
    entries = await grow(points, brand, "before", 3)
    await signed(points, brand, 3)
    holding = (
        "SELECT pid FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted "
        "AND application_name = 'laurels:points:ledger-log'"
    )
    async with running("points", settings_of("points", checkpoint_every_s=EVERY_S)):

        async def builders() -> int:
            """Who waits asks again and again, and is seen by its connection alone."""
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'laurels:points:ledger-log'"
            return int(await superuser.fetchval(query))

        await eventually(builders, 2)
        for number in range(4):
            (builder_now,) = await superuser.fetch(holding)
            await superuser.execute("SELECT pg_terminate_backend($1)", builder_now["pid"])
            entries += await grow(points, brand, f"round-{number}", 3)
            await signed(points, brand, len(entries))
            await eventually(builders, 2)
    assert [entry.id for entry in await logged(points, brand)] == entries
    await signed(points, brand, len(entries))


@pytest.fixture
async def history(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A service's database whose entries are older than its log: 703 of one brand, 87 of another, in turns."""
    await servers.postgres.ensure_service(HISTORY)
    monkeypatch.setattr(migrations, "folder", lambda _: schema.folder("points"))
    await migrations.upgrade(HISTORY, servers.postgres.url(HISTORY, "owner"), f"laurels_{HISTORY}_app")
    session = await asyncpg.connect(servers.postgres.admin_url(f"laurels_{HISTORY}"))
    try:
        await session.execute("TRUNCATE accounts, entries, ledger_logs, ledger_tiles, ledger_checkpoints, outbox")
        await session.execute(_OLD)
        yield f"laurels_{HISTORY}"
    finally:
        await session.close()


HISTORY = "history"
_OLD = """
    INSERT INTO accounts (id, brand, owner, currency, kind, stripe) VALUES
        (-1, 'large', '', 'points', 'issued', 0), (1, 'large', 'ann', 'points', 'available', 0),
        (-2, 'small', '', 'Gems', 'issued', 0), (2, 'small', 'ann', 'Gems', 'available', 0);
    INSERT INTO entries (id, brand, key, digest, kind, debit, credit, amount, reference, occurred_at, recorded_at)
    SELECT 3 * number, CASE side WHEN 1 THEN 'large' ELSE 'small' END, number, '', 1 + number % 18, -side, side,
        number * 12345678901, '', '1901-02-03 04:05:06.000007+00'::timestamptz
        + number * interval '37 hours 1 microsecond', '2026-01-01'
    FROM generate_series(1, 790) AS number, LATERAL (SELECT CASE number % 9 WHEN 0 THEN 2 ELSE 1 END AS side);
    SELECT setval('entries_id_seq', 3000)"""
_MORE = """
    INSERT INTO entries (id, brand, key, digest, kind, debit, credit, amount, reference, occurred_at, recorded_at)
    SELECT id + 4000, brand, key || '-again', digest, kind, debit, credit, amount, reference, occurred_at, recorded_at
    FROM entries;
    SELECT setval('entries_id_seq', 9000)"""


async def test_entries_from_before_the_log_are_appended_and_a_kill_at_any_step_changes_nothing(
    servers: Servers, history: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        """The process ended here, and with it its transaction."""

    monkeypatch.setattr("services.points.log.AT_ONCE", 40)
    database = Database(servers.postgres.url(HISTORY))
    session = await asyncpg.connect(servers.postgres.admin_url(history))
    published: list[None] = []

    def process() -> LedgerLog:
        return LedgerLog(
            database, Signer(key_of(SEED)), checkpoint_every_s=1e-3, on_publish=lambda: published.append(None)
        )

    async def killed_at(module: Any, step: str, work: str, on_call: int) -> bool:
        """Whether a process that would die at a call of a step came so far."""
        real, calls = getattr(module, step), 0

        async def dying(*arguments: Any) -> Any:
            nonlocal calls
            answer = await real(*arguments)
            # The service of the other tests runs in this process, too.
            ours = await arguments[0].fetchval("SELECT current_database()") == history
            calls += ours
            if ours and calls == on_call:
                raise Killed
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(module, step, dying)
            try:
                await getattr(process(), work)()
            except Killed:
                return True
        return False

    try:
        assert await killed_at(store, "newest_id", "build", 1)
        assert await killed_at(store, "settled_id", "build", 1)
        for on_call in (1, 2, 3):
            for step in ("lock_logs", "new_leaves", "logs", "tiles", "save_tiles", "save_logs"):
                assert await killed_at(store, step, "build", on_call)
        await process().build()
        assert await process().build() == 0
        rows = await session.fetch("SELECT brand, size, last_entry, root FROM ledger_logs ORDER BY brand")
        assert [tuple(row)[:3] for row in rows] == [("large", 703, 2370), ("small", 87, 2349)]
        for row in rows:
            query = (
                "SELECT entries.id, debit, credit, currency, amount, entries.kind, occurred_at, recorded_at "
                "FROM entries JOIN accounts ON accounts.id = debit WHERE entries.brand = $1 ORDER BY id"
            )
            growing = merkle.Growing()
            for entry in await session.fetch(query, row["brand"]):
                growing.push(Leaf(*entry).hashed())
            assert growing.root() == row["root"]
        for module, step in ((store, "lock_logs"), (store, "unsigned"), (store, "add_checkpoint"), (outbox, "append")):
            assert await killed_at(module, step, "sign", 1)
        assert await session.fetchval("SELECT count(*) FROM ledger_checkpoints") == 0
        assert published == []
        assert await process().sign() == 2
        assert await process().sign() == 0
        assert len(published) == 1
        events = "SELECT brand, type FROM outbox ORDER BY brand"
        kind = log_events_pb2.CheckpointPublished.DESCRIPTOR.full_name
        assert [tuple(row) for row in await session.fetch(events)] == [("large", kind), ("small", kind)]
    finally:
        await session.close()
        await database.close()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE ledger_tiles SET hashes = set_byte(hashes, 0, 0) WHERE number = 0 AND", "not what they were"),
        ("DELETE FROM ledger_tiles WHERE number = 0 AND", "not what they were"),
        ("UPDATE ledger_checkpoints SET root = set_byte(root, 0, 0) WHERE", "not what was signed"),
        ("UPDATE ledger_checkpoints SET note = replace(note, 'time 2', 'time 3') WHERE", "signature"),
        ("UPDATE ledger_checkpoints SET note = '' WHERE", "not a signed note"),
    ],
)
async def test_a_log_that_is_not_what_was_signed_is_not_signed_again(
    servers: Servers, history: str, damage: str, says: str
) -> None:
    database = Database(servers.postgres.url(HISTORY))
    session = await asyncpg.connect(servers.postgres.admin_url(history))
    try:
        log = LedgerLog(database, Signer(key_of(SEED)), checkpoint_every_s=1e-3, on_publish=lambda: None)
        await log.build()
        assert await log.sign() == 2
        await session.execute(_MORE)
        await log.build()
        await session.execute(f"{damage} brand = 'large'")
        assert await log.sign() == 1
        newest = "SELECT brand, max(size) FROM ledger_checkpoints GROUP BY brand ORDER BY brand"
        assert [tuple(row) for row in await session.fetch(newest)] == [("large", 703), ("small", 174)]
        (unsigned,) = await store.unsigned(session, datetime.now(UTC))
        with pytest.raises(LogDamaged, match=says):
            await log._check(session, unsigned)
    finally:
        await session.close()
        await database.close()


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM ledger_tiles WHERE level = 0 AND number = 2",
        "UPDATE ledger_tiles SET hashes = substr(hashes, 1, 32) WHERE level = 0 AND number = 2",
        "UPDATE ledger_tiles SET hashes = set_byte(hashes, 0, 0) WHERE level = 1",
        "UPDATE ledger_logs SET root = set_byte(root, 0, 0)",
    ],
)
async def test_nothing_is_appended_to_a_damaged_edge(servers: Servers, history: str, damage: str) -> None:
    database = Database(servers.postgres.url(HISTORY))
    session = await asyncpg.connect(servers.postgres.admin_url(history))
    try:
        log = LedgerLog(database, Signer(key_of(SEED)), checkpoint_every_s=1e-3, on_publish=lambda: None)
        await log.build()
        await session.execute(_MORE)
        await session.execute(damage)
        with pytest.raises(LogDamaged):
            await log.build()
        sizes = "SELECT size FROM ledger_logs ORDER BY size"
        assert [row["size"] for row in await session.fetch(sizes)] == [87, 703]
    finally:
        await session.close()
        await database.close()


# -- tampering ---------------------------------------------------------------


class Gateway:
    """What the export asks the gateway, answered by the service itself."""

    def __init__(self, points: Points, brand: str) -> None:
        self._points, self._brand = points, brand
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def call(self, _method: str, path: str) -> Any:
        path, _, query = path.partition("?")
        asked = dict(part.split("=") for part in query.split("&"))
        kind = {
            "/v1/ledger/checkpoints": ("ListCheckpoints", log_pb2.ListCheckpointsRequest),
            "/v1/ledger/entries": ("ListLedgerEntries", log_pb2.ListLedgerEntriesRequest),
        }[path]
        request = kind[1](page_size=int(asked["page_size"]), page_token=asked["page_token"])
        call = self._points.call(kind[0], request, self._brand)
        return json_codec.loads(json_codec.dumps(asyncio.run_coroutine_threadsafe(call, self._loop).result(20)))


@pytest.fixture
def exported(points: Points, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Exports a brand's ledger as the command does, and returns the file and the key."""

    async def export(brand: str) -> tuple[Path, str]:
        gateway, out = Gateway(points, brand), tmp_path / "ledger.ndjson"
        monkeypatch.setattr(cli_ledger, "GatewayClient", lambda *_: gateway)
        target = Target(tmp_path, "http://gateway", "a token")
        await asyncio.to_thread(cli_ledger.export, target, out, Console(quiet=True))
        return out, (await checkpoints(points, brand)).public_key

    return export


def check(file: Path, key: str, since: Path | None = None) -> tuple[bool, str]:
    """Whether the command finds that a ledger holds, and what it says."""
    console = Console(file=io.StringIO(), width=1_000)
    holds = cli_ledger.verify(file, [key], since, console)
    return holds, console.file.getvalue()  # type: ignore[attr-defined]


TAMPERINGS = {
    "changed": "UPDATE entries SET amount = amount + 1 WHERE id = {entry}",
    "moved in time": "UPDATE entries SET occurred_at = occurred_at + interval '1 microsecond' WHERE id = {entry}",
    "recorded earlier": "UPDATE entries SET recorded_at = recorded_at - interval '1 microsecond' WHERE id = {entry}",
    "of another kind": "UPDATE entries SET kind = kind + 1 WHERE id = {entry}",
    "for another": "UPDATE entries SET credit = (SELECT credit FROM entries WHERE id = {last}) WHERE id = {entry}",
    "removed": "DELETE FROM entries WHERE id = {entry}",
    "inserted": "INSERT INTO entries (id, brand, key, digest, kind, debit, credit, amount, reference, occurred_at) "
    "SELECT {gap}, brand, key || '-', digest, kind, debit, credit, amount, reference, occurred_at FROM entries "
    "WHERE id = {entry}",
    "swapped": "UPDATE entries SET amount = other.amount FROM entries AS other WHERE (entries.id, other.id) IN "
    "(({entry}, {next}), ({next}, {entry}))",
    "renumbered": "UPDATE entries SET id = {gap} WHERE id = {entry}",
    "of another currency": "UPDATE accounts SET currency = 'gems' WHERE id IN "
    "(SELECT unnest(ARRAY[debit, credit]) FROM entries WHERE id = {entry})",
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_a_past_row_that_was_tampered_with_makes_the_check_fail(
    servers: Servers,
    points: Points,
    superuser: asyncpg.Connection,
    brand: str,
    exported: Callable[[str], Any],
    tmp_path: Path,
    name: str,
) -> None:
    await points.apply(brand, programme())
    for member in ("ann", "bob"):
        await points.enrol(brand, member)
    entries = await grow(points, brand, "a", 20)
    # A refused transaction leaves a hole in the ids, in which a row may be put.
    gap = await superuser.fetchval("SELECT nextval('entries_id_seq')")
    await signed(points, brand, 20)
    entries += await grow(points, brand, "b", 20)
    await signed(points, brand, 40)
    entries += await grow(points, brand, "c", 5, "bob")
    newest = await signed(points, brand, 45)
    file, key = await exported(brand)
    holds, said = check(file, key)
    assert holds, said
    assert f"45 entries from {brand}.laurels" in said
    kept = tmp_path / "kept.note"
    kept.write_text(newest.note)
    assert check(file, key, kept)[0]
    assert await violations(servers, brand) == []
    places = {"entry": entries[25], "next": entries[26], "last": entries[-1], "gap": gap}
    await superuser.execute(TAMPERINGS[name].format(**places))
    file, key = await exported(brand)
    holds, said = check(file, key)
    assert not holds
    wrong = "Entries 21 to 40" if name not in ("inserted", "renumbered", "of another currency") else "Entries "
    assert wrong in said, said
    assert any("is not what the entries are" in sentence for sentence in await violations(servers, brand))
    if name in ("changed", "moved in time", "of another kind"):
        assert await code_of(proof(points, brand, entries[25])) == "entry_differs"


async def test_a_ledger_that_was_made_anew_does_not_continue_a_checkpoint_that_was_kept(
    points: Points, brand: str, exported: Callable[[str], Any], tmp_path: Path, superuser: asyncpg.Connection
) -> None:
    """With the secret key everything can be signed; who kept a checkpoint knows better."""
    await points.apply(brand, programme())
    await points.enrol(brand, "ann")
    entries = await grow(points, brand, "a", 10)
    newest = await signed(points, brand, 10)
    kept = tmp_path / "kept.note"
    kept.write_text(newest.note)
    await superuser.execute("UPDATE entries SET amount = amount + 1 WHERE id = $1", entries[4])
    growing = merkle.Growing()
    for entry in await logged(points, brand):
        growing.push(hashed(entry))
    file, key = await exported(brand)
    signer = Signer(key_of(SEED))
    lines = [line for line in file.read_bytes().splitlines() if b'"checkpoint"' not in line]
    forged = orjson.dumps({"checkpoint": signer.sign(brand, 10, growing.root(), datetime.now(UTC))})
    file.write_bytes(b"\n".join([lines[0], forged, *lines[1:]]) + b"\n")
    own = str(signer.public_key(brand))
    assert check(file, own)[0]
    holds, said = check(file, own, kept)
    assert (holds, "older checkpoint does not hold" in said) == (False, True)
    console = Console(file=io.StringIO(), width=1_000)
    assert not cli_ledger.verify(file, [own, key], kept, console)
    assert "the older checkpoint of 10 entries" in console.file.getvalue()  # type: ignore[attr-defined]

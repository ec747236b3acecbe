"""The ledger of a running suite is exported and checked by the commands, and tampering with the database shows."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rich.console import Console

from cli import ledger
from cli.gateway_client import CommandFailed, Target
from cli.supervisor import Suite
from services.points.checkpoints import PublicKey, opened
from tests.e2e.world import World, eventually

QUIET = Console(quiet=True)


async def laurels(*arguments: str) -> tuple[int, str]:
    """The exit status of a command, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_an_exported_ledger_is_checked_with_the_public_key_alone(
    suite: Suite, brand: str, tmp_path: Path
) -> None:
    file, kept = tmp_path / "ledger.ndjson", tmp_path / "kept.note"
    async with World(suite, brand) as world:
        target = Target(suite.data.path, suite.gateway_url, brand=brand)
        with pytest.raises(CommandFailed, match="has no checkpoint yet"):
            await asyncio.to_thread(ledger.export, target, file, QUIET)
        await world.buy("ann", 12_000, 3_000)

        async def checkpoints() -> list[Any]:
            return list((await world.get("/v1/ledger/checkpoints"))["checkpoints"])

        async def are_there() -> bool:
            return bool(await checkpoints())

        await eventually(are_there, True)
        newest = (await checkpoints())[0]
        kept.write_text(newest["note"])
        key = ledger.public_key(suite.data.path, brand)
        assert opened(newest["note"], [PublicKey.parse(key)]).size == newest["size"] > 0

        member = world.token("member", "ann")
        first = (await world.get("/v1/ledger/entries?page_size=1"))["entries"][0]
        proof = await world.get(f"/v1/ledger/entries/{first['id']}/proof", token=member)
        assert (proof["entry"], proof["index"]) == (first, 0)
        refused = await world.call("GET", f"/v1/ledger/entries/{first['id']}/proof", token=world.token("member", "bob"))
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_entry")
        path = f"/v1/ledger/checkpoints:consistency?from={newest['size']}&to={newest['size']}"
        assert (await world.get(path, token=member))["path"] == []

        data = ("--data", str(suite.data.path), "--brand", brand)
        status, said = await laurels("export-ledger", "--out", str(file), *data)
        assert (status, key in said) == (0, True), said
        status, said = await laurels("verify-ledger", str(file), "--key", key, "--since", str(kept))
        assert (status, "The ledger holds" in said) == (0, True), said

        session = await asyncpg.connect(suite.servers.postgres.admin_url("laurels_points"))
        try:
            change = "UPDATE entries SET amount = amount + $2 WHERE id = $1"
            await session.execute(change, first["id"], 1)
            try:
                await asyncio.to_thread(ledger.export, target, file, QUIET)
            finally:
                await session.execute(change, first["id"], -1)
        finally:
            await session.close()
        status, said = await laurels("verify-ledger", str(file), "--key", key)
        assert (status, "Entries 1 to " in said) == (1, True), said

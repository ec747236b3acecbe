"""What the ledger comes to is told by brand and currency, and an imbalance is seen."""

import asyncpg
import pytest
from prometheus_client import REGISTRY

from chassis import metrics
from chassis.configuration import record
from chassis.database import Database
from cli.embedded import Servers
from services.points import totals


def told(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_totals_and_an_imbalance_are_told(servers: Servers, brand: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a process that has met no other brand tells it.
    monkeypatch.setattr(metrics, "_brands", {brand})
    database = Database(servers.postgres.url("points"))
    session = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    account = """
        INSERT INTO accounts (brand, owner, currency, kind, stripe, id, balance)
        VALUES ($1, $2, 'points', $3, 0, $4, $5)"""
    try:
        async with database.transaction(brand) as connection:
            await record(connection, brand, 1, b"")
        await session.execute(account, brand, "", "issued", -(10**12), -500)
        await session.execute(account, brand, "", "redeemed", -(10**12) - 1, 120)
        await session.execute(account, brand, "ann", "available", 10**12, 380)
        await totals.observe(database, in_full=True)
        assert told("laurels_points_total", brand=brand, currency="points", account="issued") == -500
        assert told("laurels_points_total", brand=brand, currency="points", account="redeemed") == 120
        assert told("laurels_ledger_imbalance", brand=brand, currency="points") == 0
        await session.execute("UPDATE accounts SET balance = 390 WHERE brand = $1 AND owner = 'ann'", brand)
        await totals.observe(database, in_full=False)
        assert told("laurels_ledger_imbalance", brand=brand, currency="points") == 0, "the trial balance is made seldom"
        await totals.observe(database, in_full=True)
        assert told("laurels_ledger_imbalance", brand=brand, currency="points") == 10
    finally:
        await session.execute("DELETE FROM accounts WHERE brand = $1", brand)
        await session.execute("DELETE FROM configurations WHERE brand = $1", brand)
        await session.close()
        await database.close()

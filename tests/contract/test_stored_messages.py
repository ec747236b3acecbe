"""A stored message's fields are columns of the query that fills it, or are listed as derived.

The mapping is one expression, `Message(**row)`: a field that a query forgets
would be empty for everybody, and tests of other fields would not notice.
"""

from importlib import import_module
from typing import Any

import asyncpg
import pytest
from google.protobuf.message import Message

from cli.embedded import Servers
from laurels.points.v1 import points_pb2
from laurels.recommender.v1 import recommender_pb2

# Service, statement in its store.py, message, and the fields that the code adds to the row.
STORED: list[tuple[str, str, type[Message], set[str]]] = [
    ("points", "_MEMBER", points_pb2.Member, {"wallets", "attributes", "awaits_guardian"}),
    ("points", "_WALLETS", points_pb2.Wallet, set()),
    ("points", "_STATEMENT", points_pb2.Entry, set()),
    ("points", "_LIABILITY", points_pb2.CurrencyLiability, {"outstanding"}),
    ("recommender", "_PROFILES", recommender_pb2.Profile, set()),
    ("recommender", "_REPORT", recommender_pb2.RewardOutcome, set()),
]
KINDS: dict[str, set[Any]] = {
    "string": {"text"},
    "int64": {"int8", "numeric"},
    "double": {"float8"},
    "enum": {"int4"},
    "message": {"timestamptz"},
}


@pytest.mark.parametrize(
    ("service", "statement", "message", "derived"),
    STORED,
    ids=[f"{service}{statement}" for service, statement, *_ in STORED],
)
async def test_every_field_of_a_stored_message_is_a_column_or_is_derived(
    servers: Servers, service: str, statement: str, message: type[Message], derived: set[str]
) -> None:
    sql = getattr(import_module(f"services.{service}.store"), statement)
    connection = await asyncpg.connect(servers.postgres.url(service))
    try:
        columns = {column.name: column.type.name for column in (await connection.prepare(sql)).get_attributes()}
    finally:
        await connection.close()
    fields = message.DESCRIPTOR.fields_by_name
    assert columns.keys() | derived == set(fields)
    assert not columns.keys() & derived
    for name, kind in columns.items():
        assert kind in KINDS[_kind(fields[name])], name


def _kind(field: Any) -> str:
    names = {
        field.TYPE_STRING: "string",
        field.TYPE_INT64: "int64",
        field.TYPE_DOUBLE: "double",
        field.TYPE_ENUM: "enum",
        field.TYPE_MESSAGE: "message",
    }
    return names[field.type]

"""Compiled configurations are kept as long as they are used."""

from typing import Any

import pytest

from chassis import configuration
from chassis.configuration import Configurations


class Documents:
    """The database: a document for every version."""

    async def fetchval(self, _query: str, brand: str, version: int) -> bytes:
        return f"{brand} {version}".encode()


async def test_the_one_that_was_not_used_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "REMEMBERED_MAX", 2)
    compiled: list[bytes] = []

    def compile_document(document: bytes) -> bytes:
        compiled.append(document)
        return document

    kept = Configurations(compile_document)
    connection: Any = Documents()
    for brand in ("a", "b", "a", "c", "a", "b"):
        assert await kept.at(connection, brand, 1) == f"{brand} 1".encode()
    assert compiled == [b"a 1", b"b 1", b"c 1", b"b 1"]

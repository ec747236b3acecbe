"""Each brand's configuration has versions, and a decision is made under the version that its event names.

One service records new versions; the others adopt each with its event. Compiled
forms are kept in memory by brand and version, which never change; when there
are too many, the one that was not used for longest goes.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import asyncpg

from chassis.errors import NotFound
from chassis.write_path import NotYet

REMEMBERED_MAX = 1_000
Compiled = TypeVar("Compiled")


class Configurations(Generic[Compiled]):
    """A service's compiled configurations."""

    def __init__(self, compile_document: Callable[[bytes], Compiled]) -> None:
        self._compile = compile_document
        self._compiled: OrderedDict[tuple[str, int], Compiled] = OrderedDict()

    async def at(self, connection: asyncpg.Connection, brand: str, version: int) -> Compiled:
        """The configuration of a version. Raises NotYet before this service has it."""
        if (known := self._compiled.get((brand, version))) is not None:
            self._compiled.move_to_end((brand, version))
            return known
        document = await connection.fetchval(
            "SELECT document FROM configurations WHERE brand = $1 AND version = $2", brand, version
        )
        if document is None:
            raise NotYet(f"Version {version} of brand {brand!r} has not arrived yet.")
        return self._remember(brand, version, document)

    async def newest(self, connection: asyncpg.Connection, brand: str) -> tuple[int, Compiled]:
        """The newest version and its configuration. Raises NotFound (`unknown_brand`) before the first."""
        version = await newest_version(connection, brand)
        if version == 0:
            raise NotFound(f"Brand {brand!r} has no programme yet.", code="unknown_brand")
        return version, await self.at(connection, brand, version)

    def _remember(self, brand: str, version: int, document: bytes) -> Compiled:
        compiled = self._compile(document)
        self._compiled[(brand, version)] = compiled
        if len(self._compiled) > REMEMBERED_MAX:
            self._compiled.popitem(last=False)
        return compiled


async def newest_version(connection: asyncpg.Connection, brand: str) -> int:
    """The newest version that this service has; 0 before the first."""
    found = await connection.fetchval("SELECT max(version) FROM configurations WHERE brand = $1", brand)
    return int(found or 0)


async def record(connection: asyncpg.Connection, brand: str, version: int, document: bytes) -> None:
    """Keeps a version; keeping it again changes nothing."""
    await connection.execute(
        "INSERT INTO configurations (brand, version, document) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        brand,
        version,
        document,
    )

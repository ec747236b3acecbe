"""Deliveries are tried when they are due, many endpoints at once, and none holds up another.

One replica tries. A try that was made and not recorded, because the process
died, is made again under the same `webhook-id`.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx

from chassis.database import EVERY_BRAND, Database
from chassis.errors import DomainError
from chassis.leadership import exclusively
from chassis.logging import logger
from chassis.loops import Beat, beating
from chassis.sealing import Seal, WrongKey
from chassis.write_path import WritePath
from services.missions.addresses import AddressRefused, Resolve, checked, port_of, system_resolve
from services.missions.store import webhooks as store
from services.missions.store.webhooks import Attempt, Due
from services.missions.webhook_rules import PAUSES, headers_of, is_taken
from services.missions.webhooks import Tried

LOOK_EVERY_S = 0.5
ENDPOINT_AT_ONCE, AT_ONCE = 4, 256
"""So many tries of an endpoint, and of all together."""
TRY_S, CONNECT_S = 15.0, 5.0
ADDRESSES_MAX = 3
DETAIL_LENGTH_MAX = 200
FORGET_EVERY = timedelta(hours=1)
FORGOTTEN_AT_ONCE = 500
_log = logger("webhooks")


def place_of(brand: str, webhook: str) -> str:
    """Where an endpoint's secret is sealed; neither id can hold a slash."""
    return f"{brand}/{webhook}"


class Deliverer:
    """Tries deliveries. `loopback` allows this machine's own addresses, and http."""

    def __init__(
        self,
        database: Database,
        write_path: WritePath,
        seal: Seal,
        *,
        loopback: bool = False,
        keep: timedelta = timedelta(days=7),
        resolve: Resolve = system_resolve,
        pauses: Sequence[timedelta] = PAUSES,
        try_s: float = TRY_S,
    ) -> None:
        self._database, self._write_path, self._seal = database, write_path, seal
        self._loopback, self._keep, self._resolve = loopback, keep, resolve
        self._pauses, self._try_s = pauses, try_s
        self._trying: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._of_endpoint: Counter[tuple[str, str]] = Counter()
        self._ended = asyncio.Event()
        self._forgot_at = datetime.min.replace(tzinfo=UTC)

    async def run(self, beat: Beat) -> None:
        """Tries what is due, for ever, in the one replica that holds the lock."""
        try:
            # One whose tries take long is alive.
            async with (
                exclusively(self._database.url, "missions:webhooks", beat),
                beating(beat),
                self._client() as client,
            ):
                while True:
                    self._ended.clear()
                    now = datetime.now(UTC)
                    await self._begin_due(client, now)
                    await self._forget(now)
                    # The next of an endpoint begins when one of its tries ends.
                    try:
                        async with asyncio.timeout(LOOK_EVERY_S):
                            await self._ended.wait()
                    except TimeoutError:
                        continue
        finally:
            for task in self._trying.values():
                task.cancel()
            await asyncio.gather(*self._trying.values(), return_exceptions=True)

    def _client(self) -> httpx.AsyncClient:
        """No connection is kept: one that was verified for a name must not serve another at the same address."""
        return httpx.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=httpx.Timeout(self._try_s, connect=CONNECT_S),
        )

    async def _begin_due(self, client: httpx.AsyncClient, now: datetime) -> None:
        # Those that are tried now are still due, and one that ends while this looks may be found due all the same.
        busy = set(self._trying)
        async with self._database.reading(EVERY_BRAND) as connection:
            found = await store.due(connection, now, 2 * ENDPOINT_AT_ONCE)
        for due in found:
            endpoint, key = (due.brand, due.webhook), (due.brand, due.delivery)
            full = len(self._trying) >= AT_ONCE or self._of_endpoint[endpoint] >= ENDPOINT_AT_ONCE
            if key in busy or full:
                continue
            self._of_endpoint[endpoint] += 1
            task = self._trying[key] = asyncio.create_task(self._try(client, due))
            task.add_done_callback(lambda _, key=key, endpoint=endpoint: self._end(key, endpoint))  # type: ignore[misc]

    def _end(self, key: tuple[str, str], endpoint: tuple[str, str]) -> None:
        del self._trying[key]
        self._of_endpoint[endpoint] -= 1
        if not self._of_endpoint[endpoint]:
            del self._of_endpoint[endpoint]
        self._ended.set()

    async def _try(self, client: httpx.AsyncClient, due: Due) -> None:
        at = datetime.now(UTC)
        status, detail = await self._post(client, due, at)
        attempt = Attempt(due.delivery, at, status, detail[:DETAIL_LENGTH_MAX])
        try:
            await self._write_path.submit(due.brand, Tried(attempt, self._pauses))
        except DomainError as error:
            # It is still due, and tried again.
            _log.warning("try not recorded", brand=due.brand, delivery=due.delivery, error=repr(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _post(self, client: httpx.AsyncClient, due: Due, at: datetime) -> tuple[int, str]:
        """The status that the endpoint answered with, or 0, and what went wrong."""
        try:
            place = place_of(due.brand, due.webhook)
            secrets = [self._seal.open(place, due.sealed).decode()]
            if due.previous and due.previous_until is not None and at < due.previous_until:
                secrets.append(self._seal.open(place, due.previous).decode())
        except WrongKey:
            _log.error("secret does not open", brand=due.brand, webhook=due.webhook)
            return 0, "the endpoint's secret does not open: it was sealed under another LAURELS_WEBHOOK_KEY"
        headers = headers_of(due.delivery, due.body, at, secrets)
        try:
            async with asyncio.timeout(self._try_s):
                status = await self._send(client, due.url, due.body.encode(), headers)
        except (AddressRefused, httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            return 0, str(error) or type(error).__name__
        return status, "" if is_taken(status) else f"answered {status}"

    async def _send(self, client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Posts to one of the addresses that were checked, under the endpoint's own name."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", port_of(parts)
        addresses = await checked(host, port, self._resolve, loopback=self._loopback)
        target = httpx.URL(url)
        for place, address in enumerate(addresses[:ADDRESSES_MAX], start=1):
            request = client.build_request(
                "POST",
                target.copy_with(host=str(address)),
                content=body,
                headers=headers | {"host": target.netloc.decode()},
                extensions={"sni_hostname": host},
            )
            try:
                answer = await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if place == min(len(addresses), ADDRESSES_MAX):
                    raise
                continue
            await answer.aclose()  # what it says besides is not read
            return answer.status_code
        raise AddressRefused(f"{host} has no address")

    async def _forget(self, now: datetime) -> None:
        """Deletes what was delivered, or given up, longer ago than deliveries are kept."""
        if now - self._forgot_at < FORGET_EVERY:
            return
        self._forgot_at = now
        async with self._database.reading(EVERY_BRAND) as connection:
            brands = await store.brands(connection)
        for brand in brands:
            async with self._database.transaction(brand) as connection:
                await store.forget(connection, brand, now - self._keep, FORGOTTEN_AT_ONCE)

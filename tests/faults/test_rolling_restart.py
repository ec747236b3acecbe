"""A rolling restart of two replicas loses no request that comes through the gateway's channel.

The channel tries again what a stopping replica refuses; every activity is
answered, and recorded once.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from chassis.configuration import record
from chassis.database import Database
from cli.embedded import Servers
from gateway.backends import _CHANNEL_OPTIONS
from laurels.activity.v1 import activity_pb2, activity_pb2_grpc
from laurels.activity.v1.activity_pb2 import Activity
from tests.integration.points_support import PER_UNIT, programme

WITHIN_S = 60.0
CALLERS = 16


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Replica:
    """A points service as a process at an address that it keeps."""

    def __init__(self, settings: Any, log: Path) -> None:
        plain = {
            f"LAURELS_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in settings.model_dump().items()
        }
        self.address, self._log, self._environment = settings.listen, log, {**os.environ, **plain}
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns when it says that it is ready."""
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.points"], env=self._environment, stdout=out, stderr=out
            )
        async with asyncio.timeout(WITHIN_S), grpc.aio.insecure_channel(self.address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            while True:
                assert self.process.poll() is None, self._log.read_text()[-2_000:]
                with suppress(grpc.aio.AioRpcError):
                    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=2, wait_for_ready=True)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Ends it as Kubernetes does; it ends by itself, in good order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(self.process.wait, 30) == 0


async def test_a_rolling_restart_under_load_loses_no_request(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str], brand: str, tmp_path: Path
) -> None:
    database = Database(servers.postgres.url("points"))
    async with database.transaction(brand) as connection:
        await record(connection, brand, 1, programme(PER_UNIT).SerializeToString())
    replicas = [
        Replica(
            settings_of("points", listen=f"127.0.0.1:{_free_port()}", unready_s=0.5, drain_s=5.0),
            tmp_path / f"{number}.log",
        )
        for number in range(2)
    ]
    try:
        for replica in replicas:
            await replica.start()
        failures: list[str] = []
        sent, over = 0, asyncio.Event()
        target = "ipv4:" + ",".join(replica.address for replica in replicas)
        metadata = (("authorization", f"Bearer {token(brand)}"),)

        async with grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS) as channel:
            stub = activity_pb2_grpc.ActivityServiceStub(channel)

            async def call(caller: int) -> None:
                nonlocal sent
                number = 0
                while not over.is_set():
                    number += 1
                    one = Activity(
                        id=f"{caller}-{number}",
                        member=f"member-{caller}",
                        type="purchase",
                        occurred_at=Timestamp(seconds=1_772_366_400 + number),
                    )
                    one.attributes.update({"amount": 1})
                    try:
                        request = activity_pb2.RecordActivitiesRequest(activities=[one])
                        await stub.RecordActivities(request, timeout=10, metadata=metadata)
                        sent += 1
                    except grpc.aio.AioRpcError as error:
                        failures.append(f"{error.code()}: {error.details()}")
                    await asyncio.sleep(0.01)

            callers = [asyncio.create_task(call(number)) for number in range(CALLERS)]
            for replica in replicas:
                before = sent
                await replica.stop()
                await replica.start()
                async with asyncio.timeout(WITHIN_S):
                    while sent < before + 20:
                        await asyncio.sleep(0.1)
            over.set()
            await asyncio.gather(*callers)
        assert Counter(failures) == Counter()
        async with database.reading(brand) as connection:
            assert await connection.fetchval("SELECT count(*) FROM activities") == sent
    finally:
        for replica in replicas:
            if replica.process is not None and replica.process.poll() is None:
                replica.process.kill()
                replica.process.wait()
        await database.close()

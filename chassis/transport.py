"""The connection to NATS that never gives up, and the streams on it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import nats
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from chassis.events import stream
from chassis.logging import logger

_log = logger("transport")
DUPLICATE_WINDOW_S = 120
PUBLISH_TIMEOUT_S = 5


async def connect(url: str, *, name: str, user: str = "", password: str = "") -> Client:
    """A connection that reconnects for ever.

    Its inboxes are `_INBOX.<name>`, which is what the user's permissions allow.
    """

    async def report(error: Exception) -> None:
        _log.warning("nats", error=str(error) or type(error).__name__, client=name)

    async def reconnected() -> None:
        _log.info("nats reconnected", client=name)

    return await nats.connect(
        url,
        name=f"laurels-{name}",
        user=user or None,
        password=password or None,
        inbox_prefix=f"_INBOX.{name}",
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        error_cb=report,
        reconnected_cb=reconnected,
        pending_size=16 * 2**20,
    )


def jetstream(client: Client) -> JetStreamContext:
    return client.jetstream(timeout=PUBLISH_TIMEOUT_S)


class StreamSettings(Protocol):
    """What streams are made by."""

    @property
    def stream_replicas(self) -> int: ...
    @property
    def stream_bytes_max(self) -> int: ...
    @property
    def retention_days(self) -> int: ...


STREAM_FIELDS = (
    "subjects", "retention", "discard", "storage", "max_bytes", "max_age", "duplicate_window", "num_replicas",
    "deny_delete",
)  # fmt: skip
"""What `stream_config` says of a stream."""


def differences(found: object, wanted: object, fields: Sequence[str]) -> list[str]:
    """How what was found differs from what is wanted, a phrase a field."""
    pairs = ((field, getattr(found, field), getattr(wanted, field)) for field in fields)
    return [f"{field} is {is_now!r}, not {meant!r}" for field, is_now, meant in pairs if is_now != meant]


def stream_config(service: str, settings: StreamSettings) -> StreamConfig:
    """The stream of a producing service, as reliability.md asks."""
    return StreamConfig(
        name=stream(service),
        subjects=[f"laurels.{service}.>"],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        storage=StorageType.FILE,
        max_bytes=settings.stream_bytes_max,
        max_age=settings.retention_days * 86_400,
        duplicate_window=DUPLICATE_WINDOW_S,
        num_replicas=settings.stream_replicas,
        deny_delete=True,
    )


async def ensure_stream(
    js: JetStreamContext, config: StreamConfig, missing: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Makes the stream what `config` says, keeping what it holds; calls `missing` before it makes a new one."""
    try:
        await js.stream_info(str(config.name))
    except NotFoundError:
        if missing is not None:
            await missing()
        await js.add_stream(config)
    else:
        await js.update_stream(config)


def header(message: Any, name: str) -> str:
    """A header of a message; empty when it has none."""
    return str((message.headers or {}).get(name, ""))

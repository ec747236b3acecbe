"""Sets NATS up as the code declares it, and says what differed.

Streams, consumers and permissions come from the same declarations that the
services work by. Doing it again changes nothing. What cannot be set from here,
permissions and consumers that nobody declares, is only reported.
"""

import contextlib
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import nats.errors
import orjson
from nats.aio.client import Client
from nats.js.api import ConsumerConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console

from chassis.consumer import CONSUMER_FIELDS, consumer_config, durable_name, same_subjects
from chassis.events import stream
from chassis.settings import Lanes, Password, ServiceSettings
from chassis.transport import STREAM_FIELDS, connect, differences, jetstream, stream_config
from cli.nats_users import SERVICES, USER_INFO, nats_users

Kind = Literal["made", "changed", "differs"]
_SHARED = ServiceSettings.model_fields


class BootstrapSettings(BaseSettings):
    """Where NATS is, who sets it up, and what the services are told of streams and lanes."""

    model_config = SettingsConfigDict(env_prefix="LAURELS_", frozen=True, extra="ignore", hide_input_in_errors=True)

    nats_url: str = "nats://127.0.0.1:4222"
    operator_password: Password
    stream_replicas: int = Field(_SHARED["stream_replicas"].default, ge=1, le=5)
    stream_bytes_max: int = Field(_SHARED["stream_bytes_max"].default, ge=2**20)
    retention_days: int = Field(_SHARED["retention_days"].default, ge=1)
    lanes: Lanes = 1
    points_nats_password: SecretStr = Field(SecretStr(""), description="of the user whose permissions are compared")
    missions_nats_password: SecretStr = SecretStr("")
    leaderboard_nats_password: SecretStr = SecretStr("")
    recommender_nats_password: SecretStr = SecretStr("")
    gateway_nats_password: SecretStr = SecretStr("")
    eraser_nats_password: SecretStr = SecretStr("")

    def passwords(self) -> Mapping[str, str]:
        """The password of each user that one is known of."""
        known = {user: getattr(self, f"{user}_nats_password", SecretStr("")) for user in nats_users()}
        return {user: secret.get_secret_value() for user, secret in known.items() if secret.get_secret_value()}


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that was not as declared, and what was done about it."""

    what: str
    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.kind}" + (f" ({self.detail})" if self.detail else "")


async def bootstrap(settings: BootstrapSettings, console: Console, *, check: bool = False) -> bool:
    """Sets everything up, or only looks when `check`; whether all is now as declared."""
    found = await reconcile(settings, check=check)
    for drift in found:
        console.print(str(drift), markup=False, highlight=False, soft_wrap=True)
    left = [drift for drift in found if check or drift.kind == "differs"]
    console.print(f"{len(found)} drifted, {len(left)} left." if found else "Everything is as declared.")
    return not left


async def reconcile(settings: BootstrapSettings, *, check: bool) -> list[Drift]:
    """Makes what is missing and changes what differs, unless `check`; all that was not as declared."""
    async with _connected(settings.nats_url, "operator", settings.operator_password.get_secret_value()) as client:
        js, found = jetstream(client), []
        for service in SERVICES:
            found += await _stream(js, service, settings, check=check)
        for service in SERVICES:
            found += await _consumers(js, service, settings.lanes, check=check)
    for user, password in settings.passwords().items():
        found += await _permissions(settings.nats_url, user, password)
    return found


async def _stream(js: JetStreamContext, service: str, settings: BootstrapSettings, *, check: bool) -> list[Drift]:
    wanted, what = stream_config(service, settings), f"stream {stream(service)}"
    try:
        info = await js.stream_info(stream(service))
    except NotFoundError:
        if not check:
            await js.add_stream(wanted)
        return [Drift(what, "made")]
    if not (differing := differences(info.config, wanted, STREAM_FIELDS)):
        return []
    if not check:
        await js.update_stream(wanted)
    return [Drift(what, "changed", "; ".join(differing))]


async def _consumers(js: JetStreamContext, service: str, lanes: int, *, check: bool) -> list[Drift]:
    found: list[Drift] = []
    declared = importlib.import_module(f"services.{service}.subscriber").SUBSCRIPTIONS
    for source, types in declared.items():
        events = [kind.DESCRIPTOR.name for kind in types]
        present: dict[str, ConsumerConfig] = {}
        with contextlib.suppress(NotFoundError):
            present = {info.name: info.config for info in await js.consumers_info(stream(source))}
        for lane in range(lanes):
            name = durable_name(service, lane, lanes)
            wanted = consumer_config(service, source, events, lane, lanes)
            found += await _consumer(js, source, present.pop(name, None), wanted, check=check)
        found += [
            Drift(
                f"consumer {stream(source)}/{name}", "differs", "nobody declares it; delete it when no service uses it"
            )
            for name in sorted(present)
            if name.startswith(f"{service}-")
        ]
    return found


async def _consumer(
    js: JetStreamContext, source: str, present: ConsumerConfig | None, wanted: ConsumerConfig, *, check: bool
) -> list[Drift]:
    what = f"consumer {stream(source)}/{wanted.durable_name}"
    if present is None:
        if not check:
            await js.add_consumer(stream(source), wanted)
        return [Drift(what, "made")]
    differing = differences(present, wanted, CONSUMER_FIELDS)
    if not same_subjects(present, wanted):
        differing.append(f"it hears {present.filter_subjects or present.filter_subject}, not {wanted.filter_subjects}")
    if not differing:
        return []
    if not check:
        # Where it began is history, and cannot be changed.
        wanted.deliver_policy, wanted.opt_start_seq = present.deliver_policy, present.opt_start_seq
        await js.add_consumer(stream(source), wanted)
    return [Drift(what, "changed", "; ".join(differing))]


async def _permissions(url: str, user: str, password: str) -> list[Drift]:
    """How what the server lets a user do differs from what the code says; only its configuration can change that."""
    what = f"user {user}"
    try:
        async with _connected(url, user, password) as client:
            answer = orjson.loads((await client.request(USER_INFO, timeout=5)).data)
    except nats.errors.Error as error:
        return [Drift(what, "differs", f"it cannot ask for its permissions: {error or type(error).__name__}")]
    granted: dict[str, Any] = answer.get("data", {}).get("permissions", {})
    differing = []
    for action, rule in nats_users()[user].items():
        if action not in ("publish", "subscribe"):
            continue
        may, should = set(granted.get(action, {}).get("allow", [])), set(rule["allow"])
        differing += [f"{action} {subject} is not allowed" for subject in sorted(should - may)]
        differing += [f"{action} {subject} is allowed" for subject in sorted(may - should)]
    return [Drift(what, "differs", "; ".join(differing))] if differing else []


@asynccontextmanager
async def _connected(url: str, user: str, password: str) -> AsyncIterator[Client]:
    client = await connect(url, name=user, user=user, password=password)
    try:
        yield client
    finally:
        await client.close()

"""A call to a service carries the caller's own credential, a deadline and the trace, or is not made.

Services are found by their package: `laurels.<name>.v1` is served by `<name>`,
but for the packages that OTHER_HOSTS lists. Channels keep themselves alive, balance
over all addresses of a name, and reconnect within a second of a restart. A call that no service took
is tried again; every write of the suite carries the key that makes this safe.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from chassis.errors import DomainError, Unavailable, from_rpc
from chassis.server import MESSAGE_BYTES_MAX
from gateway.contract import Method
from gateway.problems import DeadlineExceeded, NotImplementedByPeer

OTHER_HOSTS = {"laurels.activity.v1": "points", "laurels.export.v1": "points", "laurels.programme.v1": "points"}
"""Packages that another service serves than the one they are named for."""

_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 3,
                # A stopping gRPC server cancels what it has received and not begun (grpc.aio takes calls one by one).
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
}
_CHANNEL_OPTIONS = [
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
]


@dataclass(frozen=True, slots=True)
class Context:
    """What a request passes on to the services it calls."""

    token: str
    request_id: str
    traceparent: str

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        found = (("authorization", f"Bearer {self.token}"), ("x-request-id", self.request_id))
        return (*found, ("traceparent", self.traceparent)) if self.traceparent else found


class Backends:
    """A channel to each service. Made inside the event loop that uses it."""

    def __init__(self, targets: Mapping[str, str], *, deadline_s: float) -> None:
        self.names = tuple(targets)
        self._deadline_s = deadline_s
        self._channels = {
            name: grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS) for name, target in targets.items()
        }
        self._calls: dict[tuple[str, str], Any] = {}

    def host_of(self, method: Method) -> str:
        """The service that serves a method. KeyError when there is none."""
        name = OTHER_HOSTS.get(method.package) or method.package.split(".")[1]
        if name not in self._channels:
            raise KeyError(f"no service called {name!r} serves {method.name}")
        return name

    async def call(self, host: str, method: Method, request: bytes, context: Context) -> bytes:
        """Calls a method of a service with a request in wire format, for the answer in wire format.

        Raises the DomainError that the service raised, or one that tells its silence.
        """
        key = (host, method.grpc_path)
        if (multicallable := self._calls.get(key)) is None:
            # Without serialisers, requests and answers stay bytes.
            multicallable = self._calls[key] = self._channels[host].unary_unary(method.grpc_path)
        try:
            answer: bytes = await multicallable(request, timeout=self._deadline_s, metadata=context.metadata)
        except grpc.aio.AioRpcError as error:
            raise _refusal(host, error) from error
        return answer

    async def close(self) -> None:
        """Closes all channels; calls at hand are cancelled."""
        await asyncio.gather(*(channel.close(grace=None) for channel in self._channels.values()))


def _refusal(host: str, error: grpc.aio.AioRpcError) -> DomainError:
    """What a failed call means to the caller.

    The words of the transport (addresses, limits, stack traces) are not for
    callers; the words of a service are.
    """
    code = error.code()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        detail = f"The {host} service did not answer in time. The request may have had effect; send it again as it is."
        return DeadlineExceeded(detail)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return NotImplementedByPeer(f"The {host} service does not do this yet.")
    if code is grpc.StatusCode.UNAVAILABLE and not _has_details(error):
        return Unavailable(f"The {host} service cannot be reached at the moment. Send the request again in a while.")
    return from_rpc(error)


def _has_details(error: grpc.aio.AioRpcError) -> bool:
    return any(key == "grpc-status-details-bin" for key, _ in error.trailing_metadata() or ())

"""The RPCs of webhooks. A secret is drawn here, shown in its answer, and kept sealed only."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from secrets import token_bytes
from typing import Any

from chassis.credentials import caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument
from chassis.paging import page_size_of
from chassis.sealing import Seal
from chassis.write_path import WritePath
from laurels.missions.v1 import webhooks_pb2 as pb
from laurels.missions.v1 import webhooks_pb2_grpc
from services.missions.addresses import refusals
from services.missions.delivering import place_of as sealed_at
from services.missions.occurrences import identifier
from services.missions.servicer.campaigns import place_of, token_of
from services.missions.store import webhooks as store
from services.missions.store.webhooks import Attempt, Delivery, Endpoint
from services.missions.webhook_rules import SECRET_BYTES, TYPES, secret_of
from services.missions.webhooks import Register, Remove, Replay, Rotate

TYPES_MAX, TRIES_SHOWN_MAX = 20, 20


class WebhooksServicer(webhooks_pb2_grpc.WebhooksServiceServicer):
    """Endpoints and deliveries. `loopback` lets endpoints be on this machine."""

    def __init__(
        self,
        write_path: WritePath,
        database: Database,
        seal: Seal,
        *,
        loopback: bool = False,
        random: Callable[[int], bytes] = token_bytes,
    ) -> None:
        self._write_path, self._database, self._seal = write_path, database, seal
        self._loopback, self._random = loopback, random

    async def CreateWebhook(self, request: pb.CreateWebhookRequest, context: Any) -> pb.CreateWebhookResponse:
        if found := list(self._violations(request)):
            raise InvalidArgument.of(found)
        brand, webhook = caller().brand, identifier("wh", request.idempotency_key)
        types = sorted(set(request.types))
        digest = blake2b("\n".join([request.url, *types]).encode(), digest_size=16).digest()
        sealed = self._draw(brand, webhook)
        asked = Register(webhook, request.url, types, request.idempotency_key, digest, sealed)
        endpoint: Endpoint = await self._write_path.submit(brand, asked)
        secret = "" if endpoint.rotated_at is not None else self._open(brand, endpoint)
        return pb.CreateWebhookResponse(webhook=_shown(endpoint), secret=secret)

    async def ListWebhooks(self, request: pb.ListWebhooksRequest, context: Any) -> pb.ListWebhooksResponse:
        async with self._database.reading(caller().brand) as connection:
            found = await store.endpoints(connection, caller().brand)
        return pb.ListWebhooksResponse(webhooks=[_shown(endpoint) for endpoint in found])

    async def DeleteWebhook(self, request: pb.DeleteWebhookRequest, context: Any) -> pb.DeleteWebhookResponse:
        await self._write_path.submit(caller().brand, Remove(request.webhook))
        return pb.DeleteWebhookResponse()

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, context: Any
    ) -> pb.RotateWebhookSecretResponse:
        brand = caller().brand
        asked = Rotate(request.webhook, request.idempotency_key, self._draw(brand, request.webhook))
        endpoint: Endpoint = await self._write_path.submit(brand, asked)
        return pb.RotateWebhookSecretResponse(webhook=_shown(endpoint), secret=self._open(brand, endpoint))

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Any) -> pb.ListDeliveriesResponse:
        brand, size, before = caller().brand, page_size_of(request.page_size), place_of(request.page_token)
        async with self._database.reading(brand) as connection:
            found = await store.page_of_deliveries(connection, brand, request.state, before, size + 1)
            names = [delivery.delivery for delivery in found[:size]]
            tries = await store.attempts_of(connection, brand, names, TRIES_SHOWN_MAX)
        response = pb.ListDeliveriesResponse(
            deliveries=[_shown_delivery(each, tries.get(each.delivery, ())) for each in found[:size]]
        )
        if len(found) > size:
            response.next_page_token = token_of(found[size - 1].created_at, found[size - 1].delivery)
        return response

    async def ReplayDelivery(self, request: pb.ReplayDeliveryRequest, context: Any) -> pb.ReplayDeliveryResponse:
        delivery = await self._write_path.submit(caller().brand, Replay(request.delivery))
        return pb.ReplayDeliveryResponse(delivery=_shown_delivery(delivery, ()))

    def _violations(self, request: pb.CreateWebhookRequest) -> Iterator[FieldViolation]:
        for detail in refusals(request.url, loopback=self._loopback):
            yield FieldViolation("url", detail)
        if not 1 <= len(request.types) <= TYPES_MAX:
            yield FieldViolation("types", f"has {len(request.types)} items, not 1 to {TYPES_MAX}")
        known = sorted(TYPES.values())
        for place, name in enumerate(request.types):
            if name not in known:
                yield FieldViolation(f"types[{place}]", f"{name!r} is none of {', '.join(known)}")

    def _draw(self, brand: str, webhook: str) -> bytes:
        secret = secret_of(self._random(SECRET_BYTES))
        return self._seal.close(sealed_at(brand, webhook), secret.encode())

    def _open(self, brand: str, endpoint: Endpoint) -> str:
        return self._seal.open(sealed_at(brand, endpoint.webhook), endpoint.sealed).decode()


def _shown(endpoint: Endpoint) -> pb.Webhook:
    return pb.Webhook(
        webhook=endpoint.webhook,
        url=endpoint.url,
        types=endpoint.types.split(),
        created_at=endpoint.created_at,
        rotated_at=endpoint.rotated_at,
    )


def _shown_delivery(delivery: Delivery, tries: Sequence[Attempt]) -> pb.Delivery:
    return pb.Delivery(
        delivery=delivery.delivery,
        webhook=delivery.webhook,
        type=delivery.type,
        state=delivery.state,  # type: ignore[arg-type]
        attempts=delivery.attempts,
        due_at=delivery.due_at if delivery.state == store.WAITING else None,
        created_at=delivery.created_at,
        tries=[
            pb.DeliveryAttempt(attempted_at=each.attempted_at, status=each.status, detail=each.detail) for each in tries
        ],
    )

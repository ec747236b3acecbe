"""Endpoints of the brand, and deliveries to them: each event once for each endpoint, until it is taken or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from chassis.book import Kind, Operation, Touched
from chassis.errors import IdempotencyConflict, NotFound, ResourceExhausted
from services.missions.book import Book
from services.missions.store import webhooks as store
from services.missions.store.webhooks import DEAD, DELIVERED, WAITING, Attempt, Delivery, Endpoint
from services.missions.webhook_rules import PAUSES, PREVIOUS_LIVES, is_taken, next_try

ENDPOINTS_MAX = 50
ENDPOINTS: Kind[str, Endpoint] = Kind("webhook endpoints", 150, store.lock_endpoints, store.save_endpoints)
DELIVERIES: Kind[str, Delivery] = Kind("webhook deliveries", 151, store.lock_deliveries, store.save_deliveries)


class UnknownWebhook(NotFound):
    """The brand has no such endpoint."""

    code = "unknown_webhook"

    def __init__(self, webhook: str) -> None:
        super().__init__(f"There is no webhook {webhook!r}.")


class UnknownDelivery(NotFound):
    """The brand has no such delivery."""

    code = "unknown_delivery"

    def __init__(self, delivery: str) -> None:
        super().__init__(f"There is no delivery {delivery!r}.")


class TooManyWebhooks(ResourceExhausted):
    """The brand has as many endpoints as it may."""

    code = "too_many_webhooks"

    def __init__(self) -> None:
        super().__init__(f"A brand has at most {ENDPOINTS_MAX} webhooks.")


@dataclass(frozen=True, slots=True)
class Register:
    """An endpoint to be registered under a key, with a new secret, sealed; `digest` tells requests apart."""

    webhook: str
    url: str
    types: Sequence[str]
    key: str
    digest: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Rotate:
    """A new secret, sealed, for an endpoint, under a key."""

    webhook: str
    key: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Remove:
    """An endpoint to be removed."""

    webhook: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A delivery to be tried anew."""

    delivery: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A try that was made; `pauses` are those before the next ones."""

    attempt: Attempt
    pauses: Sequence[timedelta] = PAUSES


class KeepEndpoints(Operation):
    """Registers and removes endpoints, and rotates their secrets."""

    requests = (Register, Rotate, Remove)

    def version(self, request: Any) -> None:
        return None

    async def find(self, connection: asyncpg.Connection, book: Any, rules: None, requests: Sequence[Any]) -> None:
        if any(isinstance(request, Register) for request in requests):
            book.endpoints = await store.count_endpoints(connection, book.brand)

    def touch(self, request: Any, found: None, rules: None, touched: Touched) -> None:
        touched.row(ENDPOINTS, request.webhook)

    def decide(self, book: Book, rules: None, request: Any) -> Endpoint | None:
        endpoint = book.row(ENDPOINTS, request.webhook)
        match request:
            case Register():
                return self._register(book, endpoint, request)
            case Remove():
                if endpoint is not None:
                    book.add(store.delete_endpoints, endpoint.webhook)
                return None
        if endpoint is None:
            raise UnknownWebhook(request.webhook)
        if endpoint.rotated_key != request.key:
            endpoint.previous, endpoint.previous_until = endpoint.sealed, book.now + PREVIOUS_LIVES
            endpoint.sealed, endpoint.rotated_key, endpoint.rotated_at = request.sealed, request.key, book.now
            book.put(ENDPOINTS, endpoint.webhook, endpoint)
        return endpoint

    def _register(self, book: Book, known: Endpoint | None, request: Register) -> Endpoint:
        if known is not None:
            if known.digest != request.digest:
                raise IdempotencyConflict("The key was used for another request.")
            return known
        if book.endpoints >= ENDPOINTS_MAX:
            raise TooManyWebhooks
        book.endpoints += 1
        made = Endpoint(
            webhook=request.webhook,
            url=request.url,
            types=" ".join(request.types),
            key=request.key,
            digest=request.digest,
            sealed=request.sealed,
            previous=b"",
            previous_until=None,
            rotated_key="",
            created_at=book.now,
            rotated_at=None,
        )
        book.put(ENDPOINTS, made.webhook, made)
        return made


class Deliver(Operation):
    """Takes the outcomes of tries, and has deliveries tried anew."""

    requests = (Tried, Replay)

    def version(self, request: Any) -> None:
        return None

    async def find(self, connection: asyncpg.Connection, book: Any, rules: None, requests: Sequence[Any]) -> set[str]:
        """The endpoints that there are."""
        if not any(isinstance(request, Replay) for request in requests):
            return set()
        book.registered = {webhook for webhook, _ in await store.subscribed(connection, book.brand)}
        return book.registered  # type: ignore[no-any-return]

    def touch(self, request: Any, found: set[str], rules: None, touched: Touched) -> None:
        touched.row(DELIVERIES, request.delivery if isinstance(request, Replay) else request.attempt.delivery)

    def decide(self, book: Book, rules: None, request: Any) -> Delivery | None:
        if isinstance(request, Replay):
            return self._replay(book, request.delivery)
        attempt: Attempt = request.attempt
        delivery = book.row(DELIVERIES, attempt.delivery)
        if delivery is None:
            return None  # its member was erased meanwhile
        book.add(store.add_attempts, attempt)
        if delivery.state != WAITING:
            return delivery
        delivery.attempts += 1
        if is_taken(attempt.status):
            delivery.state = DELIVERED
        else:
            again = next_try(delivery.delivery, delivery.attempts, attempt.status, attempt.attempted_at, request.pauses)
            delivery.state, delivery.due_at = (DEAD, delivery.due_at) if again is None else (WAITING, again)
        book.put(DELIVERIES, delivery.delivery, delivery)
        return delivery

    def _replay(self, book: Book, name: str) -> Delivery:
        delivery = book.row(DELIVERIES, name)
        if delivery is None:
            raise UnknownDelivery(name)
        if delivery.webhook not in book.registered:
            raise UnknownWebhook(delivery.webhook)
        if delivery.state != WAITING:
            delivery.state, delivery.attempts, delivery.due_at = WAITING, 0, book.now
            book.put(DELIVERIES, name, delivery)
        return delivery


OPERATIONS: tuple[Operation, ...] = (KeepEndpoints(), Deliver())

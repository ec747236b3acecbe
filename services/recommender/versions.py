"""What a slot learnt is written down as a version every so often, and may be made what it was at one.

A restored version is a new one, of a new epoch: whoever holds a learner of the
epoch before begins again from it. What is learnt after it is on top of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from chassis.book import Operation, Touched
from chassis.errors import FailedPrecondition, IdempotencyConflict, NotFound
from chassis.events import NO_MEMBER
from laurels.recommender.v1 import policies_pb2 as pb
from laurels.recommender.v1.policies_events_pb2 import ModelRestored
from services.recommender.book import Book
from services.recommender.learner import Learner
from services.recommender.outcomes import HEADS
from services.recommender.programme import RecommenderRules
from services.recommender.recommending import UnknownSlot
from services.recommender.store import models
from services.recommender.store.models import Version

KEEP_EVERY = 1_000
"""So many lessons from one version to the next: learning as many again takes some 20 ms."""


class UnknownVersion(NotFound):
    """The slot's model has no such version."""

    code = "unknown_version"

    def __init__(self, slot: str, version: int) -> None:
        super().__init__(f"The model of slot {slot!r} has no version {version}.")


class ModelOutdated(FailedPrecondition):
    """A version is of other features than are used now."""

    code = "model_outdated"

    def __init__(self, slot: str, version: int) -> None:
        super().__init__(f"Version {version} of the model of slot {slot!r} is of other features than are used now.")


@dataclass(frozen=True, slots=True)
class KeepVersions:
    """Slots of which a version is to be written."""

    slots: Sequence[str]


class Keep(Operation):
    """Writes versions of what slots learnt; answers how many."""

    requests = (KeepVersions,)

    def version(self, request: KeepVersions) -> None:
        return None

    async def find(
        self, connection: asyncpg.Connection, book: Book, rules: None, requests: Sequence[KeepVersions]
    ) -> None:
        learners, _ = await book.memory.learners(
            connection, book.brand, [slot for request in requests for slot in request.slots]
        )
        book.learners |= learners

    def touch(self, request: KeepVersions, found: None, rules: None, touched: Touched) -> None:
        for slot in request.slots:
            touched.row(HEADS, slot)

    def decide(self, book: Book, rules: None, request: KeepVersions) -> int:
        done = 0
        for slot in request.slots:
            head, learner = book.row(HEADS, slot), book.learners[slot]
            if head is None or learner.epoch != head.epoch or learner.lessons <= head.kept:
                continue
            head.version, head.kept = head.version + 1, learner.lessons
            book.put(HEADS, slot, head)
            book.add(
                models.add_versions,
                Version(slot, head.version, head.epoch, learner.lessons, learner.state(), 0, None, book.now),
            )
            done += 1
        return done


@dataclass(frozen=True, slots=True)
class _Found:
    """The versions that a request names: by its number, and by its key."""

    wanted: Version | None
    of_key: Version | None


class Restore(Operation):
    """Makes a slot's model what it was."""

    requests = (pb.RestoreModelRequest,)

    async def find(
        self,
        connection: asyncpg.Connection,
        book: Book,
        rules: RecommenderRules,
        requests: Sequence[pb.RestoreModelRequest],
    ) -> None:
        for request in requests:
            book.versions[request.idempotency_key] = _Found(
                await models.version(connection, book.brand, request.slot, request.version),
                await models.version_of_key(connection, book.brand, request.slot, request.idempotency_key),
            )

    def touch(self, request: pb.RestoreModelRequest, found: None, rules: Any, touched: Touched) -> None:
        touched.row(HEADS, request.slot)

    def decide(self, book: Book, rules: RecommenderRules, request: pb.RestoreModelRequest) -> pb.RestoreModelResponse:
        if request.slot not in rules.slots:
            raise UnknownSlot(request.slot)
        found: _Found = book.versions[request.idempotency_key]
        if found.of_key is not None:
            if found.of_key.restored_from != request.version:
                raise IdempotencyConflict("The key restored another version.")
            return pb.RestoreModelResponse(version=shown(found.of_key))
        if found.wanted is None:
            raise UnknownVersion(request.slot, request.version)
        if Learner.restored(found.wanted.state, lessons=0, epoch=0) is None:
            raise ModelOutdated(request.slot, request.version)
        head = book.row(HEADS, request.slot)
        assert head is not None  # noqa: S101 - touched, and made where missing
        head.version, head.epoch, head.kept = head.version + 1, head.epoch + 1, head.lessons
        book.put(HEADS, request.slot, head)
        made = Version(
            request.slot,
            head.version,
            head.epoch,
            head.lessons,
            found.wanted.state,
            request.version,
            request.idempotency_key,
            book.now,
        )
        book.add(models.add_versions, made)
        book.versions[request.idempotency_key] = _Found(found.wanted, made)
        told = ModelRestored(
            slot=request.slot, version=made.version, restored_from=request.version, restored_at=book.now
        )
        book.tell(NO_MEMBER, told)
        return pb.RestoreModelResponse(version=shown(made))


def shown(version: Version) -> pb.ModelVersion:
    made_at: datetime = version.made_at
    return pb.ModelVersion(
        version=version.version, lessons=version.lessons, restored_from=version.restored_from, made_at=made_at
    )

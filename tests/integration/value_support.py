"""What the tests of value between services share: grants, holds, attributes, and a look into the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg

from chassis.configuration import Configurations
from chassis.database import Database
from chassis.write_path import WritePath
from cli.embedded import Servers
from laurels.points.v1 import points_pb2
from laurels.points.v1 import programme_pb2 as pb
from laurels.programme.v1 import programme_pb2
from laurels.value.v1 import events_pb2 as value_pb
from services.fingerprints import Fingerprints
from services.points.book import Book
from services.points.operations import OPERATIONS
from services.points.programme import compile_document
from services.points.verification import violations
from tests.integration.points_support import NOON, programme

PRIZE = value_pb.GRANT_REASON_PRIZE
TEXT, DATE = pb.MEMBER_ATTRIBUTE_KIND_TEXT, pb.MEMBER_ATTRIBUTE_KIND_DATE
COUPON = pb.Reward(id="coupon", name="Coupon", kind=pb.REWARD_KIND_COUPON, tiers=["gold"], condition="false")


def coins(amount: int, currency: str = "points") -> value_pb.Grant:
    return value_pb.Grant(points=value_pb.PointsGrant(currency=currency, amount=amount))


def prize(reward: str) -> value_pb.Grant:
    return value_pb.Grant(reward=reward)


def granting(
    key: str, *grants: value_pb.Grant, member: str = "ann", reason: Any = PRIZE, at: datetime = NOON
) -> value_pb.RewardGranted:
    return value_pb.RewardGranted(
        key=key, member=member, grants=grants, reason=reason, reference="cause", occurred_at=at, programme_version=1
    )


def hold_of(key: str, amount: int = 40, *, member: str = "ann", due: datetime | None = None) -> value_pb.HoldRequested:
    return value_pb.HoldRequested(
        key=key,
        member=member,
        currency="points",
        amount=amount,
        expires_at=due or datetime.now(UTC) + timedelta(days=1),
        reference="buy-in",
        occurred_at=datetime.now(UTC),
    )


def settled(key: str, end: Any, member: str = "ann") -> value_pb.HoldSettled:
    return value_pb.HoldSettled(key=key, member=member, end=end, occurred_at=datetime.now(UTC))


@asynccontextmanager
async def connected(servers: Servers, brand: str) -> AsyncIterator[asyncpg.Connection]:
    """The database as the superuser sees it, in a transaction that is taken back."""
    connection = await asyncpg.connect(servers.postgres.admin_url("laurels_points"))
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
        yield connection
        await transaction.rollback()
    finally:
        await connection.close()


async def found_in(servers: Servers, brand: str, *damage: str) -> list[str]:
    """What verification says of the brand, after damage that is taken back."""
    connection = await asyncpg.connect(servers.postgres.url("points", "owner"))
    try:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await connection.execute("SELECT set_config('laurels.brand', $1, true)", brand)
        for statement in damage:
            assert await connection.execute(statement) != "UPDATE 0", statement
        said = await violations(connection)
        await transaction.rollback()
        return said
    finally:
        await connection.close()


def attributed(*attributes: pb.MemberAttribute, zone: bool = False) -> programme_pb2.Programme:
    found = programme()
    found.points.member_attributes.extend(attributes)
    if zone:
        found.points.member_attributes.add(name="zone", kind=TEXT)
        found.points.guardianship.MergeFrom(
            pb.Guardianship(age=1, birthday_attribute="birthday", time_zone_attribute="zone")
        )
    return found


BIRTHDAY = pb.MemberAttribute(name="birthday", kind=DATE, personal=True, anniversary=True)
COUNTRY = pb.MemberAttribute(name="country", kind=TEXT, shared=True, self_service=True)
KEPT_BACK = pb.MemberAttribute(name="country", kind=TEXT, self_service=True)


def enrolment(member: str, **attributes: Any) -> points_pb2.EnrolMemberRequest:
    request = points_pb2.EnrolMemberRequest(member=member)
    request.attributes.update(attributes)
    return request


def path_over(database: Database) -> WritePath:
    prints = Fingerprints("0" * 64)
    begin = partial(Book, programmes=Configurations(compile_document), operations=OPERATIONS, prints=prints)
    return WritePath("points", database, begin, on_commit=lambda: None)

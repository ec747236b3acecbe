"""The RPCs of campaigns: how they go, and members' offers and messages."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.configuration import Configurations
from chassis.credentials import IDENTIFIER, caller
from chassis.database import Database
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.paging import page_size_of
from chassis.write_path import WritePath
from laurels.missions.v1 import campaigns_pb2 as pb
from laurels.missions.v1 import campaigns_pb2_grpc
from services.missions.campaigns import CONTROL, HAPPENED, SUPPRESSED
from services.missions.offers import Accept, shown
from services.missions.programme import MissionsRules
from services.missions.store import campaigns as store
from services.missions.store import webhooks as webhook_store

OFFERS_MAX = 200
FIRST_PAGE = (datetime.max.replace(tzinfo=UTC), "")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class CampaignsServicer(campaigns_pb2_grpc.CampaignsServiceServicer):
    """What campaigns did."""

    def __init__(self, write_path: WritePath, database: Database, programmes: Configurations[MissionsRules]) -> None:
        self._write_path, self._database, self._programmes = write_path, database, programmes

    async def GetCampaignsReport(
        self, request: pb.GetCampaignsReportRequest, context: Any
    ) -> pb.GetCampaignsReportResponse:
        brand = caller().brand
        async with self._database.reading(brand) as connection:
            _, rules = await self._programmes.newest(connection, brand)
            counts = await store.counts(connection, brand)
        response = pb.GetCampaignsReportResponse()
        for campaign in rules.programme.missions.campaigns:
            _fill(response.campaigns.add(campaign=campaign.id, name=campaign.name), counts)
        return response

    async def ListOffers(self, request: pb.ListOffersRequest, context: Any) -> pb.ListOffersResponse:
        member, now = member_of(request.member), datetime.now(UTC)
        async with self._database.reading(caller().brand) as connection:
            offers = await store.offers_of(connection, caller().brand, member, OFFERS_MAX)
        return pb.ListOffersResponse(offers=[shown(offer, now) for offer in offers])

    async def AcceptOffer(self, request: pb.AcceptOfferRequest, context: Any) -> pb.AcceptOfferResponse:
        asked = Accept(member_of(request.member), request.offer)
        return pb.AcceptOfferResponse(offer=await self._write_path.submit(caller().brand, asked))

    async def ListMessages(self, request: pb.ListMessagesRequest, context: Any) -> pb.ListMessagesResponse:
        member, size = member_of(request.member), page_size_of(request.page_size)
        before = place_of(request.page_token)
        async with self._database.reading(caller().brand) as connection:
            found = await store.messages_of(connection, caller().brand, member, before, size + 1)
        response = pb.ListMessagesResponse()
        for message in found[:size]:
            response.messages.add(
                message=message.message,
                campaign=message.campaign,
                channel=message.channel,
                template=message.template,
                fields=message.fields,
                state=message.state,
                occurred_at=message.occurred_at,
                due_at=message.due_at,
            )
        if len(found) > size:
            response.next_page_token = token_of(found[size - 1].occurred_at, found[size - 1].message)
        return response


def _fill(row: pb.CampaignCount, counts: store.Counts) -> None:
    for found in _of(row.campaign, counts.triggers):
        row.triggered += found["times"]
        if found["outcome"] == HAPPENED:
            row.happened, row.members = found["times"], found["members"]
        elif found["outcome"] == CONTROL:
            row.control, row.control_members = found["times"], found["members"]
        elif found["outcome"] == SUPPRESSED:
            row.suppressed.add(reason=found["reason"], times=found["times"])
    for found in _of(row.campaign, counts.effects):
        row.effects.add(kind=found["effect"], times=found["times"])
    names = {store.WAITING: "waiting", store.REQUESTED: "requested", store.DROPPED: "dropped"}
    for found in _of(row.campaign, counts.messages):
        setattr(row, f"messages_{names[found['state']]}", found["times"])
    names = {webhook_store.WAITING: "waiting", webhook_store.DELIVERED: "delivered", webhook_store.DEAD: "dead"}
    for found in _of(row.campaign, counts.deliveries):
        setattr(row, f"deliveries_{names[found['state']]}", found["times"])


def _of(campaign: str, rows: Iterable[Any]) -> Iterable[Any]:
    return (row for row in rows if row["campaign"] == campaign)


def member_of(member: str) -> str:
    """A member's id. Raises NotFound (`unknown_member`) for what cannot be one."""
    if not IDENTIFIER.fullmatch(member):
        raise NotFound(f"There is no member {member!r}.", code="unknown_member")
    return member


def token_of(at: datetime, name: str) -> str:
    """The token of the page behind a place.

    >>> place_of(token_of(EPOCH, "msg_1"))[1]
    'msg_1'
    """
    return f"{(at - EPOCH) // MICROSECOND}.{name}"


def place_of(token: str) -> tuple[datetime, str]:
    """The place before which a page begins. Raises InvalidArgument."""
    if not token:
        return FIRST_PAGE
    moment, _, name = token.partition(".")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= len("9999999999999999") and name.isascii()):
        raise InvalidArgument.of([FieldViolation("page_token", "is not one that this method gave")])
    return EPOCH + int(moment) * MICROSECOND, name.replace("\0", "")

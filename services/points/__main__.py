"""The points service: `python -m services.points`."""

import asyncio
from collections.abc import Callable
from functools import partial

from chassis.configuration import Configurations
from chassis.service import Service, run_alone
from laurels.activity.v1 import activity_pb2_grpc
from laurels.export.v1 import export_pb2_grpc
from laurels.points.v1 import (
    earning_pb2_grpc,
    grants_pb2_grpc,
    groups_pb2_grpc,
    ledger_pb2_grpc,
    log_pb2_grpc,
    members_pb2_grpc,
    points_pb2_grpc,
    rewards_pb2_grpc,
    tiers_pb2_grpc,
)
from laurels.programme.v1 import programme_pb2_grpc
from services.export import ExportServicer
from services.fingerprints import Fingerprints
from services.points import totals
from services.points.book import Book
from services.points.checkpoints import Signer, key_of
from services.points.erasing import Eraser
from services.points.log import LedgerLog
from services.points.operations import OPERATIONS
from services.points.programme import compile_document
from services.points.schedules import Schedules
from services.points.servicer import ActivityServicer, LedgerServicer, PointsServicer, ProgrammeServicer
from services.points.servicer.earning import EarningServicer
from services.points.servicer.grants import GrantsServicer
from services.points.servicer.groups import GiftServicer, GroupServicer, ReferralServicer
from services.points.servicer.log import LedgerLogServicer
from services.points.servicer.members import MembersServicer, require_member
from services.points.servicer.rewards import RewardsServicer
from services.points.servicer.tiers import TiersServicer
from services.points.settings import Settings
from services.points.store.export import SECTIONS
from services.points.subscriber import SUBSCRIPTIONS, request_of

NAMES = (
    "laurels.activity.v1.ActivityService",
    "laurels.points.v1.PointsService",
    "laurels.points.v1.LedgerService",
    "laurels.points.v1.LedgerLogService",
    "laurels.points.v1.MembersService",
    "laurels.export.v1.ExportService",
    "laurels.programme.v1.ProgrammeService",
    "laurels.programme.v1.ProgrammeValidationService",
    "laurels.points.v1.EarningService",
    "laurels.points.v1.TiersService",
    "laurels.points.v1.RewardsService",
    "laurels.points.v1.GroupService",
    "laurels.points.v1.GiftService",
    "laurels.points.v1.ReferralService",
    "laurels.points.v1.GrantsService",
)


async def run(settings: Settings, stop: asyncio.Event, started: Callable[[str], None] | None = None) -> None:
    """Serves until `stop`."""
    async with Service("points", settings) as service:
        programmes = Configurations(compile_document)
        prints = Fingerprints(settings.erasure_key.get_secret_value())
        write_path = service.write_path(partial(Book, programmes=programmes, operations=OPERATIONS, prints=prints))
        programme = ProgrammeServicer(write_path, service.database)
        server = service.server.grpc
        activity_pb2_grpc.add_ActivityServiceServicer_to_server(ActivityServicer(write_path), server)
        points_pb2_grpc.add_PointsServiceServicer_to_server(
            PointsServicer(write_path, service.database, programmes), server
        )
        schedules = Schedules(service.database, write_path)
        ledger_pb2_grpc.add_LedgerServiceServicer_to_server(
            LedgerServicer(write_path, service.database, schedules), server
        )
        rewards_pb2_grpc.add_RewardsServiceServicer_to_server(
            RewardsServicer(write_path, service.database, programmes), server
        )
        members_pb2_grpc.add_MembersServiceServicer_to_server(
            MembersServicer(write_path, service.database, programmes, prints), server
        )
        export_pb2_grpc.add_ExportServiceServicer_to_server(
            ExportServicer("points", service.database, SECTIONS, require_member), server
        )
        programme_pb2_grpc.add_ProgrammeServiceServicer_to_server(programme, server)
        programme_pb2_grpc.add_ProgrammeValidationServiceServicer_to_server(programme, server)
        earning_pb2_grpc.add_EarningServiceServicer_to_server(
            EarningServicer(write_path, service.database, programmes), server
        )
        tiers_pb2_grpc.add_TiersServiceServicer_to_server(
            TiersServicer(write_path, service.database, programmes), server
        )
        groups = GroupServicer(write_path, service.database, programmes)
        groups_pb2_grpc.add_GroupServiceServicer_to_server(groups, server)
        groups_pb2_grpc.add_GiftServiceServicer_to_server(GiftServicer(write_path), server)
        referrals = ReferralServicer(write_path, service.database, programmes)
        groups_pb2_grpc.add_ReferralServiceServicer_to_server(referrals, server)
        grants_pb2_grpc.add_GrantsServiceServicer_to_server(GrantsServicer(write_path, service.database), server)
        for source, types in SUBSCRIPTIONS.items():
            service.subscribe(source, types, write_path, request_of)
        service.loops.start("schedules", schedules.run)
        signer = Signer(key_of(settings.ledger_key.get_secret_value()))
        log_pb2_grpc.add_LedgerLogServiceServicer_to_server(LedgerLogServicer(service.database, signer), server)
        log = LedgerLog(
            service.database,
            signer,
            checkpoint_every_s=settings.checkpoint_every_s,
            on_publish=service.relay.wake,
        )
        service.loops.start("ledger-log", log.run)
        service.loops.start("erasures", Eraser(service.database, write_path, settings).run)
        service.loops.start("totals", totals.observing(service.database))
        await service.serve(NAMES, stop, started)


if __name__ == "__main__":
    run_alone(run, Settings())  # type: ignore[call-arg]

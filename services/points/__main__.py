"""The points service: `python -m services.points`."""

import asyncio
from collections.abc import Callable
from functools import partial

from chassis.configuration import Configurations
from chassis.service import Service, run_alone
from laurels.activity.v1 import activity_pb2_grpc
from laurels.export.v1 import export_pb2_grpc
from laurels.points.v1 import ledger_pb2_grpc, members_pb2_grpc, points_pb2_grpc
from laurels.programme.v1 import programme_pb2_grpc
from services.export import ExportServicer
from services.points.book import Book
from services.points.erasing import Eraser
from services.points.fingerprints import Fingerprints
from services.points.operations import OPERATIONS
from services.points.programme import compile_document
from services.points.schedules import Schedules
from services.points.servicer import ActivityServicer, LedgerServicer, PointsServicer, ProgrammeServicer
from services.points.servicer.members import MembersServicer, require_member
from services.points.settings import Settings
from services.points.store.export import SECTIONS
from services.points.subscriber import SUBSCRIPTIONS, request_of

NAMES = (
    "laurels.activity.v1.ActivityService",
    "laurels.points.v1.PointsService",
    "laurels.points.v1.LedgerService",
    "laurels.points.v1.MembersService",
    "laurels.export.v1.ExportService",
    "laurels.programme.v1.ProgrammeService",
    "laurels.programme.v1.ProgrammeValidationService",
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
        schedules = Schedules(service.database, write_path, programmes)
        ledger_pb2_grpc.add_LedgerServiceServicer_to_server(
            LedgerServicer(write_path, service.database, schedules), server
        )
        members_pb2_grpc.add_MembersServiceServicer_to_server(
            MembersServicer(write_path, service.database, programmes, prints), server
        )
        export_pb2_grpc.add_ExportServiceServicer_to_server(
            ExportServicer("points", service.database, SECTIONS, require_member), server
        )
        programme_pb2_grpc.add_ProgrammeServiceServicer_to_server(programme, server)
        programme_pb2_grpc.add_ProgrammeValidationServiceServicer_to_server(programme, server)
        for source, types in SUBSCRIPTIONS.items():
            service.subscribe(source, types, write_path, request_of)
        service.loops.start("schedules", schedules.run)
        service.loops.start("erasures", Eraser(service.database, write_path, settings).run)
        await service.serve(NAMES, stop, started)


if __name__ == "__main__":
    run_alone(run, Settings())  # type: ignore[call-arg]

"""The missions service: `python -m services.missions`."""

import asyncio
from collections.abc import Callable
from functools import partial

from chassis.configuration import Configurations
from chassis.erasure import Eraser
from chassis.service import Service, run_alone
from laurels.export.v1 import export_pb2_grpc
from laurels.missions.v1 import (
    badges_pb2_grpc,
    levels_pb2_grpc,
    missions_pb2_grpc,
    participation_pb2_grpc,
    quizzes_pb2_grpc,
    together_pb2_grpc,
)
from laurels.programme.v1 import programme_pb2_grpc
from services.erasure import last_word
from services.export import ExportServicer
from services.missions.book import Book
from services.missions.export import SECTIONS
from services.missions.journal import settle
from services.missions.operations import OPERATIONS
from services.missions.programme import compile_document
from services.missions.quizzes import due_attempts
from services.missions.servicer import MissionsServicer, ProgrammeServicer
from services.missions.servicer.badges import BadgesServicer
from services.missions.servicer.levels import LevelsServicer
from services.missions.servicer.participation import ParticipationServicer
from services.missions.servicer.quizzes import QuizzesServicer
from services.missions.servicer.together import ChallengesServicer
from services.missions.settings import Settings
from services.missions.subscriber import SUBSCRIPTIONS, request_of
from services.missions.sweeps import DUES, Sweeps
from services.missions.together import due_challenges, due_payouts

NAMES = (
    "laurels.missions.v1.MissionsService",
    "laurels.missions.v1.BadgesService",
    "laurels.missions.v1.QuizzesService",
    "laurels.missions.v1.LevelsService",
    "laurels.missions.v1.ChallengesService",
    "laurels.missions.v1.ParticipationService",
    "laurels.programme.v1.ProgrammeValidationService",
    "laurels.export.v1.ExportService",
)


async def run(settings: Settings, stop: asyncio.Event, started: Callable[[str], None] | None = None) -> None:
    """Serves until `stop`."""
    async with Service("missions", settings) as service:
        programmes = Configurations(compile_document)
        write_path = service.write_path(partial(Book, programmes=programmes, operations=OPERATIONS, settle=settle))
        server = service.server.grpc
        missions_pb2_grpc.add_MissionsServiceServicer_to_server(MissionsServicer(service.database, programmes), server)
        participation_pb2_grpc.add_ParticipationServiceServicer_to_server(
            ParticipationServicer(write_path, service.database, programmes), server
        )
        programme_pb2_grpc.add_ProgrammeValidationServiceServicer_to_server(ProgrammeServicer(), server)
        export_pb2_grpc.add_ExportServiceServicer_to_server(
            ExportServicer("missions", service.database, SECTIONS), server
        )
        badges_pb2_grpc.add_BadgesServiceServicer_to_server(
            BadgesServicer(write_path, service.database, programmes), server
        )
        quizzes_pb2_grpc.add_QuizzesServiceServicer_to_server(
            QuizzesServicer(write_path, service.database, programmes), server
        )
        levels_pb2_grpc.add_LevelsServiceServicer_to_server(LevelsServicer(service.database, programmes), server)
        together_pb2_grpc.add_ChallengesServiceServicer_to_server(
            ChallengesServicer(write_path, service.database, programmes), server
        )
        for source, types in SUBSCRIPTIONS.items():
            service.subscribe(source, types, write_path, request_of)
        service.loops.start("erasures", Eraser(service.database, last_word("missions"), service.relay.wake).run)
        dues = (*DUES, due_attempts, due_challenges(programmes), due_payouts)
        service.loops.start("sweeps", Sweeps(service.database, write_path, dues).run)
        await service.serve(NAMES, stop, started)


if __name__ == "__main__":
    run_alone(run, Settings())  # type: ignore[call-arg]

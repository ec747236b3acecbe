"""The missions service: `python -m services.missions`."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from chassis.configuration import Configurations
from chassis.database import EVERY_BRAND, Database
from chassis.erasure import Eraser
from chassis.sealing import Seal, key_of
from chassis.service import Service, run_alone
from laurels.export.v1 import export_pb2_grpc
from laurels.missions.v1 import (
    badges_pb2_grpc,
    campaigns_pb2_grpc,
    levels_pb2_grpc,
    missions_pb2_grpc,
    participation_pb2_grpc,
    quizzes_pb2_grpc,
    together_pb2_grpc,
    webhooks_pb2_grpc,
)
from laurels.programme.v1 import programme_pb2_grpc
from services.erasure import last_word
from services.export import ExportServicer
from services.missions.book import Book
from services.missions.delivering import Deliverer, place_of
from services.missions.export import SECTIONS
from services.missions.journal import settle
from services.missions.operations import OPERATIONS
from services.missions.programme import compile_document
from services.missions.quizzes import due_attempts
from services.missions.reaching import DueCampaigns, due_messages
from services.missions.servicer import MissionsServicer, ProgrammeServicer
from services.missions.servicer.badges import BadgesServicer
from services.missions.servicer.campaigns import CampaignsServicer
from services.missions.servicer.levels import LevelsServicer
from services.missions.servicer.participation import ParticipationServicer
from services.missions.servicer.quizzes import QuizzesServicer
from services.missions.servicer.together import ChallengesServicer
from services.missions.servicer.webhooks import WebhooksServicer
from services.missions.settings import Settings
from services.missions.store.webhooks import any_sealed
from services.missions.subscriber import SUBSCRIPTIONS, request_of
from services.missions.sweeps import DUES, Due, Sweeps
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
    "laurels.missions.v1.CampaignsService",
    "laurels.missions.v1.WebhooksService",
)


async def run(settings: Settings, stop: asyncio.Event, started: Callable[[str], None] | None = None) -> None:
    """Serves until `stop`. Raises WrongKey when the key is not the one that the webhooks' secrets were sealed with."""
    seal = Seal(key_of(settings.webhook_key.get_secret_value()))
    async with Service("missions", settings) as service:
        await try_seal(service.database, seal)
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
        dues: tuple[Due, ...] = (
            *DUES,
            due_attempts,
            due_challenges(programmes),
            due_payouts,
            DueCampaigns(programmes),
            due_messages,
        )
        service.loops.start("sweeps", Sweeps(service.database, write_path, dues).run)
        campaigns_pb2_grpc.add_CampaignsServiceServicer_to_server(
            CampaignsServicer(write_path, service.database, programmes), server
        )
        webhooks_pb2_grpc.add_WebhooksServiceServicer_to_server(
            WebhooksServicer(write_path, service.database, seal, loopback=settings.webhook_loopback), server
        )
        deliverer = Deliverer(
            service.database,
            write_path,
            seal,
            loopback=settings.webhook_loopback,
            keep=timedelta(days=settings.retention_days),
            pauses=[timedelta(seconds=pause) for pause in settings.webhook_pauses_s],
        )
        service.loops.start("webhooks", deliverer.run)
        await service.serve(NAMES, stop, started)


async def try_seal(database: Database, seal: Seal) -> None:
    """Opens a secret that is there. Raises WrongKey."""
    async with database.reading(EVERY_BRAND) as connection:
        found = await any_sealed(connection)
    if found is not None:
        seal.open(place_of(found["brand"], found["webhook"]), found["sealed"])


if __name__ == "__main__":
    run_alone(run, Settings())  # type: ignore[call-arg]

"""The recommender service: `python -m services.recommender`."""

import asyncio
from collections.abc import Callable
from functools import partial

from chassis.configuration import Configurations
from chassis.erasure import Eraser
from chassis.service import Service, run_alone
from laurels.export.v1 import export_pb2_grpc
from laurels.programme.v1 import programme_pb2_grpc
from laurels.recommender.v1 import policies_pb2_grpc, recommender_pb2_grpc
from services.erasure import last_word, remembered_by
from services.export import ExportServicer
from services.fingerprints import Fingerprints
from services.recommender.book import Book, Chance
from services.recommender.export import SECTIONS
from services.recommender.memory import Memory
from services.recommender.observing import committed
from services.recommender.operations import OPERATIONS
from services.recommender.programme import compile_document
from services.recommender.servicer import ProgrammeServicer, RecommenderServicer
from services.recommender.servicer.policies import PoliciesServicer
from services.recommender.settings import Settings
from services.recommender.subscriber import SUBSCRIPTIONS, request_of
from services.recommender.sweeps import Sweeps

NAMES = (
    "laurels.recommender.v1.RecommenderService",
    "laurels.recommender.v1.PoliciesService",
    "laurels.programme.v1.ProgrammeValidationService",
    "laurels.export.v1.ExportService",
)


async def run(settings: Settings, stop: asyncio.Event, started: Callable[[str], None] | None = None) -> None:
    """Serves until `stop`."""
    async with Service("recommender", settings) as service:
        programmes = Configurations(compile_document)
        prints = Fingerprints(settings.erasure_key.get_secret_value())
        begin = partial(
            Book, programmes=programmes, operations=OPERATIONS, memory=Memory(), chance=Chance(), prints=prints
        )
        write_path = service.write_path(begin, committed)
        server = service.server.grpc
        recommender_pb2_grpc.add_RecommenderServiceServicer_to_server(
            RecommenderServicer(write_path, service.database, programmes), server
        )
        policies_pb2_grpc.add_PoliciesServiceServicer_to_server(
            PoliciesServicer(write_path, service.database, programmes), server
        )
        programme_pb2_grpc.add_ProgrammeValidationServiceServicer_to_server(ProgrammeServicer(), server)
        export_pb2_grpc.add_ExportServiceServicer_to_server(
            ExportServicer("recommender", service.database, SECTIONS), server
        )
        for source, types in SUBSCRIPTIONS.items():
            service.subscribe(source, types, write_path, request_of)
        eraser = Eraser(service.database, last_word("recommender"), service.relay.wake, remembered_by(prints))
        service.loops.start("erasures", eraser.run)
        service.loops.start("sweeps", Sweeps(service.database, write_path, keep_every=settings.keep_every).run)
        await service.serve(NAMES, stop, started)


if __name__ == "__main__":
    run_alone(run, Settings())  # type: ignore[call-arg]

"""The leaderboard service: `python -m services.leaderboard`."""

import asyncio
from collections.abc import Callable
from functools import partial

from chassis.configuration import Configurations
from chassis.database import EVERY_BRAND, Database
from chassis.erasure import Eraser
from chassis.service import Service, run_alone
from laurels.export.v1 import export_pb2_grpc
from laurels.leaderboard.v1 import boards_pb2_grpc, leaderboard_pb2_grpc, leagues_pb2_grpc, scratch_cards_pb2_grpc
from laurels.programme.v1 import programme_pb2_grpc
from services.erasure import last_word
from services.export import ExportServicer
from services.leaderboard import prizes_left
from services.leaderboard.aliases import Aliases
from services.leaderboard.book import Book
from services.leaderboard.closing import Closer
from services.leaderboard.export import SECTIONS
from services.leaderboard.league_closing import LeagueCloser
from services.leaderboard.operations import ADOPTING, OPERATIONS
from services.leaderboard.pool_closing import PoolCloser
from services.leaderboard.programme import compile_document
from services.leaderboard.ranks import Ranks
from services.leaderboard.sealing import Seal, key_of
from services.leaderboard.servicer import (
    LeaderboardServicer,
    LeagueServicer,
    ScratchCardServicer,
    ValidationServicer,
)
from services.leaderboard.settings import Settings
from services.leaderboard.store.cards import any_pool
from services.leaderboard.subscriber import SUBSCRIPTIONS, request_of

NAMES = (
    "laurels.leaderboard.v1.LeaderboardService",
    "laurels.leaderboard.v1.BoardService",
    "laurels.leaderboard.v1.ScratchCardService",
    "laurels.leaderboard.v1.LeagueService",
    "laurels.programme.v1.ProgrammeValidationService",
    "laurels.export.v1.ExportService",
)


async def run(settings: Settings, stop: asyncio.Event, started: Callable[[str], None] | None = None) -> None:
    """Serves until `stop`. Raises WrongSeedKey when the key is not the one that the seeds were sealed with."""
    seal = Seal(key_of(settings.seed_key.get_secret_value()))
    async with Service("leaderboard", settings) as service:
        await try_seal(service.database, seal)
        programmes = Configurations(compile_document)
        ranks = Ranks(service.database, programmes)
        await ranks.load()
        write_path = service.write_path(
            partial(Book, programmes=programmes, operations=OPERATIONS, adopting=ADOPTING, seal=seal),
            partial(apply, ranks),
        )
        server = service.server.grpc
        aliases = Aliases(key_of(settings.seed_key.get_secret_value()))
        boards = LeaderboardServicer(write_path, service.database, ranks, aliases)
        leaderboard_pb2_grpc.add_LeaderboardServiceServicer_to_server(boards, server)
        boards_pb2_grpc.add_BoardServiceServicer_to_server(boards, server)
        scratch_cards_pb2_grpc.add_ScratchCardServiceServicer_to_server(
            ScratchCardServicer(write_path, service.database, programmes, seal), server
        )
        leagues_pb2_grpc.add_LeagueServiceServicer_to_server(
            LeagueServicer(write_path, service.database, ranks, aliases), server
        )
        programme_pb2_grpc.add_ProgrammeValidationServiceServicer_to_server(
            ValidationServicer(service.database, programmes), server
        )
        export_pb2_grpc.add_ExportServiceServicer_to_server(
            ExportServicer("leaderboard", service.database, SECTIONS), server
        )
        for source, types in SUBSCRIPTIONS.items():
            service.subscribe(source, types, write_path, request_of)
        service.loops.start("ranks", ranks.run)
        service.loops.start(
            "closing", Closer(service.database, write_path, ranks, quiet_s=settings.late_period_quiet_s).run
        )
        service.loops.start("leagues", LeagueCloser(service.database, write_path, programmes).run)
        service.loops.start("pools", PoolCloser(service.database, write_path).run)
        service.loops.start("erasures", Eraser(service.database, last_word("leaderboard"), service.relay.wake).run)
        service.loops.start("prizes-left", prizes_left.observing(service.database))
        await service.serve(NAMES, stop, started)


def apply(ranks: Ranks, book: Book) -> None:
    """Has the ranks follow what a transaction committed, and tells its answers where they are."""
    if book.taken_over is not None:
        ranks.adopt(book.brand, *book.taken_over)
    if book.change:
        ranks.apply(book.brand, book.change, book.changes)
    for answer in book.positioned:
        answer.position = book.change


async def try_seal(database: Database, seal: Seal) -> None:
    """Opens a seed that is there. Raises WrongSeedKey."""
    async with database.reading(EVERY_BRAND) as connection:
        found = await any_pool(connection)
    if found is not None:
        seal.open(found["brand"], found["pool"], found["sealed_seed"])


if __name__ == "__main__":
    run_alone(run, Settings())  # type: ignore[call-arg]

"""The load clients of the leaderboard's benchmark, as `tests.bench.load`."""

import asyncio
import gc
import random
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvloop

from laurels.leaderboard.v1 import boards_pb2, leaderboard_pb2
from tests.bench import http2
from tests.bench.load import PREPARED_S, Window, at_once, called, member_of

BOARD = "bench"
SCORE_MAX = 1_000_000
READS_A_SECOND_MAX = 20_000
WRITES_A_SECOND_MAX = 15_000
BATCHED_WRITES_A_SECOND_MAX = 60_000
RANKS = 100
_SERVICE = "/laurels.leaderboard.v1"


def body_of(kind: str, chosen: random.Random, members: int, batch: int) -> bytes:
    """One request."""
    member = member_of(chosen.randrange(members))
    match kind:
        case "rank":
            return leaderboard_pb2.GetLeaderboardMemberRequest(board=BOARD, member=member).SerializeToString()
        case "around":
            wanted = leaderboard_pb2.GetLeaderboardMemberRequest(board=BOARD, member=member, around=5)
            return wanted.SerializeToString()
        case "top":
            return leaderboard_pb2.ListLeaderboardEntriesRequest(board=BOARD, page_size=100).SerializeToString()
        case "ranks":
            some = [member_of(chosen.randrange(members)) for _ in range(RANKS)]
            return boards_pb2.GetLeaderboardRanksRequest(board=BOARD, members=some).SerializeToString()
    scores = [
        boards_pb2.ScoreSubmission(member=member_of(chosen.randrange(members)), score=chosen.randrange(1, 100))
        for _ in range(batch)
    ]
    key = str(uuid.UUID(int=chosen.getrandbits(128)))
    return boards_pb2.SubmitScoresRequest(board=BOARD, scores=scores, idempotency_key=key).SerializeToString()


METHODS = {
    "rank": ("LeaderboardService/GetLeaderboardMember", 1, READS_A_SECOND_MAX),
    "around": ("LeaderboardService/GetLeaderboardMember", 1, READS_A_SECOND_MAX),
    "top": ("LeaderboardService/ListLeaderboardEntries", 1, READS_A_SECOND_MAX),
    "ranks": ("BoardService/GetLeaderboardRanks", RANKS, READS_A_SECOND_MAX // 4),
    "write": ("BoardService/SubmitScores", 1, WRITES_A_SECOND_MAX),
    "batch": ("BoardService/SubmitScores", 500, BATCHED_WRITES_A_SECOND_MAX // 500),
}
"""The method, what one call counts as, and how many are prepared a second at most."""


async def calls(kind: str, options: dict[str, Any]) -> Callable[[], Awaitable[Window]]:
    """Calls by so many callers, one after another each; answers are taken as bytes, since reading them is no load."""
    chosen = random.Random(options["seed"])
    method, counts, most = METHODS[kind]
    prepared = int(most * (options["seconds"] + PREPARED_S))
    bodies = [body_of(kind, chosen, options["members"], counts) for _ in range(prepared)]
    name = f"{_SERVICE}.{method}"

    async def load() -> Window:
        connections = [await http2.Connection.open(each, name, called(options)) for each in options["addresses"]]
        window = Window(options)

        async def caller(connection: http2.Connection) -> None:
            while bodies and window.is_open:
                body, asked_at = bodies.pop(), time.perf_counter()
                answer = await connection.call(body)
                window.answered(asked_at, counts)
                if kind == "batch" and boards_pb2.SubmitScoresResponse.FromString(answer).accepted != counts:
                    raise RuntimeError("a score was refused")

        await at_once(options["callers"], connections, caller)
        return window

    return load


async def main() -> None:
    options = orjson.loads(sys.stdin.buffer.readline())
    load = await calls(sys.argv[1], options)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    window = await load()
    print(orjson.dumps(window.results()).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(main())

"""The ladder of levels of a programme, checked."""

from laurels.missions.v1 import programme_levels_pb2 as pb
from laurels.points.v1.programme_pb2 import CURRENCY_PURPOSE_EXPERIENCE
from laurels.programme.v1.programme_pb2 import Programme
from services.missions.programme_grants import Grantable
from services.programme import Problems

LEVELS_MAX = 1_000
WHERE = "missions.levels"


def compile_levels(programme: Programme, grantable: Grantable, problems: Problems) -> pb.LevelLadder | None:
    """The ladder; None where there is none, or none that could be climbed."""
    if not programme.missions.HasField("levels"):
        return None
    ladder, before = programme.missions.levels, len(problems.found)
    currencies = {
        currency.id for currency in programme.points.currencies if currency.purpose == CURRENCY_PURPOSE_EXPERIENCE
    }
    problems.reference(f"{WHERE}.currency", ladder.currency, currencies, "currency of the purpose experience")
    if not ladder.levels:
        problems.add(f"{WHERE}.levels", "is empty")
    problems.items(f"{WHERE}.levels", ladder.levels, LEVELS_MAX)
    least = 1
    for place, level in enumerate(ladder.levels):
        where = f"{WHERE}.levels[{place}]"
        problems.bounded(f"{where}.threshold", level.threshold, least)
        least = max(least, level.threshold + 1)
        grantable.check(f"{where}.rewards", level.rewards, problems)
    return ladder if len(problems.found) == before else None

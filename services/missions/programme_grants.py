"""What a programme gives, checked: every grant names something that the programme has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from laurels.programme.v1.programme_pb2 import Programme
from laurels.value.v1.events_pb2 import Grant
from services.programme import Problems

GRANTS_MAX = 10


@dataclass(frozen=True, slots=True)
class Grantable:
    """The ids that a grant may name, by what it gives."""

    known: Mapping[str, set[str]]

    @classmethod
    def of(cls, programme: Programme) -> "Grantable":
        return cls(
            {
                "currency": {currency.id for currency in programme.points.currencies},
                "reward": {reward.id for reward in programme.points.rewards},
                "scratch_card": {pool.id for pool in programme.leaderboard.scratch_pools},
                "badge": {badge.id for badge in programme.missions.badges},
                "mission": {mission.id for mission in programme.missions.missions},
            }
        )

    def check(self, field: str, grants: Sequence[Grant], problems: Problems) -> None:
        """Reports what is wrong with a list of grants."""
        if len(grants) > GRANTS_MAX:
            problems.add(field, f"has {len(grants)} items, more than {GRANTS_MAX}")
        for place, grant in enumerate(grants):
            where, kind = f"{field}[{place}]", grant.WhichOneof("kind")
            if kind is None:
                problems.add(where, "gives nothing: state `points`, `reward`, `scratch_card`, `badge` or `mission`")
            elif kind == "points":
                problems.reference(
                    f"{where}.points.currency", grant.points.currency, self.known["currency"], "currency"
                )
                problems.bounded(f"{where}.points.amount", grant.points.amount, 1)
            else:
                problems.reference(f"{where}.{kind}", getattr(grant, kind), self.known[kind], kind.replace("_", " "))

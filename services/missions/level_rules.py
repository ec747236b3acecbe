"""Levels are climbed and kept: which ones an experience reaches."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from laurels.missions.v1 import programme_levels_pb2 as pb


@dataclass(slots=True)
class Experience:
    """A member's experience, and the most it ever was."""

    member: str
    experience: int = 0
    peak: int = 0
    is_new: bool = True


def hear(state: Experience, balance: int) -> bool:
    """Takes a balance over that an event told, and returns whether it changed anything.

    >>> state = Experience("ann")
    >>> hear(state, 80), hear(state, 50), (state.experience, state.peak)
    (True, True, (50, 80))
    """
    before = (state.experience, state.peak)
    state.experience, state.peak = balance, max(state.peak, balance)
    return before != (state.experience, state.peak)


def place_of(levels: Sequence[pb.Level], peak: int) -> int:
    """The place of the highest level that an experience reaches, from 1 on; 0 before the first."""
    return max((place for place, level in enumerate(levels, 1) if level.threshold <= peak), default=0)


def newly_reached(levels: Sequence[pb.Level], peak: int, reached: Collection[str]) -> list[tuple[int, pb.Level]]:
    """The levels that are reached now and were not before, with their places, lowest first."""
    return [
        (place, level) for place, level in enumerate(levels, 1) if level.threshold <= peak and level.id not in reached
    ]


@dataclass(frozen=True, slots=True)
class Reached:
    """A level that a member reached."""

    level: str
    reached_at: datetime
    experience: int
    programme_version: int

"""What a mission may ask for, and how a fact moves it. Pure: the time is the fact's.

A goal's state is plain JSON, and what it is after some facts depends on them
and their order in time alone. An activity that a refund took out in part
counts its share of a sum, and otherwise in full.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from laurels.missions.v1 import programme_goals_pb2 as pb
from services.missions import calendar

State = Any


class Goal(Protocol):
    """One thing to achieve. States of one shape may follow each other, when a version changes it."""

    @property
    def target(self) -> int: ...

    @property
    def shape(self) -> str: ...

    def empty(self) -> State:
        """The state before the first fact."""

    def count(self, state: State, step: int, value: Any, at: int, minutes: int) -> State:
        """The state after a fact: `value` of it is counted, for `step` of a sequence, by a clock `minutes` ahead."""

    def progress(self, state: State) -> int:
        """How far it is; `target` or more when it is reached."""


@dataclass(frozen=True, slots=True)
class Total:
    """So much in all: activities, or the sum of something."""

    target: int
    is_sum: bool = False
    shape: ClassVar[str] = "t"

    def empty(self) -> State:
        return 0

    def count(self, state: State, step: int, value: Any, at: int, minutes: int) -> State:
        return state + value

    def progress(self, state: State) -> int:
        return int(state)


@dataclass(frozen=True, slots=True)
class Distinct:
    """So many different values, of those that are wanted if any are named."""

    target: int
    wanted: frozenset[str] = frozenset()
    shape: ClassVar[str] = "d"

    def empty(self) -> State:
        return []

    def count(self, state: State, step: int, value: Any, at: int, minutes: int) -> State:
        """
        >>> goal = Distinct(2, frozenset({"a", "b"}))
        >>> state = []
        >>> for value in ("a", "c", "a", "b"):
        ...     state = goal.count(state, 0, value, 0, 0)
        >>> state, goal.progress(state)
        (['a', 'b'], 2)
        """
        if not value or value in state or len(state) >= self.target or (self.wanted and value not in self.wanted):
            return state
        return sorted([*state, value])

    def progress(self, state: State) -> int:
        return len(state)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps in an order, each within some time of the one before.

    The state holds, for each step, when a chain up to it ended last: the later,
    the better for the step that follows, so no chain is overlooked.
    """

    within: tuple[int, ...]
    """Microseconds from the step before; 0 without bounds."""

    @property
    def target(self) -> int:
        return len(self.within)

    @property
    def shape(self) -> str:
        return f"q{len(self.within)}"

    def empty(self) -> State:
        return [None] * len(self.within)

    def count(self, state: State, step: int, value: Any, at: int, minutes: int) -> State:
        """An activity's steps are counted from the last to the first, so that it is one link of a chain only.

        >>> goal = Sequence((0, 60, 60))
        >>> state, progress = goal.empty(), []
        >>> for step, at in ((0, 10), (0, 50), (1, 100), (2, 170), (1, 105), (2, 165)):
        ...     state = goal.count(state, step, 1, at, 0)
        ...     progress.append(goal.progress(state))
        >>> print(*progress)
        1 1 2 2 2 3
        """
        if step and (state[step - 1] is None or (self.within[step] and at - state[step - 1] > self.within[step])):
            return state
        return [*state[:step], at, *state[step + 1 :]]

    def progress(self, state: State) -> int:
        return max((place + 1 for place, at in enumerate(state) if at is not None), default=0)


@dataclass(frozen=True, slots=True)
class Reached:
    """Something that is reached or is not: a tier, or a rank not above `most`, of which the best one is kept."""

    most: int = 0
    target: int = 1
    shape: ClassVar[str] = "r"

    def empty(self) -> State:
        return 0

    def count(self, state: State, step: int, value: Any, at: int, minutes: int) -> State:
        """
        >>> goal, state, progress = Reached(3), 0, []
        >>> for rank in (7, 3, 5):
        ...     state = goal.count(state, 0, rank, 0, 0)
        ...     progress.append(goal.progress(state))
        >>> state, progress
        (3, [0, 1, 1])
        """
        if not self.most:
            return 1
        return min(state or value, value) if value > 0 else state

    def progress(self, state: State) -> int:
        return int(0 < state <= self.most) if self.most else int(state)


LAST, SEEN, CLOCK, CURRENT, LONGEST, FREEZES, LOST, LOST_AT = range(8)
"""The places of a streak's state: the last period that was kept, the period of the last activity by the clock that
it was counted by, and so on."""


@dataclass(frozen=True, slots=True)
class Streak:
    """Calendar periods in a row."""

    target: int
    unit: int = pb.STREAK_UNIT_DAY
    freeze_every: int = 0
    freezes_max: int = 0
    grace: int = 0
    """Microseconds from a period's beginning."""
    repairable: int = 0
    """Microseconds after the activity behind a gap."""

    @property
    def shape(self) -> str:
        return f"s{self.unit}"

    def empty(self) -> State:
        return None

    def count(self, state: State, step: int, value: Any, at: int, minutes: int) -> State:
        """
        >>> goal = Streak(3)
        >>> state = None
        >>> for day in (1, 2, 2, 4, 5, 6):
        ...     state = goal.count(state, 0, 1, day * calendar.DAY, 0)
        >>> state[CURRENT], state[LONGEST]
        (3, 3)
        """
        if state is None:
            number = calendar.period(self.unit, at, minutes)
            return self._kept([number, number, minutes, 0, 0, 0, 0, 0])
        missed, number = self._missed(state, at, minutes)
        if missed < 0:
            return [state[LAST], number, minutes, *state[CURRENT:]]
        state = [number, number, minutes, *state[CURRENT:]]
        if missed > state[FREEZES]:
            state[LOST], state[LOST_AT], state[CURRENT] = state[CURRENT], at, 0
        else:
            state[FREEZES] -= missed
        return self._kept(state)

    def _kept(self, state: State) -> State:
        state[CURRENT] += 1
        state[LONGEST] = max(state[LONGEST], state[CURRENT])
        if self.freeze_every and state[CURRENT] % self.freeze_every == 0:
            state[FREEZES] = min(self.freezes_max, state[FREEZES] + 1)
        return state

    def _missed(self, state: State, at: int, minutes: int) -> tuple[int, int]:
        """How many periods were missed before the one of a moment, -1 when that is kept already; and its number.

        By the clock at the gap's end and by the one at its beginning: what only
        travel left out was not missed.
        """
        number = calendar.period(self.unit, at, minutes)
        ahead = number - state[LAST]
        if ahead <= 0:
            return -1, number
        gap = max(1, min(ahead, calendar.period(self.unit, at, state[CLOCK]) - state[SEEN]))
        if gap > 1 and at + minutes * calendar.MINUTE - calendar.begins(self.unit, number) < self.grace:
            gap, number = gap - 1, number - 1
        return gap - 1, number

    def current(self, state: State, at: int, minutes: int) -> int:
        """How many periods in a row are kept at a moment: those up to the period before may still be continued."""
        if state is None:
            return 0
        missed, _ = self._missed(state, at, minutes)
        return state[CURRENT] if missed <= state[FREEZES] else 0

    def may_repair(self, state: State, at: int) -> bool:
        return state is not None and state[LOST] > 0 and at - state[LOST_AT] <= self.repairable

    def repair(self, state: State, at: int) -> State:
        """The state as though the gap had not been; the same where there is none to repair."""
        if not self.may_repair(state, at):
            return state
        current = state[CURRENT] + state[LOST]
        return [*state[:CURRENT], current, max(state[LONGEST], current), state[FREEZES], 0, 0]

    def progress(self, state: State) -> int:
        return state[CURRENT] if state is not None else 0

"""Progress grows to a mission's target and stops there; reaching it finishes the mission once for ever.

Below the target the order of activities does not matter, since progress is a
sum. A finished mission never changes again, whatever later versions of the
programme ask of it.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Progress:
    """A member's progress in a mission, in the goal's unit.

    `target` is the one it was last decided under. `completed_at` is set
    exactly when `progress` has reached it.
    """

    progress: int = 0
    target: int = 0
    completed_at: datetime | None = None


def grow(state: Progress, value: int, target: int, at: datetime) -> bool:
    """Counts `value` (1 or more) towards `target`, and returns whether that finishes the mission.

    Progress made under another target is kept; one beyond the target finishes.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> state = Progress(progress=1, target=3)
    >>> grow(state, 1, 3, noon), state.progress
    (False, 2)
    >>> grow(state, 5, 3, noon), state.progress
    (True, 3)
    >>> grow(state, 1, 9, noon), state.progress
    (False, 3)
    """
    if state.completed_at is not None:
        return False
    state.target = target
    state.progress += value
    if state.progress < target:
        return False
    state.progress, state.completed_at = target, at
    return True


def shown(state: Progress | None, target: int) -> Progress:
    """What a member is shown under a programme whose target is `target`.

    A finished mission shows the target it was finished at. One that is not
    never shows more than there is to do, also after its target was lowered.

    >>> shown(Progress(progress=8, target=10), 5)
    Progress(progress=5, target=5, completed_at=None)
    >>> shown(None, 5)
    Progress(progress=0, target=5, completed_at=None)
    """
    if state is None:
        return Progress(target=target)
    if state.completed_at is not None:
        return state
    return Progress(min(state.progress, target), target)

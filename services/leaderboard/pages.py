"""Page tokens are opaque to callers, and one that a list did not give is refused.

A board goes on after a rank; a member's cards go on after a card; periods, and
a member's places in them, go on before one.
"""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from chassis.errors import FieldViolation, InvalidArgument

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AFTER_RANK = re.compile(r"rank ([0-9]{1,15})")
_AFTER_DRAW = re.compile(r"draw ([0-9]{1,15})")
_AFTER_PARKED = re.compile(r"parked (-?[0-9]{1,18}) ([0-9]{1,9}) ([^\n]{1,400})")
_AFTER_CARD = re.compile(r"card (-?[0-9]{1,18}) ([0-9a-f]{32})")
_BEFORE_PERIOD = re.compile(r"period ([0-9]{1,12})")
_BEFORE_STANDING = re.compile(
    r"standing ([0-9]{1,12}) ([A-Za-z0-9_-]{1,64})(?: ([A-Za-z0-9_-]{1,64}) (.+))?", re.DOTALL
)
NEWEST_PERIOD = 10**12
FIRST_CARDS = (datetime.max.replace(tzinfo=UTC), "")
FIRST_PARKED = (datetime.max.replace(tzinfo=UTC), "", 0)


def after_rank(rank: int) -> str:
    """The token of the page after a rank.

    >>> rank_of(after_rank(50)), rank_of("")
    (50, 0)
    """
    return _encoded(f"rank {rank}")


def rank_of(token: str) -> int:
    """The rank that a token goes on after; 0 for the first page. Raises InvalidArgument."""
    if not token:
        return 0
    return int(_decoded(token, _AFTER_RANK)[1])


def after_card(issued_at: datetime, card: str) -> str:
    """The token of the page after a card."""
    return _encoded(f"card {(issued_at - _EPOCH) // _MICROSECOND} {card}")


def card_of(token: str) -> tuple[datetime, str]:
    """When the card that a token goes on after was issued, and its id; FIRST_CARDS for the first page.

    Raises InvalidArgument.
    """
    if not token:
        return FIRST_CARDS
    found = _decoded(token, _AFTER_CARD)
    try:
        return _EPOCH + int(found[1]) * _MICROSECOND, found[2]
    except OverflowError:
        raise _not_given(token) from None


def after_draw(draw: int) -> str:
    """The token of the page after a draw.

    >>> draw_of(after_draw(50)), draw_of("")
    (50, 0)
    """
    return _encoded(f"draw {draw}")


def draw_of(token: str) -> int:
    """The draw that a token goes on after; 0 for the first page. Raises InvalidArgument."""
    return int(_decoded(token, _AFTER_DRAW)[1]) if token else 0


def after_parked(occurred_at: datetime, key: str, place: int) -> str:
    """The token of the page after a parked card."""
    return _encoded(f"parked {(occurred_at - _EPOCH) // _MICROSECOND} {place} {key}")


def parked_of(token: str) -> tuple[datetime, str, int]:
    """The parked card that a token goes on after; FIRST_PARKED for the first page. Raises InvalidArgument."""
    if not token:
        return FIRST_PARKED
    found = _decoded(token, _AFTER_PARKED)
    try:
        return _EPOCH + int(found[1]) * _MICROSECOND, found[3], int(found[2])
    except OverflowError:
        raise _not_given(token) from None


def before_period(period: int) -> str:
    """The token of the page of periods before one."""
    return _encoded(f"period {period}")


def period_before(token: str) -> int:
    """The period that a token goes on before; the first page's is later than any. Raises InvalidArgument."""
    return int(_decoded(token, _BEFORE_PERIOD)[1]) if token else NEWEST_PERIOD


def before_standing(period: int, board: str, scope: str = "", group: str = "") -> str:
    """The token of the page of places before one.

    >>> standing_before(before_standing(7, "sprint")), standing_before(before_standing(7, "sprint", "city", "Bad Ems"))
    ((7, 'sprint', '', ''), (7, 'sprint', 'city', 'Bad Ems'))
    """
    return _encoded(f"standing {period} {board} {scope} {group}" if scope else f"standing {period} {board}")


def standing_before(token: str) -> tuple[int, str, str, str]:
    """The period, board, scope and group that a token goes on before. Raises InvalidArgument."""
    if not token:
        return NEWEST_PERIOD, "", "", ""
    found = _decoded(token, _BEFORE_STANDING)
    return int(found[1]), found[2], found[3] or "", found[4] or ""


def _encoded(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).rstrip(b"=").decode()


def _decoded(token: str, pattern: re.Pattern[str]) -> re.Match[str]:
    try:
        place = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError):
        raise _not_given(token) from None
    if (found := pattern.fullmatch(place)) is None:
        raise _not_given(token)
    return found


def _not_given(token: str) -> InvalidArgument:
    return InvalidArgument.of([FieldViolation("page_token", f"{token[:100]!r} is not one that this list gave")])

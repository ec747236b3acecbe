"""Coupon codes: generated ones cannot be guessed, imported ones are issued in their order, each of them once.

Codes are unique in the brand, whatever reward they are of. A code is free,
then issued to one redemption, then perhaps void; it never goes back.
"""

import secrets
from collections import deque
from collections.abc import Callable, Iterator

from chassis.book import Kind
from chassis.errors import FailedPrecondition
from laurels.points.v1 import rewards_pb2
from services.points import counters
from services.points.book import Book, Operation, Touched
from services.points.programme import PointsRules
from services.points.rewards import CODE_LENGTH, CODE_LENGTH_MAX, CodesRunOut, Offer, UnknownReward
from services.points.store import rewards as store
from services.points.store.rewards import FREE, ISSUED, VOID, Code

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters without 0 and O, 1, I and L, and without U, so that few words appear."""
CANDIDATES = 3
"""So many random codes a request, of which the first that is not taken is issued: 8 characters are 39 bits."""
IMPORTING = ("codes", "", "")
"""The counter whose lock has the imports of a brand one after another, so that their answers count exactly."""

CODES: Kind[str, Code] = Kind("codes", 60, store.lock_codes, store.save_codes)
KNOWN: Kind[str, Code] = Kind("known codes", 61, store.known_codes, store.save_codes)
"""Codes that are looked for among all: they are added where there are none, and never changed."""
POOLS: Kind[tuple[str, str], deque[str]] = Kind("free codes", 59, store.take_free_codes, store.leave_free_codes)
"""The first free codes of a reward, one for each (reward, redemption) that may take one; found by (reward, "")."""


class CodesNotImported(FailedPrecondition):
    """The reward takes no imported codes."""

    code = "codes_not_imported"

    def __init__(self, reward: str) -> None:
        super().__init__(f"Reward {reward!r} is no coupon whose codes are imported.")


def drawn(below: Callable[[int], int] = secrets.randbelow) -> tuple[str, ...]:
    """Random characters for the codes that one redemption may be given.

    `below` picks a number below another; the default is fit for secrets.

    >>> drawn(lambda most: most - 1)[0]
    'ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ'
    """
    return tuple(_written(below(len(ALPHABET) ** CODE_LENGTH_MAX)) for _ in range(CANDIDATES))


def _written(number: int) -> str:
    characters = []
    for _ in range(CODE_LENGTH_MAX):
        number, place = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[place])
    return "".join(characters)


def _candidates(offer: Offer, characters: tuple[str, ...]) -> Iterator[str]:
    codes = offer.reward.codes
    for each in characters:
        yield codes.prefix + each[: codes.length or CODE_LENGTH]


def touch_code(offer: Offer, redemption: str, characters: tuple[str, ...], touched: Touched) -> None:
    """What issuing a code touches."""
    if offer.takes_imported_codes:
        touched.row(POOLS, (offer.reward.id, redemption))
    elif offer.generates_codes:
        for code in _candidates(offer, characters):
            touched.row(KNOWN, code)


def next_code(book: Book, offer: Offer, characters: tuple[str, ...]) -> str:
    """The code that would be issued now; empty where the reward has none. Raises CodesRunOut."""
    if offer.takes_imported_codes:
        pool = book.row(POOLS, (offer.reward.id, ""))
        if not pool:
            raise CodesRunOut(offer.reward.id)
        return pool[0]
    if offer.generates_codes:
        for code in _candidates(offer, characters):
            if book.row(KNOWN, code) is None and book.row(CODES, code) is None:
                return code
        raise CodesRunOut(offer.reward.id)
    return ""


def issue(book: Book, offer: Offer, code: str, redemption: str) -> None:
    """Issues the code that `next_code` gave."""
    if offer.takes_imported_codes:
        pool = book.row(POOLS, (offer.reward.id, ""))
        if pool:
            pool.popleft()
    book.put(CODES, code, Code(code, offer.reward.id, ISSUED, redemption))


def void(book: Book, code: str) -> None:
    """Makes an issued code void; whoever saw it must not use it."""
    found = book.row(CODES, code)
    if found is not None:
        found.state = VOID
        book.put(CODES, code, found)


class Import(Operation):
    """Adds codes to be issued."""

    requests = (rewards_pb2.ImportRewardCodesRequest,)

    def touch(
        self, request: rewards_pb2.ImportRewardCodesRequest, found: None, rules: PointsRules, touched: Touched
    ) -> None:
        offer = rules.catalogue.offers.get(request.reward)
        if offer is None or not offer.takes_imported_codes:
            return
        counters.touch(touched, *IMPORTING)
        touched.rows.setdefault(KNOWN, set()).update(request.codes)

    def decide(
        self, book: Book, request: rewards_pb2.ImportRewardCodesRequest
    ) -> rewards_pb2.ImportRewardCodesResponse:
        offer = book.rules.catalogue.offers.get(request.reward)
        if offer is None:
            raise UnknownReward(request.reward)
        if not offer.takes_imported_codes:
            raise CodesNotImported(request.reward)
        answer = rewards_pb2.ImportRewardCodesResponse()
        for place, code in enumerate(request.codes):
            known = book.row(KNOWN, code)
            if known is None:
                book.put(KNOWN, code, Code(code, request.reward, FREE, "", place))
                answer.accepted += 1
            elif known.reward == request.reward:
                answer.duplicates += 1
            else:
                answer.conflicts += 1
        return answer

"""A member accepts what a campaign offers, once, while it stands."""

from dataclasses import dataclass
from datetime import datetime

from chassis.book import Operation, Touched
from chassis.errors import FailedPrecondition, NotFound
from laurels.missions.v1 import campaigns_pb2 as pb
from laurels.missions.v1.campaigns_events_pb2 import OfferAccepted
from laurels.value.v1.events_pb2 import GRANT_REASON_CAMPAIGN, Grant
from services.missions import gifts
from services.missions.book import Book
from services.missions.occurrences import OFFERS
from services.missions.programme import MissionsRules
from services.missions.store.campaigns import Offer


class UnknownOffer(NotFound):
    """The member has no such offer."""

    code = "unknown_offer"

    def __init__(self, offer: str) -> None:
        super().__init__(f"There is no offer {offer!r}.")


class OfferExpired(FailedPrecondition):
    """The offer was not accepted in time."""

    code = "offer_expired"

    def __init__(self, offer: Offer) -> None:
        super().__init__(f"The offer {offer.offer!r} stood until {offer.expires_at:%Y-%m-%d %H:%M} UTC.")


@dataclass(frozen=True, slots=True)
class Accept:
    """A member's word to an offer."""

    member: str
    offer: str


class AcceptOffer(Operation):
    """Accepts offers."""

    requests = (Accept,)

    def touch(self, request: Accept, found: None, rules: MissionsRules, touched: Touched) -> None:
        touched.row(OFFERS, request.offer)

    def decide(self, book: Book, rules: MissionsRules, request: Accept) -> pb.Offer:
        offer = book.row(OFFERS, request.offer)
        if offer is None or offer.member != request.member:
            raise UnknownOffer(request.offer)
        if offer.accepted_at is None:
            if book.now >= offer.expires_at:
                raise OfferExpired(offer)
            offer.accepted_at = book.now
            book.put(OFFERS, offer.offer, offer)
            told = OfferAccepted(
                offer=offer.offer,
                member=offer.member,
                campaign=offer.campaign,
                reward=offer.reward,
                accepted_at=book.now,
            )
            book.tell(offer.member, told)
            grants = [Grant(reward=offer.reward)]
            gifts.give(book, rules, offer.member, offer.key, grants, GRANT_REASON_CAMPAIGN, offer.campaign, book.now)
        return shown(offer, book.now)


def shown(offer: Offer, now: datetime) -> pb.Offer:
    """An offer as it stands at a moment."""
    if offer.accepted_at is not None:
        state = pb.OFFER_STATE_ACCEPTED
    else:
        state = pb.OFFER_STATE_OPEN if now < offer.expires_at else pb.OFFER_STATE_EXPIRED
    return pb.Offer(
        offer=offer.offer,
        campaign=offer.campaign,
        reward=offer.reward,
        state=state,
        offered_at=offer.offered_at,
        expires_at=offer.expires_at,
        accepted_at=offer.accepted_at,
    )


OPERATIONS: tuple[Operation, ...] = (AcceptOffer(),)

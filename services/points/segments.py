"""The segments that the recommender puts members in, for conditions over members.

What it says of a member that nobody enrolled is nothing to points.
"""

from laurels.recommender.v1.predictions_events_pb2 import SegmentChanged
from services.points import store
from services.points.book import Book, Operation, Touched
from services.points.programme import PointsRules


class Enter(Operation):
    """Takes over that a member entered a segment or left it."""

    requests = (SegmentChanged,)
    moves_tiers = False

    def touch(self, request: SegmentChanged, found: None, rules: PointsRules, touched: Touched) -> None:
        touched.members.add(request.member)

    def decide(self, book: Book, request: SegmentChanged) -> None:
        if not book.is_enrolled(request.member):
            return
        member = book.members[request.member]
        inside = member.segments | {request.segment} if request.entered else member.segments - {request.segment}
        if inside != member.segments:
            member.segments = inside
            book.add(store.save_segments, member)

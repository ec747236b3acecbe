"""All that the missions service can be asked to change."""

from chassis.book import registry
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.points.v1.earning_events_pb2 import PointsRefunded
from laurels.points.v1.events_pb2 import PointsCredited
from services.book import Adopt, Forget, Together
from services.missions import (
    activities,
    badge_operations,
    gifts,
    levels,
    members,
    offers,
    participation,
    quizzes,
    ranks,
    reaching,
    teams,
    together,
    triggers,
    webhooks,
)

OPERATIONS = registry(
    (
        Adopt(),
        Forget(),
        members.Know(),
        members.KnowTier(),
        gifts.Receive(),
        ranks.FeedRank(),
        participation.TakePart(),
        participation.Pay(),
        Together(
            ActivityRecorded,
            members.SeeActivity(),
            activities.CountActivity(),
            triggers.ActivityHeard(),
            together.Contribute(),
            levels.Climb(),
        ),
        Together(PointsRefunded, together.TakeOut(), levels.Climb(), badge_operations.RevokeRefunded()),
        Together(PointsCredited, triggers.CREDITED, levels.ClimbByCredit()),
        badge_operations.GiveOrTake(),
        quizzes.Start(),
        quizzes.AnswerOrEnd(),
        teams.Create(),
        teams.Join(),
        teams.Leave(),
        together.Advance(),
        together.Pay(),
        *triggers.OPERATIONS,
        *reaching.OPERATIONS,
        *offers.OPERATIONS,
        *webhooks.OPERATIONS,
    )
)

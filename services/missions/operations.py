"""All that the missions service can be asked to change."""

from chassis.book import registry
from laurels.activity.v1.events_pb2 import ActivityRecorded
from services.book import Adopt, Forget
from services.missions import activities, gifts, members, offers, participation, reaching, triggers, webhooks
from services.missions.book import Together

OPERATIONS = registry(
    (
        Adopt(),
        Forget(),
        members.Know(),
        members.KnowTier(),
        gifts.Receive(),
        participation.TakePart(),
        participation.Pay(),
        Together(ActivityRecorded, members.SeeActivity(), activities.CountActivity(), triggers.ActivityHeard()),
        *triggers.OPERATIONS,
        *reaching.OPERATIONS,
        *offers.OPERATIONS,
        *webhooks.OPERATIONS,
    )
)

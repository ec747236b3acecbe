"""All that the missions service can be asked to change."""

from chassis.book import registry
from laurels.activity.v1.events_pb2 import ActivityRecorded
from services.book import Adopt, Forget
from services.missions import activities, members
from services.missions.book import Together

OPERATIONS = registry(
    (
        Adopt(),
        Forget(),
        members.Know(),
        Together(ActivityRecorded, members.SeeActivity(), activities.CountActivity()),
    )
)

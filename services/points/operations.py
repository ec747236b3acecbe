"""All that the points service can be asked to change."""

from services.points.book import registry
from services.points.erasing import Erase, Follow
from services.points.holds import Authorise, End
from services.points.members import ChangeConsents, Correct
from services.points.pending import EndOrChange
from services.points.recording import Record
from services.points.schedules import Expiry
from services.points.spending import Enrol, Grant, Spend
from services.points.transfers import Post, Reverse
from services.points.versions import Adopt, Apply

OPERATIONS = registry(
    (
        Record(),
        Enrol(),
        Spend(),
        Grant(),
        Post(),
        Reverse(),
        Authorise(),
        End(),
        EndOrChange(),
        Expiry(),
        Apply(),
        Adopt(),
        Correct(),
        ChangeConsents(),
        Erase(),
        Follow(),
    )
)

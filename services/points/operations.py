"""All that the points service can be asked to change."""

from services.points import gifts, group_wallets, groups, referrals
from services.points.book import registry
from services.points.holds import Authorise, End
from services.points.pending import EndOrChange
from services.points.recording import Record
from services.points.schedules import Expiry
from services.points.sharing import Sharing
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
        Sharing(),
        groups.Create(),
        groups.Enter(),
        groups.Leave(),
        groups.ChangeRole(),
        group_wallets.Dissolve(),
        group_wallets.SpendOfGroup(),
        group_wallets.Contribute(),
        gifts.Give(),
        referrals.Coding(),
        referrals.Claim(),
    )
)

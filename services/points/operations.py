"""All that the points service can be asked to change."""

from chassis.book import registry
from services.points import attribute_events, gifts, grants, group_wallets, groups, referrals, segments, service_holds
from services.points.approvals import DecideApprovals
from services.points.codes import Import
from services.points.erasing import Erase, Follow
from services.points.holds import Authorise, End
from services.points.members import ChangeConsents, Correct
from services.points.pending import EndOrChange
from services.points.recording import Record
from services.points.redemptions import EndOrFulfil, Redeem
from services.points.schedules import Expiry
from services.points.sharing import Sharing
from services.points.spending import Enrol, Grant, Spend
from services.points.tier_operations import AskTier, PassTime
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
        DecideApprovals(),
        AskTier(),
        PassTime(),
        Redeem(),
        EndOrFulfil(),
        Import(),
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
        Correct(),
        ChangeConsents(),
        Erase(),
        Follow(),
        grants.Give(),
        grants.DecideParked(),
        service_holds.Ask(),
        service_holds.Settle(),
        attribute_events.Sweep(),
        attribute_events.Reach(),
        segments.Enter(),
    )
)

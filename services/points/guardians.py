"""A minor may earn; for anything else a guardian must have consented."""

from datetime import datetime
from zoneinfo import ZoneInfo

from chassis.errors import FailedPrecondition
from laurels.points.v1 import members_pb2
from services.points.attributes import MemberSchema
from services.points.store.members import Particulars

_GUARDIAN = str(int(members_pb2.CONSENT_PURPOSE_GUARDIAN))


class GuardianConsentRequired(FailedPrecondition):
    """A minor would do what a guardian has not consented to."""

    code = "guardian_consent_required"

    def __init__(self, member: str) -> None:
        super().__init__(f"Member {member!r} is a minor and may only earn until a guardian has consented.")


def awaits_guardian(schema: MemberSchema, particulars: Particulars | None, at: datetime, zone: ZoneInfo) -> bool:
    """Whether a member is a minor at that moment and no guardian has consented; `zone` is the brand's."""
    if particulars is None or schema.guardianship is None:
        return False
    consented = particulars.consents.get(_GUARDIAN, {}).get("granted", False)
    return not consented and schema.is_minor(particulars.attributes, at, zone)

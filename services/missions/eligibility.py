"""Conditions over what missions knows of a member: who may take part.

The variables are `member.id`, `member.tier`, `member.segments` (a list), `member.level` (its place in the
ladder, 0 before the first),
`member.consents.<purpose>` and `member.attributes.<name>` for the attributes
that the programme declares and that say nothing of who the member is. One that
a member does not have, or that is not shared, is its kind's zero value.
"""

from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel

from chassis.conditions import FLAG, INTEGER, NUMBER, TEXT, Condition, InvalidExpression, Vocabulary
from laurels.points.v1 import members_pb2
from laurels.points.v1 import programme_pb2 as points_pb
from laurels.programme.v1.programme_pb2 import Programme
from services.activity import ATTRIBUTE_NAME, INTEGER_MAX
from services.missions.level_rules import place_of
from services.missions.store.members import Member
from services.programme import Problems

PURPOSES: Mapping[int, str] = {
    members_pb2.CONSENT_PURPOSE_PROFILING: "profiling",
    members_pb2.CONSENT_PURPOSE_MARKETING: "marketing",
    members_pb2.CONSENT_PURPOSE_LEADERBOARDS: "leaderboards",
    members_pb2.CONSENT_PURPOSE_PARTNER_SHARING: "partner_sharing",
    members_pb2.CONSENT_PURPOSE_GUARDIAN: "guardian",
}
_ATTRIBUTE, _CONSENT = "member.attributes.", "member.consents."
_KINDS: Mapping[int, tuple[Any, Any]] = {
    points_pb.MEMBER_ATTRIBUTE_KIND_TEXT: (TEXT, ""),
    points_pb.MEMBER_ATTRIBUTE_KIND_INTEGER: (INTEGER, 0),
    points_pb.MEMBER_ATTRIBUTE_KIND_NUMBER: (NUMBER, 0.0),
    points_pb.MEMBER_ATTRIBUTE_KIND_FLAG: (FLAG, False),
    points_pb.MEMBER_ATTRIBUTE_KIND_DATE: (TEXT, ""),
}


class MemberVocabulary:
    """What conditions over a member may say, under one version of the programme.

    `more` are variables of a topic's own, which it gives to `values` as `others`.
    """

    def __init__(self, programme: Programme, more: Mapping[str, Any] | None = None) -> None:
        self._declared = {
            attribute.name: _KINDS[attribute.kind]
            for attribute in programme.points.member_attributes
            if not attribute.personal and attribute.kind in _KINDS and ATTRIBUTE_NAME.fullmatch(attribute.name)
        }
        self._levels = programme.missions.levels.levels
        self.variables: dict[str, Any] = {
            "member.id": TEXT,
            "member.tier": TEXT,
            "member.segments": cel.Type.List(TEXT),
            "member.level": INTEGER,
            **{_CONSENT + purpose: FLAG for purpose in PURPOSES.values()},
            **{_ATTRIBUTE + name: kind for name, (kind, _) in self._declared.items()},
            **(more or {}),
        }
        self._vocabulary = Vocabulary(self.variables)

    def condition(self, field: str, source: str, problems: Problems) -> Condition | None:
        """A condition; None when it is wrong, which is reported."""
        try:
            return self._vocabulary.condition(source)
        except InvalidExpression as error:
            problems.add(field, str(error))
            return None

    def plain(self, member: Member) -> dict[str, Any]:
        """A member's values by variable."""
        return {
            "member.id": member.member,
            "member.tier": member.tier,
            "member.segments": member.segments,
            "member.level": place_of(self._levels, member.peak),
            **{_CONSENT + purpose: member.consents.get(purpose, False) for purpose in PURPOSES.values()},
            **{
                _ATTRIBUTE + name: _of_kind(member.attributes.get(name), kind, zero)
                for name, (kind, zero) in self._declared.items()
            },
        }

    def values(self, member: Member, others: Mapping[str, Any] | None = None) -> Any:
        """A member's values, for conditions to hold on."""
        return self._vocabulary.values(self.plain(member) | dict(others or {}))


def _of_kind(value: Any, kind: Any, zero: Any) -> Any:
    """A shared attribute as its declared kind; its zero where it was shared as another kind, by an older version."""
    if kind is FLAG:
        return value if isinstance(value, bool) else zero
    if kind is TEXT:
        return value if isinstance(value, str) else zero
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > INTEGER_MAX:
        return zero
    return int(value) if kind is INTEGER else float(value)

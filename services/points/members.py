"""Members' particulars are corrected, and their consents kept with how they came about.

A withdrawal is always taken and moves nothing else: no wallet, tier or lot is
touched by a consent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct

from chassis.errors import FieldViolation, IdempotencyConflict, InvalidArgument, PermissionDenied
from laurels.points.v1 import members_events_pb2, members_pb2, points_pb2
from services.points import attribute_events
from services.points.book import PARTICULARS, Book, Operation, Touched
from services.points.form import text_violations
from services.points.guardians import GuardianConsentRequired, awaits_guardian
from services.points.programme import PointsRules
from services.points.states import MemberState
from services.points.store import members as store
from services.points.store.members import NewConsent, Particulars

DISPLAY_NAME_LENGTH_MAX = 100
MASK_MAX = 100
TEXT_VERSION_LENGTH_MAX, METHOD_LENGTH_MAX = 100, 200
GUARDIAN = members_pb2.CONSENT_PURPOSE_GUARDIAN


class NotSelfService(PermissionDenied):
    """A member would change what only the brand may."""

    code = "not_self_service"

    def __init__(self, attribute: str) -> None:
        super().__init__(f"Members do not change {attribute!r} themselves.")


class NotTheGuardian(PermissionDenied):
    """A member would speak as a guardian."""

    code = "not_the_guardian"

    def __init__(self) -> None:
        super().__init__("A guardian's word is recorded by a back end of the brand.")


@dataclass(frozen=True, slots=True)
class Correction:
    """A request to correct; `by_member` when the member asks and nobody of the brand."""

    request: members_pb2.CorrectMemberRequest
    by_member: bool


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """A request to give and withdraw consents, and whose credential it came with."""

    request: members_pb2.PutConsentsRequest
    recorded_by: str
    by_member: bool


class Correct(Operation):
    """Corrects particulars."""

    requests = (Correction,)

    def touch(self, request: Correction, found: None, rules: PointsRules, touched: Touched) -> None:
        touched.members.add(request.request.member)
        touched.row(PARTICULARS, request.request.member)
        attribute_events.touch(request.request.member, rules, touched)

    def decide(self, book: Book, request: Correction) -> members_pb2.CorrectMemberResponse:
        asked, schema = request.request, book.rules.members
        member = book.member(asked.member)
        known = book.row(PARTICULARS, asked.member) or Particulars(asked.member)
        mask = list(asked.update_mask) or _carried(asked)
        _refuse(_mask_violations(mask, book.rules))
        _refuse(schema.violations(asked.attributes))
        stated = schema.plain(asked.attributes)
        attributes = dict(known.attributes)
        for name in _named(mask, book.rules):
            if name in stated:
                attributes[name] = stated[name]
            else:
                attributes.pop(name, None)
        changed = [n for n in schema.declared if attributes.get(n, ...) != known.attributes.get(n, ...)]
        _refuse(v for v in schema.missing(attributes) if v.field.removeprefix("attributes.") in changed)
        for name in changed:
            if request.by_member and not schema.declared[name].self_service:
                raise NotSelfService(name)
        fields = [f"attributes.{name}" for name in changed]
        if "display_name" in mask and member.display_name != asked.display_name:
            member.display_name = asked.display_name
            book.change_member(member)
            fields.append("display_name")
        if changed:
            before, known = known.attributes, Particulars(asked.member, attributes, known.consents)
            book.put(PARTICULARS, asked.member, known)
            attribute_events.note(book, asked.member, before, attributes)
        if fields:
            told = members_events_pb2.MemberCorrected(
                member=asked.member, fields=sorted(fields), corrected_at=book.stamp
            )
            book.tell(asked.member, told)
        return members_pb2.CorrectMemberResponse(member=shown(book, member, known))


class ChangeConsents(Operation):
    """Records consents and withdrawals."""

    requests = (ConsentChange,)

    def touch(self, request: ConsentChange, found: None, rules: PointsRules, touched: Touched) -> None:
        touched.members.add(request.request.member)
        touched.row(PARTICULARS, request.request.member)

    def decide(self, book: Book, request: ConsentChange) -> members_pb2.PutConsentsResponse:
        name = request.request.member
        book.member(name)
        known = book.row(PARTICULARS, name) or Particulars(name)
        after = Particulars(name, known.attributes, dict(known.consents))
        changes: list[NewConsent] = []
        # A guardian's consent in the same request counts for the others.
        for consent in sorted(request.request.consents, key=lambda consent: consent.purpose != GUARDIAN):
            giver = _giver(consent)
            if request.by_member and giver == members_pb2.CONSENT_GIVER_GUARDIAN and consent.granted:
                raise NotTheGuardian
            alone = giver == members_pb2.CONSENT_GIVER_MEMBER and consent.granted
            if alone and awaits_guardian(book.rules.members, after, book.now, book.rules.zone):
                raise GuardianConsentRequired(name)
            before = after.consents.get(str(consent.purpose))
            said = {"granted": consent.granted, "text_version": consent.text_version, "giver": giver}
            if before is not None and {key: before.get(key) for key in said} == said:
                continue
            if before is None and not consent.granted and not consent.text_version:
                continue
            after.consents[str(consent.purpose)] = said | {
                "method": consent.method,
                "recorded_by": request.recorded_by,
                "recorded_at": book.now.isoformat(),
            }
            changes.append(
                NewConsent(
                    member=name,
                    purpose=consent.purpose,
                    granted=consent.granted,
                    text_version=consent.text_version,
                    method=consent.method,
                    giver=giver,
                    recorded_by=request.recorded_by,
                    recorded_at=book.now,
                )
            )
        if changes:
            book.put(PARTICULARS, name, after)
        for change in changes:
            book.add(store.add_consents, change)
            _tell(book, change)
        return members_pb2.PutConsentsResponse(changed=len(changes))


def enrol(book: Book, request: points_pb2.EnrolMemberRequest, *, enrolled: bool) -> Particulars:
    """The particulars of a member who is being enrolled, checked. Raises IdempotencyConflict, InvalidArgument."""
    schema = book.rules.members
    _refuse(schema.violations(request.attributes))
    attributes = schema.plain(request.attributes)
    known = book.row(PARTICULARS, request.member) or Particulars(request.member)
    if enrolled and known.attributes and attributes and known.attributes != attributes:
        raise IdempotencyConflict(f"Member {request.member!r} is enrolled with other particulars.")
    if not enrolled or attributes:
        _refuse(schema.missing(attributes))
    return Particulars(request.member, attributes or known.attributes, known.consents)


def shown(book: Book, member: MemberState, particulars: Particulars) -> points_pb2.Member:
    """A member without wallets."""
    return points_pb2.Member(
        member=member.member,
        display_name=member.display_name,
        enrolled_at=member.enrolled_at,
        tier=member.tier,
        attributes=struct_of(particulars.attributes) if particulars.attributes else None,
        awaits_guardian=awaits_guardian(book.rules.members, particulars, book.now, book.rules.zone),
    )


def struct_of(attributes: dict[str, Any]) -> Struct:
    """Plain values as a message."""
    found = Struct()
    found.update(attributes)
    return found


def consents_violations(request: members_pb2.PutConsentsRequest) -> Iterator[FieldViolation]:
    """What is wrong with the form of a change of consents."""
    if not request.consents:
        yield FieldViolation("consents", "is empty")
    seen: set[int] = set()
    for place, consent in enumerate(request.consents[:10]):
        where = f"consents[{place}]"
        if consent.purpose not in members_pb2.ConsentPurpose.values() or not consent.purpose:
            yield FieldViolation(f"{where}.purpose", "is required")
        elif consent.purpose in seen:
            yield FieldViolation(f"{where}.purpose", "is named twice")
        seen.add(consent.purpose)
        if consent.giver not in members_pb2.ConsentGiver.values():
            yield FieldViolation(f"{where}.giver", "is not known")
        yield from text_violations(f"{where}.text_version", consent.text_version, TEXT_VERSION_LENGTH_MAX)
        yield from text_violations(f"{where}.method", consent.method, METHOD_LENGTH_MAX)
    if len(request.consents) > len(members_pb2.ConsentPurpose.values()):
        yield FieldViolation("consents", "has more items than there are purposes")


def newest_consents(particulars: Particulars) -> list[members_pb2.ConsentRecord]:
    """The newest word on each purpose."""
    return [
        members_pb2.ConsentRecord(
            consent=members_pb2.Consent(
                purpose=int(purpose),  # type: ignore[arg-type]
                granted=said["granted"],
                text_version=said["text_version"],
                method=said["method"],
                giver=said["giver"],
            ),
            recorded_by=said["recorded_by"],
            recorded_at=datetime.fromisoformat(said["recorded_at"]).astimezone(UTC),
        )
        for purpose, said in sorted(particulars.consents.items())
    ]


def _giver(consent: members_pb2.Consent) -> int:
    if consent.purpose == GUARDIAN:
        return members_pb2.CONSENT_GIVER_GUARDIAN
    return consent.giver or members_pb2.CONSENT_GIVER_MEMBER


def _carried(asked: members_pb2.CorrectMemberRequest) -> list[str]:
    """What an empty mask names."""
    name = ["display_name"] if asked.display_name else []
    return name + [f"attributes.{attribute}" for attribute in asked.attributes.fields]


def _named(mask: list[str], rules: PointsRules) -> list[str]:
    """The attributes that a mask names."""
    if "attributes" in mask:
        return list(rules.members.declared)
    return [path.removeprefix("attributes.") for path in mask if path.startswith("attributes.")]


def _mask_violations(mask: list[str], rules: PointsRules) -> Iterator[FieldViolation]:
    for path in mask:
        named, _, attribute = path.partition(".")
        if path not in ("display_name", "attributes") and not (
            named == "attributes" and attribute in rules.members.declared
        ):
            yield FieldViolation("update_mask", f"names {path[:80]!r}, which does not exist")


def _refuse(violations: Iterator[FieldViolation]) -> None:
    if found := list(violations):
        raise InvalidArgument.of(found[:100])


def _tell(book: Book, change: NewConsent) -> None:
    told = members_events_pb2.ConsentChanged(
        member=change.member,
        purpose=change.purpose,  # type: ignore[arg-type]
        granted=change.granted,
        text_version=change.text_version,
        changed_at=book.stamp,
    )
    book.tell(change.member, told)

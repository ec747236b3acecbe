"""What a programme declares about members, and the age at which they decide for themselves."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.struct_pb2 import Struct, Value

from chassis.conditions import FLAG, INTEGER, NUMBER, TEXT
from chassis.errors import FieldViolation
from laurels.points.v1 import programme_pb2 as pb
from services.activity import ATTRIBUTE_NAME, INTEGER_MAX, TEXT_LENGTH_MAX
from services.programme import Problems

ATTRIBUTES_MAX, CHOICES_MAX = 64, 100
AGE_MAX = 25
PREFIX = "member.attributes."
"""What the variables of conditions begin with."""
_TEXT, _INTEGER, _NUMBER, _FLAG, _DATE = (
    pb.MEMBER_ATTRIBUTE_KIND_TEXT,
    pb.MEMBER_ATTRIBUTE_KIND_INTEGER,
    pb.MEMBER_ATTRIBUTE_KIND_NUMBER,
    pb.MEMBER_ATTRIBUTE_KIND_FLAG,
    pb.MEMBER_ATTRIBUTE_KIND_DATE,
)
_TYPES: Mapping[int, Any] = {_TEXT: TEXT, _INTEGER: INTEGER, _NUMBER: NUMBER, _FLAG: FLAG, _DATE: TEXT}
_ZEROS: Mapping[int, Any] = {_TEXT: "", _INTEGER: 0, _NUMBER: 0.0, _FLAG: False, _DATE: ""}
_DESCRIBED: Mapping[int, str] = {
    _INTEGER: "a whole number below 2^53 in size",
    _NUMBER: "a finite number",
    _FLAG: "true or false",
    _DATE: "a date such as 1990-12-31",
}
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(slots=True)
class MemberSchema:
    """The declared attributes, and who needs a guardian."""

    declared: dict[str, pb.MemberAttribute] = field(default_factory=dict)
    guardianship: pb.Guardianship | None = None

    @property
    def shared(self) -> list[str]:
        """The attributes that other services may know."""
        return [name for name, attribute in self.declared.items() if attribute.shared and not attribute.personal]

    @property
    def anniversaries(self) -> list[str]:
        """The attributes of kind date whose days are told as they come round."""
        return [name for name, a in self.declared.items() if a.anniversary and a.kind == _DATE]

    def shared_values(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """What other services may know of a member."""
        return {name: attributes[name] for name in self.shared if name in attributes}

    def zone(self, attributes: Mapping[str, Any], brand_zone: ZoneInfo) -> ZoneInfo:
        """A member's own time zone, or the brand's."""
        name = self.guardianship.time_zone_attribute if self.guardianship is not None else ""
        found = attributes.get(name, "") if name else ""
        return zone_of(found if isinstance(found, str) else "") or brand_zone

    @property
    def variables(self) -> dict[str, Any]:
        """What conditions may read, with its type."""
        return {
            PREFIX + name: _TYPES[attribute.kind]
            for name, attribute in self.declared.items()
            if not attribute.personal and attribute.kind in _TYPES and ATTRIBUTE_NAME.fullmatch(name)
        }

    def values(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """A member's attributes as conditions read them."""
        return {
            PREFIX + name: attributes.get(name, _ZEROS[attribute.kind])
            for name, attribute in self.declared.items()
            if not attribute.personal
        }

    def plain(self, attributes: Struct) -> dict[str, Any]:
        """Attributes as plain values of their declared kinds; they must have been found without violations."""
        return {name: _plain(value, self.declared[name].kind) for name, value in attributes.fields.items()}

    def violations(self, attributes: Struct) -> Iterator[FieldViolation]:
        """What is wrong with attributes, each by itself."""
        for name, value in attributes.fields.items():
            declared = self.declared.get(name)
            if declared is None:
                known = ", ".join(sorted(self.declared)) or "none"
                yield FieldViolation(f"attributes.{name[:64]}", f"is not declared by the programme (declared: {known})")
            elif detail := _wrong(value, declared):
                yield FieldViolation(f"attributes.{name}", detail)

    def missing(self, attributes: Mapping[str, Any]) -> Iterator[FieldViolation]:
        """The required attributes that are not there."""
        for name, attribute in self.declared.items():
            if attribute.required and name not in attributes:
                yield FieldViolation(f"attributes.{name}", "is required")

    def is_minor(self, attributes: Mapping[str, Any], at: datetime, brand_zone: ZoneInfo) -> bool:
        """Whether a member with these attributes is under the age at a moment, by their own calendar."""
        if self.guardianship is None:
            return False
        birthday = attributes.get(self.guardianship.birthday_attribute)
        if not birthday:
            return False
        zone = self.zone(attributes, brand_zone)
        return age_on(date.fromisoformat(birthday), at.astimezone(zone).date()) < self.guardianship.age


def age_on(birthday: date, day: date) -> int:
    """An age in whole years. Who was born on 29 February is a year older on 1 March where there is no 29th.

    >>> age_on(date(2010, 5, 1), date(2026, 4, 30)), age_on(date(2010, 5, 1), date(2026, 5, 1))
    (15, 16)
    >>> age_on(date(2008, 2, 29), date(2026, 2, 28)), age_on(date(2008, 2, 29), date(2026, 3, 1))
    (17, 18)
    """
    return day.year - birthday.year - ((day.month, day.day) < (birthday.month, birthday.day))


def zone_of(name: str) -> ZoneInfo | None:
    """A time zone by its IANA name; None when there is none."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def _plain(value: Value, kind: int) -> Any:
    match kind:
        case pb.MEMBER_ATTRIBUTE_KIND_INTEGER:
            return int(value.number_value)
        case pb.MEMBER_ATTRIBUTE_KIND_NUMBER:
            return value.number_value
        case pb.MEMBER_ATTRIBUTE_KIND_FLAG:
            return value.bool_value
    return value.string_value


def _wrong(value: Value, declared: pb.MemberAttribute) -> str:
    """What is wrong with a value; empty when nothing is."""
    which, text = value.WhichOneof("kind"), value.string_value
    match declared.kind:
        case pb.MEMBER_ATTRIBUTE_KIND_TEXT:
            most = declared.length_max or TEXT_LENGTH_MAX
            if which != "string_value" or not declared.length_min <= len(text) <= most or "\0" in text:
                return f"is not a text of {declared.length_min} to {most} characters without NUL"
            if declared.choices and text not in declared.choices:
                return f"is not one of {', '.join(declared.choices)}"
            return ""
        case pb.MEMBER_ATTRIBUTE_KIND_INTEGER:
            number = value.number_value
            fits = which == "number_value" and number.is_integer() and abs(number) <= INTEGER_MAX
        case pb.MEMBER_ATTRIBUTE_KIND_NUMBER:
            fits = which == "number_value" and isfinite(value.number_value)
        case pb.MEMBER_ATTRIBUTE_KIND_FLAG:
            fits = which == "bool_value"
        case _:
            fits = which == "string_value" and _is_date(text)
    return "" if fits else f"is not {_DESCRIBED[declared.kind]}"


def _is_date(text: str) -> bool:
    if not _ISO_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def compile_members(points: pb.PointsProgramme, problems: Problems) -> MemberSchema:
    """Compiles what is right and reports what is not."""
    schema = MemberSchema()
    if len(points.member_attributes) > ATTRIBUTES_MAX:
        problems.add(
            "points.member_attributes", f"has {len(points.member_attributes)} items, more than {ATTRIBUTES_MAX}"
        )
    for place, attribute in enumerate(points.member_attributes):
        where = f"points.member_attributes[{place}]"
        _check_attribute(where, attribute, problems)
        if attribute.name in schema.declared:
            problems.add(f"{where}.name", f"{attribute.name!r} is declared twice")
        schema.declared[attribute.name] = attribute
    if points.HasField("guardianship"):
        schema.guardianship = points.guardianship
        _check_guardianship(points.guardianship, schema, problems)
    return schema


def _check_attribute(where: str, attribute: pb.MemberAttribute, problems: Problems) -> None:
    if not ATTRIBUTE_NAME.fullmatch(attribute.name):
        problems.add(f"{where}.name", f"{attribute.name!r} is not 1 to 64 of a-z 0-9 _, no digit first")
    if attribute.kind not in _TYPES:
        problems.add(f"{where}.kind", "is required: text, integer, number, flag or date")
    if attribute.kind != _TEXT and (attribute.choices or attribute.length_min or attribute.length_max):
        problems.add(where, "has choices or lengths, which are for the kind text only")
    if attribute.shared and attribute.personal:
        problems.add(f"{where}.shared", "is for attributes that are not personal; what says who a member is stays here")
    if attribute.anniversary and attribute.kind != _DATE:
        problems.add(f"{where}.anniversary", "is for the kind date only")
    if len(attribute.choices) > CHOICES_MAX:
        problems.add(f"{where}.choices", f"has {len(attribute.choices)} items, more than {CHOICES_MAX}")
    problems.bounded(f"{where}.length_max", attribute.length_max, 0, TEXT_LENGTH_MAX)
    problems.bounded(f"{where}.length_min", attribute.length_min, 0, attribute.length_max or TEXT_LENGTH_MAX)


def _check_guardianship(found: pb.Guardianship, schema: MemberSchema, problems: Problems) -> None:
    problems.bounded("points.guardianship.age", found.age, 1, AGE_MAX)
    wanted = [("birthday_attribute", found.birthday_attribute, _DATE, "date")]
    if found.time_zone_attribute:
        wanted.append(("time_zone_attribute", found.time_zone_attribute, _TEXT, "text"))
    for name, attribute, kind, described in wanted:
        where = f"points.guardianship.{name}"
        if not problems.reference(where, attribute, schema.declared, "member attribute"):
            continue
        declared = schema.declared[attribute]
        if declared.kind != kind:
            problems.add(where, f"{attribute!r} is not of the kind {described}")
        if declared.self_service:
            problems.add(where, f"{attribute!r} is self-service; a minor could come of age by it")

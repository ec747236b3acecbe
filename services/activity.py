"""What every service understands of an activity: its declared attributes, and expressions over them.

A programme declares each activity type with its attributes; activities are
checked against that at the entrance, and every condition over them is
type-checked when the programme is.
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from chassis.conditions import FLAG, INTEGER, MOMENT, NUMBER, TEXT, Vocabulary
from chassis.errors import FieldViolation
from laurels.activity.v1.activity_pb2 import Activity
from laurels.programme.v1 import programme_pb2 as pb

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT_LENGTH_MAX = 1_024
INTEGER_MAX = 2**53 - 1
ATTRIBUTE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")

_TYPES: Mapping[int, Any] = {
    pb.ATTRIBUTE_KIND_INTEGER: INTEGER,
    pb.ATTRIBUTE_KIND_NUMBER: NUMBER,
    pb.ATTRIBUTE_KIND_TEXT: TEXT,
    pb.ATTRIBUTE_KIND_FLAG: FLAG,
}
_ZEROS: Mapping[int, Any] = {
    pb.ATTRIBUTE_KIND_INTEGER: 0,
    pb.ATTRIBUTE_KIND_NUMBER: 0.0,
    pb.ATTRIBUTE_KIND_TEXT: "",
    pb.ATTRIBUTE_KIND_FLAG: False,
}
_PLAIN: Mapping[int, Callable[[Value], Any]] = {
    pb.ATTRIBUTE_KIND_INTEGER: lambda value: int(value.number_value),
    pb.ATTRIBUTE_KIND_NUMBER: attrgetter("number_value"),
    pb.ATTRIBUTE_KIND_TEXT: attrgetter("string_value"),
    pb.ATTRIBUTE_KIND_FLAG: attrgetter("bool_value"),
}
_DESCRIBED: Mapping[int, str] = {
    pb.ATTRIBUTE_KIND_INTEGER: "a whole number below 2^53 in size",
    pb.ATTRIBUTE_KIND_NUMBER: "a number",
    pb.ATTRIBUTE_KIND_TEXT: f"text of at most {TEXT_LENGTH_MAX} characters",
    pb.ATTRIBUTE_KIND_FLAG: "true or false",
}
ACTIVITY_VARIABLES: Mapping[str, Any] = {"activity.id": TEXT, "activity.occurred_at": MOMENT}
MEMBER_VARIABLES: Mapping[str, Any] = {"member.id": TEXT, "member.tier": TEXT}


class ActivitySchema:
    """A declared activity type, with the vocabulary of expressions over it.

    `variables` are the service's own, besides the activity's.
    """

    def __init__(self, declared: pb.ActivityType, variables: Mapping[str, Any]) -> None:
        self.type = declared.type
        self.attributes = {attribute.name: attribute for attribute in declared.attributes}
        kinds = {
            f"attributes.{name}": a.kind
            for name, a in self.attributes.items()
            if a.kind in _TYPES and ATTRIBUTE_NAME.fullmatch(name)
        }
        typed = {name: _TYPES[kind] for name, kind in kinds.items()}
        self.vocabulary = Vocabulary({**ACTIVITY_VARIABLES, **variables, **typed})
        self._zeros = {name: _ZEROS[kind] for name, kind in kinds.items()}
        self._plain = {name: _PLAIN[a.kind] for name, a in self.attributes.items() if a.kind in _PLAIN}

    def attribute_values(self, attributes: Struct) -> dict[str, Any]:
        """The activity's attributes as plain values of their declared kinds.

        The attributes must have been found without violations.
        """
        present = attributes.fields
        return {name: self._plain[name](present[name]) for name in present}

    def violations(self, activity: Activity, path: str) -> Iterator[FieldViolation]:
        """What is wrong with an activity's attributes."""
        present = activity.attributes.fields
        for name, value in present.items():
            declared = self.attributes.get(name)
            if declared is None:
                known = ", ".join(sorted(self.attributes)) or "none"
                yield FieldViolation(f"{path}.attributes.{name}", f"is not declared for {self.type!r} ({known})")
            elif not _is_of_kind(value, declared.kind):
                yield FieldViolation(f"{path}.attributes.{name}", f"is not {_DESCRIBED[declared.kind]}")
        for name, attribute in self.attributes.items():
            if attribute.required and name not in present:
                yield FieldViolation(f"{path}.attributes.{name}", f"is required for {self.type!r}")

    def values(self, activity: Activity, attributes: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """The values that the vocabulary's expressions are evaluated on."""
        values = {**self._zeros, **variables}
        values["activity.id"], values["activity.occurred_at"] = activity.id, moment_of(activity)
        for name, value in attributes.items():
            values[f"attributes.{name}"] = value
        return self.vocabulary.values(values)


class Reader:
    """Reads from activities the variables that some expressions use, and nothing else.

    `names` are theirs; an activity's attributes must have been found without
    violations.
    """

    def __init__(self, schema: ActivitySchema, names: Container[str]) -> None:
        self._vocabulary = schema.vocabulary
        self._names = names
        self._attributes = [
            (f"attributes.{name}", name, _PLAIN[attribute.kind], _ZEROS[attribute.kind])
            for name, attribute in schema.attributes.items()
            if f"attributes.{name}" in names
        ]
        self._id, self._occurred_at = "activity.id" in names, "activity.occurred_at" in names

    def values(self, activity: Activity, variables: Mapping[str, Any]) -> Any:
        """The values that the expressions are evaluated on; `variables` are the service's own."""
        values = {name: value for name, value in variables.items() if name in self._names}
        if self._attributes:
            present = activity.attributes.fields
            for variable, name, plain, zero in self._attributes:
                values[variable] = plain(present[name]) if name in present else zero
        if self._id:
            values["activity.id"] = activity.id
        if self._occurred_at:
            values["activity.occurred_at"] = moment_of(activity)
        return self._vocabulary.values(values)


def _is_of_kind(value: Value, kind: int) -> bool:
    which = value.WhichOneof("kind")
    if kind == pb.ATTRIBUTE_KIND_INTEGER:
        return which == "number_value" and value.number_value.is_integer() and abs(value.number_value) <= INTEGER_MAX
    if kind == pb.ATTRIBUTE_KIND_NUMBER:
        return which == "number_value"
    if kind == pb.ATTRIBUTE_KIND_TEXT:
        return which == "string_value" and len(value.string_value) <= TEXT_LENGTH_MAX
    return which == "bool_value"


def moment_of(activity: Activity) -> datetime:
    """When an activity happened, in UTC, to the microsecond below.

    As Timestamp.ToDatetime, in half its time.
    """
    occurred_at = activity.occurred_at
    return EPOCH + timedelta(0, occurred_at.seconds, occurred_at.nanos // 1_000)

"""What every service understands of an activity: its declared attributes, and expressions over them.

A programme declares each activity type with its attributes; activities are
checked against that at the entrance, and every condition over them is
type-checked when the programme is.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from operator import attrgetter
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from chassis.conditions import FLAG, INTEGER, MOMENT, NUMBER, TEXT, Amounts, Vocabulary
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
    pb.ATTRIBUTE_KIND_NUMBER: "a finite number",
    pb.ATTRIBUTE_KIND_TEXT: f"text of at most {TEXT_LENGTH_MAX} characters without NUL",
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
        self._plain = {name: _PLAIN[a.kind] for name, a in self.attributes.items() if a.kind in _PLAIN}

    def attribute_values(self, attributes: Struct) -> dict[str, Any]:
        """The activity's attributes as plain values of their declared kinds.

        The attributes must have been found without violations.
        """
        present = attributes.fields
        return {name: self._plain[name](present[name]) for name in present}

    def values(self, activity: Activity, variables: Mapping[str, Any]) -> Any:
        """Values for any expression over the type, besides the service's own: what is missing is its kind's zero.

        The attributes must have been found without violations.
        """
        zeros = {name: _ZEROS[self.attributes[name].kind] for name in self._plain}
        known = zeros | self.attribute_values(activity.attributes)
        found = {f"attributes.{name}": value for name, value in known.items()}
        own = {"activity.id": activity.id, "activity.occurred_at": moment_of(activity)}
        return self.vocabulary.values({**variables, **own, **found})

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


class Expressions:
    """Amounts with their conditions over activities of one type, evaluated in one go.

    Only the variables that they use are read from an activity, whose attributes
    must have been found without violations.
    """

    def __init__(self, schema: ActivitySchema) -> None:
        self._schema = schema
        self._sources: list[tuple[str, str]] = []
        self._amounts: Amounts | None = None

    def add(self, condition: str, amount: str) -> None:
        """Adds an amount and the condition without which it is 0; both were checked."""
        self._sources.append((condition, amount))
        self._amounts = None

    @property
    def variables(self) -> frozenset[str]:
        """All that they read, and at times one more."""
        return (self._amounts or self._compile()).variables

    def of(self, activity: Activity, variables: Mapping[str, Any], failed: Callable[[int, str], None]) -> list[int]:
        """The amounts in their order; `failed(place, why)` is told of those that fail and count as 0.

        `variables` are the service's own.
        """
        amounts = self._amounts or self._compile()
        return amounts.of(self._values(activity, variables), failed)

    def _compile(self) -> Amounts:
        amounts = self._amounts = self._schema.vocabulary.amounts(self._sources)
        self._names = amounts.variables
        self._attributes = [
            (f"attributes.{name}", name, _PLAIN[attribute.kind], _ZEROS[attribute.kind])
            for name, attribute in self._schema.attributes.items()
            if f"attributes.{name}" in self._names
        ]
        self._id, self._occurred_at = "activity.id" in self._names, "activity.occurred_at" in self._names
        return amounts

    def _values(self, activity: Activity, variables: Mapping[str, Any]) -> Any:
        values = {name: value for name, value in variables.items() if name in self._names}
        if self._attributes:
            present = activity.attributes.fields
            for variable, name, plain, zero in self._attributes:
                values[variable] = plain(present[name]) if name in present else zero
        if self._id:
            values["activity.id"] = activity.id
        if self._occurred_at:
            values["activity.occurred_at"] = moment_of(activity)
        return self._schema.vocabulary.values(values)


def _is_of_kind(value: Value, kind: int) -> bool:
    which = value.WhichOneof("kind")
    if kind == pb.ATTRIBUTE_KIND_INTEGER:
        return which == "number_value" and value.number_value.is_integer() and abs(value.number_value) <= INTEGER_MAX
    if kind == pb.ATTRIBUTE_KIND_NUMBER:
        return which == "number_value" and isfinite(value.number_value)
    if kind == pb.ATTRIBUTE_KIND_TEXT:
        # PostgreSQL keeps no NUL in text, and JSON states no infinity.
        text = value.string_value
        return which == "string_value" and len(text) <= TEXT_LENGTH_MAX and "\0" not in text
    return which == "bool_value"


def moment_of(activity: Activity) -> datetime:
    """When an activity happened, in UTC, to the microsecond below.

    As Timestamp.ToDatetime, in half its time.
    """
    occurred_at = activity.occurred_at
    return EPOCH + timedelta(0, occurred_at.seconds, occurred_at.nanos // 1_000)

"""A protobuf message and its JSON form are the same thing, whichever way it is read.

Encoders and decoders are compiled once for each message type, from its
descriptor. Names are in snake_case, 64-bit integers are numbers below 2^53 in
size, zero values are present, absent messages and unset members of a oneof are
left out, enum values are written in lower case without their enum's prefix.

JSON is read straight into protobuf's wire format, which costs half of building
messages field by field, and is what a gRPC call sends anyway. Reading is
strict: an unknown field, a value of the wrong type or a duplicate key is
refused, with the path of each place and a sentence about it, up to
`PROBLEMS_MAX` in one answer. `decode(type, encode(message)) == message`.
"""

import base64
import binascii
import difflib
import json
import math
import re
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import orjson
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from chassis.errors import FieldViolation, InvalidArgument

PROBLEMS_MAX = 20
INTEGER_MAX = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 7493)."""
STRUCT_DEPTH_MAX = 20
"""Levels of a Struct. Each is three levels of messages, of which protobuf reads 100."""
SHOWN_KEY_MAX = 64

Encode = Callable[[Any], Any]
Decode = Callable[[Any, "Path", "Key", "Problems"], bytes]
"""Wire bytes of a value found at (path, key); empty after a problem was noted."""
Key = str | int
Path = tuple[Any, ...]
"""The way to a value: empty at the root, else (the way to its parent, its key)."""


class Unrepresentable(ValueError):
    """A message holds a value that our JSON cannot state, such as 2^60 or NaN."""


class Problems:
    """What is wrong with one body, found so far."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[FieldViolation] = []

    def add(self, path: Path, key: Key, detail: str) -> bytes:
        """Notes a problem, and gives the wire bytes of what is missing: none.

        Raises _EnoughError at the bound.
        """
        self.found.append(FieldViolation(_shown((path, key)), detail))
        if len(self.found) >= PROBLEMS_MAX:
            raise _EnoughError
        return b""

    def expected(self, path: Path, key: Key, wanted: str, value: Any) -> bytes:
        return self.add(path, key, f"must be {wanted}, not {_kind(value)}")


class _EnoughError(Exception):
    """No further problem is looked for."""


def encode(message: Message) -> dict[str, Any]:
    """The plain JSON form of a message. Raises Unrepresentable."""
    plain: dict[str, Any] = encoder(message.DESCRIPTOR)(message)
    return plain


def decode(descriptor: Descriptor, plain: Any) -> Any:
    """The message that a plain JSON value states. Raises InvalidArgument."""
    return message_factory.GetMessageClass(descriptor).FromString(decode_wire(descriptor, plain))


def decode_wire(descriptor: Descriptor, plain: Any) -> bytes:
    """The same message in protobuf's wire format. Raises InvalidArgument."""
    problems, wire = Problems(), b""
    with suppress(_EnoughError):
        wire = _body_of(descriptor)(plain, (), "body", problems)
    if problems.found:
        raise InvalidArgument.of(problems.found)
    return wire


def dumps(message: Message) -> bytes:
    """The JSON text of a message. Raises Unrepresentable."""
    return orjson.dumps(encode(message))


def loads(text: bytes) -> Any:
    """The plain value of a JSON text. Raises InvalidArgument.

    Duplicate keys are refused, so that no two readers of a text can differ.
    """
    try:
        plain = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(f"The body is not JSON: {error}.", code="malformed_json") from None
    if _may_have_duplicates(text, plain):
        try:
            json.loads(text, object_pairs_hook=_without_duplicates)
        except RecursionError:
            raise InvalidArgument("The body is nested too deeply.", code="malformed_json") from None
    return plain


_SPACED_KEY = re.compile(rb'"\s+:')


def _may_have_duplicates(text: bytes, plain: Any) -> bool:
    """Whether the text may state more keys than its value holds; False is certain.

    A key is a quote, maybe space, and a colon. Text values can contain the
    same, yet without \\u escapes they do so in both forms alike, so equal
    counts mean equally many keys. This takes a third of the time of a parser
    that looks at each key.
    """
    if b"\\u" in text:
        return True
    stated = text.count(b'":') + len(_SPACED_KEY.findall(text))
    return stated != orjson.dumps(plain).count(b'":')


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidArgument(f"The body states {_quoted(twice)} twice in one object.", code="malformed_json")
    return plain


def _shown(path: Path) -> str:
    """The text of a path.

    >>> _shown(((((), "body"), "activities"), 3))
    'activities[3]'
    """
    keys: list[Key] = []
    while path:
        path, key = path
        keys.append(key)
    keys.reverse()
    if len(keys) == 1:
        return str(keys[0])
    shown = "".join(_step(key) for key in keys[1:])
    return shown.removeprefix(".")


_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _step(key: Key) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{_quoted(key)}]"


def _quoted(key: str) -> str:
    return json.dumps(key if len(key) <= SHOWN_KEY_MAX else key[:SHOWN_KEY_MAX] + "…", ensure_ascii=True)


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "true or false",
    int: "a whole number",
    float: "a fractional number",
    str: "text",
    list: "an array",
    dict: "an object",
}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), f"a value of type {type(value).__name__}")


# Scalars ------------------------------------------------------------------------------------------------------------

_RANGES: dict[int, tuple[int, int]] = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: (-INTEGER_MAX, INTEGER_MAX),
    FieldDescriptor.TYPE_SINT64: (-INTEGER_MAX, INTEGER_MAX),
    FieldDescriptor.TYPE_SFIXED64: (-INTEGER_MAX, INTEGER_MAX),
    FieldDescriptor.TYPE_UINT64: (0, INTEGER_MAX),
    FieldDescriptor.TYPE_FIXED64: (0, INTEGER_MAX),
}
_FLOAT_MAX: Final = 3.4028234663852886e38
_DOUBLE_MAX: Final = 1.7976931348623157e308


def range_of(field: FieldDescriptor) -> tuple[int, int] | None:
    """The smallest and the largest value of an integer field; None for others."""
    return _RANGES.get(field.type)


_VARINTS = [bytes([n]) if n < 128 else bytes([n & 0x7F | 0x80, n >> 7]) for n in range(1 << 14)]
_CONTINUED = [bytes([n & 0x7F | 0x80, n >> 7 | 0x80]) for n in range(1 << 14)]


def _varint(number: int) -> bytes:
    """Protobuf's variable-length form of a number of 0 to 2^64 - 1, by 14 bits at a time."""
    if number < 16_384:
        return _VARINTS[number]
    return _CONTINUED[number & 0x3FFF] + _varint(number >> 14)


_VARINT, _FIXED_64, _SIZED, _FIXED_32 = 0, 1, 2, 5


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _signed(number: int) -> bytes:
    return _varint(number & 0xFFFF_FFFF_FFFF_FFFF)


_PACKED = {
    FieldDescriptor.TYPE_FIXED32: struct.Struct("<I").pack,
    FieldDescriptor.TYPE_SFIXED32: struct.Struct("<i").pack,
    FieldDescriptor.TYPE_FIXED64: struct.Struct("<Q").pack,
    FieldDescriptor.TYPE_SFIXED64: struct.Struct("<q").pack,
    FieldDescriptor.TYPE_FLOAT: struct.Struct("<f").pack,
    FieldDescriptor.TYPE_DOUBLE: struct.Struct("<d").pack,
}
_ZIGZAGGED = (FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SINT64)
_IN_32_BITS = (FieldDescriptor.TYPE_FIXED32, FieldDescriptor.TYPE_SFIXED32, FieldDescriptor.TYPE_FLOAT)


def _integer(field: FieldDescriptor) -> Decode:
    lowest, highest = _RANGES[field.type]
    if pack := _PACKED.get(field.type):
        tag, form = _tag(field.number, _FIXED_32 if field.type in _IN_32_BITS else _FIXED_64), pack
    else:
        tag = _tag(field.number, _VARINT)
        form = _zigzag if field.type in _ZIGZAGGED else _signed

    def decode_integer(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if type(value) is not int:
            return problems.expected(path, key, "a whole number", value)
        if not lowest <= value <= highest:
            return problems.add(path, key, f"must be between {lowest} and {highest}")
        return tag + form(value)

    return decode_integer


def _exact(value: int) -> int:
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise Unrepresentable(f"{value} is not below 2^53 in size")
    return value


def _number(field: FieldDescriptor) -> Decode:
    single = field.type == FieldDescriptor.TYPE_FLOAT
    largest = _FLOAT_MAX if single else _DOUBLE_MAX
    tag, pack = _tag(field.number, _FIXED_32 if single else _FIXED_64), _PACKED[field.type]

    def decode_number(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        return tag + pack(value) if _is_number(value, largest, path, key, problems) else b""

    return decode_number


def _is_number(value: Any, largest: float, path: Path, key: Key, problems: Problems) -> bool:
    if type(value) is int:
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            problems.add(path, key, f"must be between -{INTEGER_MAX} and {INTEGER_MAX} when it is whole")
            return False
    elif type(value) is not float:
        problems.expected(path, key, "a number", value)
        return False
    elif not -largest <= value <= largest:  # NaN is not within either
        problems.add(path, key, "must be a finite number within the field's range")
        return False
    return True


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise Unrepresentable(f"{value} is not a number in JSON")
    return value


def _flag(field: FieldDescriptor) -> Decode:
    tag = _tag(field.number, _VARINT)
    yes, no = tag + b"\x01", tag + b"\x00"

    def decode_flag(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if type(value) is not bool:
            return problems.expected(path, key, "true or false", value)
        return yes if value else no

    return decode_flag


def _text(field: FieldDescriptor) -> Decode:
    tag, varints = _tag(field.number, _SIZED), _VARINTS

    def decode_text(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if type(value) is not str:
            return problems.expected(path, key, "text", value)
        if "\0" in value:
            return problems.add(path, key, _NOT_TEXT)
        try:
            raw = value.encode()
        except UnicodeEncodeError:
            return problems.add(path, key, _NOT_TEXT)
        size = len(raw)
        return tag + (varints[size] if size < 16_384 else _varint(size)) + raw

    return decode_text


def _utf8(value: str, path: Path, key: Key, problems: Problems) -> bytes:
    if "\0" in value:  # which PostgreSQL's text cannot hold
        return problems.add(path, key, _NOT_TEXT)
    try:
        return value.encode()
    except UnicodeEncodeError:
        return problems.add(path, key, _NOT_TEXT)


_NOT_TEXT = "must be Unicode text without the character U+0000"


def _sized(tag: bytes, raw: bytes) -> bytes:
    return tag + _varint(len(raw)) + raw


def _octets(field: FieldDescriptor) -> Decode:
    tag = _tag(field.number, _SIZED)

    def decode_octets(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if type(value) is not str:
            return problems.expected(path, key, "text in base64", value)
        try:
            return _sized(tag, base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            return problems.add(path, key, "must be text in base64, padded, with the alphabet of RFC 4648 section 4")

    return decode_octets


def _from_octets(value: bytes) -> str:
    return base64.b64encode(value).decode()


@cache
def enum_names(enum: EnumDescriptor) -> dict[str, int]:
    """The JSON names of an enum's values.

    The prefix is the enum's own name: `ENTRY_KIND_EARN` is `earn`.
    """
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    return {value.name.removeprefix(prefix).lower(): value.number for value in enum.values}


def _enum(field: FieldDescriptor) -> Decode:
    tag = _tag(field.number, _VARINT)
    wire = {name: tag + _signed(number) for name, number in enum_names(field.enum_type).items()}
    allowed = ", ".join(wire)

    def decode_enum(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if type(value) is not str:
            return problems.expected(path, key, f"one of {allowed}", value)
        if (found := wire.get(value)) is None:
            return problems.add(path, key, f"must be one of {allowed}")
        return found

    return decode_enum


def _encode_enum(enum: EnumDescriptor) -> Encode:
    by_number: dict[int, str] = {}
    for name, number in enum_names(enum).items():
        by_number.setdefault(number, name)

    def encode_enum(number: int) -> str | int:
        return by_number.get(number, number)

    return encode_enum


# Well-known types ---------------------------------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_S, _LATEST_S = -62_135_596_800, 253_402_300_799
_DURATION_MAX_S = 315_576_000_000
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d{1,9}))?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)
_TIME_TEXT_MAX = 40
"""The longest form has 35 characters; longer texts are not kept."""
_A_TIME = "a time as in RFC 3339, such as 2026-01-31T09:30:00Z"


def _decode_timestamp(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
    """The body of a google.protobuf.Timestamp."""
    if type(value) is not str:
        return problems.expected(path, key, _A_TIME, value)
    read = _read_time(value) if len(value) <= _TIME_TEXT_MAX else f"must be {_A_TIME}"
    return read if type(read) is bytes else problems.add(path, key, str(read))


@lru_cache(maxsize=16_384)
def _read_time(text: str) -> bytes | str:
    """The body of a Timestamp, or what is wrong with the text. Activities come in bursts, so times repeat."""
    if (match := _RFC_3339.fullmatch(text)) is None:
        return f"must be {_A_TIME}"
    try:
        since = datetime.fromisoformat(text if text[-1] != "z" else text.upper()) - _EPOCH
    except ValueError:
        return "must be a day and a time of the calendar, in the years 0001 to 9999"
    seconds = since.days * 86_400 + since.seconds
    if not _EARLIEST_S <= seconds <= _LATEST_S:
        return "must be within the years 0001 to 9999 in UTC"
    return _seconds_and_nanos(seconds, _nanos(match[1]))


def _seconds_and_nanos(seconds: int, nanos: int) -> bytes:
    """The body of a Timestamp or a Duration."""
    wire = b"\x08" + _signed(seconds)
    return wire + b"\x10" + _signed(nanos) if nanos else wire


def _nanos(digits: str | None) -> int:
    return int(digits.ljust(9, "0")) if digits else 0


def _fraction(nanos: int) -> str:
    """Nanoseconds as 0, 3, 6 or 9 digits after the point."""
    if not nanos:
        return ""
    digits = f".{nanos:09d}"
    if digits.endswith("000"):
        return digits[:4] if digits.endswith("000000") else digits[:7]
    return digits


def _encode_timestamp(value: Any) -> str:
    return _time_text(value.seconds, value.nanos)


@lru_cache(maxsize=16_384)
def _time_text(seconds: int, nanos: int) -> str:
    if not (_EARLIEST_S <= seconds <= _LATEST_S and 0 <= nanos < 10**9):
        raise Unrepresentable("a Timestamp is out of its range")
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + _fraction(nanos) + "Z"


def _decode_duration(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
    if type(value) is not str:
        return problems.expected(path, key, "a duration in seconds, such as 1.5s", value)
    if (match := _DURATION.fullmatch(value)) is None or int(match[2]) > _DURATION_MAX_S:
        return problems.add(path, key, "must be a duration in seconds, such as 1.5s, of at most 10,000 years")
    sign = -1 if match[1] else 1
    return _seconds_and_nanos(sign * int(match[2]), sign * _nanos(match[3]))


def _encode_duration(value: Any) -> str:
    seconds, nanos = value.seconds, value.nanos
    if abs(seconds) > _DURATION_MAX_S or abs(nanos) >= 10**9 or seconds * nanos < 0:
        raise Unrepresentable("a Duration is out of its range")
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"


_PACK_DOUBLE = struct.Struct("<d").pack


def _decode_value(value: Any, path: Path, key: Key, problems: Problems, depth: int = 0) -> bytes:
    """The body of a google.protobuf.Value."""
    kind = type(value)
    if kind is str:
        raw = _utf8(value, path, key, problems)
        return b"\x1a" + _varint(len(raw)) + raw
    if kind is bool:
        return b"\x20\x01" if value else b"\x20\x00"
    if kind is int or kind is float:
        return b"\x11" + _PACK_DOUBLE(value) if _is_number(value, _DOUBLE_MAX, path, key, problems) else b""
    if kind is dict:
        return _sized(b"\x2a", _decode_struct(value, path, key, problems, depth + 1))
    if kind is list:
        return _sized(b"\x32", _decode_list(value, path, key, problems, depth + 1))
    if value is None:
        return b"\x08\x00"
    return problems.expected(path, key, "a JSON value", value)


def _decode_struct(value: Any, path: Path, key: Key, problems: Problems, depth: int = 0) -> bytes:
    """The body of a google.protobuf.Struct."""
    if type(value) is not dict:
        return problems.expected(path, key, "an object", value)
    if depth >= STRUCT_DEPTH_MAX:
        return problems.add(path, key, f"must not be nested deeper than {STRUCT_DEPTH_MAX} levels")
    way: Path = (path, key)
    entries: list[bytes] = []
    for name, member in value.items():
        prefixes = _prefixes(name) if type(name) is str else None
        if prefixes is None:
            problems.add(way, name if type(name) is str else repr(name), "must have Unicode text as its name")
            continue
        kind = type(member)
        if kind is int and -INTEGER_MAX <= member <= INTEGER_MAX:
            entries.append(prefixes.number + _PACK_DOUBLE(member))
        elif kind is bool:
            entries.append(prefixes.true if member else prefixes.false)
        else:
            body = _decode_value(member, way, name, problems, depth)
            entry = prefixes.entry + _varint(len(body)) + body
            entries += (b"\x0a", _varint(len(entry)), entry)
    return b"".join(entries)


class _Prefixes(NamedTuple):
    """How the entries of a Struct begin under one name: any, and those whose size is known."""

    entry: bytes
    number: bytes
    true: bytes
    false: bytes


@lru_cache(maxsize=4_096)
def _prefixes(name: str) -> _Prefixes | None:
    """None when the name is not text. Names repeat, so most are found here."""
    nothing = Problems()
    raw = _utf8(name, (), "", nothing)
    if nothing.found:
        return None
    entry = _sized(b"\x0a", raw) + b"\x12"
    number, flag = entry + b"\x09\x11", entry + b"\x02\x20"
    flags = b"\x0a" + _varint(len(flag) + 1) + flag
    return _Prefixes(entry, b"\x0a" + _varint(len(number) + 8) + number, flags + b"\x01", flags + b"\x00")


def _decode_list(value: Any, path: Path, key: Key, problems: Problems, depth: int = 0) -> bytes:
    """The body of a google.protobuf.ListValue."""
    if type(value) is not list:
        return problems.expected(path, key, "an array", value)
    if depth >= STRUCT_DEPTH_MAX:
        return problems.add(path, key, f"must not be nested deeper than {STRUCT_DEPTH_MAX} levels")
    way = (path, key)
    return b"".join(_sized(b"\x0a", _decode_value(v, way, i, problems, depth)) for i, v in enumerate(value))


def _encode_value(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return _encode_number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return _encode_struct(value.struct_value)
        case "list_value":
            return _encode_list(value.list_value)
        case _:
            return None


def _encode_number(number: float) -> float | int:
    """A Struct's number, which is always a double, as people wrote it: 1999 rather than 1999.0."""
    if number.is_integer() and -INTEGER_MAX <= number <= INTEGER_MAX:
        whole = int(number)
        return whole if whole or math.copysign(1, number) > 0 else number
    return _finite(number)


def _encode_struct(value: Any) -> dict[str, Any]:
    return {name: _encode_value(member) for name, member in value.fields.items()}


def _encode_list(value: Any) -> list[Any]:
    return [_encode_value(member) for member in value.values]


_WELL_KNOWN: dict[str, tuple[Encode, Decode]] = {
    "google.protobuf.Timestamp": (_encode_timestamp, _decode_timestamp),
    "google.protobuf.Duration": (_encode_duration, _decode_duration),
    "google.protobuf.Struct": (_encode_struct, _decode_struct),
    "google.protobuf.Value": (_encode_value, _decode_value),
    "google.protobuf.ListValue": (_encode_list, _decode_list),
}
_WRAPPERS = {
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
}


# Messages -----------------------------------------------------------------------------------------------------------


@cache
def encoder(descriptor: Descriptor) -> Encode:
    """What turns messages of a type into plain JSON values."""
    if descriptor.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[descriptor.full_name][0]
    if descriptor.full_name in _WRAPPERS:
        inner = _encode_scalar(descriptor.fields_by_name["value"])
        return lambda message: inner(message.value) if inner else message.value
    steps = [(field.name, field.has_presence, _encode_field(field)) for field in descriptor.fields]

    def encode_message(message: Any) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        has = message.HasField
        for name, may_be_absent, convert in steps:
            if not may_be_absent or has(name):
                value = getattr(message, name)
                plain[name] = value if convert is None else convert(value)
        return plain

    return encode_message


def _encode_field(field: FieldDescriptor) -> Encode | None:
    if is_map(field):
        inner = _encode_single(message_type(field).fields_by_name["value"])
        return lambda entries: {_key_text(k): inner(entries[k]) if inner else entries[k] for k in entries}
    single = _encode_single(field)
    if not field.is_repeated:
        return single
    if single is None:
        return list
    return lambda values: [single(value) for value in values]


def _key_text(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _encode_single(field: FieldDescriptor) -> Encode | None:
    if field.message_type is None:
        return _encode_scalar(field)
    _refuse_recursion(field.message_type)
    return encoder(field.message_type)


def _encode_scalar(field: FieldDescriptor) -> Encode | None:
    if field.enum_type is not None:
        return _encode_enum(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _from_octets
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return _finite
    return _exact if abs(_RANGES.get(field.type, (0, 0))[1]) == INTEGER_MAX else None


@cache
def _body_of(descriptor: Descriptor) -> Decode:
    """What turns plain JSON values into the wire bytes of a type's messages."""
    if descriptor.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[descriptor.full_name][1]
    if descriptor.full_name in _WRAPPERS:
        return _decode_single(descriptor.fields_by_name["value"])
    fields = {field.name: _decode_field(field) for field in descriptor.fields}
    choices = [[f.name for f in oneof.fields] for oneof in descriptor.oneofs if len(oneof.fields) > 1]
    find, type_name = fields.get, descriptor.name

    def decode_message(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if type(value) is not dict:
            return problems.expected(path, key, "an object", value)
        way, wire = (path, key), []
        for name, member in value.items():
            if (convert := find(name)) is None:
                _report_unknown(name, way, type_name, fields, problems)
            else:
                wire.append(convert(member, way, name, problems))
        for names in choices:
            if len(given := [name for name in names if name in value]) > 1:
                problems.add(path, key, f"must not have both {given[0]} and {given[1]}")
        return b"".join(wire)

    return decode_message


def compile_decoder(descriptor: Descriptor) -> None:
    """Compiles a type's decoder now rather than at its first use. Raises TypeError."""
    _body_of(descriptor)


def _report_unknown(name: Any, way: Path, type_name: str, known: Iterable[str], problems: Problems) -> None:
    if type(name) is not str:
        problems.add(way, repr(name)[:SHOWN_KEY_MAX], f"must have text as its name, not {_kind(name)}")
        return
    near = difflib.get_close_matches(name, known, n=1) if len(name) <= SHOWN_KEY_MAX else []
    hint = f"; did you mean {near[0]}?" if near else ""
    problems.add(way, name, f"is not a field of {type_name}{hint}")


def _decode_field(field: FieldDescriptor) -> Decode:
    if is_map(field):
        return _decode_map(field)
    single = _decode_single(field)
    if not field.is_repeated:
        return single

    def decode_repeated(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if type(value) is not list:
            return problems.expected(path, key, "an array", value)
        way = (path, key)
        return b"".join([single(member, way, i, problems) for i, member in enumerate(value)])

    return decode_repeated


def message_type(field: FieldDescriptor) -> Descriptor:
    """The type of a message field. TypeError for others."""
    if field.message_type is None:
        raise TypeError(f"{field.full_name} is not a message")
    return field.message_type


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _decode_map(field: FieldDescriptor) -> Decode:
    of_key = _decode_map_key(message_type(field).fields_by_name["key"])
    of_value = _decode_single(message_type(field).fields_by_name["value"])
    tag = _tag(field.number, _SIZED)

    def decode_map(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if type(value) is not dict:
            return problems.expected(path, key, "an object", value)
        way, wire = (path, key), []
        for name, member in value.items():
            shown = name if type(name) is str else repr(name)
            wire.append(_sized(tag, of_key(name, way, shown, problems) + of_value(member, way, shown, problems)))
        return b"".join(wire)

    return decode_map


def _decode_map_key(field: FieldDescriptor) -> Decode:
    inner = _decode_single(field)
    if field.type == FieldDescriptor.TYPE_STRING:
        return inner
    flags = {"true": True, "false": False}
    wanted = "a whole number" if field.type in _RANGES else "true or false"

    def decode_key(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        if field.type == FieldDescriptor.TYPE_BOOL and value in flags:
            return inner(flags[value], path, key, problems)
        # Only the canonical spelling, so that "1" and "01" cannot be two keys of one map.
        if field.type in _RANGES and type(value) is str and re.fullmatch(r"0|-?[1-9][0-9]{0,19}", value):
            return inner(int(value), path, key, problems)
        return problems.add(path, key, f"must have {wanted} as its name")

    return decode_key


def _decode_single(field: FieldDescriptor) -> Decode:
    """What turns one value of a field into wire bytes, the field's tag included."""
    if field.message_type is not None:
        return _decode_submessage(field)
    if field.enum_type is not None:
        return _enum(field)
    return _integer(field) if field.type in _RANGES else _SCALARS[field.type](field)


_SCALARS: dict[int, Callable[[FieldDescriptor], Decode]] = {
    FieldDescriptor.TYPE_DOUBLE: _number,
    FieldDescriptor.TYPE_FLOAT: _number,
    FieldDescriptor.TYPE_BOOL: _flag,
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _octets,
}


def _decode_submessage(field: FieldDescriptor) -> Decode:
    inner = message_type(field)
    _refuse_recursion(inner)
    tag, body_of, varints = _tag(field.number, _SIZED), _body_of(inner), _VARINTS

    def decode_submessage(value: Any, path: Path, key: Key, problems: Problems) -> bytes:
        body = body_of(value, path, key, problems)
        size = len(body)
        return tag + (varints[size] if size < 16_384 else _varint(size)) + body

    return decode_submessage


def _refuse_recursion(descriptor: Descriptor) -> None:
    """A type that holds itself would let a body choose how deep we recurse. Raises TypeError."""
    open_types, seen = [descriptor], set[str]()
    while open_types:
        for field in open_types.pop().fields:
            inner = field.message_type
            if inner is None or inner.full_name in _WELL_KNOWN or inner.full_name in seen:
                continue
            if inner.full_name == descriptor.full_name:
                raise TypeError(f"{descriptor.full_name} holds itself; our JSON has no such types")
            seen.add(inner.full_name)
            open_types.append(inner)


def from_text(field: FieldDescriptor, text: str) -> Any:
    """The plain JSON value that a query parameter states for a field.

    What cannot be read as the field's type stays text, and the decoder says
    what is wrong with it.
    """
    if field.type in _RANGES and re.fullmatch(r"-?[0-9]{1,20}", text):
        return int(text)
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return float(text) if re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", text) else text
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    return text


def fits_query(field: FieldDescriptor) -> bool:
    """Whether a query parameter can state the field: a scalar, a time or a duration, or several."""
    inner = field.message_type
    return inner is None or inner.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration")

"""The codec: whatever a message holds comes back, whatever a body holds is answered plainly."""

import json
import math
import struct
from typing import Any

import orjson
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import InvalidArgument
from gateway import json_codec
from gateway.contract import files
from laurels.activity.v1 import activity_pb2
from laurels.missions.v1 import programme_pb2 as missions_pb2
from laurels.points.v1 import points_pb2
from laurels.points.v1 import programme_pb2 as pending_pb2
from laurels.recommender.v1 import programme_pb2 as recommender_pb2

REQUEST = activity_pb2.RecordActivitiesRequest.DESCRIPTOR
INTEGER_MAX = 2**53 - 1


# A message with every kind of field that the contract may come to use ------------------------------------------------


def _everything() -> Descriptor:
    """`Everything`: each scalar kind alone, repeated, optional and as a map's value; every well-known type."""
    file = descriptor_pb2.FileDescriptorProto(name="test/everything.proto", package="test", syntax="proto3")
    for name in ("timestamp", "duration", "struct", "wrappers"):
        file.dependency.append(f"google/protobuf/{name}.proto")
    colour = file.enum_type.add(name="PaintColour")
    for number, name in ((0, "UNSPECIFIED"), (1, "DEEP_RED"), (-2, "BLUE")):
        colour.value.add(name=f"PAINT_COLOUR_{name}", number=number)
    message = file.message_type.add(name="Everything")
    kinds = descriptor_pb2.FieldDescriptorProto
    scalars = [n for n in range(1, 19) if n not in (kinds.TYPE_GROUP, kinds.TYPE_MESSAGE, kinds.TYPE_ENUM)]
    number = iter(range(1, 10_000))
    message.oneof_decl.add(name="choice")
    message.field.add(name="one_text", number=next(number), type=kinds.TYPE_STRING, label=1, oneof_index=0)
    message.field.add(name="one_number", number=next(number), type=kinds.TYPE_INT32, label=1, oneof_index=0)
    for kind in scalars:
        message.field.add(name=f"single_{kind}", number=next(number), type=kind, label=1)
        message.field.add(name=f"list_{kind}", number=next(number), type=kind, label=3)
        _add_map(message, f"map_{kind}", next(number), kinds.TYPE_STRING, kind)
    for kind in scalars:
        index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_maybe_{kind}")
        message.field.add(
            name=f"maybe_{kind}", number=next(number), type=kind, label=1, oneof_index=index, proto3_optional=True
        )
    for key in (kinds.TYPE_INT32, kinds.TYPE_INT64, kinds.TYPE_UINT32, kinds.TYPE_SINT64, kinds.TYPE_BOOL):
        _add_map(message, f"by_{key}", next(number), key, kinds.TYPE_STRING)
    known = ["Timestamp", "Duration", "Struct", "Value", "ListValue"]
    known += [f"{k}Value" for k in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")]
    for name in known:
        full = f".google.protobuf.{name}"
        message.field.add(name=f"known_{name.lower()}", number=next(number), type=11, label=1, type_name=full)
        message.field.add(name=f"knowns_{name.lower()}", number=next(number), type=11, label=3, type_name=full)
    message.field.add(name="colour", number=next(number), type=14, label=1, type_name=".test.PaintColour")
    message.field.add(name="colours", number=next(number), type=14, label=3, type_name=".test.PaintColour")
    pool = descriptor_pool.DescriptorPool()
    for known_file in (Timestamp, Duration, Struct, StringValue):
        pool.AddSerializedFile(known_file.DESCRIPTOR.file.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindMessageTypeByName("test.Everything")


def _add_map(message: Any, name: str, number: int, key: int, value: int) -> None:
    entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=key, label=1)
    entry.field.add(name="value", number=2, type=value, label=1)
    message.field.add(name=name, number=number, type=11, label=3, type_name=f".test.Everything.{entry.name}")


EVERYTHING = _everything()


def _message_types() -> list[Descriptor]:
    found: list[Descriptor] = []
    for file in files():
        open_types = list(file.message_types_by_name.values())
        while open_types:
            found.append(open_types[-1])
            open_types = [*open_types[:-1], *open_types.pop().nested_types]
    return [each for each in found if not each.GetOptions().map_entry]


TYPES = [*_message_types(), EVERYTHING]


# Random messages

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
# A Struct's numbers are doubles; whole ones are exact below 2^53, and larger ones are read as fractional.
STRUCT_NUMBER = FINITE | st.integers(-INTEGER_MAX, INTEGER_MAX).map(float)
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | STRUCT_NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SECONDS = st.integers(-62_135_596_800, 253_402_300_799)
NANOS = st.one_of(st.just(0), st.sampled_from([1, 1_000, 120_000_000, 999_999_999]), st.integers(0, 10**9 - 1))


def _scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if bounds := json_codec.range_of(field):
        return st.integers(*bounds) | st.sampled_from([0, *bounds])
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return {
        FieldDescriptor.TYPE_DOUBLE: FINITE,
        FieldDescriptor.TYPE_FLOAT: st.floats(width=32, allow_nan=False, allow_infinity=False),
        FieldDescriptor.TYPE_BOOL: st.booleans(),
        FieldDescriptor.TYPE_STRING: TEXT,
        FieldDescriptor.TYPE_BYTES: st.binary(max_size=12),
    }[field.type]


def _fill(draw: Any, message: Any, depth: int = 0) -> Any:
    """Sets random fields of a message."""
    name = message.DESCRIPTOR.full_name
    if name in ("google.protobuf.Struct", "google.protobuf.ListValue", "google.protobuf.Value"):
        _fill_plain(message, draw(JSON_VALUE))
    elif name == "google.protobuf.Timestamp":
        message.seconds, message.nanos = draw(SECONDS), draw(NANOS)
    elif name == "google.protobuf.Duration":
        sign = draw(st.sampled_from([1, -1]))
        message.seconds, message.nanos = sign * draw(st.integers(0, 315_576_000_000)), sign * draw(NANOS)
    else:
        for field in message.DESCRIPTOR.fields:
            if draw(st.booleans()) and depth < 4:
                _fill_field(draw, message, field, depth)
    return message


def _fill_plain(message: Any, plain: Any) -> None:
    name = message.DESCRIPTOR.name
    if name == "Struct":
        message.SetInParent()
        for key, value in (plain if isinstance(plain, dict) else {"x": plain}).items():
            _fill_plain(message.fields[key], value)
    elif name == "ListValue":
        message.SetInParent()
        for value in plain if isinstance(plain, list) else [plain]:
            _fill_plain(message.values.add(), value)
    elif plain is None:
        message.null_value = 0
    elif isinstance(plain, dict):
        _fill_plain(message.struct_value, plain)
    elif isinstance(plain, list):
        _fill_plain(message.list_value, plain)
    else:
        kind = {bool: "bool_value", float: "number_value", str: "string_value"}[type(plain)]
        setattr(message, kind, plain)


def _fill_field(draw: Any, message: Any, field: FieldDescriptor, depth: int) -> None:
    value = getattr(message, field.name)
    if json_codec.is_map(field):
        key_field, value_field = (json_codec.message_type(field).fields_by_name[n] for n in ("key", "value"))
        for key in draw(st.lists(_scalar(key_field), max_size=2)):
            value[key] = draw(_scalar(value_field))
    elif field.message_type is not None:
        if field.is_repeated:
            for _ in range(draw(st.integers(0, 2))):
                _fill(draw, value.add(), depth + 1)
        else:
            value.SetInParent()
            _fill(draw, value, depth + 1)
    elif field.is_repeated:
        value.extend(draw(st.lists(_scalar(field), max_size=3)))
    else:
        setattr(message, field.name, draw(_scalar(field)))


@pytest.mark.parametrize("descriptor", TYPES, ids=lambda each: each.full_name)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_a_message_comes_back_from_its_json(descriptor: Descriptor, data: Any) -> None:
    message = _fill(data.draw, message_factory.GetMessageClass(descriptor)())
    assert json_codec.decode(descriptor, json_codec.encode(message)) == message
    assert json_codec.decode(descriptor, json_codec.loads(json_codec.dumps(message))) == message


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["2026-01-31T09:30:00Z", "1.5s", "earn", "me", "9999-12-31T23:59:59-23:59", "\0", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["id", "fields", "attributes"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("descriptor", TYPES, ids=lambda each: each.full_name)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_a_body_of_any_shape_is_read_or_refused_and_nothing_else(descriptor: Descriptor, data: Any) -> None:
    names = st.sampled_from([field.name for field in descriptor.fields] or ["x"])
    plain = data.draw(st.dictionaries(names, ANY_JSON, max_size=6) | ANY_JSON)
    try:
        message = json_codec.decode(descriptor, plain)
    except InvalidArgument as refusal:
        told = refusal.violations
    else:
        told = None
        assert json_codec.decode(descriptor, json_codec.encode(message)) == message
    assert told is None or 1 <= len(told) <= json_codec.PROBLEMS_MAX
    assert all(violation.field and violation.detail for violation in told or ())


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(deadline=None)
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    reason = "malformed_json"
    try:
        json_codec.loads(body)
    except InvalidArgument as refusal:
        reason = refusal.reason
    assert reason == "malformed_json"


@given(ANY_JSON)
@settings(deadline=None)
def test_a_text_without_duplicate_keys_is_never_refused_for_them(plain: Any) -> None:
    for text in (json.dumps(plain), json.dumps(plain, indent=1, ensure_ascii=False)):
        try:
            expected = orjson.loads(text.encode("utf-8", "surrogatepass"))
        except orjson.JSONDecodeError:
            continue
        found = json_codec.loads(text.encode("utf-8", "surrogatepass"))
        assert found == expected


# Examples


KINDS = "must be one of " + ", ".join(json_codec.enum_names(points_pb2.EntryKind.DESCRIPTOR))
NOT_TEXT = "must be Unicode text without the character U+0000"


def violations(descriptor: Descriptor, plain: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArgument) as caught:
        json_codec.decode(descriptor, plain)
    return [(violation.field, violation.detail) for violation in caught.value.violations]


def test_zero_values_are_present_and_absent_ones_left_out() -> None:
    assert json_codec.encode(points_pb2.Entry()) == {
        "id": 0,
        "currency": "",
        "amount": 0,
        "balance": 0,
        "kind": "unspecified",
        "reference": "",
    }
    policy = pending_pb2.PendingPolicy(until_activity=pending_pb2.UntilActivity())
    assert json_codec.encode(policy) == {
        "until_activity": {"activity_type": "", "attribute": ""},
        "rounding": "unspecified",
    }
    assert json_codec.encode(recommender_pb2.Slot(exploration=0.0))["exploration"] == 0.0
    assert "exploration" not in json_codec.encode(recommender_pb2.Slot())


def test_an_optional_zero_is_told_from_an_absent_one() -> None:
    slot = recommender_pb2.Slot.DESCRIPTOR
    assert json_codec.decode(slot, {"exploration": 0}).HasField("exploration")
    assert not json_codec.decode(slot, {}).HasField("exploration")


def test_every_problem_of_a_body_is_told_with_its_path() -> None:
    good = {"id": "a", "member": "m", "type": "purchase", "occurred_at": "2026-01-31T09:30:00Z"}
    body = {"activities": [good, good | {"occured_at": 1}, good | {"id": 7, "attributes": {"tags": ["x", "\0"]}}]}
    assert violations(REQUEST, body) == [
        ("activities[1].occured_at", "is not a field of Activity; did you mean occurred_at?"),
        ("activities[2].id", "must be text, not a whole number"),
        ("activities[2].attributes.tags[1]", NOT_TEXT),
    ]


def test_problems_are_counted_up_to_a_bound() -> None:
    assert len(violations(REQUEST, {"activities": [1] * 500})) == json_codec.PROBLEMS_MAX


@pytest.mark.parametrize(
    ("plain", "field", "detail"),
    [
        ([], "body", "must be an object, not an array"),
        (None, "body", "must be an object, not null"),
        ({"entries": {}}, "entries", "must be an array, not an object"),
        ({"entries": [None]}, "entries[0]", "must be an object, not null"),
        ({"entries": [{"id": 1.0}]}, "entries[0].id", "must be a whole number, not a fractional number"),
        ({"entries": [{"id": True}]}, "entries[0].id", "must be a whole number, not true or false"),
        ({"entries": [{"id": "1"}]}, "entries[0].id", "must be a whole number, not text"),
        ({"entries": [{"id": 2**53}]}, "entries[0].id", "must be between -9007199254740991 and 9007199254740991"),
        ({"entries": [{"id": -(2**53)}]}, "entries[0].id", "must be between -9007199254740991 and 9007199254740991"),
        ({"entries": [{"kind": "EARN"}]}, "entries[0].kind", KINDS),
        ({"entries": [{"kind": 1}]}, "entries[0].kind", f"{KINDS}, not a whole number"),
        ({"entries": [{"reference": None}]}, "entries[0].reference", "must be text, not null"),
        (
            {"entries": [{"reference": "a\0"}]},
            "entries[0].reference",
            NOT_TEXT,
        ),
        (
            {"entries": [{"reference": "\ud800"}]},
            "entries[0].reference",
            NOT_TEXT,
        ),
        ({"a b": 1}, '["a b"]', "is not a field of ListEntriesResponse"),
        ({7: 1}, "7", "must have text as its name, not a whole number"),
    ],
)
def test_a_wrong_value_is_refused_in_words(plain: Any, field: str, detail: str) -> None:
    assert violations(points_pb2.ListEntriesResponse.DESCRIPTOR, plain) == [(field, detail)]


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("2026-01-31T09:30:00Z", 1_769_851_800, 0),
        ("2026-01-31T09:30:00.5Z", 1_769_851_800, 500_000_000),
        ("2026-01-31T09:30:00.123456789Z", 1_769_851_800, 123_456_789),
        ("2026-01-31T10:30:00+01:00", 1_769_851_800, 0),
        ("2026-01-31t09:30:00z", 1_769_851_800, 0),
        ("2026-01-31T04:00:00.25-05:30", 1_769_851_800, 250_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1, 999_999_999),
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
    ],
)
def test_a_time_is_read_with_offset_and_nanoseconds(text: str, seconds: int, nanos: int) -> None:
    activity = json_codec.decode(activity_pb2.Activity.DESCRIPTOR, {"occurred_at": text})
    assert activity.occurred_at == Timestamp(seconds=seconds, nanos=nanos)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31 09:30:00Z",
        "2026-01-31T09:30:00",
        "2026-01-31T09:30Z",
        "20260131T093000Z",
        "2026-W05-6T09:30:00Z",
        "2026-02-30T09:30:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T09:30:60Z",
        "2026-01-31T09:30:00.1234567890Z",
        "2026-01-31T09:30:00+24:00",
        "2026-01-31T09:30:00,5Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "２０２６-01-31T09:30:00Z",
        "+026-01-31T09:30:00Z",
        "2026-01-31T09:30: 0Z",
        "2026-01-31T09:30:00Z\n",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    [(field, _)] = violations(activity_pb2.Activity.DESCRIPTOR, {"occurred_at": text})
    assert field == "occurred_at"


def test_times_are_written_with_as_many_digits_as_they_need() -> None:
    written = [
        json_codec.encode(activity_pb2.Activity(occurred_at=Timestamp(seconds=-1, nanos=nanos)))["occurred_at"]
        for nanos in (0, 500_000_000, 1_000, 1)
    ]
    assert written == [
        "1969-12-31T23:59:59Z",
        "1969-12-31T23:59:59.500Z",
        "1969-12-31T23:59:59.000001Z",
        "1969-12-31T23:59:59.000000001Z",
    ]


def test_attributes_keep_whole_numbers_as_people_wrote_them() -> None:
    text = b'{"attributes":{"amount":1999,"rate":0.5,"zero":0,"gift":false,"none":null,"tags":["a",1],"deep":{"x":1}}}'
    activity = json_codec.decode(activity_pb2.Activity.DESCRIPTOR, json_codec.loads(text))
    assert orjson.dumps(json_codec.encode(activity)["attributes"], option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        orjson.loads(text)["attributes"], option=orjson.OPT_SORT_KEYS
    )


def test_attributes_are_nested_only_so_deep() -> None:
    def nested(levels: int) -> Any:
        return {"attributes": {"x": nested_list(levels - 1)}}

    def nested_list(levels: int) -> Any:
        return [nested_list(levels - 1)] if levels else 1

    activity = activity_pb2.Activity.DESCRIPTOR
    json_codec.decode(activity, nested(json_codec.STRUCT_DEPTH_MAX))
    [(_, detail)] = violations(activity, nested(json_codec.STRUCT_DEPTH_MAX + 1))
    assert detail == "must not be nested deeper than 20 levels"


def test_an_integer_in_attributes_is_exact_or_refused() -> None:
    [(field, _)] = violations(activity_pb2.Activity.DESCRIPTOR, {"attributes": {"amount": 2**53}})
    assert field == "attributes.amount"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(number: float) -> None:
    assert violations(recommender_pb2.Slot.DESCRIPTOR, {"exploration": number})
    assert violations(activity_pb2.Activity.DESCRIPTOR, {"attributes": {"x": number}})
    with pytest.raises(json_codec.Unrepresentable):
        json_codec.encode(recommender_pb2.Slot(exploration=number))


def test_an_integer_that_json_cannot_keep_is_not_written() -> None:
    with pytest.raises(json_codec.Unrepresentable):
        json_codec.encode(points_pb2.Entry(amount=2**53))


def test_two_members_of_a_oneof_are_refused() -> None:
    goals = {"count": {"target": 1}, "sum": {"of": "1", "target": 2}}
    assert violations(missions_pb2.Mission.DESCRIPTOR, goals) == [("body", "must not have both count and sum")]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"nul",
        b"NaN",
        b'{"a":NaN}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":1}{"b":2}',
        b'"\xff"',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'[{"a" :1,"a":2}]',
        b'{"a":1,"\\u0061":2}',
        b'{"a":"\\u0022:","a":2}',
        b'{"a" : ":","a":"b"}',
        b'{"a":1,"a":2,"b":"\\u0022:"}',
        b"[" * 2_000 + b"]" * 2_000,
        b'{"a":' * 1_500 + b"1" + b"}" * 1_500,
    ],
)
def test_a_body_that_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidArgument) as caught:
        json_codec.loads(text)
    assert caught.value.reason == "malformed_json"


@pytest.mark.parametrize(
    "text",
    [b'{"a":":","b":"\\":"}', b'{"a" \n:1}', b'{"a":{"a":{"a":1}}}', b'{"a":"\\u0022:"}', b'[{"a":1},{"a":1}]', b"1"],
)
def test_a_text_that_only_looks_as_if_keys_were_double_is_read(text: bytes) -> None:
    assert json_codec.loads(text) == json.loads(text)


def test_map_keys_have_one_spelling() -> None:
    name = next(field.name for field in EVERYTHING.fields if field.name == "by_5")
    assert json_codec.decode(EVERYTHING, {name: {"-1": "x"}})
    for key in ("01", "+1", "1.0", "", "x", "2147483648", 1):
        assert violations(EVERYTHING, {name: {key: "x"}})
    assert violations(EVERYTHING, {"by_8": {"True": "x"}})


def test_wrappers_are_their_value_or_absent() -> None:
    kinds = {"known_int64value": Int64Value, "known_stringvalue": StringValue, "known_bytesvalue": BytesValue}
    plain = {"known_int64value": 0, "known_stringvalue": "", "known_bytesvalue": ""}
    message = json_codec.decode(EVERYTHING, plain)
    assert all(message.HasField(name) for name in kinds)
    assert {name: json_codec.encode(message)[name] for name in kinds} == plain
    assert violations(EVERYTHING, {"known_int64value": None})


@pytest.mark.parametrize("text", ["1", "1.s", ".5s", "1e3s", "315576000001s", "--1s", "1S", 1, None])
def test_what_is_no_duration_is_refused(text: Any) -> None:
    assert violations(EVERYTHING, {"known_duration": text})


@pytest.mark.parametrize("text", ["a", "YQ", "YQ=", "YQ==\n", "Y Q=", "-_-_", 5])
def test_what_is_no_base64_is_refused(text: Any) -> None:
    assert violations(EVERYTHING, {"single_12": text})


def test_a_float_out_of_range_is_refused() -> None:
    largest = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
    assert json_codec.decode(EVERYTHING, {"single_2": largest}).single_2 == largest
    assert violations(EVERYTHING, {"single_2": largest * 2})


def test_an_enum_value_of_a_newer_service_is_written_as_its_number() -> None:
    entry = points_pb2.Entry.FromString(b"\x28\x63")
    assert json_codec.encode(entry)["kind"] == 99


def test_a_type_that_holds_itself_is_refused_when_it_is_compiled() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="test/tree.proto", package="test", syntax="proto3")
    tree = file.message_type.add(name="Tree")
    tree.field.add(name="branches", number=1, type=11, label=3, type_name=".test.Tree")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    with pytest.raises(TypeError, match="holds itself"):
        json_codec.compile_decoder(pool.FindMessageTypeByName("test.Tree"))

"""The OpenAPI 3.1 document says what the gateway does, because both read the same descriptors.

`python -m gateway.openapi` writes `gateway/openapi.json` from the protos and
their comments; `--check` exits 1 when the committed document differs. gRPC
status names in the comments are told as the HTTP statuses that callers see.
"""

import argparse
import importlib.util
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway import json_codec
from gateway.app import BOARD_EVENTS_TEMPLATE, EVENTS_TEMPLATE
from gateway.contract import Binding, Method, files, methods
from gateway.documentation import DOCUMENT
from gateway.events import BoardStreams, EventStreams
from gateway.routes import Template

PROTOS = Path(__file__).resolve().parent.parent / "protos"
Schema = dict[str, Any]

_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 422,
    "ABORTED": 409,
    "FAILED_PRECONDITION": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
}
_RESPONSES = {
    400: ("BadRequest", "The request is malformed; `errors` names each bad field."),
    401: ("Unauthenticated", "There is no credential, or one that does not hold."),
    403: ("Forbidden", "The credential's scope is not enough."),
    404: ("NotFound", "There is no such thing, or it is not the caller's to see."),
    409: ("Conflict", "The state does not allow it; `code` says why."),
    413: ("BodyTooLarge", "The body is larger than the gateway takes."),
    415: ("UnsupportedMediaType", "The body is not uncompressed JSON in UTF-8."),
    422: ("IdempotencyConflict", "The key or the id was used before for something else."),
    429: ("TooManyRequests", "The credential asks for more than it may; `Retry-After` says when to come back."),
    500: ("Unexpected", "Something failed here; `request_id` leads to the reason in our log."),
    503: ("Unavailable", "Send the same request again after `Retry-After` seconds."),
    504: ("DeadlineExceeded", "A service did not answer in time; send the same request again."),
}
_ALWAYS = (400, 401, 403, 429, 500, 503, 504)

EXAMPLES: dict[str, dict[str, Any]] = {
    "RecordActivities": {
        "activities": [
            {
                "id": "order-8731",
                "member": "c00001",
                "type": "purchase",
                "occurred_at": "2026-01-31T09:30:00Z",
                "attributes": {"amount": 2999, "items": 2},
            }
        ]
    },
    "EnrolMember": {"member": "c00001", "display_name": "Ada"},
    "Spend": {"amount": 500, "reference": "voucher-17"},
    "RecordOutcome": {"value": 1},
    "RevealScratchCard": {},
}
"""Bodies that show what a request looks like. A contract test reads them as the gateway would."""

_INTRODUCTION = """\
Loyalty and gamification: points, tiers and rewards, missions and badges, leaderboards and scratch cards, \
recommendations that learn.

**Credentials.** `Authorization: Bearer <JWT>`. The brand comes from the credential, never from the request. \
A member's credential sees that member alone; what belongs to others is answered like what does not exist. \
`{member}` may be `me` there.

**JSON.** Names are in snake_case, integers are numbers below 2^53, times are RFC 3339 in UTC, zero values are \
present, absent values are left out, unknown fields are refused.

**Retries.** Every write may be sent again as it is. Requests that move something of value demand an \
`Idempotency-Key` header: the same key with the same request gives the first answer, with another request it is \
refused with 422.

**Errors** are `application/problem+json` (RFC 9457). Programs decide on `code`; `detail` is for people.

**Reading again.** Answers to GET carry an `ETag`; send it as `If-None-Match` and unchanged content costs a 304.
"""


class Comments:
    """The comments of the protos, by the full name of what they are about."""

    def __init__(self, descriptors: descriptor_pb2.FileDescriptorSet) -> None:
        self._texts: dict[str, str] = {}
        for file in descriptors.file:
            if file.package.startswith("laurels."):
                self._read(file)

    def of(self, full_name: str) -> str:
        """The comment as Markdown, one line a paragraph; empty when there is none."""
        return self._texts.get(full_name, "")

    def _read(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        for location in file.source_code_info.location:
            if location.leading_comments and (name := _name_at(file, list(location.path))):
                paragraphs = re.split(r"\n\s*\n", location.leading_comments.strip())
                self._texts[name] = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _name_at(file: descriptor_pb2.FileDescriptorProto, path: list[int]) -> str:
    """The full name of the element that a source location is about; empty for parts without a name."""
    at: Any = file
    name = file.package
    while path:
        number, *path = path
        part = at.DESCRIPTOR.fields_by_number[number]
        if not part.is_repeated or part.message_type is None or not path:
            return ""
        index, *path = path
        at = getattr(at, part.name)[index]
        name = f"{name}.{at.name}" if hasattr(at, "name") else ""
    return name


def in_http_words(comment: str) -> str:
    """A comment with the statuses that an HTTP caller sees.

    >>> in_http_words("Errors: NOT_FOUND (`unknown_pool`).")
    'Errors: 404 (`unknown_pool`).'
    """
    return re.sub(r"\b(" + "|".join(_STATUSES) + r")\b", lambda match: str(_STATUSES[match[1]]), comment)


@dataclass(slots=True)
class Document:
    """The document while it grows: schemas are added as they are referred to."""

    comments: Comments
    schemas: dict[str, Schema] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()
    """Full names of messages that answers contain. What only requests contain is closed to other fields."""

    def build(self) -> dict[str, Any]:
        """The whole document."""
        self.answered = frozenset(_reachable(method.descriptor.output_type for method in methods()))
        paths: dict[str, dict[str, Any]] = {}
        for method in methods():
            for index, binding in enumerate(method.bindings):
                path = paths.setdefault(re.sub(r"=\*\}", "}", binding.template), {})
                path[binding.verb.lower()] = self._operation(method, binding, index)
        paths[EVENTS_TEMPLATE] = {"get": self._events()}
        paths[BOARD_EVENTS_TEMPLATE] = {"get": self._board_events()}
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Laurels",
                "version": "1",
                "description": _INTRODUCTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/", "description": "This gateway"}],
            "tags": self._tags(),
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": dict(sorted((self.schemas | _PROBLEM_SCHEMAS).items())),
                "responses": {name: _problem_response(status, told) for status, (name, told) in _RESPONSES.items()},
                "headers": _HEADERS,
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "JWT",
                        "description": "Claims: `iss`, `aud`, `exp`, `brand`, `sub`, and `scope`, which holds one or "
                        "more of `member`, `service` and `manager`, separated by spaces.",
                    }
                },
            },
        }

    def _tags(self) -> list[Schema]:
        services = {method.descriptor.containing_service.full_name: method for method in methods() if method.bindings}
        tags = [{"name": _tag(method), "description": self.comments.of(name)} for name, method in services.items()]
        return [*tags, {"name": "Events", "description": "What happens, as it happens."}]

    # Operations -------------------------------------------------------------------------------------------------

    def _operation(self, method: Method, binding: Binding, index: int) -> Schema:
        comment, name = self.comments.of(method.name), method.descriptor.name
        operation: Schema = {
            "operationId": name[0].lower() + name[1:] + (str(index + 1) if index else ""),
            "tags": [_tag(method)],
            "summary": _first_sentence(comment),
            "description": f"{in_http_words(comment)}\n\n{_scopes_told(method.rule.scopes)}",
            "security": [{"bearer": [scope]} for scope in _in_order(method.rule.scopes)],
            "parameters": self._parameters(method, binding),
        }
        if binding.verb != "GET" and binding.body:
            operation["requestBody"] = self._body(method, binding)
        operation["responses"] = self._responses(method, binding)
        return operation

    def _parameters(self, method: Method, binding: Binding) -> list[Schema]:
        request = method.descriptor.input_type
        in_path = Template.parse(binding.template).variables
        found = [self._parameter(request.fields_by_name[name], "path") for name in in_path]
        if not binding.body:
            others = [each for each in request.fields if each.name not in in_path and json_codec.fits_query(each)]
            found += [self._parameter(each, "query") for each in others]
        if "idempotency_key" in request.fields_by_name:
            found.append(_KEY_PARAMETER | {"required": method.rule.key_required})
        if binding.verb == "GET":
            found.append(_IF_NONE_MATCH)
        return found

    def _parameter(self, stated: FieldDescriptor, place: str) -> Schema:
        schema = self._field(stated, described=False)
        parameter = {
            "name": stated.name,
            "in": place,
            "required": place == "path",
            "description": self.comments.of(stated.full_name),
            "schema": schema,
        }
        return parameter | ({"style": "form", "explode": True} if stated.is_repeated else {})

    def _body(self, method: Method, binding: Binding) -> Schema:
        request = method.descriptor.input_type
        if binding.body == "*":
            schema = self._message(request, without=Template.parse(binding.template).variables)
        else:
            schema = self._field(request.fields_by_name[binding.body])
        content: Schema = {"schema": schema}
        if (example := EXAMPLES.get(method.descriptor.name)) is not None:
            content["example"] = example
        in_path = Template.parse(binding.template).variables
        needed = binding.body != "*" or any(f.name not in (*in_path, "idempotency_key") for f in request.fields)
        return {"required": needed, "content": {"application/json": content}}

    def _responses(self, method: Method, binding: Binding) -> Schema:
        done: Schema = {
            "description": "Done.",
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
            "content": {"application/json": {"schema": self._message(method.descriptor.output_type)}},
        }
        statuses = {*_ALWAYS, *self._statuses(method)}
        found: Schema = {"200": done}
        if binding.verb == "GET":
            done["headers"]["ETag"] = {"$ref": "#/components/headers/ETag"}
            found["304"] = {"description": "Unchanged since the answer whose `ETag` was sent."}
        elif binding.body:
            statuses |= {413, 415}
        return found | {str(status): _refer_response(status) for status in sorted(statuses)}

    def _statuses(self, method: Method) -> set[int]:
        """The statuses that the RPC's comment tells, or that of the RPC it refers to."""
        comment = self.comments.of(method.name)
        if as_other := re.search(r"Errors: as (\w+)", comment):
            comment += self.comments.of(method.name.rpartition(".")[0] + "." + as_other[1])
        return {status for name, status in _STATUSES.items() if name in comment}

    def _events(self) -> Schema:
        messages = [
            message
            for file in files()
            if file.name.endswith("/events.proto") and "programme" not in file.package
            for message in file.message_types_by_name.values()
        ]
        told = "\n".join(f"- `{m.name}`: {_first_sentence(self.comments.of(m.full_name))}" for m in messages)
        member = {
            "name": "member",
            "in": "path",
            "required": True,
            "description": "The member's id, or `me`.",
            "schema": {"type": "string"},
        }
        last = {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "description": "The `id` of the last event that arrived; the stream goes on after it. "
            "Without it, the stream begins with what happens from now on.",
            "schema": {"type": "string"},
        }
        statuses = (400, 401, 403, 404, 429, 500, 503)
        return {
            "operationId": "followMemberEvents",
            "tags": ["Events"],
            "summary": "Follows every change that concerns a member, as server-sent events.",
            "description": f"{_EVENTS_TOLD}\n\n{told}\n\n{_scopes_told(EventStreams.rule.scopes)}",
            "security": [{"bearer": [scope]} for scope in _in_order(EventStreams.rule.scopes)],
            "parameters": [member, last],
            "responses": {
                "200": {
                    "description": "The stream. It stays open.",
                    "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EVENTS_EXAMPLE}},
                },
                **{str(status): _refer_response(status) for status in statuses},
            },
            "x-events": {message.name: self._message(message) for message in messages},
        }

    def _board_events(self) -> Schema:
        """As a member's events, of one message."""
        found = self._events()
        (changed,) = (
            message
            for file in files()
            for message in file.message_types_by_name.values()
            if message.full_name == "laurels.leaderboard.v1.BoardChanged"
        )
        board = {
            "name": "board",
            "in": "path",
            "required": True,
            "description": "The board's id. One that is not live is silent.",
            "schema": {"type": "string"},
        }
        scopes = BoardStreams.rule.scopes
        told = f"- `{changed.name}`: {_first_sentence(self.comments.of(changed.full_name))}"
        return found | {
            "operationId": "followBoardEvents",
            "summary": "Follows a live board's changes, as server-sent events.",
            "description": f"{_EVENTS_TOLD}\n\n{told}\n\n{_scopes_told(scopes)}",
            "security": [{"bearer": [scope]} for scope in _in_order(scopes)],
            "parameters": [board, *(each for each in found["parameters"] if each["name"] != "member")],
            "x-events": {changed.name: self._message(changed)},
        }

    # Schemas ----------------------------------------------------------------------------------------------------

    def _message(self, message: Descriptor, without: Iterable[str] = ()) -> Schema:
        """A reference to a message's schema, which is added when it is new."""
        if message.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[message.full_name])
        return self._refer(message, lambda: self._object(message, frozenset(without)))

    def _refer(self, described: Descriptor | EnumDescriptor, build: Any) -> Schema:
        name = described.name
        if self.owners.setdefault(name, described.full_name) != described.full_name or name in _PROBLEM_SCHEMAS:
            raise ValueError(f"two schemas would be called {name}: {self.owners[name]} and {described.full_name}")
        if name not in self.schemas:
            self.schemas[name] = {}  # before its parts, which may refer to it
            self.schemas[name] = build()
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, message: Descriptor, without: frozenset[str]) -> Schema:
        fields = [each for each in message.fields if each.name not in without]
        schema: Schema = {
            "type": "object",
            "description": self.comments.of(message.full_name),
            "properties": {each.name: self._field(each) for each in fields},
        }
        pairs = [names for oneof in message.oneofs for names in _pairs([each.name for each in oneof.fields])]
        if pairs:
            schema["allOf"] = [{"not": {"required": list(pair)}} for pair in pairs]
        if message.full_name not in self.answered:
            schema["additionalProperties"] = False
        elif always := [each.name for each in fields if not each.has_presence and not _in_requests(message)]:
            schema["required"] = always
        return schema

    def _field(self, stated: FieldDescriptor, *, described: bool = True) -> Schema:
        if json_codec.is_map(stated):
            values = json_codec.message_type(stated).fields_by_name["value"]
            schema: Schema = {"type": "object", "additionalProperties": self._single(values)}
        elif stated.is_repeated:
            schema = {"type": "array", "items": self._single(stated)}
        else:
            schema = self._single(stated)
        comment = self.comments.of(stated.full_name)
        return schema | ({"description": comment} if described and comment else {})

    def _single(self, stated: FieldDescriptor) -> Schema:
        if stated.message_type is not None:
            return self._message(stated.message_type)
        if (enum := stated.enum_type) is not None:
            return self._refer(enum, lambda: self._enum(enum))
        if bounds := json_codec.range_of(stated):
            lowest, highest = bounds
            width = "int64" if abs(highest) == json_codec.INTEGER_MAX else "int32"
            return {"type": "integer", "format": width, "minimum": lowest, "maximum": highest}
        return dict(_SCALARS[stated.type])

    def _enum(self, enum: EnumDescriptor) -> Schema:
        names = json_codec.enum_names(enum)
        told = [
            f"- `{name}`: {self.comments.of(f'{enum.full_name}.{value.name}')}"
            for name, value in zip(names, enum.values, strict=True)
        ]
        text = "\n".join([self.comments.of(enum.full_name), "", *told])
        return {"type": "string", "enum": list(names), "description": text}


_SCALARS: dict[int, Schema] = {
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time", "examples": ["2026-01-31T09:30:00Z"]},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["1.5s"]},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
}
_PROBLEM_SCHEMAS: dict[str, Schema] = {
    "ProblemDetails": {
        "type": "object",
        "description": "Why a request was refused or failed (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "The kind of problem: `code` as a URN."},
            "title": {"type": "string", "description": "The kind of problem, for people."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What happened, as a sentence for people."},
            "instance": {"type": "string", "format": "uri-reference", "description": "The path that was asked for."},
            "code": {"type": "string", "description": "What programs decide on, such as `insufficient_points`."},
            "request_id": {"type": "string", "description": "The request's id, also in X-Request-Id."},
            "errors": {
                "type": "array",
                "description": "Each bad field.",
                "items": {"$ref": "#/components/schemas/FieldProblem"},
            },
        },
    },
    "FieldProblem": {
        "type": "object",
        "description": "One bad field.",
        "required": ["field", "detail"],
        "properties": {
            "field": {"type": "string", "description": "Its path, such as `activities[3].occurred_at`."},
            "detail": {"type": "string", "description": "What is wrong with it."},
        },
    },
}
_HEADERS: dict[str, Schema] = {
    "RequestId": {
        "description": "The request's id: the one that was sent as X-Request-Id, or a new one.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "Changes when the answer's content does.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds after which to come back.", "schema": {"type": "integer"}},
}
_KEY_PARAMETER: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The caller's key of this request, the same at each retry: 1 to 128 printable ASCII characters "
    "without spaces. It may be stated as `idempotency_key` in the body instead.",
    "schema": {"type": "string", "pattern": r"^[!-~]{1,128}$"},
}
_IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the answer that the caller has; 304 when it is still the same.",
    "schema": {"type": "string"},
}
_EVENTS_TOLD = (
    "Each event has the event's name as `event`, its message as JSON in `data`, and in `id` a cursor. Sent back as "
    "`Last-Event-ID`, the stream goes on after it, at any replica, with nothing lost. A comment every 15 seconds "
    "keeps a quiet stream open. `event: reset` says that events may be missing, since the place is no longer known: "
    "read the state again and go on. The stream ends when the credential expires.\n\nA browser's `EventSource` cannot "
    "send a credential; read the stream with `fetch`.\n\nThe events, with their schemas in `x-events`:"
)
_EVENTS_EXAMPLE = (
    "retry: 2000\nid: 1.9230-0.c988-0.7d98-0.5b08-0\n\nevent: TierChanged\nid: 1.9230-1.c988-0.7d98-0.5b08-0\n"
    'data: {"member":"c00001","from_tier":"silver","to_tier":"gold","occurred_at":"2026-01-31T09:30:00Z"}\n\n'
)


def _tag(method: Method) -> str:
    name = method.descriptor.containing_service.name.removesuffix("Service")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _first_sentence(comment: str) -> str:
    return re.split(r"(?<=\.)\s", comment, maxsplit=1)[0]


def _in_order(scopes: Iterable[str]) -> list[str]:
    return [scope for scope in ("member", "service", "manager") if scope in scopes]


def _scopes_told(scopes: Iterable[str]) -> str:
    return "Scopes: " + " or ".join(f"`{scope}`" for scope in _in_order(scopes)) + "."


def _refer_response(status: int) -> Schema:
    return {"$ref": f"#/components/responses/{_RESPONSES[status][0]}"}


def _problem_response(status: int, told: str) -> Schema:
    response: Schema = {
        "description": told,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    return response | (
        {"headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}} if status in (429, 503) else {}
    )


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    return ((one, other) for i, one in enumerate(names) for other in names[i + 1 :])


def _reachable(roots: Iterable[Descriptor]) -> set[str]:
    """The full names of the messages that `roots` contain, themselves included."""
    found: set[str] = set()
    open_types = list(roots)
    while open_types:
        message = open_types.pop()
        if message.full_name not in found:
            found.add(message.full_name)
            open_types += [each.message_type for each in message.fields if each.message_type is not None]
    return found


def _in_requests(message: Descriptor) -> bool:
    """Whether requests may contain a message, whose zero values may then be left out."""
    return message.full_name in _reachable(method.descriptor.input_type for method in methods())


def read_comments() -> Comments:
    """The comments of the protos beside this package. Needs the compiler, which is a development dependency."""
    spec: Any = importlib.util.spec_from_file_location("generate", PROTOS / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "descriptors.binpb"
        generate.write_descriptors(target)
        return Comments(descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()))


def document() -> bytes:
    """The document as it is committed."""
    built = Document(read_comments()).build()
    return orjson.dumps(built, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> None:
    """Writes the document, or checks it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when the committed document differs")
    options = parser.parse_args()
    fresh = document()
    if not options.check:
        DOCUMENT.write_bytes(fresh)
    elif not DOCUMENT.exists() or DOCUMENT.read_bytes() != fresh:
        sys.exit("gateway/openapi.json differs from the protos; run `python -m gateway.openapi`")


if __name__ == "__main__":
    main()

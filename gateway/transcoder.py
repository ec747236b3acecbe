"""Every RPC with a `google.api.http` annotation is a route, and every route is one call.

A request's message is made of the path's variables, the query or the JSON body,
and the Idempotency-Key header; a place that is stated twice must say the same.
`me` in a member's place is the caller. The answer is the response message as
JSON; answers to GET carry an ETag.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from starlette.requests import Request
from starlette.responses import Response

from chassis.credentials import Caller
from chassis.errors import FieldViolation, InvalidArgument, NotFound
from chassis.server import KEY
from gateway import json_codec
from gateway.backends import Context
from gateway.contract import Binding, Method
from gateway.limits import read_body
from gateway.problems import UnsupportedMediaType
from gateway.routes import Template

QUERY_FIELDS_MAX = 100
MEMBER, KEY_FIELD = "member", "idempotency_key"
Handler = Callable[[bytes, Context], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request that was routed and authenticated."""

    http: Request
    who: Caller
    variables: Mapping[str, str]
    context: Context


class RpcRoute:
    """One HTTP form of one RPC. Raises at once when the annotation does not fit the messages."""

    def __init__(
        self, method: Method, binding: Binding, handler: Handler, *, body_bytes_max: int, body_timeout_s: float
    ) -> None:
        self.method, self.binding, self.rule = method, binding, method.rule
        self._handler = handler
        self._body_bytes_max, self._body_timeout_s = body_bytes_max, body_timeout_s
        self._request, response = method.descriptor.input_type, method.descriptor.output_type
        self._fields: dict[str, FieldDescriptor] = {field.name: field for field in self._request.fields}
        self._response_class: Any = message_factory.GetMessageClass(response)
        self._encode = json_codec.encoder(response)
        self._in_path = frozenset(Template.parse(binding.template).variables)
        self._check_binding()

    def _check_binding(self) -> None:
        named = {*self._in_path, *({self.binding.body} - {"", "*"})}
        if unknown := named - set(self._fields):
            raise TypeError(f"{self.method.name}: the HTTP rule names {', '.join(unknown)}, which the request has not")
        json_codec.compile_decoder(self._request)

    async def __call__(self, inbound: Inbound) -> Response:
        """Answers a request. Raises DomainError."""
        plain = await self._plain(inbound)
        self._hold_to_own(plain, inbound.who)
        answer = await self._handler(json_codec.decode_wire(self._request, plain), inbound.context)
        text = orjson.dumps(self._encode(self._response_class.FromString(answer)))
        return self._answer(text, inbound.http, personal=MEMBER in self._fields and not self._is_about_nobody(plain))

    # The request ------------------------------------------------------------------------------------------------

    async def _plain(self, inbound: Inbound) -> dict[str, Any]:
        """The request message in its plain JSON form, from all its places."""
        plain = self._from_query(inbound.http.url.query)
        if self.binding.verb != "GET":
            plain |= await self._from_body(inbound.http)
        if MEMBER in self._fields and plain.get(MEMBER) == "me":
            plain[MEMBER] = self._me(inbound.who)
        for name, text in inbound.variables.items():
            value = self._me(inbound.who) if name == MEMBER and text == "me" else self._read(name, text)
            if plain.setdefault(name, value) != value:
                raise _bad(name, "is stated by the path, and differently elsewhere")
        if KEY_FIELD in self._fields:
            self._add_key(plain, inbound.http.headers.getlist("idempotency-key"))
        return plain

    def _read(self, name: str, text: str) -> Any:
        return json_codec.from_text(self._fields[name], text)

    def _from_query(self, query: str) -> dict[str, Any]:
        if not query:
            return {}
        try:
            pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS_MAX)
        except ValueError:
            raise InvalidArgument(f"The query is not UTF-8, or has more than {QUERY_FIELDS_MAX} fields.") from None
        plain: dict[str, Any] = {}
        problems: list[FieldViolation] = []
        for name, text in pairs:
            if detail := self._not_in_query(name, name in plain):
                problems.append(FieldViolation(name[: json_codec.SHOWN_KEY_MAX], detail))
            elif self._fields[name].is_repeated:
                plain.setdefault(name, []).append(self._read(name, text))
            else:
                plain[name] = self._read(name, text)
        if problems:
            raise InvalidArgument.of(problems[: json_codec.PROBLEMS_MAX])
        return plain

    def _not_in_query(self, name: str, stated: bool) -> str:
        """Why a field cannot be stated by the query; empty when it can."""
        field = self._fields.get(name)
        if self.binding.body == "*" or field is None:
            return "is not a parameter of this request"
        if name in self._in_path or name == self.binding.body:
            return "is not stated by the query here"
        if not json_codec.fits_query(field):
            return "cannot be stated by a query"
        return "is stated twice" if stated and not field.is_repeated else ""

    async def _from_body(self, request: Request) -> dict[str, Any]:
        text = await read_body(
            request.stream(),
            stated=request.headers.get("content-length"),
            bytes_max=self._body_bytes_max,
            timeout_s=self._body_timeout_s,
        )
        if not text.strip():
            return {}
        _require_json(request)
        plain = json_codec.loads(text)
        if self.binding.body not in ("", "*"):
            return {self.binding.body: plain}
        if type(plain) is not dict:
            raise InvalidArgument.of([FieldViolation("body", "must be an object")])
        if plain and not self.binding.body:
            raise InvalidArgument("This request takes no body.")
        return plain

    def _add_key(self, plain: dict[str, Any], headers: Sequence[str]) -> None:
        stated = {_unquoted(header) for header in headers}
        if KEY_FIELD in plain:
            stated.add(plain[KEY_FIELD] if isinstance(plain[KEY_FIELD], str) else "")
        if len(stated) > 1:
            raise _bad(KEY_FIELD, "differs between the Idempotency-Key header and the body")
        if headers:
            if not KEY.fullmatch(key := stated.pop()):
                raise _bad("Idempotency-Key", "must be 1 to 128 printable ASCII characters without spaces")
            plain[KEY_FIELD] = key
        if self.rule.key_required and not plain.get(KEY_FIELD):
            raise InvalidArgument(
                "This request moves something of value: send an Idempotency-Key header, the same one at each retry.",
                code="idempotency_key_required",
                violations=[FieldViolation("Idempotency-Key", "is required")],
            )

    @staticmethod
    def _me(who: Caller) -> str:
        if "member" not in who.scopes:
            raise _bad(MEMBER, "may be `me` only where the credential is a member's")
        return who.subject

    def _hold_to_own(self, plain: dict[str, Any], who: Caller) -> None:
        """Another's data is answered like data that does not exist. The services check this again."""
        if who.scopes & self.rule.scopes == {"member"} and MEMBER in self._fields:
            named = plain.get(MEMBER, "")
            if self._is_about_nobody(plain):
                return
            if isinstance(named, str) and named != who.subject:
                raise NotFound(f"There is no member {named[:64]!r}.", code="unknown_member")

    def _is_about_nobody(self, plain: Mapping[str, Any]) -> bool:
        return self.rule.member_optional and not plain.get(MEMBER)

    # The answer -------------------------------------------------------------------------------------------------

    def _answer(self, text: bytes, request: Request, *, personal: bool) -> Response:
        if self.binding.verb != "GET":
            return Response(text, headers={"cache-control": "no-store"}, media_type="application/json")
        # What concerns one member is not left in a browser's cache on a shared machine.
        kept = "no-store" if personal else "private, no-cache"
        etag = f'"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'
        headers = {"etag": etag, "cache-control": kept, "vary": "Authorization"}
        if _has_it(request.headers.getlist("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        return Response(text, headers=headers, media_type="application/json")


def _bad(field: str, detail: str) -> InvalidArgument:
    return InvalidArgument.of([FieldViolation(field, detail)])


def _unquoted(header: str) -> str:
    """A key as people send it, bare or as a structured field's string."""
    return header[1:-1] if len(header) > 2 and header[0] == header[-1] == '"' else header


def _require_json(request: Request) -> None:
    media, _, parameters = request.headers.get("content-type", "application/json").partition(";")
    media = media.strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise UnsupportedMediaType("The body must be JSON, sent as Content-Type: application/json.")
    if "charset=" in parameters.lower() and "utf-8" not in parameters.lower():
        raise UnsupportedMediaType("The body must be UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.")


def _has_it(headers: Sequence[str], etag: str) -> bool:
    """Whether If-None-Match names what would be answered (RFC 9110 section 13.1.2, weakly compared)."""
    stated = [tag.strip().removeprefix("W/") for header in headers for tag in header.split(",")]
    return etag in stated or "*" in stated

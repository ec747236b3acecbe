"""One trace from the browser's request to the last consumer of its effects.

The W3C trace context travels in gRPC metadata, in outbox rows and in NATS
headers. Spans are recorded where an OTLP endpoint is configured; the context
is passed on in any case, so that logs share the trace's id. Which traces are
recorded is the gateway's decision, or its caller's (the context's sampled
flag); the SDK's variables `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`
set it.
"""

import importlib.metadata
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("traceparent", default="")
_propagator = TraceContextTextMapPropagator()
_providers: dict[str, "TracerProvider"] = {}
_NOTHING = nullcontext()


def configure(service: str, endpoint: str) -> None:
    """Sends the service's spans to an OTLP gRPC endpoint; none when it is empty."""
    if not endpoint or service in _providers:
        return
    # The exporter is loaded where spans go somewhere: it doubles a service's start.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = {"service.name": f"laurels-{service}", "service.version": importlib.metadata.version("laurels")}
    provider = TracerProvider(resource=Resource.create(resource))
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _providers[service] = provider


def shutdown(service: str) -> None:
    """Sends what is left of the service's spans."""
    if (provider := _providers.pop(service, None)) is not None:
        provider.shutdown()


def traceparent() -> str:
    """The context at hand as a W3C `traceparent`; empty outside of a trace."""
    return _current.get()


def identifiers(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Adds the trace at hand to a line of log; one of structlog's processors.

    >>> with on_behalf_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
    ...     identifiers(None, "info", {"event": "taken"})
    {'event': 'taken', 'trace_id': '0af7651916cd43dd8448eb211c80319c', 'span_id': 'b7ad6b7169203331'}
    """
    if context := _current.get():
        event["trace_id"], event["span_id"] = context[3:35], context[36:52]
    return event


def span(service: str, name: str, parent: str = "") -> AbstractContextManager[None]:
    """Serves a call within a span that continues `parent`, or begins a trace where spans are recorded.

    A malformed parent is as good as none.
    """
    if parent and not _TRACEPARENT.fullmatch(parent):
        parent = ""
    provider = _providers.get(service)
    if provider is not None:
        return _recorded(provider, name, parent)
    # Nothing is recorded here; what others record is passed on.
    known = parent or _current.get()
    return on_behalf_of(known) if known else _NOTHING


@contextmanager
def _recorded(provider: "TracerProvider", name: str, parent: str) -> Iterator[None]:
    context = _propagator.extract({"traceparent": parent or _current.get()})
    tracer = provider.get_tracer("laurels")
    with (
        tracer.start_as_current_span(name, context=context, kind=SpanKind.SERVER) as current,
        on_behalf_of(_context_of(current)),
    ):
        yield


def describe(name: str, attributes: Mapping[str, Any], *, failed: bool = False) -> None:
    """Says of the call's span at hand what is known only when it has been served; nothing where none is recorded."""
    current = trace.get_current_span()
    if current.is_recording():
        current.update_name(name)
        current.set_attributes(dict(attributes))
        if failed:
            current.set_status(Status(StatusCode.ERROR))


@contextmanager
def on_behalf_of(value: str) -> Iterator[None]:
    """Makes `value` the context at hand, without a span: for one request's part in the work of many."""
    reset = _current.set(value)
    try:
        yield
    finally:
        _current.reset(reset)


class Part:
    """What is done for one request or event, as a span that is ended by hand.

    `traceparent` is the context of what follows from it.
    """

    __slots__ = ("_span", "traceparent")

    def __init__(self, traceparent: str, span: trace.Span | None) -> None:
        self.traceparent, self._span = traceparent, span

    def end(self, failure: BaseException | None = None) -> None:
        """Ends the span; a failure is told with it."""
        if self._span is not None:
            if failure is not None:
                self._span.set_status(Status(StatusCode.ERROR, str(failure)[:200]))
            self._span.end()


def begin(
    service: str,
    name: str,
    parent: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Any] | None = None,
) -> Part:
    """Begins what continues `parent`; no span where none is recorded, and none without a parent.

    Work that nobody asked for, such as a sweep's, is in no trace.
    """
    provider = _providers.get(service)
    if provider is None or not _is_sampled(parent):
        return Part(parent, None)
    context = _propagator.extract({"traceparent": parent})
    begun = provider.get_tracer("laurels").start_span(name, context=context, kind=kind, attributes=attributes)
    return Part(_context_of(begun), begun)


def messaging(operation: str, stream: str, event_id: int, brand: str) -> dict[str, Any]:
    """What a span says of an event on its way, by OpenTelemetry's names for messaging; never about whom it is."""
    return {
        "messaging.system": "nats",
        "messaging.operation.type": operation,
        "messaging.destination.name": stream,
        "messaging.message.id": str(event_id),
        "laurels.brand": brand,
    }


@contextmanager
def together(service: str, name: str, parents: Sequence[str]) -> Iterator[Sequence[str]]:
    """One piece of work for many, as a span in the trace of each; gives the context of each within it.

    What is logged meanwhile is in the first one's trace.
    """
    parts = []
    contexts = parents
    if service in _providers:
        size = {"laurels.batch.size": len(parents)}
        parts = [begin(service, name, parent, attributes=size) for parent in parents]
        contexts = [part.traceparent for part in parts]
    failure: BaseException | None = None
    try:
        with on_behalf_of(contexts[0]):
            yield contexts
    except BaseException as error:
        failure = error
        raise
    finally:
        for part in parts:
            part.end(failure)


def _is_sampled(context: str) -> bool:
    """Whether whoever began the trace has it recorded; the context is well-formed, since it went through `span`."""
    return bool(_TRACEPARENT.fullmatch(context)) and int(context[-2:], 16) & 1 == 1


def _context_of(current: trace.Span) -> str:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(current))
    return carrier.get("traceparent", "")

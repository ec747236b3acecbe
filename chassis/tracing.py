"""One trace from the browser's request to the last consumer of its effects.

The W3C trace context travels in gRPC metadata, in outbox rows and in NATS
headers. Spans are recorded where an OTLP endpoint is configured; the context
is passed on in any case, so that logs share the trace's id.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

import structlog
from opentelemetry import trace
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

    provider = TracerProvider(resource=Resource.create({"service.name": f"laurels-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
    _providers[service] = provider


def shutdown(service: str) -> None:
    """Sends what is left of the service's spans."""
    if (provider := _providers.pop(service, None)) is not None:
        provider.shutdown()


def traceparent() -> str:
    """The context at hand as a W3C `traceparent`; empty outside of a trace."""
    return _current.get()


def span(service: str, name: str, parent: str = "") -> AbstractContextManager[None]:
    """Works within a span that continues `parent`, or begins a trace where spans are recorded.

    A malformed parent is as good as none.
    """
    if parent and not _TRACEPARENT.fullmatch(parent):
        parent = ""
    provider = _providers.get(service)
    if provider is not None:
        return _recorded(provider, name, parent)
    # Nothing is recorded here; what others record is passed on.
    known = parent or _current.get()
    return _within(known) if known else _NOTHING


@contextmanager
def _recorded(provider: "TracerProvider", name: str, parent: str) -> Iterator[None]:
    context = _propagator.extract({"traceparent": parent or _current.get()})
    with provider.get_tracer("laurels").start_as_current_span(name, context=context) as current:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier, trace.set_span_in_context(current))
        with _within(carrier.get("traceparent", "")):
            yield


@contextmanager
def on_behalf_of(value: str) -> Iterator[None]:
    """Makes `value` the context at hand, without a span: for one request's part in the work of many."""
    reset = _current.set(value)
    try:
        yield
    finally:
        _current.reset(reset)


@contextmanager
def _within(value: str) -> Iterator[None]:
    if not value:
        yield
        return
    reset = _current.set(value)
    bound = structlog.contextvars.bind_contextvars(trace_id=value[3:35])
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**bound)
        _current.reset(reset)

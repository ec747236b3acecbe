"""One line of log is one event, with the request, brand and trace it belongs to.

JSON in production, colours on a terminal. Context travels in contextvars, so a
line deep in a service says for whom it works without being told.
"""

import json
import logging
import sys
from typing import Any

import orjson
import structlog

from chassis import tracing

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class _StandardError:
    """Standard error as it is at the moment of writing; loggers outlive its redirection."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _line(event: dict[str, Any], **_: Any) -> str:
    """An event as JSON, whatever is in it: to tell of trouble must not be trouble.

    >>> _line({"event": "taken", "id": 7})
    '{"event":"taken","id":7}'
    >>> _line({"id": 2**64})
    '{"id": "18446744073709551616"}'
    """
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:  # an integer beyond 64 bits, a lone surrogate
        return json.dumps({key: repr(value) for key, value in event.items()})


_STANDARD_ERROR: Any = _StandardError()


def configure(log_format: str, level: str) -> None:
    """Sets the process' logging up; calling it again replaces it."""
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_line)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # others print local variables, passwords included
        )
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        tracing.identifiers,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(_STANDARD_ERROR),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_STANDARD_ERROR)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=max(_LEVELS[level], logging.WARNING), handlers=[handler], force=True)


def logger(name: str) -> Any:
    """A logger whose lines carry `part=name`."""
    return structlog.get_logger(part=name)

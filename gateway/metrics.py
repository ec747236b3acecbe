"""What the gateway says about itself to Prometheus.

Labels are bounded: routes are templates, never paths; nothing names a brand or
a member.
"""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Histogram(
    "laurels_http_seconds", "Duration of HTTP requests by outcome", ("method", "route", "status"), buckets=_SECONDS
)
IN_FLIGHT = Gauge("laurels_http_in_flight", "HTTP requests at hand")
STREAMS = Gauge("laurels_event_streams", "Open event streams")
EVENTS_SENT = Counter("laurels_event_streams_sent", "Events sent to open streams", ("source",))
STREAM_REPAIRS = Counter(
    "laurels_event_streams_repaired", "Consumers of an open stream that were made again", ("source",)
)

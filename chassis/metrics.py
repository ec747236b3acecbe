"""What the suite says about itself to Prometheus.

Every metric carries the service, since several services may share a process.
Labels are bounded: method, event and loop names come from the code, and brands
are told apart up to BRANDS_MAX. No metric carries a member.
"""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)

CALLS = Histogram(
    "laurels_grpc_seconds", "Duration of gRPC calls by outcome", ("service", "method", "status"), buckets=_FAST
)
BATCH_SIZE = Histogram("laurels_write_batch_size", "Requests in a transaction", ("service",), buckets=_SIZES)
BATCH_SECONDS = Histogram("laurels_write_batch_seconds", "Duration of a transaction", ("service",), buckets=_FAST)
BATCH_SPLITS = Counter("laurels_write_batch_splits", "Batches split to find a bad request", ("service",))
QUEUE = Gauge("laurels_write_queue", "Weight of requests waiting for a transaction", ("service",))
PUBLISHED = Counter("laurels_outbox_published", "Events published to NATS", ("service",))
OUTBOX_DEPTH = Gauge("laurels_outbox_depth", "Events read but not yet published", ("service",))
OUTBOX_AGE = Gauge("laurels_outbox_age_seconds", "Age of the oldest event that is not published", ("service",))
CONSUMER_LAG = Gauge("laurels_consumer_lag", "Events not yet acknowledged", ("service", "source", "lane"))
POOL_SIZE = Gauge("laurels_database_pool_size", "Open connections to the database", ("service",))
POOL_IDLE = Gauge("laurels_database_pool_idle", "Open connections that nothing uses", ("service",))
TOLD = Counter(
    "laurels_events_told", "Events published, by what happened and to whose brand", ("service", "brand", "event")
)
CONSUMED = Counter("laurels_events_consumed", "Events acknowledged", ("service", "source"))
EFFECT_SECONDS = Histogram(
    "laurels_effect_seconds",
    "Time from an event's storing in the stream to its acknowledgement, when its effect is committed",
    ("service", "source"),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 120),
)
REJECTED = Counter("laurels_events_rejected", "Events to be delivered again", ("service", "source"))
DEAD_LETTERS = Counter("laurels_dead_letters", "Events parked after too many failures", ("service", "source"))
REPAIRED = Counter("laurels_reconciler_republished", "Events published again on a consumer's request", ("service",))
LOOP_BEATS = Gauge("laurels_loop_beat_seconds", "Unix time at which a loop last moved", ("service", "loop"))
LOOP_FAILURES = Counter("laurels_loop_failures", "Times a loop failed and was started again", ("service", "loop"))
RULE_FAILURES = Counter("laurels_expression_failures", "Expressions that failed on an activity", ("service",))

BRANDS_MAX = 100
OTHER_BRANDS = "other"
_brands: set[str] = set()


def brand_label(brand: str) -> str:
    """The brand as a label: itself for the first BRANDS_MAX that this process meets, OTHER_BRANDS for the rest."""
    if brand not in _brands:
        if len(_brands) >= BRANDS_MAX:
            return OTHER_BRANDS
        _brands.add(brand)
    return brand

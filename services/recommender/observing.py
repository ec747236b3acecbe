"""How much is recommended and what it earns, by brand and slot, for metrics; both labels are bounded."""

from prometheus_client import Counter

from chassis.metrics import OTHER_BRANDS, brand_label
from services.recommender.book import Book

SLOTS_MAX, OTHER_SLOTS = 1_000, "other"
RECOMMENDED = Counter("laurels_recommendations", "Recommendations made", ("brand", "slot"))
OUTCOMES = Counter("laurels_recommendation_outcomes", "Outcomes of recommendations recorded", ("brand", "slot"))
VALUE = Counter("laurels_recommendation_value", "The sum of the outcomes' values", ("brand", "slot"))
_slots: set[tuple[str, str]] = set()


def labels(brand: str, slot: str) -> tuple[str, str]:
    """A slot's labels: its own for the first SLOTS_MAX that this process meets, `other` for the rest."""
    label = brand_label(brand)
    if label == OTHER_BRANDS:
        return label, OTHER_SLOTS
    if (label, slot) not in _slots:
        if len(_slots) >= SLOTS_MAX:
            return label, OTHER_SLOTS
        _slots.add((label, slot))
    return label, slot


def committed(book: Book) -> None:
    """Counts what a transaction decided and recorded."""
    for slot, seen in book.seen.items():
        found = labels(book.brand, slot)
        RECOMMENDED.labels(*found).inc(seen.decisions)
        OUTCOMES.labels(*found).inc(seen.outcomes)
        VALUE.labels(*found).inc(seen.value)

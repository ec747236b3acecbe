"""CDNOW's purchases become the same activities, in the same order, every time.

The source has dates only. The purchases of a day are spread evenly over the
shop's hours, 08:00 to 22:00 UTC, in the order of the file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "cdnow"
MASTER = EXAMPLE / "CDNOW_master.txt"
SAMPLE = EXAMPLE / "CDNOW_sample.txt"
PROGRAMME = EXAMPLE / "programme.yaml"
OPENS, OPEN_FOR_S = time(8, tzinfo=UTC), 14 * 3_600

_HEADER = re.compile(r"\s*customer_id\s+date\s+number_of_cds\s+dollar_value\s*")
_MASTER = re.compile(r"\s*(\d{5})\s+(\d{8})\s+(\d+)\s+(\d+)\.(\d\d)\s*")
_SAMPLE = re.compile(r"\s*(\d{5})\s+\d{4}\s+(\d{8})\s+(\d+)\s+(\d+)\.(\d\d)\s*")


@dataclass(frozen=True, slots=True)
class Purchase:
    """A line of the file. `amount` is in US cents, `items` are CDs."""

    id: str
    member: str
    day: date
    items: int
    amount: int

    def activity(self, occurred_at: datetime) -> dict[str, Any]:
        """The activity as `POST /v1/activities` takes it."""
        return {
            "id": self.id,
            "member": self.member,
            "type": "purchase",
            "occurred_at": occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "attributes": {"amount": self.amount, "items": self.items},
        }


def activities(path: Path = MASTER) -> Iterator[dict[str, Any]]:
    """The file's purchases as activities, in the order of time. Raises ValueError for a malformed line."""
    ordered = sorted(purchases(path), key=lambda purchase: purchase.day)
    for day, of_day in groupby(ordered, key=lambda purchase: purchase.day):
        sold = list(of_day)
        for place, purchase in enumerate(sold):
            yield purchase.activity(
                datetime.combine(day, OPENS) + timedelta(seconds=OPEN_FOR_S * place // len(sold)),
            )


def purchases(path: Path) -> Iterator[Purchase]:
    """The file's purchases in its own order; the master file or the sample."""
    with path.open(encoding="ascii") as lines:
        for number, line in enumerate(lines, start=1):
            if not _HEADER.fullmatch(line):
                yield _purchase(line, number, path)


def _purchase(line: str, number: int, path: Path) -> Purchase:
    if found := _MASTER.fullmatch(line):
        name = f"cdnow-{number}"
    elif found := _SAMPLE.fullmatch(line):
        name = f"cdnow-sample-{number}"
    else:
        raise ValueError(f"{path}:{number}: not a purchase: {line.strip()[:80]!r}")
    customer, day, items, dollars, cents = found.groups()
    return Purchase(
        id=name,
        member=f"c{customer}",
        day=date.fromisoformat(day),
        items=int(items),
        amount=int(dollars) * 100 + int(cents),
    )

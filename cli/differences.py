"""What changes between two programmes, by path, with ids where lists have them.

~ points.earning_rules[dollar].amount: "1" → "2"
+ points.rewards[mug]: {name: Mug, currency: points, price: 300}
- missions.missions[third]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson
from rich.text import Text

from cli.programme_file import ITEM_KEYS

SHOWN_LENGTH_MAX = 160


class Kind(Enum):
    """What happened to a value; its sign in print."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change; `before` is None for what was added, `after` for what was removed."""

    kind: Kind
    path: str
    before: Any = None
    after: Any = None

    def line(self) -> Text:
        """The change on one coloured line."""
        colour = {Kind.ADDED: "green", Kind.REMOVED: "red", Kind.CHANGED: "yellow"}[self.kind]
        line = Text(f"{self.kind.value} {self.path}", style=colour)
        if self.kind is Kind.CHANGED:
            return line.append(f": {shown(self.before)} → {shown(self.after)}", style="default")
        return line.append(f": {shown(self.after if self.kind is Kind.ADDED else self.before)}", style="dim")


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """The changes that lead from one plain value to another, in the order of `after`."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_entries(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_items(before, after, path)
    elif before != after:
        yield Difference(Kind.CHANGED, path, before, after)


def shown(value: Any) -> str:
    """A value on one line, shortened."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= SHOWN_LENGTH_MAX else text[: SHOWN_LENGTH_MAX - 1] + "…"


def _of_entries(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Difference]:
    for key in [*after, *(key for key in before if key not in after)]:
        inner = f"{path}.{key}" if path else key
        yield from _of_pair(before.get(key), after.get(key), inner)


def _of_items(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    key = next((name for name in ITEM_KEYS if _tells_apart(name, before) and _tells_apart(name, after)), None)
    if key is None:
        if before != after:
            yield Difference(Kind.CHANGED, path, before, after)
        return
    old, new = ({item[key]: item for item in items} for items in (before, after))
    for name in [*new, *(name for name in old if name not in new)]:
        yield from _of_pair(old.get(name), new.get(name), f"{path}[{name}]")
    kept = [name for name in old if name in new]
    order = [name for name in new if name in old]
    if kept != order:
        yield Difference(Kind.CHANGED, f"{path} (order)", kept, order)


def _of_pair(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if before is None and after is not None:
        if _has_items(after):
            yield from differences(type(after)(), after, path)
        else:
            yield Difference(Kind.ADDED, path, after=after)
    elif after is None and before is not None:
        if _has_items(before):
            yield from differences(before, type(before)(), path)
        else:
            yield Difference(Kind.REMOVED, path, before=before)
    else:
        yield from differences(before, after, path)


def _has_items(value: Any) -> bool:
    """Whether a value is told item by item rather than on one line: a section, or a list of named things."""
    if isinstance(value, dict):
        return any(_has_items(inner) for inner in value.values())
    return isinstance(value, list) and bool(value) and any(_tells_apart(key, value) for key in ITEM_KEYS)


def _tells_apart(key: str, items: list[Any]) -> bool:
    names = [item.get(key) if isinstance(item, dict) else None for item in items]
    return all(isinstance(name, str | int) for name in names) and len(set(names)) == len(names)

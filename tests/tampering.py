"""Ways in which a proof may be falsified, each with what must be seen of it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cli.card_check import read
from services.leaderboard.fairness import canonical, link_of

Change = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Tamper:
    """A change of the proof at a place of a pool's draws; `seen` are the checks that must fail."""

    name: str
    kind: str
    place: int
    seen: frozenset[str]
    change: Change

    def of(self, data: dict[str, Any]) -> dict[str, Any]:
        """The proof, changed."""
        self.change(data)
        return data


def _table(change: Callable[[dict[str, Any]], Any], *, hashed: bool = False) -> Change:
    def changed(data: dict[str, Any]) -> None:
        table = json.loads(data["table"])
        change(table)
        data["table"] = canonical(table)
        if hashed:
            data["table_hash"] = hashlib.sha256(data["table"].encode()).hexdigest()

    return changed


def _weight(table: dict[str, Any]) -> None:
    table["prizes"][0]["weight"] += 1


def _outcome(data: dict[str, Any]) -> None:
    data["draw"]["prize"] = "bike" if data["draw"]["prize"] != "bike" else "pen"


def _outcome_and_links(data: dict[str, Any]) -> None:
    """The whole chain is made again over the false outcome."""
    _outcome(data)
    proof = read(data)
    head = bytes.fromhex(data["table_hash"])
    for place, (made, _) in enumerate(proof.draws or ()):
        ours = made.draw == proof.draw.draw
        if ours:
            data["draws"][place]["prize"] = proof.draw.won
            data["previous_link"] = head.hex()
        head = link_of(head, proof.draw if ours else made)
        data["draws"][place]["link"] = head.hex()
        if ours:
            data["draw"]["link"] = head.hex()


def _byte(name: str) -> Change:
    def changed(data: dict[str, Any]) -> None:
        data[name] = ("0" if data[name][0] != "0" else "1") + data[name][1:]

    return changed


def _drop_draw(data: dict[str, Any]) -> None:
    del data["draws"][2]


def _swap_draws(data: dict[str, Any]) -> None:
    data["draws"][1], data["draws"][2] = data["draws"][2], data["draws"][1]


def _fact(name: str, value: Any) -> Change:
    def changed(data: dict[str, Any]) -> None:
        data["draw"][name] = value

    return changed


def _more_won(data: dict[str, Any]) -> None:
    data["won_before"] = [{"prize": name, "count": 99} for name in ("bike", "car", "pen")]


def _position(data: dict[str, Any]) -> None:
    data["draw"]["position"] = (data["draw"]["position"] + 1) % 37


def _path(data: dict[str, Any]) -> None:
    data["path"] = data["path"][::-1]


def _cases() -> list[Tamper]:
    both = [
        ("table", {"table", "published"}, _table(lambda table: table["prizes"][0].update(stock=2))),
        ("table-name", {"table"}, _table(lambda table: table["prizes"][0].update(name="Van"))),
        ("table-hashed", {"published", "draws"}, _table(lambda table: table.update(face="wheel"), hashed=True)),
        ("table-hash", {"table", "published"}, _byte("table_hash")),
        ("seed", {"seed"}, _byte("seed")),
        ("commitment", {"seed", "published"}, _byte("commitment")),
        ("outcome", {"link"}, _outcome),
        ("outcome-and-links", {"draws"}, _outcome_and_links),
        ("own-seed", {"link"}, _fact("own_seed", "chosen-later")),
        ("number", {"link"}, _fact("number", 99)),
        ("moment", {"link"}, _fact("revealed_at", "2026-03-03T12:00:00.000001Z")),
        ("link", {"link"}, _byte("previous_link")),
        ("draw-left-out", {"draws"}, _drop_draw),
        ("draws-in-another-order", {"draws"}, _swap_draws),
        ("pool", {"published"}, lambda data: data.update(pool="autumn")),
        ("form", {"form"}, lambda data: data["draw"].update(number="1")),
    ]
    found = [
        Tamper(f"{kind}-{name}", kind, 7, frozenset(seen), change)
        for kind in ("odds", "deck")
        for name, seen, change in both
    ]
    odds = [
        ("weight", {"table"}, _table(_weight)),
        ("false-outcome", {"outcome"}, _outcome),
        ("false-counts", {"draws"}, _more_won),
        ("false-spent", {"draws"}, lambda data: data.update(spent_before=data["spent_before"] + 1)),
    ]
    deck = [
        ("permutation", {"permutation", "leaf", "published"}, _byte("root")),
        ("salt", {"leaf"}, _byte("salt")),
        ("path", {"leaf"}, _path),
        ("position", {"position", "leaf"}, _position),
        ("false-outcome", {"leaf"}, _outcome),
        ("taken", {"draws"}, lambda data: data.update(taken_before="00" * 5)),
    ]
    found += [Tamper(f"odds-{name}", "odds", 7, frozenset(seen), change) for name, seen, change in odds]
    found += [Tamper(f"deck-{name}", "deck", 7, frozenset(seen), change) for name, seen, change in deck]
    return found


TAMPERED = _cases()

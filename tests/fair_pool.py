"""A pool that is played in memory, by the rules alone, with the proofs that the service would give."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chassis.merkle import inclusion_ranges, root_of
from services.leaderboard import fairness
from services.leaderboard.fairness import DECK, NOTHING, Draw, canonical, parse
from services.leaderboard.published import EPOCH

SEED = hashlib.sha256(b"a seed of the tests").digest()
START = 1_772_366_400_000_000
DAY = 86_400_000_000


def table(
    kind: str, *prizes: tuple[str, int, int], cards: int = 0, nothing_weight: int = 0, **fields: Any
) -> dict[str, Any]:
    """A table whose prizes are (id, weight, stock); of odds each stands for the one after it."""
    following = [name for name, _, _ in prizes[1:]] + [NOTHING]
    return {
        "scheme": fairness.SCHEME,
        "brand": "tests",
        "pool": "spring",
        "kind": kind,
        "face": "scratch_card",
        "prizes": [
            {
                "id": name,
                "name": name.title(),
                "weight": weight,
                "stock": stock,
                "currency": "points",
                "amount": 5,
                "reward": "",
                "badge": "",
                "scratch_card": "",
                "value": place + 1,
                "instead": instead if kind != DECK else "",
            }
            for place, ((name, weight, stock), instead) in enumerate(zip(prizes, following, strict=True))
        ],
        "nothing_weight": nothing_weight,
        "cards": cards,
        "budget": 0,
        "window": {},
        "valid_days": 0,
        "limits": {"per_member_day": 0, "per_member": 0, "per_day": 0, "time_zone": "UTC"},
        "pacing": [],
        **fields,
    }


@dataclass
class FairPool:
    """A pool that is played draw by draw. `closed` is whether its seed is published."""

    published: dict[str, Any]
    seed: bytes = SEED
    closed: bool = True
    won: dict[str, int] = field(default_factory=dict)
    spent: int = 0
    taken: bytes = b""
    draws: list[tuple[Draw, str]] = field(default_factory=list)
    proofs: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = parse(canonical(self.published))
        self.head, self.root = self.table.version, b""
        if self.table.kind == DECK:
            self.deck = fairness.deck_of(self.table, self.seed)
            self.root, self.tiles = fairness.tree_of(fairness.hashes_of(self.table, self.seed, self.deck))

    def reveal(self, number: int, own: str = "", at: int = START) -> str:
        """The prize that a card wins; its proof is the last of `proofs`."""
        position, path, salt = -1, [], ""
        if self.table.kind == DECK:
            position = fairness.position_of(self.table, self.root, number, own, self.taken, at)
            won = fairness.prize_of(self.table, self.deck[position])
            ranges = inclusion_ranges(position, self.table.cards)
            path = [root_of(self.tiles, leaves).hex() for leaves in ranges]
            salt = fairness.salt_of(self.table.version, self.seed, position).hex()
        else:
            drawn = fairness.drawn_of(self.table, self.seed, number, own)
            won = fairness.won_of(self.table, drawn, lambda prize: self.won.get(prize, 0), self.spent, at)
        draw = Draw(len(self.draws) + 1, number, at, own, position, won)
        before, self.head = self.head, fairness.link_of(self.head, draw)
        proof = {
            "card": hashlib.sha256(str(number).encode()).hexdigest()[:32],
            "pool": self.table.pool,
            "scheme": fairness.SCHEME,
            "table": self.table.text,
            "table_hash": self.table.version.hex(),
            "commitment": hashlib.sha256(self.seed).hexdigest(),
            "seed": self.seed.hex() if self.closed else "",
            "root": self.root.hex(),
            "draw": told(draw, self.head.hex()),
            "previous_link": before.hex(),
            "won_before": [{"prize": name, "count": self.won[name]} for name in sorted(self.won)],
            "spent_before": self.spent,
            "taken_before": self.taken.hex(),
            "salt": salt,
            "path": path,
        }
        self.proofs.append(proof)
        self.draws.append((draw, self.head.hex()))
        if position >= 0:
            self.taken = fairness.with_taken(self.taken, position, self.table.cards)
        if won:
            self.won[won] = self.won.get(won, 0) + 1
            self.spent += self.table.prize(won).value
        return won

    def whole(self, place: int) -> dict[str, Any]:
        """A proof with all draws of the pool."""
        return {**self.proofs[place], "draws": [told(*draw) for draw in self.draws]}


def told(draw: Draw, link: str) -> dict[str, Any]:
    """A draw as the gateway shows it."""
    at = EPOCH + timedelta(microseconds=draw.at)
    return {
        "draw": draw.draw,
        "number": draw.number,
        "revealed_at": at.isoformat().replace("+00:00", "Z"),
        "own_seed": draw.own,
        "position": draw.position,
        "prize": draw.won,
        "link": link,
    }


def pools() -> dict[str, FairPool]:
    """One of each kind, played to its end: odds with a curve, a budget and too few prizes, and a deck that opens."""
    curve = {"window": {"starts_at": START, "ends_at": START + 10 * DAY, "closes_at": START + 10 * DAY}}
    pacing = [{"elapsed": 0, "released": 1_000}, {"elapsed": 5_000, "released": 8_000}]
    odds = table(
        fairness.ODDS,
        ("car", 1, 1),
        ("bike", 20, 3),
        ("pen", 60, 9),
        nothing_weight=30,
        budget=30,
        pacing=pacing,
        **curve,
    )
    deck = table(DECK, ("car", 0, 1), ("bike", 0, 3), ("pen", 0, 9), cards=37, pacing=pacing, **curve)
    found = {"odds": FairPool(odds), "deck": FairPool(deck)}
    for pool in found.values():
        for number in range(1, 38):
            pool.reveal(number, f"own-{number * 7}", START + number * DAY // 4 + number)
    return found

"""Scratch cards' proofs: fetched from a gateway, and checked by anybody, offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from cli.card_check import Check, check
from cli.gateway_client import CommandFailed, GatewayClient, Target

PAGE = 1_000
HOLDS, BROKEN, PENDING = 0, 1, 3
"""Exit statuses: everything holds; something does not; the rest is known when the pool has closed."""


def export(target: Target, card: str, out: Path, console: Console) -> None:
    """Writes a card's proof with all draws of its pool. Raises CommandFailed, GatewayRefused."""
    with GatewayClient(target.address(), target.credential("service")) as gateway:
        proof: dict[str, Any] = dict(gateway.call("GET", f"/v1/scratch-cards/{card}/proof"))
        draws: list[Any] = []
        token = ""
        while proof["scheme"] > 1:
            path = f"/v1/scratch-pools/{proof['pool']}/draws?page_size={PAGE}&page_token={token}"
            answer: Mapping[str, Any] = gateway.call("GET", path)
            draws += answer["draws"]
            token = answer["next_page_token"]
            if not token:
                proof["draws"] = draws
                break
    out.write_bytes(orjson.dumps(proof, option=orjson.OPT_INDENT_2) + b"\n")
    console.print(f"{out}: card {card}, and {len(draws)} draws of pool {proof['pool']}.", highlight=False)
    console.print(f"Check it with: laurels verify-card {out}", highlight=False, soft_wrap=True)


def verify(file: Path, published: Path | None, console: Console) -> int:
    """Prints what a proof shows; the exit status. Raises CommandFailed."""
    found = check(_loaded(file), _loaded(published) if published is not None else None)
    for each in found:
        colour, word = {True: ("green", "holds"), False: ("red", "violated"), None: ("yellow", "pending")}[each.holds]
        console.print(f"[{colour}]{word:<8}[/{colour}] {each.name}: ", end="", highlight=False)
        console.print(each.sentence, markup=False, highlight=False, soft_wrap=True)
    status = verdict(found)
    if status == HOLDS and published is None:
        console.print(
            "That these are the pool's own commitments is for you to compare with what you kept before: --published.",
            soft_wrap=True,
        )
    said = {
        HOLDS: "[green]The draw was fair.[/green]",
        BROKEN: "[red]The draw is not what was published.[/red]",
        PENDING: "[yellow]Nothing speaks against the draw; the rest can be checked when its pool has closed.[/yellow]",
    }
    console.print(said[status], soft_wrap=True)
    return status


def verdict(found: list[Check]) -> int:
    """The exit status that checks come to."""
    if any(each.holds is False for each in found):
        return BROKEN
    return PENDING if any(each.holds is None for each in found) else HOLDS


def _loaded(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes())
    except OSError as error:
        raise CommandFailed(f"The file cannot be read: {error}") from None
    except orjson.JSONDecodeError:
        raise CommandFailed(f"{file} is not JSON.") from None

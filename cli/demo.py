"""The whole suite on a real shop's history, as a programme manager would want to see it.

Purchases are CDNOW's real ones. What members do with scratch cards and
recommendations is simulated, by the rules below, and says so where it prints.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from chassis import logging
from cli import cdnow
from cli.apply import apply
from cli.data_folder import DataFolder
from cli.gateway_client import GatewayRefused, Target
from cli.replay import Shop, in_parallel, replay
from cli.settlement import settlement_of
from cli.supervisor import INTERRUPTED, Interrupts, Options, Suite, working_folder
from cli.verify import verify

BRAND = "cdnow"
SETTLE_S = 120.0
CARD_HOLDERS_MAX, SHOWN_MAX = 400, 400
AT_ONCE = 16
SEED = 1997
SLOT = "home"
# How likely the simulated member accepts each reward, on top of a little more
# for what they can afford; nothing of this is known to the recommender.
APPETITE = {"free_shipping": 0.25, "single": 0.15, "album": 0.30, "box_set": 0.10, "concert": 0.05}
AFFORDABLE_LIFT = 0.3


async def demo(options: Options, *, stay: bool, limit: int, console: Console) -> int:
    """Runs the demonstration; the exit status: 0 when the verification holds."""
    logging.configure("console", options.log_level)
    interrupts, interrupted, hurried = Interrupts(), False, False
    with working_folder(None) as folder, folder.held():
        suite = Suite(folder, options)
        shown = Demonstration(suite, folder, limit, console)
        try:
            interrupted = await interrupts.during(shown.run())
            if stay and not interrupted:
                shown.say_where()
                await interrupts.wait()
        finally:
            with console.status("Stopping; Ctrl-C again stops at once"):
                hurried = await interrupts.during(suite.stop())
                if hurried:
                    await suite.end_now()
    if hurried:
        os._exit(INTERRUPTED)  # an orderly exit would wait for the work that was to be left
    return INTERRUPTED if interrupted else 0 if shown.holds else 1


class Demonstration:
    """The demonstration's steps, one after another."""

    def __init__(self, suite: Suite, folder: DataFolder, limit: int, console: Console) -> None:
        self._suite, self._folder, self._console = suite, folder, console
        self._activities = list(cdnow.activities())[: limit or None]
        self._random = random.Random(SEED)  # noqa: S311 - simulated members, not secrets
        self.holds = False

    async def run(self) -> None:
        """Starts, replays, simulates, reports and verifies."""
        began = time.monotonic()
        with self._console.status("Starting the suite"):
            await self._suite.start()
        self._console.print(f"The suite runs after {time.monotonic() - began:.1f} s, at {self._suite.gateway_url}.")
        target = Target(self._folder.path, self._suite.gateway_url, brand=BRAND)
        quiet = Console(quiet=True)
        await asyncio.to_thread(apply, cdnow.PROGRAMME, target, dry_run=False, yes=True, console=quiet)
        self._console.print(f"Applied {cdnow.PROGRAMME.relative_to(cdnow.EXAMPLE.parent.parent)} for brand {BRAND!r}.")
        async with Shop(self._suite.gateway_url, self._suite.token(BRAND, "demo-shop", "service manager")) as shop:
            await self._replay(shop)
            await self._scratch(shop)
            await self._recommend(shop)
            await self._settled()
            await self._report(shop)
        self._console.rule("laurels verify")
        self.holds = await verify(self._folder, self._console)

    async def _replay(self, shop: Shop) -> None:
        columns = (TextColumn("Replaying purchases"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=self._console) as progress:
            bar = progress.add_task("", total=len(self._activities))
            sent = await replay(shop, self._activities, advanced=lambda count: progress.advance(bar, count))
        began = time.monotonic()
        await self._settled()
        whole = sent.seconds + time.monotonic() - began
        self._console.print(
            f"{sent.accepted:,} real purchases acknowledged in {sent.seconds:.1f} s; every effect in every service "
            f"done after {whole:.1f} s: {sent.accepted / whole:,.0f} activities a second."
        )

    async def _settled(self) -> None:
        async with settlement_of(self._folder) as settlement:
            await settlement.reached(SETTLE_S)

    async def _scratch(self, shop: Shop) -> None:
        """Some of the members who were given cards scratch them."""
        count = Counter(activity["member"] for activity in self._activities)
        spent = {a["member"] for a in self._activities if a["attributes"]["amount"] >= 12_000}
        holders = sorted(member for member in count if count[member] >= 5 or member in spent)
        chosen = self._random.sample(holders, min(CARD_HOLDERS_MAX, len(holders)))

        async def scratch(member: str) -> None:
            cards = (await shop.call("GET", f"/v1/members/{member}/scratch-cards?page_size=1000"))["cards"]
            for card in cards:
                await shop.call("POST", f"/v1/scratch-cards/{card['card']}:reveal", {})

        with self._console.status("Simulated members scratch their cards"):
            await in_parallel((partial(scratch, member) for member in chosen), at_once=AT_ONCE)

    async def _recommend(self, shop: Shop) -> None:
        """Some members are shown a recommendation; whether they take it is simulated."""
        prices = {reward["id"]: reward for reward in (await shop.call("GET", "/v1/rewards"))["rewards"]}
        members = sorted({activity["member"] for activity in self._activities})
        chosen = self._random.sample(members, min(SHOWN_MAX, len(members)))

        async def show(member: str) -> None:
            answer = await shop.call("GET", f"/v1/members/{member}/recommendations?slot={SLOT}&count=1")
            for choice in answer["recommendations"]:
                taken = await self._respond(shop, member, prices[choice["reward"]], choice["decision"])
                await shop.call("POST", f"/v1/decisions/{choice['decision']}:outcome", {"value": float(taken)})

        with self._console.status("Simulated members answer recommendations"):
            await in_parallel((partial(show, member) for member in chosen), at_once=AT_ONCE)

    async def _respond(self, shop: Shop, member: str, reward: Mapping[str, Any], decision: str) -> bool:
        wallets = (await shop.call("GET", f"/v1/members/{member}/wallets"))["wallets"]
        available = {wallet["currency"]: wallet["available"] for wallet in wallets}[reward["currency"]]
        affordable = available >= reward["price"]
        if self._random.random() >= APPETITE[reward["id"]] + AFFORDABLE_LIFT * affordable:
            return False
        if affordable:
            spend = {"amount": reward["price"], "reference": f"reward {reward['id']}"}
            path = f"/v1/members/{member}/wallets/{reward['currency']}:spend"
            try:
                await shop.call("POST", path, spend, key=f"demo-{decision}")
            except GatewayRefused as refused:
                if refused.code != "insufficient_points":
                    raise
        return True

    async def _report(self, shop: Shop) -> None:
        reports = {
            name: await shop.call("GET", f"/v1/reports/{name}")
            for name in ("members", "liability", "missions", "scratch_pools", "recommendations")
        }
        badges = (await shop.call("GET", "/v1/badges"))["badges"]
        board = await shop.call("GET", "/v1/leaderboards/points/entries?page_size=10")
        members = reports["members"]
        self._console.rule(f"{BRAND}: {members['members']:,} members, {members['activities']:,} activities")
        self._table("Members by tier", ("tier", "members"), [(t["name"], t["members"]) for t in members["tiers"]])
        self._table(
            "Points",
            ("currency", "issued", "spent", "outstanding"),
            [(c["currency"], c["issued"], c["spent"], c["outstanding"]) for c in reports["liability"]["currencies"]],
        )
        self._table(
            "Missions",
            ("mission", "members", "done"),
            [(m["name"], m["members"], m["completed"]) for m in reports["missions"]["missions"]],
        )
        self._table("Badges", ("badge", "holders"), [(b["name"], b["holders"]) for b in badges])
        self._table(
            "Board: most points, top ten",
            ("rank", "member", "score"),
            [(entry["rank"], entry["member"], entry["score"]) for entry in board["entries"]],
        )
        self._table(
            "Scratch cards (who scratched is simulated)",
            ("pool", "issued", "revealed", "won"),
            [(p["name"], p["issued"], p["revealed"], p["won"]) for p in reports["scratch_pools"]["pools"]],
        )
        self._table(
            "Recommendations (responses are simulated)",
            ("slot", "reward", "decisions", "outcomes", "mean value"),
            [
                (o["slot"], o["reward"], o["decisions"], o["outcomes"], f"{o['mean_value']:.2f}")
                for o in reports["recommendations"]["outcomes"]
            ],
        )

    def _table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        # Not the table's own title, which breaks where the table is narrower.
        self._console.print(f"\n[bold]{title}[/bold]")
        table = Table()
        for place, column in enumerate(columns):
            table.add_column(column, justify="right" if any(isinstance(row[place], int) for row in rows) else "left")
        for row in rows:
            table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row))
        self._console.print(table)

    def say_where(self) -> None:
        """Prints where to look next."""
        url = self._suite.gateway_url
        self._console.rule("Look around")
        rows = {
            "gateway": url,
            "documentation": f"{url}/docs",
            "data folder": f"{self._folder.path} (deleted at the end)",
            "a token (service and manager, one day)": self._suite.token(BRAND, "demo", "service manager"),
        }
        for name, value in rows.items():
            self._console.print(f"[bold]{name}[/bold]: {value}", soft_wrap=True, highlight=False)
        self._console.print("Ctrl-C stops.")

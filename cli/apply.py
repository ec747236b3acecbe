"""A programme is applied whole, after it was checked and its changes were shown."""

import sys
import time
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from chassis.errors import InvalidArgument
from cli.differences import Difference, differences
from cli.gateway_client import CommandFailed, GatewayClient, GatewayRefused, Target
from cli.programme_file import ProgrammeFile, ProgrammeFileInvalid, load
from gateway.json_codec import decode, encode
from laurels.programme.v1.programme_pb2 import Programme

ADOPTION_TIMEOUT_S = 30.0
ADOPTION_PAUSE_S = 0.1
UNKNOWN_BRAND = "unknown_brand"
STALE_VERSION = "stale_version"


def apply(file: Path, target: Target, *, dry_run: bool, yes: bool, console: Console) -> int:
    """Applies a programme file; the version that holds then, 0 for none.

    Raises ProgrammeFileInvalid, CommandFailed, GatewayRefused.
    """
    programme_file = load(file)
    with GatewayClient(target.address(), target.credential("manager")) as client:
        validate(client, programme_file)
        version, applied = newest(client)
        changes = list(differences(applied, canonical(programme_file)))
        show(changes, version, console)
        if not changes or dry_run:
            return version
        if not yes:
            confirm(version + 1)
        return record(client, programme_file.programme, version, console)


def validate(client: GatewayClient, programme_file: ProgrammeFile) -> None:
    """Asks every service. Raises ProgrammeFileInvalid with all that they found."""
    try:
        answer = client.call("POST", "/v1/programme:validate", {"programme": programme_file.programme})
    except GatewayRefused as refused:
        if not refused.errors:
            raise
        raise ProgrammeFileInvalid(programme_file.problems(_relative(refused.errors))) from None
    found = [(problem["field"], problem["detail"]) for problem in answer.get("problems", [])]
    if found:
        raise ProgrammeFileInvalid(programme_file.problems(found))


def newest(client: GatewayClient) -> tuple[int, dict[str, Any]]:
    """The newest version and its programme; 0 and an empty one before the first."""
    try:
        answer = client.call("GET", "/v1/programme")
    except GatewayRefused as refused:
        if refused.code != UNKNOWN_BRAND:
            raise
        return 0, {}
    return answer["version"], answer["programme"]


def canonical(programme_file: ProgrammeFile) -> dict[str, Any]:
    """The programme as the gateway writes it, with every default. Raises ProgrammeFileInvalid."""
    descriptor: Any = Programme.DESCRIPTOR
    try:
        return encode(decode(descriptor, programme_file.programme))
    except InvalidArgument as error:
        found = [(violation.field, violation.detail) for violation in error.violations]
        raise ProgrammeFileInvalid(programme_file.problems(found)) from None


def show(changes: list[Difference], version: int, console: Console) -> None:
    """Prints the changes."""
    if not changes:
        console.print(f"Version {version} says the same; nothing to apply.")
        return
    console.print("The brand's first programme:" if version == 0 else f"Changes to version {version}:")
    for change in changes:
        console.print(change.line(), soft_wrap=True)


def confirm(version: int) -> None:
    """Asks a person. Raises CommandFailed where there is none to ask, typer.Abort on a no."""
    if not sys.stdin.isatty():
        raise CommandFailed("Nobody is there to confirm; add --yes to apply, or --dry-run to see only.")
    typer.confirm(f"Apply as version {version}?", abort=True)


def record(client: GatewayClient, programme: dict[str, Any], version: int, console: Console) -> int:
    """Records the next version and waits until every service works under it."""
    try:
        answer = client.call("PUT", "/v1/programme", {"programme": programme, "expected_version": version})
    except GatewayRefused as refused:
        if refused.code != STALE_VERSION:
            raise
        raise CommandFailed(f"{refused.detail} Nothing was applied; look at the changes again.") from None
    recorded: int = answer["version"]
    with console.status(f"Version {recorded} is recorded; the services take it over"):
        took_s = await_adoption(client, recorded)
    console.print(f"[green]Version {recorded} holds everywhere[/green], {took_s * 1000:.0f} ms after it was recorded.")
    return recorded


def await_adoption(client: GatewayClient, version: int) -> float:
    """Waits until all services work under the version; how long, in seconds. Raises CommandFailed."""
    began = time.monotonic()
    while True:
        adoptions = client.call("GET", "/v1/programme").get("adoptions", [])
        behind = sorted(adoption["service"] for adoption in adoptions if adoption["version"] < version)
        if adoptions and not behind:
            return time.monotonic() - began
        if time.monotonic() - began > ADOPTION_TIMEOUT_S:
            who = ", ".join(behind) or "the services"
            raise CommandFailed(
                f"Version {version} is recorded, but after {ADOPTION_TIMEOUT_S:.0f} seconds {who} did not take it "
                "over. It is delivered until they do; `laurels doctor` shows what holds them up."
            )
        time.sleep(ADOPTION_PAUSE_S)


def _relative(errors: Any) -> list[tuple[str, str]]:
    """Field paths without the request's own `programme.`."""
    return [(field.removeprefix("programme."), detail) for field, detail in errors]

"""The `laurels` command.

Each command is a few lines here and a module beside this one. A failure is
one or a few sentences on standard error and exit status 1; a mistake on the
command line is 2.
"""

import sys
from pathlib import Path
from typing import Annotated

try:
    import typer
    from rich.console import Console

    from cli.data_folder import DEFAULT_DATA, DataFolder, DataFolderInUse, DataFolderUnusable
    from cli.gateway_client import CommandFailed, GatewayRefused, Target
    from cli.programme_file import ProgrammeFileInvalid
except KeyboardInterrupt:  # while the modules load, which takes half a second
    sys.exit(130)

app = typer.Typer(
    name="laurels",
    help="Laurels: points, missions, leaderboards, scratch cards and recommendations, run by yourself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[Path, typer.Option(envvar="LAURELS_DATA", help="The suite's data folder.")]
Gateway = Annotated[str, typer.Option(envvar="LAURELS_GATEWAY", help="The gateway's address; else the data folder's.")]
Token = Annotated[
    str, typer.Option(envvar="LAURELS_TOKEN", help="A token; else one signed with the data folder's key.")
]
Brand = Annotated[str, typer.Option(envvar="LAURELS_BRAND", help="The brand, where no token says it.")]


@app.command()
def up(
    split: Annotated[
        bool, typer.Option("--split", help="Each service and the gateway in a process of its own.")
    ] = False,
    data: Data = DEFAULT_DATA,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="On a new folder that is deleted at the end.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The gateway's port; 0 for 8080 or a free one.")] = 0,
    brand: Brand = "main",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what the services log.")] = False,
) -> None:
    """Start the whole suite on this machine; Ctrl-C stops it."""
    import uvloop

    from cli.supervisor import Options
    from cli.supervisor import up as run
    from cli.token import identifier

    identifier("brand", brand)
    options = Options(split=split, port=port, log_level="info" if verbose else "warning")
    folder = None if ephemeral else DataFolder(data)
    raise typer.Exit(uvloop.run(run(folder, options, brand, Console())))


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="The programme, such as examples/cdnow/programme.yaml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and show the changes, apply nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    gateway: Gateway = "",
    token: Token = "",
    brand: Brand = "main",
    data: Data = DEFAULT_DATA,
) -> None:
    """Check a programme, show what it changes, apply it everywhere."""
    from cli.apply import apply as run

    run(file, Target(data, gateway, token, brand), dry_run=dry_run, yes=yes, console=Console())


@app.command()
def token(
    subject: Annotated[str, typer.Option(help="Who: a member's id, or a name for a back end or a manager.")],
    scope: Annotated[str, typer.Option(help="What: member, service, manager; several in quotes.")],
    brand: Brand = "main",
    lives: Annotated[str, typer.Option(help="How long it is valid: 90s, 15m, 1h, 7d.")] = "1h",
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a token signed with the data folder's key."""
    from cli.token import token as run

    print(run(data, brand, subject, scope, lives))


@app.command()
def doctor(data: Data = DEFAULT_DATA) -> None:
    """Check the suite that runs here: servers, schemas, streams, lag, clocks, keys, the ledger's trial balance."""
    import asyncio

    from cli.doctor import doctor as run

    if not asyncio.run(run(DataFolder(data), Console())):
        raise typer.Exit(1)


@app.command()
def demo(
    exit_: Annotated[bool, typer.Option("--exit", help="Stop at the end instead of staying up.")] = False,
    split: Annotated[bool, typer.Option(help="Each service in a process of its own, or all in one.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The gateway's port; 0 for 8080 or a free one.")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="Only so many of the purchases; 0 for all.")] = 0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what the services log.")] = False,
) -> None:
    """Start a throw-away suite, send CDNOW's real purchases through it, report and verify."""
    import uvloop

    from cli.demo import demo as run
    from cli.supervisor import Options

    options = Options(split=split, port=port, log_level="info" if verbose else "warning")
    raise typer.Exit(uvloop.run(run(options, stay=not exit_, limit=limit, console=Console())))


@app.command()
def verify(data: Data = DEFAULT_DATA) -> None:
    """Check every invariant over all databases and streams; exit status 1 when one does not hold."""
    import uvloop

    from cli.verify import verify as run

    folder = DataFolder(data)
    if not folder.is_held():
        raise CommandFailed(f"No suite runs on {data}. Start one with `laurels up`, or say which with --data.")
    raise typer.Exit(0 if uvloop.run(run(folder, Console())) else 1)


@app.command()
def ledger_key(brand: Brand = "main", data: Data = DEFAULT_DATA) -> None:
    """Print the public key that a brand's checkpoints are checked with."""
    from cli.ledger import public_key

    print(public_key(data, brand))


@app.command()
def export_ledger(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    gateway: Gateway = "",
    token: Token = "",
    brand: Brand = "main",
    data: Data = DEFAULT_DATA,
) -> None:
    """Write a brand's ledger, with every signed checkpoint, to a file that anybody can check."""
    from cli.ledger import export

    export(Target(data, gateway, token, brand), out, Console())


@app.command()
def verify_ledger(
    file: Annotated[Path, typer.Argument(help="What `laurels export-ledger` wrote.")],
    key: Annotated[list[str], typer.Option(help="The public key; again for each that ever signed.")],
    since: Annotated[
        Path | None, typer.Option(help="A checkpoint's note that was kept before: the ledger must continue it.")
    ] = None,
) -> None:
    """Check an exported ledger with the public key alone; exit status 1 when it is not what was signed."""
    from cli.ledger import verify as run

    raise typer.Exit(0 if run(file, key, since, Console()) else 1)


@app.command()
def export_card(
    card: Annotated[str, typer.Argument(help="The card's id.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    gateway: Gateway = "",
    token: Token = "",
    brand: Brand = "main",
    data: Data = DEFAULT_DATA,
) -> None:
    """Write a revealed card's proof, with all draws of its pool, to a file that anybody can check."""
    from cli.cards import export

    export(Target(data, gateway, token, brand), card, out, Console())


@app.command()
def verify_card(
    file: Annotated[Path, typer.Argument(help="A card's proof, such as `laurels export-card` wrote.")],
    published: Annotated[
        Path | None, typer.Option(help="What GET /v1/scratch-pools/{pool} answered, as you kept it before.")
    ] = None,
) -> None:
    """Check a card's draw offline; exit status 1 when it is not what was published, 3 before its pool has closed."""
    from cli.cards import verify as run

    raise typer.Exit(run(file, published, Console()))


@app.command()
def bootstrap(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit status 1 when something differs.")
    ] = False,
    users: Annotated[bool, typer.Option("--users", help="Print nats-server's users and permissions, and end.")] = False,
) -> None:
    """Set up NATS' streams and consumers as the code declares them; say what differed."""
    import uvloop

    from cli.nats_users import authorization

    if users:
        print(authorization(), end="")
        return
    from cli.bootstrap import BootstrapSettings
    from cli.bootstrap import bootstrap as run

    settings = BootstrapSettings()  # type: ignore[call-arg]
    raise typer.Exit(0 if uvloop.run(run(settings, Console(), check=check)) else 1)


def main() -> None:
    """Runs the command line."""
    from cli.embedded import EmbeddedError

    refusals = (DataFolderInUse, DataFolderUnusable, GatewayRefused, ProgrammeFileInvalid)
    known = (CommandFailed, EmbeddedError, *refusals)
    try:
        app()
    except known as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

"""The ledger's export, and its check by anybody: with the file, the public key and nothing else.

The file is JSON, one object a line: first what it is, then every checkpoint
from the oldest on, then every entry in the log's order. `docs/ledger-log.md`
says how entries are hashed, so that the check can be written anew.

The check computes the root of every checkpoint from the entries. As all roots
are of the same leaves, each checkpoint continues the one before.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from chassis.merkle import Growing
from cli.data_folder import DataFolder
from cli.gateway_client import CommandFailed, GatewayClient, Target
from laurels.points.v1.points_pb2 import EntryKind
from services.points.checkpoints import BadKey, BadNote, Checkpoint, PublicKey, Signer, key_of, opened
from services.points.leaves import Leaf

FORMAT = "laurels-ledger/1"
PAGE = 1_000
FOUND_MAX = 20
"""After so many findings a file is not read on; one damage may show in many places."""
_KINDS: Mapping[str, int] = {
    name.removeprefix("ENTRY_KIND_").lower(): number for name, number in EntryKind.items() if number
}
_DIGITS_MAX = 6


class Finding(Exception):
    """Something in a file is not as it must be; the sentence says what and where."""


# -- export ------------------------------------------------------------------


def export(target: Target, out: Path, console: Console) -> None:
    """Writes the brand's ledger to a file. Raises CommandFailed, GatewayRefused."""
    with GatewayClient(target.address(), target.credential("manager")) as gateway:
        checkpoints, public_key = _checkpoints(gateway)
        if not checkpoints:
            raise CommandFailed("The ledger has no checkpoint yet. The first one follows its first entry; try again.")
        size = checkpoints[0]["size"]
        aside = out.with_name(out.name + ".new")
        with aside.open("wb") as file:
            file.write(_line({"format": FORMAT, "public_key": public_key, "entries": size}))
            for checkpoint in reversed(checkpoints):
                file.write(_line({"checkpoint": checkpoint["note"]}))
            written = 0
            for entry in _entries(gateway):
                # What is newer than the newest checkpoint is not signed yet.
                if written == size:
                    break
                file.write(_line({"entry": entry}))
                written += 1
        aside.replace(out)
    console.print(f"{out}: {written} entries under {len(checkpoints)} checkpoints.", highlight=False, soft_wrap=True)
    console.print(f"Check it with: laurels verify-ledger {out} --key {public_key}", highlight=False, soft_wrap=True)


def _checkpoints(gateway: GatewayClient) -> tuple[list[Any], str]:
    """All checkpoints, newest first, and the key."""
    found: list[Any] = []
    token = ""
    while True:
        answer = gateway.call("GET", f"/v1/ledger/checkpoints?page_size={PAGE}&page_token={token}")
        found += answer["checkpoints"]
        token = answer["next_page_token"]
        if not token:
            return found, str(answer["public_key"])


def _entries(gateway: GatewayClient) -> Iterator[Any]:
    token = ""
    while True:
        answer = gateway.call("GET", f"/v1/ledger/entries?page_size={PAGE}&page_token={token}")
        yield from answer["entries"]
        token = answer["next_page_token"]
        if not token:
            return


def _line(content: Any) -> bytes:
    return orjson.dumps(content) + b"\n"


def public_key(data: Path, brand: str) -> str:
    """The key that a brand's checkpoints are checked with. Raises CommandFailed."""
    folder = DataFolder(data)
    if not (folder.secrets / "ledger_key.json").exists():
        raise CommandFailed(f"{data} holds no ledger key. `laurels up` makes one; another folder is named with --data.")
    return str(Signer(key_of(folder.ledger_key())).public_key(brand))


# -- check -------------------------------------------------------------------


def verify(file: Path, keys: Sequence[str], since: Path | None, console: Console) -> bool:
    """Prints what does not hold in a file, or what it shows; whether everything holds. Raises CommandFailed."""
    try:
        trusted = [PublicKey.parse(key) for key in keys]
        older = since.read_text() if since is not None else None
        with file.open("rb") as lines:
            checked = Check(trusted, older).run(lines)
    except BadKey as error:
        raise CommandFailed(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"A file cannot be read: {error}") from None
    for sentence in checked.found:
        console.print(f"[red]violated[/red]  {sentence}", highlight=False, soft_wrap=True)
    if checked.found:
        console.print("[red]The ledger is not what was signed.[/red]", soft_wrap=True)
        return False
    newest = checked.newest
    console.print(
        f"[green]The ledger holds[/green]: {checked.size} entries from {newest.origin}, {checked.signed} checkpoints "
        f"up to {newest.made_at:%Y-%m-%d %H:%M:%S} UTC"
        + (", the older checkpoint among them." if since is not None else "."),
        highlight=False,
        soft_wrap=True,
    )
    for currency, total in sorted(checked.issued().items()):
        console.print(f"  {currency}: {total} issued less spent and expired", highlight=False, soft_wrap=True)
    return True


class Check:
    """One reading of a file. `found` are sentences, none when everything holds."""

    def __init__(self, keys: Sequence[PublicKey], older: str | None = None) -> None:
        self.found: list[str] = []
        self.signed = self.size = 0
        self._keys, self._older = keys, older
        self._roots: dict[int, list[tuple[str, Checkpoint]]] = {}
        """By size: what is signed of it, and what to call it."""
        self._newest: Checkpoint | None = None
        self._tree = Growing()
        self._last_entry = 0
        self._agreed = self._agreed_entry = 0
        self._currencies: dict[int, str] = {}
        self._balances: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._lost = False

    @property
    def newest(self) -> Checkpoint:
        """The newest checkpoint, of a file in which everything holds."""
        assert self._newest is not None  # noqa: S101 - a file without one does not hold
        return self._newest

    def run(self, lines: Any) -> "Check":
        """Reads the file to its end, or until it is hopeless."""
        try:
            self._start(next(iter(lines), b""))
            for number, line in enumerate(lines, 2):
                try:
                    self._read(line)
                except Finding as finding:
                    self.found.append(f"Line {number}: {finding}")
                if len(self.found) >= FOUND_MAX:
                    return self
            self._end()
        except Finding as finding:
            self.found.append(str(finding))
        return self

    def issued(self) -> dict[str, int]:
        """By currency: what the members and groups have together."""
        return {
            currency: sum(balance for account, balance in balances.items() if account > 0)
            for currency, balances in self._balances.items()
        }

    def _start(self, line: bytes) -> None:
        head = _loads(line)
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise Finding(f"Line 1: The file is no export of a ledger ({FORMAT}).")
        if self._older is not None:
            self._expect("the older checkpoint", self._older)

    def _read(self, line: bytes) -> None:
        content = _loads(line)
        if isinstance(content, dict) and isinstance(content.get("checkpoint"), str) and not self.size:
            self._checkpoint(content["checkpoint"])
        elif isinstance(content, dict) and isinstance(content.get("entry"), dict):
            self._entry(content["entry"])
        else:
            raise Finding("It is neither a checkpoint before the first entry nor an entry.")

    def _checkpoint(self, note: str) -> None:
        checkpoint = self._expect("the checkpoint", note)
        self.signed += 1
        before = self._newest
        if before is not None and (checkpoint.size <= before.size or checkpoint.made_at < before.made_at):
            raise Finding(
                f"The checkpoint of {checkpoint.size} entries does not follow the one of {before.size} before it."
            )
        self._newest = checkpoint

    def _expect(self, what: str, note: str) -> Checkpoint:
        try:
            checkpoint = opened(note, self._keys)
        except BadNote as error:
            raise Finding(f"{what[0].upper()}{what[1:]} does not hold. {error}") from None
        known = next(iter(self._roots.values()), [("", checkpoint)])[0][1]
        if checkpoint.origin != known.origin:
            raise Finding(f"{what[0].upper()}{what[1:]} is of {checkpoint.origin}, the others of {known.origin}.")
        self._roots.setdefault(checkpoint.size, []).append((what, checkpoint))
        return checkpoint

    def _entry(self, content: Mapping[str, Any]) -> None:
        leaf = _leaf(content)
        self.size += 1
        self._tree.push(leaf.hashed())
        try:
            self._account(leaf)
        finally:
            self._last_entry = max(self._last_entry, leaf.entry)
            for what, checkpoint in self._roots.pop(self.size, ()):
                self._compare(what, checkpoint)

    def _account(self, leaf: Leaf) -> None:
        if leaf.entry <= self._last_entry:
            raise Finding(f"Entry {leaf.entry} comes after entry {self._last_entry}; ids rise.")
        if leaf.amount <= 0 or leaf.debit == leaf.credit:
            raise Finding(f"Entry {leaf.entry} moves {leaf.amount} from account {leaf.debit} to {leaf.credit}.")
        for account, by in ((leaf.debit, -leaf.amount), (leaf.credit, leaf.amount)):
            if self._currencies.setdefault(account, leaf.currency) != leaf.currency:
                raise Finding(f"Entry {leaf.entry} moves {leaf.currency} on an account of another currency, {account}.")
            self._balances[leaf.currency][account] += by

    def _compare(self, what: str, checkpoint: Checkpoint) -> None:
        if self._lost:
            return  # every root after the first wrong one is wrong, too
        if self._tree.root() != checkpoint.root:
            self._lost = True
            self.found.append(
                f"Entries {self._agreed + 1} to {self.size} of the log, with the ids from {self._agreed_entry + 1} to "
                f"{self._last_entry}, are not all what was signed: {what} of {checkpoint.size} entries, made at "
                f"{checkpoint.made_at:%Y-%m-%d %H:%M:%S} UTC, has another root."
            )
            return
        self._agreed, self._agreed_entry = self.size, self._last_entry

    def _end(self) -> None:
        if self._newest is None:
            raise Finding("The file has no checkpoint that holds.")
        for size in sorted(self._roots):
            what = self._roots[size][0][0]
            self.found.append(f"The file has {self.size} entries, and {what} was signed of {size}.")
        if self.size > self._newest.size:
            extra = self.size - self._newest.size
            self.found.append(f"The last {extra} entries are under no checkpoint.")
        for currency, balances in sorted(self._balances.items()):
            if total := sum(balances.values()):
                self.found.append(f"The balances of {currency} sum to {total}, not to zero.")


def _loads(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        raise Finding("It is not JSON.") from None


def _leaf(content: Mapping[str, Any]) -> Leaf:
    """An entry of a file. Raises Finding."""
    numbers: dict[str, int] = {}
    for name in ("id", "debit", "credit", "amount"):
        value = content.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
            raise Finding(f"The entry's {name} is not a number.")
        numbers[name] = value
    kind, currency = content.get("kind"), content.get("currency")
    if not isinstance(currency, str) or not 1 <= len(currency.encode(errors="replace")) <= 2**15:
        raise Finding("The entry's currency is not a text.")
    number = kind if isinstance(kind, int) and not isinstance(kind, bool) else _KINDS.get(str(kind))
    if number is None or not -(2**31) <= number < 2**31:
        raise Finding(f"The entry's kind {kind!r} is not known.")
    return Leaf(
        numbers["id"],
        numbers["debit"],
        numbers["credit"],
        currency,
        numbers["amount"],
        number,
        _moment("occurred_at", content),
        _moment("recorded_at", content),
    )


def _moment(name: str, content: Mapping[str, Any]) -> datetime:
    text = content.get(name)
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", text) if isinstance(text, str) else None
    if found is not None and not (found[2] or "")[_DIGITS_MAX:].strip("0"):
        with suppress(ValueError):
            fraction = (found[2] or "").ljust(_DIGITS_MAX, "0")[:_DIGITS_MAX]
            return datetime.fromisoformat(f"{found[1]}.{fraction}+00:00")
    raise Finding(f"The entry's {name} is not a moment in microseconds.")

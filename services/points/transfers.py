"""Transfers that a back end asks for, in batches with chains, and the reversal of entries."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from chassis.answers import digest
from chassis.erasure import is_alias
from chassis.errors import DomainError, FailedPrecondition, FieldViolation, InvalidArgument, NotFound
from laurels.points.v1 import ledger_pb2, points_pb2
from services.erasure import MemberWasErased
from services.points import ledger, refunds, store
from services.points.book import GROUPS, Book, Operation, Touched
from services.points.ledger import AVAILABLE, BALANCE_MAX, GROUP_MARK, ISSUED, PROGRAMME, REDEEMED, Account
from services.points.programme import PointsRules

REFERENCE_LENGTH_MAX = 200
CLOCK_AHEAD_S = 300
_PROGRAMME_KINDS = {points_pb2.ACCOUNT_KIND_ISSUED: ISSUED, points_pb2.ACCOUNT_KIND_REDEEMED: REDEEMED}
_OWN_KINDS = (points_pb2.ACCOUNT_KIND_UNSPECIFIED, points_pb2.ACCOUNT_KIND_AVAILABLE)
_TRANSFER = points_pb2.ENTRY_KIND_TRANSFER
REVERSIBLE = frozenset(
    {
        points_pb2.ENTRY_KIND_EARN,
        points_pb2.ENTRY_KIND_SPEND,
        points_pb2.ENTRY_KIND_MISSION,
        points_pb2.ENTRY_KIND_PRIZE,
        points_pb2.ENTRY_KIND_TRANSFER,
        points_pb2.ENTRY_KIND_GIFT,
        points_pb2.ENTRY_KIND_REFERRAL,
    }
)


class UnknownTransfer(NotFound):
    """There is no such entry in the brand."""

    code = "unknown_transfer"

    def __init__(self, entry: int) -> None:
        super().__init__(f"There is no transfer {entry}.")


class AlreadyReversed(FailedPrecondition):
    """The entry was taken back before."""

    code = "already_reversed"

    def __init__(self, entry: int) -> None:
        super().__init__(f"The transfer {entry} was reversed before.")


class NotReversible(FailedPrecondition):
    """The entry has an end of its own."""

    code = "not_reversible"

    def __init__(self, entry: int, kind: str) -> None:
        super().__init__(f"The transfer {entry} is of the kind {kind}, which has an end of its own.")


class Post(Operation):
    """Makes transfers."""

    requests = (ledger_pb2.PostTransfersRequest,)

    def touch(
        self, request: ledger_pb2.PostTransfersRequest, found: None, rules: PointsRules, touched: Touched
    ) -> None:
        for transfer in request.transfers:
            touched.keys.add(f"transfer:{transfer.id}")
            currency, source, target = transfer.currency, transfer.debit, transfer.credit
            for account, debit in ((source, transfer.amount), (target, 0)):
                if member := account.member:
                    touched.members.add(member)
                    touched.wallet(member, currency, debit)
                elif account.group:
                    touched.row(GROUPS, account.group)
                    touched.wallet(GROUP_MARK + account.group, currency, debit)

    def decide(self, book: Book, request: ledger_pb2.PostTransfersRequest) -> ledger_pb2.PostTransfersResponse:
        _ = book.rules
        answer = ledger_pb2.PostTransfersResponse()
        moved: dict[tuple[str, str], int] = {}
        for chain in _chains(request.transfers):
            if len(chain) == 1:
                self._one(book, chain[0], answer.results.add(), moved)
            else:
                self._chain(book, chain, answer, moved)
        if not request.silent:
            _tell(book, moved, request.transfers)
        for member in sorted({owner for owner, _ in moved if not owner.startswith(GROUP_MARK)}):
            book.move_tier(book.members[member], book.now)
        return answer

    def _one(self, book: Book, transfer: Any, result: Any, moved: dict[tuple[str, str], int]) -> None:
        result.id = transfer.id
        key = f"transfer:{transfer.id}"
        try:
            content = digest(transfer)
            if (known := book.once(key, content, "transfer")) is not None:
                result.duplicate = True
                _answer(book, key, known, result)
                return
            source, target = _accounts(book, transfer)
            _check(source, target, transfer.amount)
        except DomainError as refusal:
            _refuse(result, refusal)
            return
        _make(book, transfer, key, content, source, target, moved)
        book.number(key, result)

    def _chain(self, book: Book, chain: Sequence[Any], answer: Any, moved: dict[tuple[str, str], int]) -> None:
        """Checks a chain on the balances that its own transfers leave, then makes it whole."""
        results = [answer.results.add(id=transfer.id) for transfer in chain]
        planned: list[tuple[Any, str, bytes, Account, Account]] = []
        balances: dict[int, int] = {}
        known: list[tuple[Any, str, Any]] = []
        try:
            for place, transfer in enumerate(chain):
                key, content = f"transfer:{transfer.id}", digest(transfer)
                if (before := book.once(key, content, "transfer")) is not None:
                    known.append((results[place], key, before))
                    continue
                source, target = _accounts(book, transfer)
                after = balances.get(source.id, source.balance) - transfer.amount
                if source.floor is not None and after < _floor(source):
                    raise ledger.InsufficientPoints(source.currency, after + transfer.amount, transfer.amount)
                balances[source.id] = after
                reached = balances.get(target.id, target.balance) + transfer.amount
                if target.floor is not None and reached > BALANCE_MAX:
                    raise ledger.BalanceTooHigh(target.currency)
                balances[target.id] = reached
                planned.append((transfer, key, content, source, target))
            if known and planned:
                raise FailedPrecondition("A part of the chain was made before as other chains.", code="chain_differs")
        except DomainError as refusal:
            for number, result in enumerate(results):
                if number == place:
                    _refuse(result, refusal)
                else:
                    result.code, result.detail = "linked_failed", f"The transfer {chain[place].id!r} was refused."
            return
        for result, key, before in known:
            result.duplicate = True
            _answer(book, key, before, result)
        for (transfer, key, content, source, target), result in zip(planned, results, strict=False):
            _make(book, transfer, key, content, source, target, moved)
            book.number(key, result)


class Reverse(Operation):
    """Takes entries back."""

    requests = (ledger_pb2.ReverseTransferRequest,)

    async def find(
        self,
        connection: asyncpg.Connection,
        brand: str,
        rules: PointsRules,
        requests: Sequence[ledger_pb2.ReverseTransferRequest],
    ) -> dict[int, Any]:
        return await store.entries_of(connection, brand, sorted({_number(request) for request in requests}))

    def touch(
        self,
        request: ledger_pb2.ReverseTransferRequest,
        found: dict[int, Any],
        rules: PointsRules,
        touched: Touched,
    ) -> None:
        number = _number(request)
        touched.keys.add(f"reverse:{number}")
        if (row := found.get(number)) is not None:
            touched.reversed[number] = row
            if row["kind"] == points_pb2.ENTRY_KIND_EARN:
                touched.row(refunds.REFUNDS, refunds.key_of_award(row))
            touched.accounts.add((row["debit_owner"], row["currency"], row["debit_kind"]))
            if row["credit_owner"] != PROGRAMME and not row["credit_owner"].startswith(GROUP_MARK):
                touched.members.add(row["credit_owner"])
            if row["credit_kind"] == AVAILABLE:
                touched.wallet(row["credit_owner"], row["currency"], row["amount"])
            else:
                touched.accounts.add((row["credit_owner"], row["currency"], row["credit_kind"]))
            for owner in (row["debit_owner"], row["credit_owner"]):
                if owner.startswith(GROUP_MARK):
                    touched.row(GROUPS, owner.removeprefix(GROUP_MARK))

    def decide(self, book: Book, request: ledger_pb2.ReverseTransferRequest) -> ledger_pb2.ReverseTransferResponse:
        number = _number(request)
        row = book.reversed.get(number)
        if row is None:
            raise UnknownTransfer(number)
        key, content = f"reverse:{number}", digest(request)
        answer = ledger_pb2.ReverseTransferResponse()
        before = book.known.get(key) or book.entries.get(key)
        if before is not None:
            known = before["digest"] if isinstance(before, asyncpg.Record) else before.digest
            if known != content:
                raise AlreadyReversed(number)
            if isinstance(before, asyncpg.Record):
                answer.entry = before["id"]
            else:
                book.number(key, answer)
            return answer
        if row["kind"] not in REVERSIBLE:
            raise NotReversible(number, points_pb2.EntryKind.Name(row["kind"]).lower())
        if row["kind"] == points_pb2.ENTRY_KIND_EARN:
            refunds.check_reversal(book, row)
        for owner in (row["debit_owner"], row["credit_owner"]):
            if is_alias(owner):
                raise MemberWasErased(owner)
        currency, amount = row["currency"], row["amount"]
        gave = book.wallet(row["debit_owner"], currency, row["debit_kind"])
        took = book.wallet(row["credit_owner"], currency, row["credit_kind"])
        for account in (gave, took):
            if account.owner.startswith(GROUP_MARK):
                book.group(account.owner.removeprefix(GROUP_MARK))
        if took.floor is not None:
            ledger.check_debit(took, amount)
        if gave.floor is not None:
            ledger.check_credit(gave, amount)
        if gave.owner == PROGRAMME and gave.kind == ISSUED:
            took.earned -= amount
        elif took.owner == PROGRAMME and took.kind == ISSUED:
            gave.earned += amount
        book.move(
            took,
            gave,
            amount,
            key=key,
            kind=points_pb2.ENTRY_KIND_REVERSAL,
            reference=request.reference or row["reference"],
            occurred_at=book.now,
            digest=content,
            given=store.parts_of(row["lots"]) or None,
        )
        for account, by in ((took, -amount), (gave, amount)):
            if account.owner:
                _tell_change(book, account, by, points_pb2.ENTRY_KIND_REVERSAL, request.reference, book.now)
        if (member := book.members.get(took.owner)) is not None:
            book.move_tier(member, book.now)
        book.number(key, answer)
        return answer


def _number(request: ledger_pb2.ReverseTransferRequest) -> int:
    """The entry that is to be taken back; 0 where there can be none."""
    text = request.transfer
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def violations(transfers: Sequence[Any]) -> Iterator[FieldViolation]:
    """What is wrong with a request as a whole; what is wrong with one transfer is its result."""
    if not 1 <= len(transfers) <= 1_000:
        yield FieldViolation("transfers", f"has {len(transfers)} items, not 1 to 1,000")
    elif transfers[-1].linked:
        yield FieldViolation(f"transfers[{len(transfers) - 1}].linked", "is the last and has none to be linked to")


def _chains(transfers: Sequence[Any]) -> Iterator[list[Any]]:
    chain: list[Any] = []
    for transfer in transfers:
        chain.append(transfer)
        if not transfer.linked:
            yield chain
            chain = []
    if chain:
        yield chain


def _accounts(book: Book, transfer: Any) -> tuple[Account, Account]:
    """The accounts of a transfer, which may be made but for what they hold. Raises a DomainError."""
    if not 1 <= transfer.amount <= BALANCE_MAX:
        raise InvalidArgument(f"amount is {transfer.amount}, not within 1 and {BALANCE_MAX}.")
    reference = transfer.reference
    if reference and (len(reference) > REFERENCE_LENGTH_MAX or "\x00" in reference):
        raise InvalidArgument(f"reference is longer than {REFERENCE_LENGTH_MAX} characters, or has a NUL.")
    if transfer.HasField("occurred_at"):
        seconds, nanos = transfer.occurred_at.seconds, transfer.occurred_at.nanos
        if not -2_208_988_800 <= seconds <= book.stamp.seconds + CLOCK_AHEAD_S or not 0 <= nanos < 10**9:
            raise InvalidArgument("occurred_at is before 1900 or ahead of the clock.")
    currency = transfer.currency
    source = _account(book, transfer.debit, currency, "debit")
    target = _account(book, transfer.credit, currency, "credit")
    if source is target:
        raise InvalidArgument("debit and credit are one account.")
    # Taking back what was issued is a correction; anything else is spending or giving.
    if transfer.debit.member and target.kind != ISSUED:
        book.check_guardian(transfer.debit.member)
    if source.owner == PROGRAMME and target.owner == PROGRAMME:
        raise InvalidArgument("debit and credit are both the programme's.")
    return source, target


def _account(book: Book, named: Any, currency: str, side: str) -> Account:
    member, group, stated = named.member, named.group, named.kind
    if member or group:
        if member and group:
            raise InvalidArgument(f"{side} names a member and a group.")
        if stated not in _OWN_KINDS:
            raise InvalidArgument(f"{side}.kind may only be available where there is a member or a group.")
        if member:
            book.member(member)
            return book.wallet(member, currency)
        book.group(group)
        return book.wallet(GROUP_MARK + group, currency)
    kind = _PROGRAMME_KINDS.get(stated)
    if kind is None:
        raise InvalidArgument(f"{side} names neither member nor group, and its kind is not issued or redeemed.")
    return book.wallet(PROGRAMME, currency, kind)


def _floor(source: Account) -> int:
    return source.floor or 0


def _check(source: Account, target: Account, amount: int) -> None:
    if source.floor is not None:
        ledger.check_debit(source, amount)
    if target.floor is not None:
        ledger.check_credit(target, amount)


def _make(
    book: Book,
    transfer: Any,
    key: str,
    content: bytes,
    source: Account,
    target: Account,
    moved: dict[tuple[str, str], int],
) -> None:
    amount = transfer.amount
    at = transfer.occurred_at.ToDatetime(tzinfo=UTC) if transfer.HasField("occurred_at") else book.now
    if source.kind == ISSUED:
        target.earned += amount
    elif target.kind == ISSUED:
        source.earned -= amount
    book.move(source, target, amount, key=key, kind=_TRANSFER, reference=transfer.reference, occurred_at=at,
              digest=content)  # fmt: skip
    for account, by in ((source, -amount), (target, amount)):
        if account.owner:
            change = (account.owner, account.currency)
            moved[change] = moved.get(change, 0) + by


def _tell(book: Book, moved: dict[tuple[str, str], int], transfers: Sequence[Any]) -> None:
    """One event a member and currency, however many transfers moved it."""
    # What one member wrote to another is not in the other's events, where the writer's erasure would not find it.
    between = any(transfer.debit.member and transfer.credit.member for transfer in transfers)
    reference = transfers[0].reference if len(transfers) == 1 and not between else ""
    for (member, currency), by in moved.items():
        if by:
            _tell_change(book, book.wallet(member, currency), by, points_pb2.ENTRY_KIND_TRANSFER, reference, book.now)


def _tell_change(book: Book, account: Account, by: int, kind: Any, reference: str, at: datetime) -> None:
    if account.owner.startswith(GROUP_MARK):
        book.tell_group(account, by, kind, reference, at)
    elif by > 0:
        book.tell_credit(account.owner, account.currency, by, kind, reference, at)
    else:
        book.tell_debit(account.owner, account.currency, -by, reference, at)


def _answer(book: Book, key: str, known: Any, result: Any) -> None:
    if isinstance(known, asyncpg.Record):
        result.entry = known["id"]
    else:
        book.number(key, result)


def _refuse(result: Any, refusal: DomainError) -> None:
    result.code, result.detail = refusal.reason, refusal.detail

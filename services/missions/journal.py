"""Facts move a member's missions, in whatever order they arrive.

In its order, a fact is folded onto the state as it is. One that arrives late,
and a refund, have the facts that are kept folded anew, from a checkpoint that
is older than the lateness window: progress, unclaimed completions and what
they began are then as though everything had arrived in its order. What is
later than that counts at the checkpoint.

Two checkpoints are enough: the newer one is made when the window has passed
since the last, and the older one, with all before it, is then forgotten.
"""

from collections.abc import Iterable, Sequence

import asyncpg

from chassis.book import Kind, Touched
from laurels.missions.v1.events_pb2 import MissionRetracted
from services.missions import calendar, rewarding
from services.missions.book import Book
from services.missions.fold import BEFORE_ALL, FED, REFUND, Checkpoint, Done, Fact, dumped, fold, replay, take
from services.missions.programme import MissionsRules
from services.missions.store import journal as store
from services.missions.store.journal import Boundary, Completion, History, MemberMissions, NewFact

MISSIONS: Kind[str, MemberMissions] = Kind("members' missions", 20, store.lock, store.save)
# The missions' lock guards them.
HISTORIES: Kind[str, History] = Kind("histories", 21, store.histories, store.save_nothing)


async def find(connection: asyncpg.Connection, book: Book, members: Iterable[str]) -> None:
    """Reads up to where members' facts go, without locking them."""
    missing = sorted(set(members) - book.last.keys())
    if missing:
        found = await store.last_places(connection, book.brand, missing)
        book.last |= {member: found.get(member, BEFORE_ALL) for member in missing}


async def find_late(connection: asyncpg.Connection, book: Book, members: Iterable[str]) -> None:
    """Loads the versions under which the facts of members were judged, whose history is to be folded anew."""
    late = sorted(set(members))
    if late:
        for version in await store.versions(connection, book.brand, late):
            await book.load_rules(connection, version)


def touch(touched: Touched, member: str, *, late: bool) -> None:
    """Has a member's missions locked, and their history read where a fact may not be the newest."""
    touched.row(MISSIONS, member)
    if late:
        touched.row(HISTORIES, member)


def add(book: Book, rules: MissionsRules, member: str, fact: Fact, activity: bytes = b"") -> None:
    """Takes a fact of a touched member."""
    row = book.row(MISSIONS, member) or MemberMissions(member)
    history = book.row(HISTORIES, member)
    book.put(MISSIONS, member, row)
    if not row.checkpoint_at:
        _begin(book, row, history, fact)
    if history is not None:
        _insert(book, row, history, fact, activity)
        return
    if fact.place <= row.last or fact.kind == REFUND:
        raise asyncpg.SerializationError("the fact is not the newest any more")
    book.add(store.add_facts, NewFact(member, fact, activity))
    _advance(book, rules, row, fact)
    fact.left = None
    take(fact, row.state["w"])
    done: list[Done] = []
    fold(row.state, fact, rules, done.append)
    row.last = fact.place
    for each in done:
        _complete(book, row, each, None)


def _begin(book: Book, row: MemberMissions, history: History | None, fact: Fact) -> None:
    """Keeps what was there before the first fact, where there was something: progress from before facts were kept."""
    row.checkpoint_at = -fact.at
    if row.state["m"] or row.state["b"]:
        before = Checkpoint(BEFORE_ALL, dumped(row.state))
        book.add(store.save_checkpoints, (row.member, before))
        if history is not None:
            history.checkpoints.append(before)


def _advance(book: Book, rules: MissionsRules, row: MemberMissions, fact: Fact) -> None:
    """Makes a checkpoint of the state before a fact, when the window has passed since the last."""
    since = abs(row.checkpoint_at)
    if fact.at - since < rules.lateness or row.last == BEFORE_ALL:
        return
    if row.checkpoint_at < 0:
        # The first one has the beginning before it.
        book.add(store.add_beginnings, row.member)
    row.state["w"] = {name: taken for name, taken in row.state["w"].items() if taken[1] >= since - rules.lateness}
    book.add(store.save_checkpoints, (row.member, Checkpoint(row.last, dumped(row.state))))
    book.add(store.forget, Boundary(row.member, row.last))
    row.checkpoint_at = fact.at


def _insert(book: Book, row: MemberMissions, history: History, fact: Fact, activity: bytes) -> None:
    base = history.checkpoints[0] if history.checkpoints else None
    if base is not None and fact.place <= base.place:
        # Too late: it counts where the window begins.
        again = replay([base], [fact], book.rules)
        history.checkpoints[0] = Checkpoint(base.place, dumped(again.state))
        book.late_done.setdefault(row.member, []).extend(again.done)
    elif history.add(fact):
        book.add(store.add_facts, NewFact(row.member, fact, activity))
    row.last = max(row.last, fact.place)
    book.unsettled.add(row.member)


def settle(book: Book, member: str) -> None:
    """Folds a member's facts anew, when some were added that were not folded."""
    if member not in book.unsettled:
        return
    book.unsettled.remove(member)
    row, history = book.row(MISSIONS, member), book.row(HISTORIES, member)
    if row is None or history is None:
        raise LookupError(f"the history of {member} was not touched")
    again = replay(history.checkpoints, history.facts, book.rules)
    row.state = again.state
    for checkpoint in again.checkpoints:
        book.add(store.save_checkpoints, (member, checkpoint))
    history.checkpoints = again.checkpoints
    begins = again.checkpoints[0].place if again.checkpoints else BEFORE_ALL
    done = {(each.rule.id, each.run): each for each in [*book.late_done.pop(member, ()), *again.done]}
    for each in done.values():
        _complete(book, row, each, history)
    for key, known in history.completions.items():
        completion = _now(book, known) or known
        if key not in done and completion.place > begins and not completion.retracted:
            _retract(book, row, completion)


def _now(book: Book, known: Completion | None) -> Completion | None:
    """A completion as the transaction left it, which may have read it twice."""
    return known and (book.row(rewarding.COMPLETIONS, known.key) or known)


def feed(
    book: Book,
    rules: MissionsRules,
    member: str,
    name: str,
    value: int,
    *,
    at: int,
    key: str,
    minutes: int = 0,
    out: Sequence[str] = (),
) -> None:
    """Tells the goals that are fed `name`, such as `tier:gold`, of a value; nothing happens where none is.

    `at` is in microseconds, `key` makes it count once, `out` are the missions
    that are not for the member or not at the time. The member was touched as late.
    """
    if name in rules.by_feed:
        minutes_ahead = (minutes, minutes)
        add(book, rules, member, Fact(at, f"{name} {key}", FED, name, rules.version, minutes_ahead, [value], out))


def _complete(book: Book, row: MemberMissions, done: Done, history: History | None) -> None:
    """Notes that a run is done, pays what it pays by itself, and tells of it, unless it was done before."""
    key = f"{done.rule.id} {done.run}"
    at = calendar.moment(done.at)
    if history is not None:
        known = _now(book, history.completions.get((done.rule.id, done.run)))
        if known is not None and not known.retracted:
            if known.place != (done.at, done.by):
                known.completed_at, known.activity, known.programme_version = at, done.by, done.version
                book.put(rewarding.COMPLETIONS, known.key, known)
            return
    before = row.gone.pop(key, "")
    completion = Completion(row.member, done.rule.id, done.run, done.by, at, done.version, before)
    rewarding.complete(book, completion, done, again=bool(before))
    if history is not None:
        history.completions[done.rule.id, done.run] = completion


def _retract(book: Book, row: MemberMissions, completion: Completion) -> None:
    completion.retracted = True
    row.gone[f"{completion.mission} {completion.run}"] = completion.state
    book.put(rewarding.COMPLETIONS, completion.key, completion)
    book.take_badges(row.member, book.now, prefix=f"{rewarding.key_of(completion)}:")
    book.tell(
        row.member,
        MissionRetracted(
            member=row.member,
            mission=completion.mission,
            run=completion.run,
            completed_at=completion.completed_at,
            rewarded=completion.state == store.PAID,
        ),
    )

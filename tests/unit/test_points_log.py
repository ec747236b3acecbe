"""The ledger's tree is RFC 9162's, and its proofs hold for what is so and for nothing else."""

import base64
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rich.console import Console
from typer.testing import CliRunner

from chassis import merkle
from chassis.merkle import Edge, Growing, is_consistent, root_by_inclusion
from cli import ledger
from cli.__main__ import app
from cli.data_folder import DataFolder
from cli.gateway_client import CommandFailed
from services.points.checkpoints import BadKey, BadNote, Checkpoint, PublicKey, Signer, UnknownSigner, key_of, opened
from services.points.leaves import Leaf
from services.points.settings import Settings

SIZES_MAX = 300


LEAVES = [f"leaf {number}".encode() for number in range(SIZES_MAX)]


# The definitions of RFC 9162, as they stand there, over D[a:b].
@cache
def mth(a: int, b: int) -> bytes:
    if a == b:
        return sha256().digest()
    if b - a == 1:
        return sha256(b"\x00" + LEAVES[a]).digest()
    k = split(b - a)
    return sha256(b"\x01" + mth(a, a + k) + mth(a + k, b)).digest()


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, a: int, b: int) -> list[bytes]:
    n = b - a
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, a, a + k), mth(a + k, b)]
    return [*path(m - k, a + k, b), mth(a, a + k)]


def subproof(m: int, a: int, b: int, whole: bool) -> list[bytes]:
    n = b - a
    if m == n:
        return [] if whole else [mth(a, b)]
    k = split(n)
    if m <= k:
        return [*subproof(m, a, a + k, whole), mth(a + k, b)]
    return [*subproof(m - k, a + k, b, False), mth(a, a + k)]


HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [mth(0, size) for size in range(SIZES_MAX + 1)]
# The leaves and roots of Certificate Transparency's reference tests.
KNOWN = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def grown(leaves: list[bytes], steps: list[int]) -> dict[merkle.Place, bytes]:
    """The tiles of a tree that grew in steps, each from the tiles alone, as a builder does that was killed."""
    tiles: dict[merkle.Place, bytes] = {}
    size = 0
    for until in [*sorted(step for step in steps if step < len(leaves)), len(leaves)]:
        edge = Edge(size, tiles)
        tiles |= edge.append(b"".join(merkle.leaf_hash(leaf) for leaf in leaves[size:until]))
        size = until
        assert edge.size == size
        assert edge.root() == merkle.root_of(tiles, (0, size))
    return tiles


TILES = grown(LEAVES, [1, 2, 255, 256, 257])


def test_the_roots_of_the_known_leaves_are_the_known_ones() -> None:
    growing = Growing()
    for size, root in enumerate(KNOWN_ROOTS):
        assert growing.root().hex() == root
        tiles = grown([bytes.fromhex(leaf) for leaf in KNOWN[:size]], [])
        assert merkle.root_of(tiles, (0, size)).hex() == root
        if size < len(KNOWN):
            growing.push(merkle.leaf_hash(bytes.fromhex(KNOWN[size])))


def test_every_size_has_the_root_of_the_definition() -> None:
    growing = Growing()
    for size in range(SIZES_MAX + 1):
        assert merkle.root_of(TILES, (0, size)) == growing.root() == ROOTS[size]
        if size < SIZES_MAX:
            growing.push(HASHES[size])


@given(st.lists(st.integers(0, SIZES_MAX), max_size=8), st.integers(0, SIZES_MAX))
def test_a_tree_does_not_depend_on_the_steps_it_grew_in(steps: list[int], size: int) -> None:
    assert grown(LEAVES[:size], steps) == grown(LEAVES[:size], [])


def test_large_trees_keep_the_roots_of_full_tiles_one_level_up() -> None:
    leaves = [number.to_bytes(4, "big") for number in range(66_000)]
    tiles = grown(leaves, [300, 65_536])
    growing = Growing()
    for leaf in leaves:
        growing.push(merkle.leaf_hash(leaf))
    assert merkle.root_of(tiles, (0, len(leaves))) == growing.root()
    assert max(level for level, _ in tiles) == 2
    for size, index in ((66_000, 65_999), (65_537, 3), (65_536, 40_000), (513, 512)):
        ranges = merkle.inclusion_ranges(index, size)
        needed = {place: tiles[place] for place in merkle.tiles_of(ranges)}
        assert len(needed) <= 8
        proof = [merkle.root_of(needed, leaves_of) for leaves_of in ranges]
        root = merkle.root_of(tiles, (0, size))
        assert root_by_inclusion(merkle.leaf_hash(leaves[index]), index, size, proof) == root


def roots(ranges: list[merkle.Range]) -> list[bytes]:
    needed = {place: TILES[place] for place in merkle.tiles_of(ranges)}
    return [merkle.root_of(needed, leaves) for leaves in ranges]


@cache
def range_root(leaves: merkle.Range) -> bytes:
    return roots([leaves])[0]


def test_inclusion_of_every_leaf_in_every_size_is_proved_as_defined() -> None:
    for size in range(1, SIZES_MAX + 1):
        for index in range(size):
            proof = [range_root(leaves) for leaves in merkle.inclusion_ranges(index, size)]
            assert proof == path(index, 0, size)
            assert root_by_inclusion(HASHES[index], index, size, proof) == ROOTS[size]


@given(st.data())
def test_inclusion_is_proved_for_that_leaf_at_that_place_in_that_tree_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZES_MAX))
    index = data.draw(st.integers(0, size - 1))
    proof = roots(merkle.inclusion_ranges(index, size))
    assert proof == path(index, 0, size)
    assert root_by_inclusion(HASHES[index], index, size, proof) == ROOTS[size]
    other = data.draw(st.integers(0, SIZES_MAX - 1).filter(lambda found: found != index))
    assert root_by_inclusion(HASHES[other], index, size, proof) != ROOTS[size]
    assert root_by_inclusion(HASHES[index], other, size, proof) != ROOTS[size]
    assert root_by_inclusion(HASHES[index], index, size, [*proof, HASHES[0]]) != ROOTS[size]
    if proof:
        assert root_by_inclusion(HASHES[index], index, size, proof[:-1]) != ROOTS[size]
        damaged = [*proof]
        damaged[data.draw(st.integers(0, len(proof) - 1))] = bytes(32)
        assert root_by_inclusion(HASHES[index], index, size, damaged) != ROOTS[size]


@given(st.data())
def test_consistency_is_proved_between_these_two_trees_alone(data: st.DataObject) -> None:
    second = data.draw(st.integers(1, SIZES_MAX))
    first = data.draw(st.integers(1, second))
    proof = roots(merkle.consistency_ranges(first, second))
    assert proof == subproof(first, 0, second, True)
    assert is_consistent(first, ROOTS[first], second, ROOTS[second], proof)
    assert not is_consistent(first, bytes(32), second, ROOTS[second], proof)
    assert not is_consistent(first, ROOTS[first], second, bytes(32), proof)
    assert not is_consistent(first, ROOTS[first], second, ROOTS[second], [*proof, bytes(32)])
    if proof:
        damaged = [*proof]
        damaged[data.draw(st.integers(0, len(proof) - 1))] = bytes(32)
        assert not is_consistent(first, ROOTS[first], second, ROOTS[second], damaged)
        assert not is_consistent(first, ROOTS[first], second, ROOTS[second], proof[:-1])


def test_consistency_of_every_two_sizes_is_proved_as_defined() -> None:
    for second in range(1, SIZES_MAX + 1):
        for first in range(1, second + 1):
            proof = [range_root(leaves) for leaves in merkle.consistency_ranges(first, second)]
            assert proof == subproof(first, 0, second, True)
            assert is_consistent(first, ROOTS[first], second, ROOTS[second], proof)


@pytest.mark.parametrize("ask", [(0, 0), (3, 3), (-1, 3)])
def test_what_a_tree_does_not_have_has_no_proof(ask: tuple[int, int]) -> None:
    with pytest.raises(merkle.TreeTooSmall):
        merkle.inclusion_ranges(*ask)
    assert root_by_inclusion(HASHES[0], *ask, []) is None
    with pytest.raises(merkle.TreeTooSmall):
        merkle.consistency_ranges(4, 3)
    with pytest.raises(merkle.TreeTooSmall):
        merkle.consistency_ranges(0, 3)
    assert not is_consistent(4, ROOTS[4], 3, ROOTS[3], [])


def test_tiles_that_hold_too_little_are_noticed() -> None:
    short = TILES | {(0, 1): TILES[0, 1][:-32]}
    with pytest.raises(merkle.TreeTooSmall):
        merkle.root_of(short, (0, SIZES_MAX))
    with pytest.raises(merkle.TreeTooSmall):
        Edge(SIZES_MAX, short)
    with pytest.raises(KeyError):
        Edge(SIZES_MAX, {})


# -- leaves ------------------------------------------------------------------

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEAF = Leaf(7, -2, 9, "points", 100, 1, NOON, NOON + timedelta(microseconds=1))


def test_a_leaf_is_the_bytes_that_the_specification_says() -> None:
    assert LEAF.encoded().hex() == (
        "01" "0000000000000007" "fffffffffffffffe" "0000000000000009" "0000000000000064" "00000001"
        "00064bf535af1000" "00064bf535af1001" "0006" "706f696e7473"
    )  # fmt: skip


leaves = st.builds(
    Leaf,
    st.integers(1, 2**62),
    st.integers(-(2**62), 2**62),
    st.integers(-(2**62), 2**62),
    st.text("abcPOINTS_-0", min_size=1, max_size=64),
    st.integers(1, 2**53 - 1),
    st.integers(1, 100),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
)


@given(leaves, leaves)
def test_no_two_entries_have_the_same_leaf(one: Leaf, other: Leaf) -> None:
    assert (one.encoded() == other.encoded()) == (one == other)


# -- checkpoints -------------------------------------------------------------

SECRET = bytes(range(32))
SIGNER = Signer(SECRET)
KEY = SIGNER.public_key("main")
NOTE = SIGNER.sign("main", 300, ROOTS[300], NOON)


def test_a_checkpoint_is_a_signed_note_of_its_log() -> None:
    text, signature = NOTE.split("\n\n")
    encoded = base64.b64encode(ROOTS[300]).decode()
    assert text == f"main.laurels\n300\n{encoded}\ntime 2026-03-01T12:00:00.000000Z"
    dash, name, proof = signature.removesuffix("\n").split(" ")
    raw = base64.b64decode(proof)
    assert (dash, name, raw[:4]) == ("—", "main.laurels", KEY.id)
    public = Ed25519PrivateKey.from_private_bytes(SECRET).public_key()
    public.verify(raw[4:], (text + "\n").encode())
    assert KEY.id == sha256(b"main.laurels\n\x01" + public.public_bytes_raw()).digest()[:4]
    assert opened(NOTE, [KEY]) == Checkpoint("main.laurels", 300, ROOTS[300], NOON)


def test_a_key_is_its_text_and_no_other_text_is() -> None:
    assert PublicKey.parse(str(KEY)) == KEY
    assert PublicKey.parse(f" {KEY}\n") == KEY
    name, stated, encoded = str(KEY).split("+", 2)
    other = str(SIGNER.public_key("other")).split("+")[1]
    for wrong in ("", name, f"{name}+{stated}", f"{name}+{other}+{encoded}", f"{name}+{stated}+{encoded[:-4]}",
                  f"+{stated}+{encoded}", f"a b+{stated}+{encoded}", f"{name}+{stated}+{'A' * 44}"):  # fmt: skip
        with pytest.raises(BadKey):
            PublicKey.parse(wrong)


@given(st.data())
def test_a_changed_note_does_not_open(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(NOTE) - 1))
    letter = data.draw(st.sampled_from("0aZ+/\n —").filter(lambda found: found != NOTE[place]))
    changed = NOTE[:place] + letter + NOTE[place + 1 :]
    try:
        found = opened(changed, [KEY])
    except BadNote:
        return
    # Base64 has a few bits to spare at its end, which say nothing.
    assert (changed.rpartition(" ")[0], found) == (NOTE.rpartition(" ")[0], opened(NOTE, [KEY]))


def test_a_note_opens_with_its_own_key_among_others_and_with_no_other() -> None:
    other = Signer(bytes(range(1, 33)))
    assert opened(NOTE, [other.public_key("main"), KEY]).size == 300
    for keys in ([], [other.public_key("main")], [SIGNER.public_key("other")]):
        with pytest.raises(UnknownSigner):
            opened(NOTE, keys)
    witnessed = NOTE + "— witness.example " + base64.b64encode(bytes(68)).decode() + "\n"
    assert opened(witnessed, [KEY]).size == 300


@pytest.mark.parametrize("text", ["main.laurels\n1\n", "main.laurels\n01\n{root}\ntime {time}\n",
                                  "other\n1\n{root}\ntime {time}\n", "main.laurels\n1\n{root}\n",
                                  "main.laurels\n-1\n{root}\ntime {time}\n",
                                  "main.laurels\n1\nAAAA\ntime {time}\n"])  # fmt: skip
def test_what_is_signed_and_is_no_checkpoint_is_refused(text: str) -> None:
    text = text.format(root=base64.b64encode(bytes(32)).decode(), time="2026-03-01T12:00:00.000000Z")
    signature = Ed25519PrivateKey.from_private_bytes(SECRET).sign(text.encode())
    with pytest.raises(BadNote, match="signed and"):
        opened(f"{text}\n— main.laurels {base64.b64encode(KEY.id + signature).decode()}\n", [KEY])


WHOLE = {
    "erasure_key": "e" * 3 + "rasure key of tests, 32 characters",
    "database_url": "postgresql://localhost/db",
    "jwks": "jwks.json",
}


@pytest.mark.parametrize("weak", ["", "short", "A" * 44, base64.b64encode(bytes(31)).decode(), "=" * 44])
def test_a_weak_key_starts_no_service_and_is_not_printed(weak: str) -> None:
    with pytest.raises(ValidationError, match="ledger_key") as refusal:
        Settings(ledger_key=weak, **WHOLE)
    assert not weak or weak not in str(refusal.value)


def test_a_service_without_a_key_does_not_start() -> None:
    with pytest.raises(ValidationError, match="ledger_key"):
        Settings(**WHOLE)
    key = base64.b64encode(SECRET).decode()
    settings = Settings(ledger_key=key, **WHOLE)
    assert key not in repr(settings)
    assert settings.checkpoint_every_s == 60


# -- the command -------------------------------------------------------------


def line(**content: Any) -> bytes:
    return orjson.dumps(content) + b"\n"


def entry(number: int, amount: int = 5, **more: Any) -> dict[str, Any]:
    found = {"id": number * 2, "debit": -1, "credit": 1, "currency": "points", "amount": amount, "kind": "earn",
             "occurred_at": "2026-03-01T12:00:00Z", "recorded_at": f"2026-03-01T12:00:00.{number:06d}Z"}  # fmt: skip
    return found | more


def file_of(entries: list[dict[str, Any]], sizes: list[int], signed: list[dict[str, Any]] | None = None) -> bytes:
    """An export of entries, with checkpoints of so many of what was `signed`."""
    growing, notes = Growing(), []
    for number, content in enumerate(signed if signed is not None else entries, 1):
        growing.push(ledger._leaf(content).hashed())
        if number in sizes:
            notes.append(SIGNER.sign("main", number, growing.root(), NOON + timedelta(minutes=number)))
    head = line(format=ledger.FORMAT, public_key=str(KEY), entries=sizes[-1])
    return b"".join([head, *(line(checkpoint=n) for n in notes), *(line(entry=e) for e in entries)])


def findings(content: bytes, older: str | None = None) -> list[str]:
    return ledger.Check([KEY], older).run(iter(content.splitlines(keepends=True))).found


ENTRIES = [entry(number) for number in range(1, 31)]


def test_a_whole_file_holds_and_says_what_is_outstanding() -> None:
    check = ledger.Check([KEY]).run(iter(file_of(ENTRIES, [10, 20, 30]).splitlines(keepends=True)))
    assert (check.found, check.size, check.signed, check.issued()) == ([], 30, 3, {"points": 150})
    assert check.newest.size == 30


@pytest.mark.parametrize(
    ("tampered", "says"),
    [
        ([*ENTRIES[:14], entry(15, 6), *ENTRIES[15:]], "Entries 11 to 20 of the log, with the ids from 21 to 40"),
        ([*ENTRIES[:14], *ENTRIES[15:]], "Entries 11 to 20"),
        ([*ENTRIES[:14], *ENTRIES[15:]], "has 29 entries, and the checkpoint was signed of 30"),
        ([*ENTRIES[:14], entry(14, id=29), *ENTRIES[14:]], "Entries 11 to 20"),
        ([*ENTRIES[:14], entry(14, id=29), *ENTRIES[14:]], "The last 1 entries are under no checkpoint."),
        ([*ENTRIES[:14], ENTRIES[15], ENTRIES[14], *ENTRIES[16:]], "Entry 30 comes after entry 32; ids rise."),
        ([*ENTRIES[:14], ENTRIES[15], ENTRIES[14], *ENTRIES[16:]], "Entries 11 to 20"),
        ([*ENTRIES[:2], entry(3, recorded_at="2026-03-01T12:00:00.000004Z"), *ENTRIES[3:]], "Entries 1 to 10"),
        (ENTRIES[:20], "has 20 entries, and the checkpoint was signed of 30"),
        ([], "has 0 entries, and the checkpoint was signed of 10"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_was_signed_fails_where_it_differs(tampered: list[dict[str, Any]], says: str) -> None:
    found = findings(file_of(tampered, [10, 20, 30], signed=ENTRIES))
    assert any(says in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (entry(3, 0), "Line 5: Entry 6 moves 0 from account -1 to 1."),
        (entry(3, -5), "Entry 6 moves -5"),
        (entry(3, debit=1), "Entry 6 moves 5 from account 1 to 1."),
        (entry(3, currency="gems"), "Line 5: Entry 6 moves gems on an account of another currency, -1."),
    ],
)
def test_entries_that_no_ledger_has_are_named_even_when_they_were_signed(wrong: dict[str, Any], says: str) -> None:
    found = findings(file_of([*ENTRIES[:2], wrong, *ENTRIES[3:]], [30]))
    assert any(says in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (b"not json", "is not JSON"),
        (line(other=1), "neither a checkpoint before the first entry nor an entry"),
        (line(checkpoint=NOTE), "neither a checkpoint before the first entry"),
        (line(entry=entry(2) | {"amount": "5"}), "amount is not a number"),
        (line(entry=entry(2) | {"amount": True}), "amount is not a number"),
        (line(entry=entry(2) | {"id": 2**63}), "is not"),
        (line(entry=entry(2) | {"kind": "theft"}), "kind 'theft' is not known"),
        (line(entry=entry(2) | {"currency": ""}), "currency is not a text"),
        (line(entry=entry(2) | {"occurred_at": "yesterday"}), "occurred_at is not a moment"),
        (line(entry=entry(2) | {"recorded_at": "2026-03-01T12:00:00.0000001Z"}), "recorded_at is not a moment"),
        (line(entry=entry(2) | {"recorded_at": "2026-13-01T12:00:00Z"}), "recorded_at is not a moment"),
    ],
)
def test_a_malformed_line_is_named(wrong: bytes, says: str) -> None:
    lines = file_of(ENTRIES, [30]).splitlines(keepends=True)
    found = findings(b"".join([*lines[:3], wrong.removesuffix(b"\n") + b"\n", *lines[4:]]))
    assert any(sentence.startswith("Line 4: ") and says in sentence for sentence in found), found


def test_a_file_that_is_none_or_has_no_checkpoint_that_holds_does_not_hold() -> None:
    whole = file_of(ENTRIES, [10, 30])
    for other in (b"", b"{}\n", b"[]\n", b"\xff\n"):
        assert len(findings(other)) == 1
    lines = whole.splitlines(keepends=True)
    assert any("no checkpoint that holds" in found for found in findings(b"".join([lines[0], *lines[3:]])))
    forged = Signer(bytes(range(1, 33))).sign("main", 30, bytes(32), NOON)
    assert any("None of the given keys" in found for found in findings(lines[0] + line(checkpoint=forged)))
    swapped = b"".join([lines[0], lines[2], lines[1], *lines[3:]])
    assert any("does not follow the one of 30" in found for found in findings(swapped))


def test_an_older_checkpoint_that_was_kept_must_be_continued() -> None:
    growing = Growing()
    for content in ENTRIES[:17]:
        growing.push(ledger._leaf(content).hashed())
    whole = file_of(ENTRIES, [30])
    assert findings(whole, SIGNER.sign("main", 17, growing.root(), NOON)) == []
    (found,) = findings(whole, SIGNER.sign("main", 17, bytes(32), NOON))
    assert "Entries 1 to 17" in found
    assert "the older checkpoint of 17 entries" in found
    assert "was signed of 31" in findings(whole, SIGNER.sign("main", 31, bytes(32), NOON))[0]
    assert "The older checkpoint does not hold." in findings(whole, "nonsense")[0]


@pytest.mark.parametrize("whole", [True, False])
def test_the_command_says_it_and_exits_accordingly(tmp_path: Path, whole: bool) -> None:
    file = tmp_path / "ledger.ndjson"
    file.write_bytes(file_of(ENTRIES if whole else ENTRIES[1:], [10, 30], signed=ENTRIES))
    ended = CliRunner().invoke(app, ["verify-ledger", str(file), "--key", str(KEY)])
    assert ended.exit_code == (0 if whole else 1)
    assert ("The ledger holds" in ended.output) == whole


def test_the_command_says_what_it_cannot_read(tmp_path: Path) -> None:
    for file, key in ((tmp_path / "none", str(KEY)), (tmp_path, str(KEY)), (tmp_path / "none", "x")):
        with pytest.raises(CommandFailed):
            ledger.verify(file, [key], None, Console(quiet=True))
    with pytest.raises(CommandFailed, match="no ledger key"):
        ledger.public_key(tmp_path, "main")
    folder = DataFolder(tmp_path)
    folder.prepare()
    signer = Signer(key_of(folder.ledger_key()))
    assert ledger.public_key(tmp_path, "main") == str(signer.public_key("main"))

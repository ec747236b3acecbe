"""A checkpoint says how many entries a brand's ledger has and what their root is, and is signed.

It is a C2SP tlog-checkpoint in a signed note, which tools of others read, too:

    <brand>.laurels
    <entries, in decimals>
    <root, in base64>
    time <when it was made, RFC 3339 with microseconds>

    — <brand>.laurels <base64 of 4 bytes of the key's id, then the signature>

The signature is Ed25519 over the text up to the empty line, its last line's
end included. The key's id is the beginning of SHA-256(name || 0x0A || 0x01 ||
public key). Who checks is given `<name>+<id in hex>+<base64 of 0x01 || public
key>`; the same secret key has another name and so another id in each brand.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chassis import settings
from services.points.merkle import HASH_BYTES

KEY_BYTES = 32
ED25519 = b"\x01"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_SIGNATURE_MARK = "— "


class BadNote(ValueError):
    """A checkpoint is malformed, or nobody who is trusted signed it; the sentence says which."""


class UnknownSigner(BadNote):
    """None of the given keys signed the note."""


class BadKey(ValueError):
    """A text is no public key of a log."""


def key_of(text: str) -> bytes:
    """The ledger key that its base64 text stands for. ValueError, as `chassis.settings.key_of`."""
    return settings.key_of(text, "ledger key")


def origin_of(brand: str) -> str:
    """What the checkpoints of a brand's log begin with, and the name of the key that signs them.

    >>> origin_of("main")
    'main.laurels'
    """
    return f"{brand}.laurels"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log of `origin` had `size` entries under `root` at a moment."""

    origin: str
    size: int
    root: bytes
    made_at: datetime

    def text(self) -> str:
        """What is signed."""
        moment = self.made_at.astimezone(UTC).strftime(_TIME)
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\ntime {moment}\n"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What checkpoints are checked with."""

    name: str
    key: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """The key that its text stands for. Raises BadKey."""
        name, _, rest = text.strip().partition("+")
        stated, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 1 + KEY_BYTES or raw[:1] != ED25519 or not name or any(c.isspace() for c in name):
            raise BadKey(f"{text!r} is not a public key of the form name+id+base64, of Ed25519.")
        key = cls(name, raw[1:])
        if stated != key.id.hex():
            raise BadKey(f"{text!r} is not whole: the key's id is {key.id.hex()}, not {stated}.")
        return key

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether the signature is this key's under the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


class Signer:
    """Signs the checkpoints of every brand with one secret key of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self._public = self._key.public_key().public_bytes_raw()

    def public_key(self, brand: str) -> PublicKey:
        """What the brand's checkpoints are checked with."""
        return PublicKey(origin_of(brand), self._public)

    def sign(self, brand: str, size: int, root: bytes, made_at: datetime) -> str:
        """The note of a checkpoint."""
        text = Checkpoint(origin_of(brand), size, root, made_at).text()
        key = self.public_key(brand)
        signature = base64.b64encode(key.id + self._key.sign(text.encode())).decode()
        return f"{text}\n{_SIGNATURE_MARK}{key.name} {signature}\n"


def opened(note: str, keys: Sequence[PublicKey]) -> Checkpoint:
    """The checkpoint of a note that one of the keys signed. Raises BadNote, UnknownSigner.

    Signatures of other keys, such as witnesses', are passed over.
    """
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise BadNote("It is not a signed note.")
    text += "\n"
    for line in signatures.splitlines():
        name, _, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if not line.startswith(_SIGNATURE_MARK) or len(raw) < 4:
            raise BadNote("Its last lines are not signatures.")
        for key in keys:
            if (key.name, key.id) == (name, raw[:4]):
                if not key.signed(text, raw[4:]):
                    raise BadNote(f"Its signature is not one of {key.name}.")
                return _parsed(text, name)
    raise UnknownSigner("None of the given keys signed it.")


def _parsed(text: str, name: str) -> Checkpoint:
    origin, size, root, *more = text.removesuffix("\n").split("\n") + [""] * 2
    times = [line.removeprefix("time ") for line in more if line.startswith("time ")]
    try:
        found = Checkpoint(
            origin,
            int(size),
            base64.b64decode(root, validate=True),
            datetime.strptime(times[0], _TIME).replace(tzinfo=UTC),
        )
    except (binascii.Error, ValueError, IndexError):
        raise BadNote("It is signed and does not say a size, a root and a time.") from None
    if origin != name or str(found.size) != size or found.size < 0 or len(found.root) != HASH_BYTES:
        raise BadNote("It is signed and is not a checkpoint of the key's log.")
    return found

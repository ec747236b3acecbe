"""What is secret at rest is on disk under AES-256-GCM only, and opens at its own place alone.

What is sealed is a nonce of 12 bytes, then the ciphertext with its tag. The
place, such as brand and row, is authenticated with it, so that a row copied to
another place does not open.
"""

from collections.abc import Callable
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis import settings

NONCE_BYTES = 12


class WrongKey(Exception):
    """What is sealed does not open: it was sealed under another key, or at another place."""


def key_of(text: str) -> bytes:
    """The key that its base64 text stands for. ValueError, as `chassis.settings.key_of`."""
    return settings.key_of(text, "key")


class Seal:
    """Seals and opens under one key. `random` gives so many unpredictable bytes."""

    def __init__(self, key: bytes, random: Callable[[int], bytes] = token_bytes) -> None:
        self._cipher, self._random = AESGCM(key), random

    def close(self, place: str, plain: bytes) -> bytes:
        """What is plain, sealed at a place."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, place.encode())

    def open(self, place: str, sealed: bytes) -> bytes:
        """What is sealed, plain. Raises WrongKey."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):  # the latter for what is too short to be sealed
            raise WrongKey(place) from None

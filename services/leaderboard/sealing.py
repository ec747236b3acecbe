"""A pool's seed is on disk under AES-256-GCM only, and opens as the seed of that pool alone.

A sealed seed is a nonce of 12 bytes, then the ciphertext with its tag. Brand
and pool are authenticated with it, so that a row copied to another pool does
not open.
"""

from collections.abc import Callable
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis import settings
from chassis.errors import FailedPrecondition

KEY_BYTES = SEED_BYTES = 32
NONCE_BYTES = 12


class WrongSeedKey(FailedPrecondition):
    """A sealed seed does not open."""

    code = "wrong_seed_key"

    def __init__(self, brand: str, pool: str) -> None:
        super().__init__(
            f"The seed of pool {pool!r} of brand {brand!r} does not open: it was sealed with another LAURELS_SEED_KEY."
        )


def key_of(text: str) -> bytes:
    """The seed key that its base64 text stands for. ValueError, as `chassis.settings.key_of`."""
    return settings.key_of(text, "seed key")


class Seal:
    """Makes, seals and opens seeds under one key. `random` gives so many unpredictable bytes."""

    def __init__(self, key: bytes, random: Callable[[int], bytes] = token_bytes) -> None:
        self._cipher, self._random = AESGCM(key), random

    def new_seed(self) -> bytes:
        """A secret seed."""
        return self._random(SEED_BYTES)

    def close(self, brand: str, pool: str, seed: bytes) -> bytes:
        """The seed, sealed."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, seed, _place(brand, pool))

    def open(self, brand: str, pool: str, sealed: bytes) -> bytes:
        """The seed. Raises WrongSeedKey when it was sealed under another key, or for another pool."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(brand, pool))
        except InvalidTag:
            raise WrongSeedKey(brand, pool) from None


def _place(brand: str, pool: str) -> bytes:
    # Neither id can hold a slash.
    return f"{brand}/{pool}".encode()

"""A pool's seed is on disk sealed (`chassis.sealing`), and opens as the seed of that pool alone."""

from collections.abc import Callable
from secrets import token_bytes

from chassis import sealing, settings
from chassis.errors import FailedPrecondition

SEED_BYTES = 32


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
        self._seal, self._random = sealing.Seal(key, random), random

    def new_seed(self) -> bytes:
        """A secret seed."""
        return self._random(SEED_BYTES)

    def close(self, brand: str, pool: str, seed: bytes) -> bytes:
        """The seed, sealed."""
        return self._seal.close(_place(brand, pool), seed)

    def open(self, brand: str, pool: str, sealed: bytes) -> bytes:
        """The seed. Raises WrongSeedKey when it was sealed under another key, or for another pool."""
        try:
            return self._seal.open(_place(brand, pool), sealed)
        except sealing.WrongKey:
            raise WrongSeedKey(brand, pool) from None


def _place(brand: str, pool: str) -> str:
    # Neither id can hold a slash.
    return f"{brand}/{pool}"

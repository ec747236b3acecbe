"""Whoever does not consent to be shown is under an alias on a board: the same there, another elsewhere.

Without the service's key nobody can tell whose it is, although ids can be
guessed.
"""

import hashlib
import hmac

LENGTH = 24


class Aliases:
    """Aliases under a key."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"laurels leaderboard aliases", hashlib.sha256)

    def of(self, brand: str, board: str, member: str) -> str:
        """A member's alias on a board.

        >>> aliases = Aliases(bytes(32))
        >>> aliases.of("shop", "sprint", "ann") == aliases.of("shop", "sprint", "ann")
        True
        >>> aliases.of("shop", "sprint", "ann") == aliases.of("shop", "marathon", "ann")
        False
        """
        place = f"{brand}/{board}/{member}".encode()  # no id can hold a slash
        return hmac.digest(self._key, place, hashlib.sha256).hex()[:LENGTH]

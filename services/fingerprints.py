"""A fingerprint says whether an id is one that was erased, to nobody but who has the key."""

import hmac
from hashlib import sha256


class Fingerprints:
    """Keyed hashes of members' ids: HMAC-SHA256 over brand and member."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, brand: str, member: str) -> bytes:
        """The fingerprint of a member.

        >>> prints = Fingerprints("k" * 32)
        >>> prints.of("a", "ann") == prints.of("a", "ann"), prints.of("a", "ann") == prints.of("b", "ann")
        (True, False)
        """
        return hmac.digest(self._key, f"{brand}\n{member}".encode(), sha256)

"""A caller acts inside its own brand, within its scopes, and nowhere else.

Credentials are JSON Web Tokens signed with EdDSA (Ed25519) or ES256, checked as
RFC 8725 asks: the algorithm is pinned, issuer, audience, expiry and type of
every claim are verified. The keys come as a JWK set from a file or from an
OIDC provider's address. The gateway checks a token and passes it on; each
service checks it again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from chassis.database import IDENTIFIER as IDENTIFIER
from chassis.errors import Unauthenticated

ALGORITHMS = ["EdDSA", "Ed25519", "ES256"]
ISSUER = "laurels"
AUDIENCE = "laurels"
LEEWAY_S = 30
TOKEN_BYTES_MAX = 8_192
REMEMBERED_TOKENS_MAX = 10_000
SCOPES = ("member", "service", "manager")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the brand, the subject in it, and what it may do."""

    brand: str
    subject: str
    scopes: frozenset[str]
    token: str
    expires_at: float

    @property
    def is_member_only(self) -> bool:
        """Whether the caller may see nothing but one member's own data."""
        return "service" not in self.scopes and "manager" not in self.scopes


_caller: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """The caller of the request at hand. LookupError outside of one."""
    return _caller.get()


def act_as(who: Caller) -> None:
    """Makes `who` the caller for the rest of the task at hand."""
    _caller.set(who)


@contextmanager
def acting_as(who: Caller) -> Iterator[None]:
    """Makes `who` the caller within the block."""
    reset = _caller.set(who)
    try:
        yield
    finally:
        _caller.reset(reset)


class Verifier:
    """Checks tokens against a JWK set, and remembers those that held.

    `source` is a file's path or an http(s) address. A token signed by an
    unknown key makes the set be read again, at most once in `refresh_s`.
    """

    def __init__(
        self,
        source: str,
        *,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        refresh_s: float = 30.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._source, self._refresh_s, self._now = source, refresh_s, now
        self._issuer, self._audience = issuer, audience
        self._keys: KeySet | None = None
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._held: OrderedDict[str, Caller] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller that a token stands for. Raises Unauthenticated."""
        if (known := self._held.get(token)) is not None:
            if known.expires_at + LEEWAY_S > self._now():
                return known
            del self._held[token]
        if len(token) > TOKEN_BYTES_MAX:
            raise Unauthenticated(f"The token is longer than {TOKEN_BYTES_MAX} bytes.")
        who = self._decode(token, await self._key_set())
        if who is None:
            who = self._decode(token, await self._key_set(again=True))
        if who is None:
            raise Unauthenticated("The token's signature does not match any key of this installation.")
        self._held[token] = who
        if len(self._held) > REMEMBERED_TOKENS_MAX:
            self._held.popitem(last=False)
        return who

    def _decode(self, token: str, keys: KeySet) -> Caller | None:
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError, TypeError):
            # A stranger's header may hold any JSON where the library expects a text or a list.
            return None
        claims = decoded.claims
        audience = claims.get("aud")
        if claims.get("iss") != self._issuer:
            raise Unauthenticated(f"The token's issuer is not {self._issuer!r}.")
        if audience != self._audience and not (isinstance(audience, list) and self._audience in audience):
            raise Unauthenticated(f"The token is not for {self._audience!r}.")
        expires_at, begins_at = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expires_at, int | float) or expires_at + LEEWAY_S <= self._now():
            raise Unauthenticated("The token has expired, or states no expiry.", code="expired_token")
        if not isinstance(begins_at, int | float) or begins_at - LEEWAY_S > self._now():
            raise Unauthenticated("The token is not valid yet.")
        brand, subject, scope = claims.get("brand"), claims.get("sub"), claims.get("scope")
        if not isinstance(brand, str) or not IDENTIFIER.fullmatch(brand):
            raise Unauthenticated("The token names no brand of 1 to 64 characters of A-Z a-z 0-9 _ -.")
        if not isinstance(subject, str) or not IDENTIFIER.fullmatch(subject):
            raise Unauthenticated("The token names no subject of 1 to 64 characters of A-Z a-z 0-9 _ -.")
        scopes = frozenset(scope.split()) if isinstance(scope, str) else frozenset()
        return Caller(brand, subject, scopes & frozenset(SCOPES), token, float(expires_at))

    async def _key_set(self, *, again: bool = False) -> KeySet:
        async with self._reading:
            stale = again and self._now() - self._read_at > self._refresh_s
            if self._keys is None or stale:
                self._keys = KeySet.import_key_set(orjson.loads(await self._read()))
                self._read_at = self._now()
            return self._keys

    async def _read(self) -> bytes:
        if not self._source.startswith(("http://", "https://")):
            return await asyncio.to_thread(Path(self._source).read_bytes)
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(self._source)).raise_for_status().content


def new_key() -> OKPKey:
    """A fresh Ed25519 signing key whose id is its RFC 7638 thumbprint."""
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"})
    return OKPKey.import_key(key.as_dict(private=True) | {"kid": key.thumbprint()})


def sign(key: OKPKey, brand: str, subject: str, scopes: str, *, lives_s: int, now: float | None = None) -> str:
    """A token for `subject` of `brand`, valid for `lives_s` seconds.

    `scopes` are separated by spaces.
    """
    issued = int(time.time() if now is None else now)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "brand": brand,
        "scope": scopes,
        "iat": issued,
        "exp": issued + lives_s,
    }
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, algorithms=ALGORITHMS)

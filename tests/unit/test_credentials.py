"""A token holds only as it was signed, for us, for its time, and for what it says."""

import base64
import hmac
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from chassis import credentials
from chassis.credentials import ALGORITHMS, LEEWAY_S, TOKEN_BYTES_MAX, Verifier, acting_as, caller, new_key, sign
from chassis.errors import DomainError, Unauthenticated

KEY = new_key()
NOW = 1_800_000_000
CLAIMS = {
    "iss": "laurels",
    "aud": "laurels",
    "sub": "ann",
    "brand": "acme",
    "scope": "member",
    "iat": NOW,
    "exp": NOW + 60,
}


class Clock:
    """A clock that is set by hand."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    publish(path, KEY)
    return path


@pytest.fixture
def verifier(jwks: Path, clock: Clock) -> Verifier:
    return Verifier(str(jwks), now=clock)


def publish(path: Path, *keys: Any) -> None:
    path.write_bytes(orjson.dumps({"keys": [key.as_dict(private=False) for key in keys]}))


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "Ed25519") -> str:
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else orjson.dumps(part)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def refused(verifier: Verifier, token: str) -> DomainError:
    with pytest.raises(Unauthenticated) as refusal:
        await verifier.verify(token)
    return refusal.value


async def test_a_caller_is_who_the_token_says(verifier: Verifier) -> None:
    who = await verifier.verify(sign(KEY, "acme", "till-1", "service manager", lives_s=60, now=NOW))
    assert (who.brand, who.subject, who.scopes) == ("acme", "till-1", {"service", "manager"})
    assert who.expires_at == NOW + 60
    assert not who.is_member_only
    assert (await verifier.verify(signed(CLAIMS))).is_member_only


async def test_a_token_may_name_us_among_others(verifier: Verifier) -> None:
    assert (await verifier.verify(signed(CLAIMS | {"aud": ["others", "laurels"]}))).subject == "ann"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": None},
        {"aud": {"laurels": True}},
        {"exp": NOW - LEEWAY_S},
        {"exp": None},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"nbf": NOW + LEEWAY_S + 1},
        {"nbf": "now"},
        {"brand": ""},
        {"brand": "*"},
        {"brand": "a.b"},
        {"brand": "acme\n"},
        {"brand": "a" * 65},
        {"brand": None},
        {"sub": "ann > bob"},
        {"sub": 7},
        {"sub": None},
    ],
    ids=str,
)
async def test_a_token_with_a_claim_that_does_not_hold_is_refused(verifier: Verifier, changed: dict[str, Any]) -> None:
    claims = {name: claim for name, claim in (CLAIMS | changed).items() if claim is not None}
    await refused(verifier, signed(claims))


async def test_clocks_may_differ_by_half_a_minute(verifier: Verifier, clock: Clock) -> None:
    assert LEEWAY_S == 30
    assert await verifier.verify(signed(CLAIMS | {"nbf": NOW + LEEWAY_S}))
    assert await verifier.verify(signed(CLAIMS | {"exp": NOW - LEEWAY_S + 1}))


async def test_a_token_that_held_expires_all_the_same(verifier: Verifier, clock: Clock) -> None:
    token = signed(CLAIMS)
    await verifier.verify(token)
    clock.now = NOW + 60 + LEEWAY_S - 1
    await verifier.verify(token)
    clock.now += 1
    assert (await refused(verifier, token)).reason == "expired_token"


@pytest.mark.parametrize("scope", ["", "admin", "MEMBER", "member,service", ["service"], None])
async def test_scopes_that_there_are_not_give_nothing(verifier: Verifier, scope: Any) -> None:
    assert (await verifier.verify(signed(CLAIMS | {"scope": scope}))).scopes == frozenset()


# Signatures


async def test_algorithms_are_pinned_to_public_key_signatures() -> None:
    assert ALGORITHMS == ["EdDSA", "Ed25519", "ES256"]


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
async def test_an_unsigned_token_is_refused(verifier: Verifier, algorithm: str) -> None:
    for signature in ("", encoded(b"x" * 64)):
        await refused(verifier, f"{encoded({'alg': algorithm, 'kid': KEY.kid})}.{encoded(CLAIMS)}.{signature}")


async def test_a_token_signed_with_a_published_key_as_a_shared_secret_is_refused(verifier: Verifier) -> None:
    """The public half is known to everybody; an algorithm taken from the token would make it a password."""
    header, payload = encoded({"alg": "HS256", "kid": KEY.kid}), encoded(CLAIMS)
    public = KEY.as_dict(private=False)
    secrets = (
        public["x"].encode(),
        base64.urlsafe_b64decode(public["x"] + "="),
        orjson.dumps(public),
        KEY.as_pem(False),
    )
    for secret in secrets:
        signature = hmac.digest(secret, f"{header}.{payload}".encode(), "sha256")
        await refused(verifier, f"{header}.{payload}.{encoded(signature)}")


async def test_a_token_of_another_key_is_refused_whatever_id_it_claims(verifier: Verifier) -> None:
    other = OKPKey.import_key(new_key().as_dict(private=True) | {"kid": KEY.kid})
    await refused(verifier, signed(CLAIMS, other))
    await refused(verifier, signed(CLAIMS, new_key()))


async def test_a_published_key_of_another_kind_is_of_no_use(jwks: Path, verifier: Verifier) -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "rsa"})
    publish(jwks, rsa)
    await refused(verifier, signed(CLAIMS, rsa, "RS256"))


async def test_es256_holds_too(jwks: Path, verifier: Verifier) -> None:
    key = ECKey.generate_key("P-256", {"kid": "provider"})
    publish(jwks, key)
    assert (await verifier.verify(signed(CLAIMS, key, "ES256"))).subject == "ann"


async def test_a_changed_token_is_refused(verifier: Verifier) -> None:
    header, payload, signature = signed(CLAIMS).split(".")
    await refused(verifier, f"{header}.{encoded(CLAIMS | {'sub': 'bob'})}.{signature}")
    await refused(verifier, f"{header}.{payload}.{encoded(b'x' * 64)}")
    await refused(verifier, f"{header}.{payload}.")


async def test_a_long_token_is_refused_unread(tmp_path: Path) -> None:
    nowhere = Verifier(str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError):
        await nowhere.verify("x" * TOKEN_BYTES_MAX)
    await refused(nowhere, "x" * (TOKEN_BYTES_MAX + 1))


class Published(Verifier):
    """A verifier whose keys are in no file."""

    async def _read(self) -> bytes:
        return orjson.dumps({"keys": [KEY.as_dict(private=False)]})


STRANGERS = Published("")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from([*ALGORITHMS, "none", "HS256", "RS256"]) | JSON,
        "kid": st.just(KEY.kid) | JSON,
        **dict.fromkeys(("typ", "crit", "b64", "jwk", "jku", "x5c", "x5u", "x5t", "cty", "enc", "zip"), JSON),
    },
)


@given(
    st.text(max_size=40)
    | st.builds(
        lambda header, payload, tail: f"{encoded(header)}.{encoded(payload)}.{tail}",
        HEADERS | JSON,
        JSON,
        st.text(max_size=9),
    )
)
@example(f"{encoded({'alg': 'EdDSA', 'crit': 1})}.e30.x")
@settings(max_examples=200, deadline=None)
async def test_whatever_a_stranger_sends_is_refused_and_nothing_else_happens(text: str) -> None:
    await refused(STRANGERS, text)


# Keys that come and go


class Counting(Verifier):
    """A verifier that counts how often it reads its keys."""

    reads = 0

    async def _read(self) -> bytes:
        self.reads += 1
        return await super()._read()


async def test_a_new_key_is_read_when_it_is_met_and_at_most_once_in_an_interval(jwks: Path, clock: Clock) -> None:
    verifier = Counting(str(jwks), now=clock, refresh_s=30)
    first, later = new_key(), new_key()
    await verifier.verify(signed(CLAIMS))
    assert verifier.reads == 1
    publish(jwks, KEY, first)
    clock.now += 31
    assert (await verifier.verify(signed(CLAIMS | {"exp": NOW + 999}, first))).subject == "ann"
    assert verifier.reads == 2
    publish(jwks, KEY, first, later)
    for _ in range(20):
        await refused(verifier, signed(CLAIMS | {"exp": NOW + 999}, later))
    assert verifier.reads == 2
    clock.now += 31
    assert await verifier.verify(signed(CLAIMS | {"exp": NOW + 999}, later))
    assert verifier.reads == 3


async def test_known_keys_are_not_read_again(jwks: Path, clock: Clock) -> None:
    verifier = Counting(str(jwks), now=clock)
    for number in range(5):
        clock.now += 1_000
        await verifier.verify(signed(CLAIMS | {"sub": f"m{number}", "exp": clock.now + 60}))
    assert verifier.reads == 1


async def test_the_remembered_tokens_are_bounded(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "REMEMBERED_TOKENS_MAX", 3)
    for number in range(6):
        await verifier.verify(signed(CLAIMS | {"sub": f"m{number}"}))
    assert len(verifier._held) == 3


# Callers


async def test_a_request_has_one_caller_and_there_is_none_outside_of_it(verifier: Verifier) -> None:
    who = await verifier.verify(signed(CLAIMS))
    with acting_as(who):
        assert caller() is who
    with pytest.raises(LookupError):
        caller()


def test_a_key_s_id_is_its_thumbprint() -> None:
    assert KEY.kid == KEY.thumbprint()
    assert new_key().kid != KEY.kid


async def test_a_token_lives_as_long_as_was_asked(jwks: Path) -> None:
    who = await Verifier(str(jwks)).verify(sign(KEY, "acme", "ann", "member", lives_s=90))
    assert 85 < who.expires_at - time.time() <= 90

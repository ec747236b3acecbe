"""The edge: credentials, limits, headers, probes, documentation."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from chassis.credentials import new_key, sign
from gateway.limits import Rate, TokenBuckets
from gateway.problems import TooManyRequests
from gateway.settings import GatewaySettings
from tests.unit.gateway_world import KEY, World, bearer, gateway, gateway_settings, token
from tests.unit.test_gateway_transcoder import problem


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with gateway(tmp_path) as running:
        yield running


# Credentials


def forged() -> str:
    """A token whose signature is made with the public key as if it were a secret (RFC 8725 section 2.1)."""
    secret = OctKey.import_key(KEY.as_dict(private=False)["x"])
    claims = {"iss": "laurels", "aud": "laurels", "brand": "acme", "sub": "shop", "scope": "manager", "exp": 2**33}
    return jwt.encode({"alg": "HS256", "kid": KEY.kid}, claims, secret, algorithms=["HS256"])


def unsigned() -> str:
    _, body, _ = token(scope="manager").split(".")
    return f"eyJhbGciOiJub25lIn0.{body}."


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic c2hvcDpzaG9w",
        token(),
        "Bearer x",
        "Bearer a.b.c",
        "Bearer é",
        f"Bearer {'x' * 20_000}",
        f"Bearer {token()}x",
        f"Bearer {sign(new_key(), 'acme', 'shop', 'manager', lives_s=60)}",
        f"Bearer {forged()}",
        f"Bearer {unsigned()}",
        f"Bearer {token(lives_s=-60)}",
        f"Bearer {token('a.b')}",
        f"Bearer {token(brand='a>b')}",
    ],
)
async def test_without_a_credential_that_holds_nothing_is_done(world: World, header: str | None) -> None:
    headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    response = await world.request("GET", "/v1/rewards", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="laurels"')
    assert not world.services.requests


async def test_an_expired_token_is_told_as_such(world: World) -> None:
    problem(await world.request("GET", "/v1/rewards", headers=bearer(lives_s=-60)), 401, "expired_token")


async def test_two_credentials_are_none(world: World) -> None:
    pairs = [*bearer().items(), *bearer("other").items()]
    problem(await world.request("GET", "/v1/rewards", headers=pairs), 401, "no_credential")


@pytest.mark.parametrize("scope", ["", "admin", "manager"])
async def test_a_scope_that_is_not_enough_is_refused_before_the_body_is_read(world: World, scope: str) -> None:
    response = await world.request("POST", "/v1/activities", headers=bearer(scope=scope), content=b"not json")
    problem(response, 403, "permission_denied")


async def test_a_token_is_in_no_log_line(world: World, capsys: Any) -> None:
    def fail(_: Any) -> Any:
        raise RuntimeError("broken")

    world.services.answers["ListRewards"] = fail
    headers = bearer()
    await world.request("GET", "/v1/rewards?secret=s3cret", headers=headers)
    await world.request("GET", "/v1/rewards", headers=headers | {"x-request-id": headers["authorization"]})
    out, err = capsys.readouterr()
    assert "request failed" in out + err
    assert token().split(".")[1] not in out + err
    assert headers["authorization"].split(".")[2] not in out + err
    assert "s3cret" not in out + err


async def test_keys_that_cannot_be_read_are_our_fault(tmp_path: Path) -> None:
    async with gateway(tmp_path) as world:
        (tmp_path / "jwks.json").unlink()
        problem(await world.request("GET", "/v1/rewards"), 503, "unavailable")


# Limits


async def test_a_body_over_the_limit_is_refused_by_its_stated_length(tmp_path: Path) -> None:
    async with gateway(tmp_path, body_bytes_max=1_024) as world:
        response = await world.request("POST", "/v1/activities", content=b" " * 1_025)
        problem(response, 413, "body_too_large")


async def test_a_body_over_the_limit_is_refused_while_it_arrives(tmp_path: Path) -> None:
    async with gateway(tmp_path, body_bytes_max=1_024) as world:
        sent = 0

        async def chunks() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(1_000):
                sent += 1
                yield b" " * 100

        response = await world.request("POST", "/v1/activities", content=chunks())
        problem(response, 413, "body_too_large")
        assert sent < 20


async def test_a_body_that_does_not_arrive_is_given_up(tmp_path: Path) -> None:
    async with gateway(tmp_path, body_timeout_s=0.05) as world:

        async def chunks() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.sleep(5)
            yield b"}"

        problem(await world.request("POST", "/v1/activities", content=chunks()), 408, "request_timeout")


async def test_a_credential_that_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with gateway(tmp_path, member_rate_per_s=0.5, member_burst=3) as world:
        headers = bearer("c1", "member")
        statuses = [(await world.request("GET", "/v1/members/me", headers=headers)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = await world.request("GET", "/v1/members/me", headers=headers)
        problem(refused, 429, "too_many_requests")
        assert refused.headers["retry-after"] == "2"
        others = [bearer("c2", "member"), bearer("c1", "member", brand="other"), bearer()]
        for other in others:
            assert (await world.request("GET", "/v1/rewards", headers=other)).status_code == 200


def test_a_bucket_fills_up_again_and_not_beyond() -> None:
    now = 0.0
    buckets = TokenBuckets(lambda: now)
    rate = Rate(per_s=2, burst=2)

    def taken() -> int:
        count = 0
        try:
            while True:
                buckets.take("k", rate)
                count += 1
        except TooManyRequests:
            return count

    assert taken() == 2
    now = 0.5
    assert taken() == 1
    now = 1_000.0
    assert taken() == 2


async def test_more_requests_than_may_be_at_hand_are_refused_and_probes_are_not(tmp_path: Path) -> None:
    async with gateway(tmp_path, requests_max=2) as world:
        go_on = asyncio.Event()

        async def wait(_: Any) -> Any:
            await go_on.wait()
            return world_response()

        def world_response() -> Any:
            from laurels.points.v1 import points_pb2

            return points_pb2.ListRewardsResponse()

        world.services.answers["ListRewards"] = wait
        waiting = [asyncio.create_task(world.request("GET", "/v1/rewards")) for _ in range(2)]
        while len(world.services.requests) < 2:
            await asyncio.sleep(0.01)
        refused = await world.request("GET", "/v1/rewards")
        problem(refused, 503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        assert (await world.request("GET", "/healthz", headers={})).status_code == 200
        go_on.set()
        assert [(await task).status_code for task in waiting] == [200, 200]
        assert (await world.request("GET", "/v1/rewards")).status_code == 200


# Headers


async def test_every_answer_carries_the_security_headers_and_an_id(world: World) -> None:
    for path in ("/v1/rewards", "/nope", "/healthz", "/docs"):
        response = await world.request("GET", path)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert len(response.headers["x-request-id"]) == 32
        assert "server" not in response.headers


@pytest.mark.parametrize(("stated", "kept"), [("abc-1._Z", True), ("a b", False), ("x" * 65, False), ("a,b", False)])
async def test_a_request_keeps_its_id_when_it_is_a_plain_one(world: World, stated: str, kept: bool) -> None:
    response = await world.request("GET", "/v1/rewards", headers=bearer() | {"x-request-id": stated})
    assert (response.headers["x-request-id"] == stated) == kept


async def test_a_path_is_told_back_only_in_printable_ascii(world: World) -> None:
    response = await world.request("GET", "/v1/x%0d%0aset-cookie:a=b/" + "y" * 1_000)
    body = problem(response, 404, "no_such_route")
    assert len(body["instance"]) <= 200
    assert "\r" not in body["instance"]
    assert "set-cookie" not in response.headers


async def test_only_configured_origins_may_call_from_a_browser(tmp_path: Path) -> None:
    async with gateway(tmp_path, cors_origins="https://app.example, https://b.example") as world:
        asks = {"origin": "https://app.example", "access-control-request-method": "POST"}
        asks |= {"access-control-request-headers": "authorization,idempotency-key,content-type"}
        preflight = await world.request("OPTIONS", "/v1/activities", headers=asks)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        refusal = await world.request("GET", "/v1/rewards", headers={"origin": "https://app.example"})
        assert refusal.status_code == 401
        assert refusal.headers["access-control-allow-origin"] == "https://app.example"
        assert "X-Request-Id" in refusal.headers["access-control-expose-headers"]
        foreign = await world.request("OPTIONS", "/v1/activities", headers=asks | {"origin": "https://evil.example"})
        assert foreign.status_code == 400
        assert "access-control-allow-origin" not in foreign.headers


async def test_without_configured_origins_no_browser_page_may_call(world: World) -> None:
    response = await world.request("GET", "/v1/rewards", headers=bearer() | {"origin": "https://app.example"})
    assert "access-control-allow-origin" not in response.headers


def test_origins_are_read_from_one_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POINTS", "MISSIONS", "LEADERBOARD", "RECOMMENDER"):
        monkeypatch.setenv(f"LAURELS_{name}_TARGET", "127.0.0.1:1234")
    monkeypatch.setenv("LAURELS_JWKS", "keys.json")
    monkeypatch.setenv("LAURELS_CORS_ORIGINS", "https://a.example,https://b.example")
    settings = GatewaySettings()  # type: ignore[call-arg]
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert gateway_settings(tmp_path, "127.0.0.1:1").targets["points"] == "127.0.0.1:1"


# Probes and documentation


async def test_probes_need_no_credential(world: World) -> None:
    assert (await world.request("GET", "/healthz", headers={})).json() == {"status": "alive"}
    assert (await world.request("GET", "/readyz", headers={})).status_code == 200
    world.ready["yes"] = False
    response = await world.request("GET", "/readyz", headers={})
    assert (response.status_code, response.json()["status"]) == (503, "not_ready")


async def test_metrics_name_routes_and_nobody(world: World) -> None:
    await world.request("GET", "/v1/members/very-secret-member")
    await world.request("GET", "/v1/unknown-path-of-an-attacker")
    await world.request("BREW", "/v1/rewards")
    text = (await world.request("GET", "/metrics", headers={})).text
    assert 'route="/v1/members/{member}"' in text
    assert "very-secret-member" not in text
    assert "unknown-path-of-an-attacker" not in text
    assert "BREW" not in text
    assert "acme" not in text


async def test_the_documentation_runs_nothing_from_elsewhere(world: World) -> None:
    page = await world.request("GET", "/docs", headers={})
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in page.text.replace("http-equiv", "")
    for path in ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js", "/docs/favicon-32x32.png"):
        assert path in page.text
        assert (await world.request("GET", path, headers={})).status_code == 200
    problem(await world.request("GET", "/docs/index.html", headers={}), 404, "no_such_route")
    problem(await world.request("GET", "/docs/..%2f..%2fapp.py", headers={}), 404, "no_such_route")


async def test_the_document_is_not_sent_again(world: World) -> None:
    first = await world.request("GET", "/openapi.json", headers={})
    assert first.json()["openapi"].startswith("3.1")
    again = await world.request("GET", "/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304

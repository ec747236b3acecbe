"""The transcoder: what a request says reaches the service, and what the service says reaches the caller."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chassis import errors
from chassis.errors import FieldViolation
from gateway.contract import methods
from gateway.json_codec import INTEGER_MAX
from laurels.activity.v1 import activity_pb2
from laurels.leaderboard.v1 import leaderboard_pb2
from laurels.points.v1 import points_pb2
from laurels.programme.v1 import programme_pb2
from tests.unit.gateway_world import World, bearer, gateway, token

SPEND = "/v1/members/c1/wallets/points:spend"
GRPC_ROUNDS_UP_S = 0.1
"""By how much a time-out of seconds may grow on its way: it travels in three digits, rounded up."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with gateway(tmp_path) as running:
        yield running


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert response.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:laurels:problem:{code}"
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    return body


async def test_every_rpc_of_the_contract_has_a_route_that_reaches_it(world: World) -> None:
    for method in methods():
        for binding in method.bindings:
            path = binding.template.replace("{", "").replace("}", "")
            scope = max(method.rule.scopes)
            headers = bearer("member", scope) | {"idempotency-key": "k"}
            response = await world.request(binding.verb, path, headers=headers)
            assert response.status_code == 200, (binding, response.text)
            assert world.services.requests[-1].DESCRIPTOR.name == f"{method.descriptor.name}Request"


async def test_path_body_and_header_make_one_message(world: World) -> None:
    headers = bearer() | {"Idempotency-Key": "order-1"}
    response = await world.request("POST", SPEND, headers=headers, json={"amount": 5, "reference": "tea"})
    assert response.status_code == 200
    assert world.services.requests == [
        points_pb2.SpendRequest(member="c1", currency="points", amount=5, reference="tea", idempotency_key="order-1")
    ]


async def test_the_answer_is_the_message_with_its_zero_values(world: World) -> None:
    world.services.answers["Spend"] = lambda request: points_pb2.SpendResponse(
        entry=points_pb2.Entry(id=7, currency=request.currency, amount=-5, kind="ENTRY_KIND_SPEND")
    )
    response = await world.request("POST", SPEND, headers=bearer() | {"idempotency-key": "k"}, json={"amount": 5})
    entry = {"id": 7, "currency": "points", "amount": -5, "balance": 0, "kind": "spend", "reference": ""}
    assert response.json() == {"entry": entry}
    assert response.headers["cache-control"] == "no-store"


async def test_a_query_is_typed_by_the_message(world: World) -> None:
    response = await world.request("GET", "/v1/leaderboards/top/entries?page_size=10&page_token=a%26b")
    assert response.status_code == 200
    expected = leaderboard_pb2.ListLeaderboardEntriesRequest(board="top", page_size=10, page_token="a&b")
    assert world.services.requests == [expected]


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        ("page_size=ten", "page_size", "must be a whole number, not text"),
        ("page_size=1.0", "page_size", "must be a whole number, not text"),
        ("page_size=", "page_size", "must be a whole number, not text"),
        ("page_size=99999999999", "page_size", "must be between -2147483648 and 2147483647"),
        ("page_size=1&page_size=1", "page_size", "is stated twice"),
        ("pagesize=1", "pagesize", "is not a parameter of this request"),
        ("board=x", "board", "is not stated by the query here"),
        ("page_token=%00", "page_token", "must be Unicode text without the character U+0000"),
    ],
)
async def test_a_wrong_parameter_is_named(world: World, query: str, field: str, detail: str) -> None:
    body = problem(await world.request("GET", f"/v1/leaderboards/top/entries?{query}"), 400, "invalid_argument")
    assert body["errors"] == [{"field": field, "detail": detail}]
    assert not world.services.requests


async def test_a_query_that_is_not_text_is_refused(world: World) -> None:
    problem(await world.request("GET", "/v1/rewards?a=%ff"), 400, "invalid_argument")
    problem(await world.request("GET", "/v1/rewards?" + "a=1&" * 200), 400, "invalid_argument")


async def test_a_post_takes_no_query(world: World) -> None:
    problem(await world.request("POST", "/v1/members?member=c1", json={"member": "c1"}), 400, "invalid_argument")


async def test_me_is_the_member_whose_credential_it_is(world: World) -> None:
    headers = bearer("c7", "member")
    assert (await world.request("GET", "/v1/members/me/wallets", headers=headers)).status_code == 200
    assert world.services.requests[-1].member == "c7"
    response = await world.request(
        "POST", "/v1/members/me/wallets/points:spend", headers=headers | {"idempotency-key": "k"}, json={"member": "me"}
    )
    assert response.status_code == 200
    assert world.services.requests[-1].member == "c7"


async def test_me_means_nobody_for_a_back_end(world: World) -> None:
    body = problem(await world.request("GET", "/v1/members/me/wallets"), 400, "invalid_argument")
    assert body["errors"][0]["field"] == "member"
    problem(await world.request("POST", "/v1/members", json={"member": "me"}), 400, "invalid_argument")


@pytest.mark.parametrize("path", ["/v1/members/c2", "/v1/members/c2/wallets", "/v1/members/nobody", "/v1/members/ME"])
async def test_another_member_is_answered_like_one_that_does_not_exist(world: World, path: str) -> None:
    problem(await world.request("GET", path, headers=bearer("c1", "member")), 404, "unknown_member")
    assert not world.services.requests


async def test_a_back_end_may_read_any_member(world: World) -> None:
    assert (await world.request("GET", "/v1/members/c2")).status_code == 200


async def test_a_member_who_is_also_a_back_end_is_held_to_their_own_where_only_members_may(world: World) -> None:
    headers = bearer("c1", "member service")
    assert (await world.request("GET", "/v1/members/c2", headers=headers)).status_code == 200
    assert (await world.request("GET", "/v1/members/me", headers=headers)).status_code == 200
    assert world.services.requests[-1].member == "c1"


async def test_where_the_member_is_optional_a_member_names_themselves_or_nobody(world: World) -> None:
    headers = bearer("c1", "member")
    nobody = await world.request("GET", "/v1/rewards", headers=headers)
    assert (nobody.status_code, nobody.headers["cache-control"]) == (200, "private, no-cache")
    for path in ("/v1/rewards?member=me", "/v1/rewards?member=c1", "/v1/members/me/rewards"):
        own = await world.request("GET", path, headers=headers)
        assert (own.status_code, own.headers["cache-control"]) == (200, "no-store")
        assert world.services.requests[-1].member == "c1"
    for path in ("/v1/rewards?member=c2", "/v1/members/c2/rewards"):
        problem(await world.request("GET", path, headers=headers), 404, "unknown_member")


async def test_a_path_field_may_be_repeated_in_the_body_only_as_it_is(world: World) -> None:
    headers = bearer() | {"idempotency-key": "k"}
    same = await world.request("POST", SPEND, headers=headers, json={"member": "c1", "amount": 1})
    assert same.status_code == 200
    other = await world.request("POST", SPEND, headers=headers, json={"member": "c2", "amount": 1})
    assert problem(other, 400, "invalid_argument")["errors"][0]["field"] == "member"


async def test_value_is_not_moved_without_a_key(world: World) -> None:
    body = problem(await world.request("POST", SPEND, json={"amount": 1}), 400, "idempotency_key_required")
    assert body["errors"] == [{"field": "Idempotency-Key", "detail": "is required"}]
    empty = await world.request("POST", SPEND, json={"amount": 1, "idempotency_key": ""})
    problem(empty, 400, "idempotency_key_required")
    assert not world.services.requests


async def test_the_key_may_be_in_the_body_and_in_quotes(world: World) -> None:
    for headers, key in (({}, "k1"), ({"idempotency-key": '"k1"'}, "k1"), ({"idempotency-key": "k1"}, "k1")):
        body = {"amount": 1} | ({} if headers else {"idempotency_key": key})
        response = await world.request("POST", SPEND, headers=bearer() | headers, json=body)
        assert response.status_code == 200
        assert world.services.requests[-1].idempotency_key == key


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 129])
async def test_a_malformed_key_is_refused(world: World, key: str) -> None:
    headers = [(b"authorization", f"Bearer {token()}".encode()), (b"idempotency-key", key.encode("latin-1"))]
    response = await world.request("POST", SPEND, headers=headers, json={"amount": 1})
    body = problem(response, 400, "invalid_argument")
    assert body["errors"][0]["field"] == "Idempotency-Key"


async def test_two_different_keys_are_refused(world: World) -> None:
    headers = bearer() | {"idempotency-key": "a"}
    response = await world.request("POST", SPEND, headers=headers, json={"amount": 1, "idempotency_key": "b"})
    problem(response, 400, "invalid_argument")
    pairs = [*bearer().items(), ("idempotency-key", "a"), ("idempotency-key", "b")]
    problem(await world.request("POST", SPEND, headers=pairs, json={"amount": 1}), 400, "invalid_argument")


async def test_a_key_where_none_is_needed_is_passed_over(world: World) -> None:
    headers = bearer() | {"idempotency-key": "k"}
    assert (await world.request("POST", "/v1/members", headers=headers, json={"member": "c1"})).status_code == 200


@pytest.mark.parametrize("body", [b"{", b'{"member":"a","member":"b"}', b"NaN", b"\xff", b"{'a':1}"])
async def test_a_malformed_body_is_refused(world: World, body: bytes) -> None:
    headers = bearer() | {"content-type": "application/json"}
    problem(await world.request("POST", "/v1/members", headers=headers, content=body), 400, "malformed_json")


async def test_a_body_that_is_no_object_is_refused(world: World) -> None:
    problem(await world.request("POST", "/v1/members", json=["c1"]), 400, "invalid_argument")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_a_body_that_is_not_plain_json_is_refused(world: World, headers: dict[str, str]) -> None:
    response = await world.request("POST", "/v1/members", headers=bearer() | headers, content=b'{"member":"c1"}')
    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media", ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json", None]
)
async def test_json_has_several_names(world: World, media: str | None) -> None:
    headers = bearer() | ({"content-type": media} if media else {})
    response = await world.request("POST", "/v1/members", headers=headers, content=b'{"member":"c1"}')
    assert response.status_code == 200


async def test_a_request_of_nothing_needs_no_body(world: World) -> None:
    assert (await world.request("POST", "/v1/scratch-cards/k1:reveal")).status_code == 200
    assert world.services.requests[-1].card == "k1"


async def test_a_thousand_activities_reach_the_service_as_they_were_sent(world: World) -> None:
    world.services.answers["RecordActivities"] = lambda request: activity_pb2.RecordActivitiesResponse(
        accepted=len(request.activities)
    )
    activities = [
        {
            "id": f"a{n}",
            "member": f"c{n % 7}",
            "type": "purchase",
            "occurred_at": "1997-01-01T00:00:00Z",
            "attributes": {"amount": n, "quantity": 1},
        }
        for n in range(1_000)
    ]
    response = await world.request("POST", "/v1/activities", json={"activities": activities})
    assert response.json() == {"accepted": 1_000, "duplicates": 0, "results": []}
    sent = world.services.requests[0].activities
    assert [(a.id, a.attributes["amount"], a.occurred_at.seconds) for a in sent] == [
        (f"a{n}", n, 852_076_800) for n in range(1_000)
    ]


# Answers to GET


async def test_what_did_not_change_is_not_sent_again(world: World) -> None:
    first = await world.request("GET", "/v1/rewards")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for stated in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await world.request("GET", "/v1/rewards", headers=bearer() | {"if-none-match": stated})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    world.services.answers["ListRewards"] = lambda _: points_pb2.ListRewardsResponse(rewards=[{"id": "r"}])
    changed = await world.request("GET", "/v1/rewards", headers=bearer() | {"if-none-match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


async def test_what_concerns_a_member_is_not_stored(world: World) -> None:
    response = await world.request("GET", "/v1/members/c1/wallets")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Authorization"


async def test_a_head_is_a_get_without_its_body(world: World) -> None:
    full = await world.request("GET", "/v1/rewards")
    head = await world.request("HEAD", "/v1/rewards")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == full.headers["etag"]
    assert head.headers["content-length"] == full.headers["content-length"]


async def test_options_and_wrong_methods_say_what_is_allowed(world: World) -> None:
    options = await world.request("OPTIONS", "/v1/members/c1", headers={})
    assert (options.status_code, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")
    refused = await world.request("DELETE", "/v1/rewards")
    problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
    problem(await world.request("PUT", "/healthz"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v2/rewards", "/v1/rewards/", "/v1//rewards", "/v1/members/a/b/c/d"]
)
async def test_other_paths_are_not_there(world: World, path: str) -> None:
    problem(await world.request("GET", path), 404, "no_such_route")


# What services say


def raising(error: Exception) -> Any:
    def answer(_: Any) -> Any:
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidArgument("No."), 400, "invalid_argument"),
        (errors.Unauthenticated("No."), 401, "unauthenticated"),
        (errors.PermissionDenied("No."), 403, "permission_denied"),
        (errors.NotFound("No.", code="unknown_board"), 404, "unknown_board"),
        (errors.IdempotencyConflict("No."), 422, "idempotency_conflict"),
        (errors.Aborted("No.", code="stale_version"), 409, "stale_version"),
        (errors.FailedPrecondition("No.", code="insufficient_points"), 409, "insufficient_points"),
        (errors.ResourceExhausted("No."), 429, "resource_exhausted"),
        (errors.Unavailable("No."), 503, "unavailable"),
    ],
)
async def test_a_services_refusal_is_told_as_it_was_made(world: World, error: Any, status: int, code: str) -> None:
    world.services.answers["ListRewards"] = raising(error)
    response = await world.request("GET", "/v1/rewards")
    body = problem(response, status, code)
    assert body["detail"] == "No."
    assert body["instance"] == "/v1/rewards"
    assert ("retry-after" in response.headers) == (status in (429, 503))
    assert ("www-authenticate" in response.headers) == (status == 401)


async def test_a_services_bad_fields_are_named(world: World) -> None:
    error = errors.InvalidArgument.of([FieldViolation("activities[0].type", "is not declared")])
    world.services.answers["RecordActivities"] = raising(error)
    body = problem(await world.request("POST", "/v1/activities", json={}), 400, "invalid_argument")
    assert body["errors"] == [{"field": "activities[0].type", "detail": "is not declared"}]


async def test_a_services_failure_is_told_without_its_insides(world: World, capsys: Any) -> None:
    world.services.answers["ListRewards"] = raising(RuntimeError("password=hunter2"))
    response = await world.request("GET", "/v1/rewards", headers=bearer() | {"x-request-id": "find-me"})
    problem(response, 500, "internal")
    assert "hunter2" not in response.text
    assert "find-me" in response.text


async def test_a_value_that_json_cannot_keep_is_a_failure(world: World) -> None:
    entry = points_pb2.Entry(amount=INTEGER_MAX + 1)
    world.services.answers["ListEntries"] = lambda _: points_pb2.ListEntriesResponse(entries=[entry])
    problem(await world.request("GET", "/v1/members/c1/entries"), 500, "internal")


async def test_a_service_that_is_too_slow_is_told_as_such(tmp_path: Path) -> None:
    async with gateway(tmp_path, call_deadline_s=0.1) as world:

        async def slow(_: Any) -> Any:
            await asyncio.sleep(5)

        world.services.answers["ListRewards"] = slow
        problem(await world.request("GET", "/v1/rewards"), 504, "deadline_exceeded")


async def test_a_service_that_is_gone_is_told_without_its_address(tmp_path: Path) -> None:
    async with gateway(tmp_path, points_target="127.0.0.1:1") as world:
        response = await world.request("GET", "/v1/rewards")
        problem(response, 503, "unavailable")
        assert response.headers["retry-after"] == "1"
        assert "127.0.0.1" not in response.text


async def test_a_service_passes_for_whom_the_caller_is(world: World) -> None:
    stated = {
        "x-request-id": "abc-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "brand": "evil",
        "x-laurels-brand": "evil",
        "x-member": "c9",
    }
    headers = bearer()
    assert (await world.request("GET", "/v1/rewards", headers=headers | stated)).status_code == 200
    metadata = world.services.metadata[-1]
    assert metadata["authorization"] == headers["authorization"]
    assert metadata["x-request-id"] == "abc-1"
    assert metadata["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert not [key for key in metadata if "brand" in key or "member" in key]
    assert 0 < world.services.remaining_s[-1] <= 2.0 + GRPC_ROUNDS_UP_S


# The programme


def finding(*problems: tuple[str, str]) -> Any:
    """Each call to ValidateProgramme finds the next problem, as if each service found its own."""
    left = list(problems)

    def answer(_: Any) -> Any:
        found = [left.pop(0)] if left else []
        return programme_pb2.ValidateProgrammeResponse(problems=[{"field": f, "detail": d} for f, d in found])

    return answer


def names(world: World) -> list[str]:
    return [request.DESCRIPTOR.name for request in world.services.requests]


async def test_a_programme_is_checked_by_every_service(world: World) -> None:
    a, b = ("points.tiers", "is empty"), ("missions.missions[0].badge", "is not a badge")
    world.services.answers["ValidateProgramme"] = finding(a, b, a)
    body = {"programme": {"name": "p"}}
    response = await world.request("POST", "/v1/programme:validate", headers=bearer(scope="manager"), json=body)
    found = sorted((p["field"], p["detail"]) for p in response.json()["problems"])
    assert found == sorted([a, b])
    assert names(world) == ["ValidateProgrammeRequest"] * 4
    assert all(request.programme.name == "p" for request in world.services.requests)


async def test_a_programme_with_a_problem_is_not_applied(world: World) -> None:
    world.services.answers["ValidateProgramme"] = finding(("points.currencies[0].id", "is empty"))
    body = {"programme": {"name": "p"}}
    response = await world.request("PUT", "/v1/programme", headers=bearer(scope="manager"), json=body)
    told = problem(response, 400, "invalid_programme")
    assert told["errors"] == [{"field": "points.currencies[0].id", "detail": "is empty"}]
    assert "ApplyProgrammeRequest" not in names(world)


async def test_a_programme_without_problems_is_applied_once(world: World) -> None:
    world.services.answers["ApplyProgramme"] = lambda _: programme_pb2.ApplyProgrammeResponse(version=3, changed=True)
    body = {"programme": {"name": "p"}, "expected_version": 2}
    response = await world.request("PUT", "/v1/programme", headers=bearer(scope="manager"), json=body)
    assert response.json() == {"version": 3, "changed": True}
    assert sorted(names(world)) == ["ApplyProgrammeRequest", *["ValidateProgrammeRequest"] * 4]
    assert names(world)[-1] == "ApplyProgrammeRequest"
    assert world.services.requests[-1].expected_version == 2


async def test_a_programme_is_not_applied_while_a_service_cannot_check_it(tmp_path: Path) -> None:
    async with gateway(tmp_path, missions_target="127.0.0.1:1") as world:
        headers = bearer(scope="manager")
        response = await world.request("PUT", "/v1/programme", headers=headers, json={"programme": {}})
        problem(response, 503, "unavailable")
        assert "ApplyProgrammeRequest" not in names(world)


@pytest.mark.parametrize("scope", ["service", "member"])
async def test_only_a_manager_touches_the_programme(world: World, scope: str) -> None:
    problem(await world.request("PUT", "/v1/programme", headers=bearer(scope=scope), json={}), 403, "permission_denied")
    assert not world.services.requests

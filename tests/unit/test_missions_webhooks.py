"""Where webhooks may go, what they carry, and when they are tried again."""

from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from chassis.sealing import Seal, WrongKey, key_of
from laurels.missions.v1.campaigns_events_pb2 import CampaignTriggered, MessageRequested
from laurels.missions.v1.events_pb2 import MissionCompleted
from services.missions.addresses import AddressRefused, checked, is_allowed, refusals
from services.missions.webhook_rules import PAUSES, SPREAD, headers_of, is_taken, next_try, plain, secret_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRIVATE = [
    "0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.8", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fc00::1",
    "fd12::1", "fe80::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["93.184.215.14", "8.8.8.8", "172.32.0.1", "2606:2800:220:1::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_are_refused_in_every_guise(text: str) -> None:
    assert not is_allowed(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_allowed(ip_address(text))


def test_loopback_is_allowed_where_that_is_set_and_nothing_else_is() -> None:
    allowed = [text for text in PRIVATE if is_allowed(ip_address(text), loopback=True)]
    assert allowed == ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]


@given(st.ip_addresses(v=4))
def test_what_stands_for_an_address_is_judged_as_that_address(address: object) -> None:
    inner = is_allowed(ip_address(str(address)))
    number = int(ip_address(str(address)))
    assert is_allowed(ip_address(f"::ffff:{address}")) == inner
    assert is_allowed(ip_address((0x0064FF9B << 96) | number)) == inner


async def test_a_name_without_an_address_is_refused() -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    async def nothing(host: str, port: int) -> list[str]:
        return []

    for resolve in (nowhere, nothing):
        with pytest.raises(AddressRefused):
            await checked("example.org", 443, resolve)


def test_http_will_do_on_this_machine_only() -> None:
    assert list(refusals("https://example.org:8443/hooks?a=b")) == []
    assert list(refusals("http://example.org/")) == ["is not an https address"]
    assert list(refusals("http://127.0.0.1:8080/", loopback=True)) == []
    assert list(refusals("http://127.0.0.1:8080/"))[1:] == ["is at a private, loopback or link-local address"]


def test_headers_verify_with_every_secret_and_in_every_zone() -> None:
    secrets = [secret_of(bytes([number] * 32)) for number in (1, 2)]
    body = '{"type":"a","data":{"naïve":"✓"}}'
    now = datetime.now(timezone(timedelta(hours=9)))
    headers = headers_of("dlv_1", body, now, secrets)
    assert headers["webhook-timestamp"] == str(int(now.timestamp()))
    for secret in secrets:
        assert Webhook(secret).verify(body, headers)["type"] == "a"


def test_a_body_has_numbers_zeros_and_times_as_the_http_face_has_them() -> None:
    event = CampaignTriggered(member="ann", campaign="c", occurrence=2**40, occurred_at=NOW)
    assert plain(event) == {
        "member": "ann", "campaign": "c", "occurrence": 2**40,
        "occurred_at": "2026-03-01T12:00:00+00:00", "programme_version": 0,
    }  # fmt: skip
    completed = MissionCompleted(member="ann")
    completed.reward.amount = 5
    assert plain(completed)["reward"] == {"currency": "", "amount": 5}
    assert plain(MessageRequested(fields={"a": "b"}))["fields"] == {"a": "b"}


@given(st.text(min_size=1), st.integers(1, 20), st.integers(0, 599).filter(lambda status: not is_taken(status)))
def test_pauses_are_those_of_the_convention_and_end(delivery: str, attempts: int, status: int) -> None:
    again = next_try(delivery, attempts, status, NOW)
    if status == 410 or attempts > len(PAUSES):
        assert again is None
    else:
        assert again is not None
        pause = PAUSES[attempts - 1]
        assert pause <= again - NOW <= pause * (1 + SPREAD)


def test_what_is_sealed_opens_at_its_place_under_its_key_alone() -> None:
    seal, other = Seal(bytes(range(32))), Seal(bytes(range(1, 33)))
    sealed = seal.close("ours/hook", b"secret")
    assert b"secret" not in sealed
    assert seal.open("ours/hook", sealed) == b"secret"
    for opener, place, text in (
        (seal, "theirs/hook", sealed),
        (other, "ours/hook", sealed),
        (seal, "ours/hook", sealed[:-1]),
        (seal, "ours/hook", b"x"),
    ):
        with pytest.raises(WrongKey):
            opener.open(place, text)


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64!", "A" * 43 + "="])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the key"):
        key_of(text)

"""`laurels bootstrap` sets NATS up as the code declares it, changes nothing twice, and says what differs."""

from collections.abc import AsyncIterator

import nats
import pytest
from nats.js.api import ConsumerConfig
from nats.js.client import JetStreamContext

from cli.bootstrap import BootstrapSettings, Drift, reconcile
from cli.embedded import SERVICES, ephemeral_servers
from cli.nats_users import nats_users

LANES = 8


@pytest.fixture(scope="module")
async def broker() -> AsyncIterator[tuple[BootstrapSettings, JetStreamContext]]:
    """A nats-server of their own, so that no service makes its stream meanwhile."""
    async with ephemeral_servers(services=()) as servers:
        password = servers.data.password
        settings = BootstrapSettings(
            nats_url=f"nats://127.0.0.1:{servers.nats.port}",
            operator_password=password("nats_operator"),
            stream_bytes_max=2**20,
            lanes=LANES,
            **{f"{user}_nats_password": password(f"nats_{user}") for user in nats_users() if user != "operator"},
        )
        client = await nats.connect(servers.nats.url("operator"), inbox_prefix=b"_INBOX.operator")
        yield settings, client.jetstream()
        await client.close()


def told(found: list[Drift]) -> dict[str, str]:
    return {drift.what: f"{drift.kind}: {drift.detail}" for drift in found}


async def test_it_makes_what_is_missing_then_finds_all_as_declared_then_mends_what_differs(
    broker: tuple[BootstrapSettings, JetStreamContext],
) -> None:
    settings, js = broker
    looked = await reconcile(settings, check=True)
    assert await js.streams_info() == [], "looking makes nothing"
    made = await reconcile(settings, check=False)
    assert {drift.what for drift in looked} == {drift.what for drift in made}
    assert {drift.kind for drift in made} == {"made"}, "and the server lets every user do what the code says"
    assert {info.config.name for info in await js.streams_info()} == {service.upper() for service in SERVICES}
    assert await reconcile(settings, check=False) == []

    stream = (await js.stream_info("POINTS")).config
    stream.max_bytes = 2**21
    await js.update_stream(stream)
    consumer = (await js.consumer_info("POINTS", f"missions-3-of-{LANES}")).config
    consumer.max_ack_pending = 7
    consumer.filter_subjects, consumer.filter_subject = ["laurels.points.TierChanged.>"], None
    await js.add_consumer("POINTS", consumer)
    await js.delete_consumer("POINTS", f"missions-4-of-{LANES}")
    await js.add_consumer("POINTS", ConsumerConfig(durable_name="missions-0-of-1"))

    found = told(await reconcile(settings, check=True))
    assert found == told(await reconcile(settings, check=False)), "looking and mending see the same"
    assert found.pop("stream POINTS") == f"changed: max_bytes is {2**21}, not {2**20}"
    changed = found.pop(f"consumer POINTS/missions-3-of-{LANES}")
    assert "max_ack_pending is 7, not 5000" in changed
    assert "TierChanged" in changed
    assert found.pop(f"consumer POINTS/missions-4-of-{LANES}").startswith("made")
    assert found.pop("consumer POINTS/missions-0-of-1").startswith("differs: nobody declares it")
    assert found == {}
    left = await reconcile(settings, check=False)
    assert [drift.what for drift in left] == ["consumer POINTS/missions-0-of-1"], "what nobody declares is left alone"


async def test_a_user_who_may_more_or_less_than_the_code_says_is_reported(
    broker: tuple[BootstrapSettings, JetStreamContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = nats_users()
    declared["gateway"]["publish"]["allow"].append("laurels.more.>")
    declared["points"]["publish"]["allow"].remove("laurels.points.>")
    monkeypatch.setattr("cli.bootstrap.nats_users", lambda: declared)
    found = told(await reconcile(broker[0], check=True))
    assert found["user gateway"] == "differs: publish laurels.more.> is not allowed"
    assert found["user points"] == "differs: publish laurels.points.> is allowed"

"""No service and no gateway starts with a secret that could be guessed."""

import pytest
from pydantic import ValidationError

from chassis.settings import ServiceSettings
from gateway.settings import GatewaySettings

STRONG = "Vd8-qkT0_w4mZsL1xPbR7u"
TARGETS = {f"{name}_target": "127.0.0.1:1" for name in ("points", "missions", "leaderboard", "recommender")}
WEAK = ["postgres", "laurels", "changeme", "0123456789", "aaaaaaaaaaaaaaaaaaaaaaaa", "p%40ssw0rd"]


def service(password: str, nats_password: str) -> ServiceSettings:
    return ServiceSettings(
        database_url=f"postgresql://app:{password}@db.internal:5432/points", nats_password=nats_password, jwks="jwks"
    )


@pytest.mark.parametrize("weak", WEAK)
def test_a_weak_password_is_refused_without_being_printed(weak: str) -> None:
    for make in (
        lambda: service(weak, STRONG),
        lambda: service(STRONG, weak),
        lambda: GatewaySettings(jwks="jwks", nats_password=weak, **TARGETS),
    ):
        with pytest.raises(ValidationError, match="the password is weak") as refused:
            make()
        assert weak not in str(refused.value).replace("the password is weak", "")


def test_a_strong_password_is_taken_and_not_shown() -> None:
    for settings in (service(STRONG, STRONG), GatewaySettings(jwks="jwks", nats_password=STRONG, **TARGETS)):
        assert settings.nats_password.get_secret_value() == STRONG
        assert STRONG not in repr(settings)


def test_a_server_may_know_its_client_by_other_means_than_a_password() -> None:
    assert (
        ServiceSettings(database_url="postgresql://db.internal/points", jwks="jwks").nats_password.get_secret_value()
        == ""
    )

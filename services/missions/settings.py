"""The missions service's settings."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from chassis.sealing import key_of
from chassis.settings import ServiceSettings
from services.missions.webhook_rules import PAUSES


class Settings(ServiceSettings):
    """The key that the webhooks' secrets are kept under, besides what all services are told."""

    # A refused key must not be printed with the refusal.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    webhook_key: SecretStr = Field(
        description="base64 of the 32 bytes that webhooks' secrets are encrypted with at rest"
    )
    webhook_loopback: bool = Field(
        False, description="whether webhooks may go to this machine's own addresses, and by http"
    )
    webhook_pauses_s: tuple[float, ...] = Field(
        tuple(pause.total_seconds() for pause in PAUSES),
        description="seconds between one try of a delivery and the next; behind the last it is given up",
        max_length=20,
    )

    @field_validator("webhook_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        key_of(value.get_secret_value())
        return value

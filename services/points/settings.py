"""The points service's settings."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings
from services.points.checkpoints import key_of


class Settings(ServiceSettings):
    """The key that the ledger is signed with and how often, besides what all services are told."""

    # A refused key must not be printed with the refusal.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    ledger_key: SecretStr = Field(description="base64 of the 32 bytes of the Ed25519 key that signs checkpoints")
    checkpoint_every_s: float = Field(60.0, gt=0, description="how often a ledger that grew is signed and published")

    @field_validator("ledger_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        key_of(value.get_secret_value())
        return value

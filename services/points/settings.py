"""The points service's settings."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings
from services.points.checkpoints import key_of


class Settings(ServiceSettings):
    """What signing the ledger and erasing members take, besides what all services are told."""

    # A refused key must not be printed with the refusal.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    ledger_key: SecretStr = Field(description="base64 of the 32 bytes of the Ed25519 key that signs checkpoints")
    checkpoint_every_s: float = Field(60.0, gt=0, description="how often a ledger that grew is signed and published")

    @field_validator("ledger_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        key_of(value.get_secret_value())
        return value

    erasure_key: SecretStr = Field(
        min_length=32, description="the key of the fingerprints that keep erased members from being enrolled again"
    )
    nats_eraser_user: str = Field(
        "", description="the NATS user who may purge streams; without one they are not purged"
    )
    nats_eraser_password: SecretStr = SecretStr("")

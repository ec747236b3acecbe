"""The leaderboard service's settings."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings
from services.leaderboard.sealing import key_of


class Settings(ServiceSettings):
    """The key that the pools' seeds are kept under, besides what all services are told."""

    # A refused key must not be printed with the refusal.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    seed_key: SecretStr = Field(description="base64 of the 32 bytes that scratch-card seeds are encrypted with at rest")

    late_period_quiet_s: float = Field(
        600.0,
        ge=0,
        description="how long a period that had its first score after its end must be quiet before it is closed",
    )

    @field_validator("seed_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        key_of(value.get_secret_value())
        return value

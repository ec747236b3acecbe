"""The points service's settings."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What erasing members takes, besides what all services are told."""

    # A refused key must not be printed with the refusal.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    erasure_key: SecretStr = Field(
        min_length=32, description="the key of the fingerprints that keep erased members from being enrolled again"
    )
    nats_eraser_user: str = Field(
        "", description="the NATS user who may purge streams; without one they are not purged"
    )
    nats_eraser_password: SecretStr = SecretStr("")

"""The recommender service's settings."""

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What remembering the erased and keeping models take, besides what all services are told."""

    erasure_key: SecretStr = Field(
        min_length=32, description="the key of the fingerprints by which nothing is decided for erased members again"
    )
    keep_every: int = Field(
        default=1_000,
        ge=1,
        description="how many outcomes a slot learns from one written version of its model to the next",
    )

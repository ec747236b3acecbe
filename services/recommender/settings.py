"""The recommender service's settings."""

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What remembering the erased takes, besides what all services are told."""

    erasure_key: SecretStr = Field(
        min_length=32, description="the key of the fingerprints by which nothing is decided for erased members again"
    )

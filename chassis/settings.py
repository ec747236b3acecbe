"""What every service is told by its environment, read once, frozen.

Each service subclasses `ServiceSettings` in its own `settings.py`; nothing else
reads the environment. Every field is the variable `LAURELS_<FIELD>`.
"""

import base64
import binascii
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PASSWORD_CHARACTERS_LEAST = 16
KEY_BYTES = 32


def strong(password: str) -> str:
    """The password, unless it could be guessed or came with a manual. ValueError.

    An empty one is none: the server then knows its client by other means.

    >>> strong("laurels")
    Traceback (most recent call last):
    ValueError: the password is weak: make one of 16 characters or more at random
    """
    if password and (len(password) < PASSWORD_CHARACTERS_LEAST or len(set(password)) < PASSWORD_CHARACTERS_LEAST // 2):
        raise ValueError(f"the password is weak: make one of {PASSWORD_CHARACTERS_LEAST} characters or more at random")
    return password


def key_of(text: str, what: str) -> bytes:
    """The secret that its base64 text stands for. ValueError, saying `what` it is, unless it is 32 bytes of a secret.

    >>> key_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "seed key")
    Traceback (most recent call last):
    ValueError: the seed key is no secret: its bytes are all the same
    """
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"the {what} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"the {what} has {len(key)} bytes, not {KEY_BYTES}")
    if len(set(key)) == 1:
        raise ValueError(f"the {what} is no secret: its bytes are all the same")
    return key


def _with_strong_password(url: SecretStr) -> SecretStr:
    strong(unquote(urlsplit(url.get_secret_value()).password or ""))
    return url


def _strong(password: SecretStr) -> SecretStr:
    strong(password.get_secret_value())
    return password


Password = Annotated[SecretStr, AfterValidator(_strong)]
"""A password that is not weak."""
DatabaseUrl = Annotated[SecretStr, AfterValidator(_with_strong_password)]
"""A database's address, whose password is not weak."""


def _number(value: object) -> object:
    """The environment's text as a number, which a choice of numbers does not make of it."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Lanes = Annotated[Literal[1, 8], BeforeValidator(_number)]
"""How many consumers each stream has."""


class ServiceSettings(BaseSettings):
    """The settings that all services share."""

    # A refused secret must not be printed with the refusal.
    model_config = SettingsConfigDict(env_prefix="LAURELS_", frozen=True, extra="ignore", hide_input_in_errors=True)

    listen: str = Field("127.0.0.1:0", description="host:port of the gRPC server; port 0 picks a free one")
    database_url: DatabaseUrl = Field(
        description="postgresql:// address with the application's role, which owns nothing"
    )
    database_pool_size: int = Field(8, ge=2, le=100)
    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str = ""
    nats_password: Password = SecretStr("")
    stream_replicas: int = Field(1, ge=1, le=5, description="copies of this service's JetStream stream")
    stream_bytes_max: int = Field(8 * 2**30, ge=2**20, description="bound on the stream's size on disk")
    jwks: str = Field(description="path or http(s) address of the JWK set that signs credentials")
    token_issuer: str = "laurels"
    token_audience: str = "laurels"
    lanes: Lanes = Field(1, description="consumers of each stream: one for all partitions, or one for each")
    batch_weight_max: int = Field(500, ge=1, le=5_000, description="requests that one transaction takes at most")
    queue_weight_max: int = Field(20_000, ge=1_000, description="requests that may wait; more are refused")
    concurrent_calls_max: int = Field(2_000, ge=1)
    deadline_default_s: float = Field(30.0, gt=0, description="for calls that state none")
    unready_s: float = Field(
        0.0, ge=0, description="how long a stopping service still takes calls, for callers to notice"
    )
    drain_s: float = Field(10.0, ge=0, description="how long a stopping service lets calls finish")
    reconcile_every_s: float = Field(30.0, gt=0)
    retention_days: int = Field(7, ge=1, description="how long published and claimed events are kept for repair")
    metrics_listen: str = Field("", description="host:port of a Prometheus page of this process alone; empty for none")
    otlp_endpoint: str = Field("", description="OTLP gRPC address that spans are sent to; empty for none")
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

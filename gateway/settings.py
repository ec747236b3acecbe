"""What the gateway is told by its environment, read once, frozen.

Every field is the variable `LAURELS_<FIELD>`.
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.settings import Password


class GatewaySettings(BaseSettings):
    """The gateway's settings."""

    # A refused secret must not be printed with the refusal.
    model_config = SettingsConfigDict(env_prefix="LAURELS_", frozen=True, extra="ignore", hide_input_in_errors=True)

    listen: str = Field("127.0.0.1:8080", description="host:port of the HTTP server; port 0 picks a free one")
    jwks: str = Field(description="path or http(s) address of the JWK set that signs credentials")
    token_issuer: str = "laurels"
    token_audience: str = "laurels"
    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str = ""
    nats_password: Password = SecretStr("")

    points_target: str = Field(description="gRPC target of the points service, such as dns:///points:50051")
    missions_target: str
    leaderboard_target: str
    recommender_target: str
    call_deadline_s: float = Field(10.0, gt=0, le=300, description="how long a service may take to answer")

    body_bytes_max: int = Field(2 * 2**20, ge=1_024, le=4 * 2**20)
    body_timeout_s: float = Field(15.0, gt=0, description="how long a body may take to arrive")
    connections_max: int = Field(10_000, ge=1, description="open connections; more are closed at once")
    requests_max: int = Field(1_000, ge=1, description="requests in flight; more are refused with 503")
    member_rate_per_s: float = Field(20.0, gt=0, description="requests a second of one member's credential")
    member_burst: int = Field(100, ge=1)
    service_rate_per_s: float = Field(2_000.0, gt=0, description="requests a second of one back end's credential")
    service_burst: int = Field(4_000, ge=1)
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="origins of browsers that may call, separated by commas; * for all"
    )

    streams_max: int = Field(2_000, ge=1, description="open event streams in all")
    streams_per_brand_max: int = Field(1_000, ge=1)
    streams_per_subject_max: int = Field(8, ge=1, description="open event streams of one member's credential")
    heartbeat_s: float = Field(15.0, gt=0, le=60, description="pause between comments on a quiet event stream")
    stalled_client_s: float = Field(
        30.0, gt=0, description="how long an event may take to leave before its stream ends"
    )

    unready_s: float = Field(0.0, ge=0, description="pause before closing, for balancers to notice")
    drain_s: float = Field(10.0, ge=0, description="how long a stopping gateway lets requests finish")
    otlp_endpoint: str = Field("", description="OTLP gRPC address that spans are sent to; empty for none")
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def targets(self) -> dict[str, str]:
        """The gRPC target of each service."""
        return {
            "points": self.points_target,
            "missions": self.missions_target,
            "leaderboard": self.leaderboard_target,
            "recommender": self.recommender_target,
        }

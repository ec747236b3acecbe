"""Commands speak to the suite as everybody does: through the gateway, with a token.

What is not said on the command line is taken from the data folder of the
suite that runs on this machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from chassis.credentials import sign
from cli.data_folder import DataFolder

TIMEOUT_S = 35.0
TOKEN_LIVES_S = 600
SUBJECT = "laurels-cli"


class CommandFailed(Exception):
    """A command cannot do its work; the sentence says why, and what to do."""


class GatewayRefused(Exception):
    """The gateway answered with a problem.

    `errors` holds (field, detail) for each bad field.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail") or problem.get("title") or "no reason given")
        found = problem.get("errors") or []
        self.errors: Sequence[tuple[str, str]] = [(str(e.get("field", "")), str(e.get("detail", ""))) for e in found]
        super().__init__(f"The gateway refused ({status} {self.code}): {self.detail}")


@dataclass(frozen=True, slots=True)
class Target:
    """Which suite to speak to, and as whom. Empty fields are taken from the data folder."""

    data: Path
    gateway: str = ""
    token: str = ""
    brand: str = "main"

    def address(self) -> str:
        """The gateway's address. Raises CommandFailed."""
        if self.gateway:
            return self.gateway.rstrip("/")
        folder = DataFolder(self.data)
        known = folder.run().get("gateway")
        if not known or not folder.is_held():
            raise CommandFailed(
                f"No suite runs on {self.data}. Start one with `laurels up`, or say which with --data or --gateway."
            )
        return str(known)

    def credential(self, scopes: str) -> str:
        """The token given, or one that lives ten minutes. Raises CommandFailed."""
        return self.token or local_token(self.data, self.brand, SUBJECT, scopes, lives_s=TOKEN_LIVES_S)


def local_token(data: Path, brand: str, subject: str, scopes: str, *, lives_s: int) -> str:
    """A token signed with the data folder's key. Raises CommandFailed."""
    folder = DataFolder(data)
    if not folder.jwks.exists():
        raise CommandFailed(
            f"{data} holds no signing key. `laurels up` makes one; another folder is named with --data, "
            "and a token of another issuer given with --token."
        )
    return sign(folder.signing_key(), brand, subject, scopes, lives_s=lives_s)


class GatewayClient:
    """JSON over HTTP. Raises GatewayRefused for a problem, CommandFailed when nobody answers."""

    def __init__(self, address: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._address = address
        if not token.isascii() or not token.isprintable():
            raise CommandFailed("The token holds characters that no token has; was it copied whole?")
        try:
            self._client = httpx.Client(
                base_url=address,
                headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
                timeout=TIMEOUT_S,
                transport=transport,
            )
        except httpx.InvalidURL as error:
            raise CommandFailed(f"{address!r} is not an address such as http://127.0.0.1:8080: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON."""
        content = None if body is None else orjson.dumps(body)
        try:
            response = self._client.request(method, path, content=content)
        except httpx.HTTPError as error:
            raise CommandFailed(f"{self._address} does not answer: {error or type(error).__name__}") from None
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise CommandFailed(
                f"{self._address} answered {method} {path} with status {response.status_code} and no JSON; "
                "is it a Laurels gateway?"
            ) from None
        if response.is_success:
            return answer
        raise GatewayRefused(response.status_code, answer if isinstance(answer, dict) else {})

"""Local credentials, for trying things out; in production an OIDC provider issues them."""

import re
from pathlib import Path

from chassis.credentials import IDENTIFIER, SCOPES
from cli.gateway_client import CommandFailed, local_token

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
LIVES_S_MAX = 366 * 86_400


def token(data: Path, brand: str, subject: str, scopes: str, lives: str) -> str:
    """A signed token. Raises CommandFailed."""
    identifier("brand", brand)
    identifier("subject", subject)
    unknown = [scope for scope in scopes.split() if scope not in SCOPES]
    if unknown or not scopes.split():
        raise CommandFailed(f"The scope {scopes!r} is not one or more of {', '.join(SCOPES)}, separated by spaces.")
    return local_token(data, brand, subject, " ".join(scopes.split()), lives_s=seconds(lives))


def identifier(what: str, value: str) -> str:
    """The value, if it can be an id. Raises CommandFailed."""
    if not IDENTIFIER.fullmatch(value):
        raise CommandFailed(f"The {what} {value!r} is not 1 to 64 characters of A-Z a-z 0-9 _ -.")
    return value


def seconds(lives: str) -> int:
    """A duration such as `90s`, `15m`, `1h` or `7d` in seconds. Raises CommandFailed.

    >>> seconds("15m")
    900
    """
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", lives)
    length_s = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if not 0 < length_s <= LIVES_S_MAX:
        raise CommandFailed(f"{lives!r} is not a duration such as 90s, 15m, 1h or 7d, of a year at most.")
    return length_s

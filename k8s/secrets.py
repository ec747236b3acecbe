"""Prints every Secret that the overlays refer to, with random values.

`python k8s/secrets.py JWKS.json | kubectl apply -f -`

For a first try. A real deployment keeps its secrets where it keeps all others,
under the same names. Printing again gives other values: do not apply it twice.
"""

import base64
import json
import os
import secrets
import sys
from pathlib import Path

SERVICES = ("points", "missions", "leaderboard", "recommender")
NAMESPACE, HOST = "laurels", "postgres-rw"


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def password() -> str:
    """Begins with a letter, or nats-server would read some as numbers."""
    return "k" + secrets.token_hex(24)


def secret_data() -> dict[str, dict[str, str]]:
    """The values of each Secret."""
    nats = {user: password() for user in (*SERVICES, "gateway", "eraser", "operator")}
    erasure = key()
    own = {
        "points": {"ledger-key": key(), "erasure-key": erasure, "nats-eraser-password": nats["eraser"]},
        "missions": {"webhook-key": key()},
        "leaderboard": {"seed-key": key()},
        "recommender": {"erasure-key": erasure},
    }
    found: dict[str, dict[str, str]] = {"laurels-nats": nats, "laurels-gateway": {"nats-password": nats["gateway"]}}
    roles: dict[str, str] = {}
    for service in SERVICES:
        urls = {}
        for role in ("owner", "app"):
            user, word = f"laurels_{service}_{role}", password()
            roles[f"{service.upper()}_{role.upper()}_PASSWORD"] = word
            urls[role] = f"postgresql://{user}:{word}@{HOST}:5432/laurels_{service}"
            found[f"laurels-{service}-{role}-role"] = {"username": user, "password": word}
        found[f"laurels-{service}"] = {"database-url": urls["app"], "nats-password": nats[service], **own[service]}
        found[f"laurels-{service}-owner"] = {"database-url": urls["owner"]}
    found["laurels-postgres"] = {"password": password()}
    found["laurels-postgres-roles"] = roles
    return found


def main() -> None:
    """Prints the Secrets, and with the path of a JWK set the ConfigMap of it."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    items: list[object] = [namespace]
    for name, data in secret_data().items():
        kind = "kubernetes.io/basic-auth" if name.endswith("-role") else "Opaque"
        metadata = {"name": name, "namespace": NAMESPACE}
        items.append({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "stringData": data})
    if len(sys.argv) > 1:
        metadata = {"name": "laurels-jwks", "namespace": NAMESPACE}
        text = {"jwks.json": Path(sys.argv[1]).read_text()}
        items.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": text})
    print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2))


if __name__ == "__main__":
    if os.isatty(1):
        sys.exit("These are secrets: send them to `kubectl apply -f -`, not to a screen.")
    main()

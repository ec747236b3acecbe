"""Who may say and hear what on NATS: the users of the suite's account, as the code needs them."""

from typing import Any

import orjson

SERVICES = ("points", "missions", "leaderboard", "recommender")
USER_INFO = "$SYS.REQ.USER.INFO"


def nats_users() -> dict[str, dict[str, Any]]:
    """The users of the suite's NATS account and what each may publish and hear.

    A service publishes its own events, looks after its own stream, reads every
    stream and answers requests. The gateway reads. `eraser` purges members'
    subjects. `operator` is for the command line's own checks.
    """
    users = {service: _service_permissions(service) for service in SERVICES}
    users["gateway"] = {
        "publish": {"allow": _reading()},
        "subscribe": {"allow": ["_INBOX.gateway.>", "laurels.>"]},
    }
    users["eraser"] = {
        "publish": {"allow": ["$JS.API.STREAM.PURGE.*", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.NAMES", USER_INFO]},
        "subscribe": {"allow": ["_INBOX.eraser.>"]},
    }
    users["operator"] = {"publish": {"allow": [">"]}, "subscribe": {"allow": [">"]}}
    return users


def _service_permissions(service: str) -> dict[str, Any]:
    stream = service.upper()
    reconciling = [f"_laurels.reconcile.{service}.*", f"_laurels.reconcile.*.{service}"]
    own = [f"laurels.{service}.>", f"$JS.API.STREAM.CREATE.{stream}", f"$JS.API.STREAM.UPDATE.{stream}"]
    return {
        "publish": {"allow": [*own, *reconciling, *_reading()]},
        "subscribe": {"allow": [f"_INBOX.{service}.>", *reconciling]},
        # A request's own reply subject, and no other inbox.
        "allow_responses": {"max": 64, "expires": "1m"},
    }


def _reading() -> list[str]:
    """What reading streams through consumers takes."""
    return [
        "$JS.API.INFO",
        "$JS.API.STREAM.INFO.*",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.MSG.GET.*",
        "$JS.API.DIRECT.GET.>",
        "$JS.API.CONSUMER.>",
        "$JS.ACK.>",
        "$JS.FC.>",
        # What the server lets oneself do, which `laurels bootstrap` compares with this.
        USER_INFO,
    ]


def authorization() -> str:
    """The users as a part of nats-server's configuration; passwords are variables `NATS_<USER>_PASSWORD`."""
    users = [
        {"user": user, "password": f"$NATS_{user.upper()}_PASSWORD", "permissions": permissions}
        for user, permissions in nats_users().items()
    ]
    text = orjson.dumps({"users": users}, option=orjson.OPT_INDENT_2).decode()
    for user in nats_users():
        # A quoted variable would be the password itself.
        text = text.replace(f'"$NATS_{user.upper()}_PASSWORD"', f"$NATS_{user.upper()}_PASSWORD")
    return f"# Written by `laurels bootstrap --users`.\nauthorization {text}\n"

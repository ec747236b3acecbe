"""Outgoing requests go to public addresses only, and to the very address that was checked.

A name is resolved once a try; every address that it has must be allowed, and
the connection is made to one of these, so that a name which changes between
the check and the connection reaches nothing else.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

URL_LENGTH_MAX = 1_000
_RESERVED = (IPv4Network("192.0.0.0/24"), IPv6Network("fec0::/10"), IPv6Network("64:ff9b:1::/48"))
"""For protocols, for sites, and for translation within a network (RFC 6890, 3879, 8215): some versions of Python's
own list lack them."""
Address = IPv4Address | IPv6Address
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a translator turns into the IPv4 address of their last four bytes (RFC 6052)."""


class AddressRefused(Exception):
    """A name that may not be connected to, or that has no address."""


Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, for a port. OSError when it has none."""


def is_allowed(address: Address, *, loopback: bool = False) -> bool:
    """Whether an address may be connected to: public ones, and with `loopback` those of this machine.

    What an IPv6 address stands for in IPv4 counts.

    >>> [is_allowed(ip_address(text)) for text in ("203.0.112.7", "10.0.0.7", "::1", "::ffff:10.0.0.7")]
    [True, False, False, False]
    """
    if isinstance(address, IPv6Address) and (inner := _within(address)) is not None:
        return is_allowed(inner, loopback=loopback)
    if address.is_loopback:
        return loopback
    if any(address in network for network in _RESERVED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _within(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else None


def refusals(url: str, *, loopback: bool = False) -> Iterator[str]:
    """What is wrong with the form of an address that a brand registers; with `loopback` http will do."""
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url:
        yield f"is not up to {URL_LENGTH_MAX} printable ASCII characters without spaces"
        return
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", port_of(parts)
    except ValueError:
        yield "is not an address"
        return
    if parts.scheme not in (("http", "https") if loopback else ("https",)):
        yield "is not an https address"
    if not host or port == 0:
        yield "names no host"
    if parts.username is not None or parts.password is not None:
        yield "carries a user or a password"
    if parts.fragment:
        yield "carries a fragment"
    literal = _literal(host)
    if literal is not None and not is_allowed(literal, loopback=loopback):
        yield "is at a private, loopback or link-local address"


def port_of(parts: SplitResult) -> int:
    """The port of an address, stated or its scheme's. ValueError when it is none."""
    stated = parts.port
    return stated if stated is not None else {"http": 80}.get(parts.scheme, 443)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses as this machine's resolver has them, each once, in its order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def checked(host: str, port: int, resolve: Resolve, *, loopback: bool = False) -> list[Address]:
    """The addresses of a host, all of them allowed. Raises AddressRefused."""
    try:
        texts = await resolve(host, port)
        found = [ip_address(text.partition("%")[0]) for text in texts]
    except (OSError, ValueError) as error:
        raise AddressRefused(f"{host} has no address: {error}") from None
    if not found:
        raise AddressRefused(f"{host} has no address")
    for address in found:
        if not is_allowed(address, loopback=loopback):
            raise AddressRefused(f"{host} is at a private, loopback or link-local address")
    return found

"""No caller takes more than its share, and no body more than its bound.

Rates are token buckets kept in this process: a gateway with N replicas allows
up to N times the rate, which is a protection and not a quota.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass

from gateway.problems import BodyTooLarge, RequestTimeout, TooManyRequests

BUCKETS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second on average, so many at once."""

    per_s: float
    burst: int


class TokenBuckets:
    """One token bucket a key. The oldest of BUCKETS_MAX is forgotten, which fills it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, rate: Rate) -> None:
        """Takes one token. Raises TooManyRequests, which says when there will be one."""
        now = self._now()
        tokens, since = self._buckets.pop(key, (float(rate.burst), now))
        tokens = min(rate.burst, tokens + (now - since) * rate.per_s)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        if not allowed:
            raise TooManyRequests((1 - tokens) / rate.per_s)


async def read_body(stream: AsyncIterator[bytes], *, stated: str | None, bytes_max: int, timeout_s: float) -> bytes:
    """The whole body, counted while it arrives.

    `stated` is its Content-Length, which refuses a large one before it is sent.
    Raises BodyTooLarge, RequestTimeout.
    """
    if stated is not None and stated.isdecimal() and int(stated) > bytes_max:
        raise BodyTooLarge(bytes_max)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in stream:
                size += len(chunk)
                if size > bytes_max:
                    raise BodyTooLarge(bytes_max)
                chunks.append(chunk)
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {timeout_s:g} seconds.") from None
    return b"".join(chunks)

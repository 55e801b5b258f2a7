"""How often something may happen per key: token buckets in a bounded table."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable

IPV6_SITE_BITS = 64
"""Whoever has one IPv6 address has as many as there are below this prefix."""


class Throttle:
    """Lets each key `burst` times at once and `per_s` times a second in the long run.

    The table holds `keys_max` keys; the one unused for longest makes room, which only
    ever gives a key its full burst again.
    """

    def __init__(
        self,
        burst: float,
        per_s: float,
        *,
        keys_max: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_s = per_s
        self._keys_max = keys_max
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}  # key -> level, when it was that

    def take(self, key: str) -> float:
        """Take one from the bucket of `key`: 0.0, or the seconds until there is one to take."""
        now_s = self._clock()
        with self._lock:
            level, then_s = self._buckets.pop(key, (self._burst, now_s))
            level = min(self._burst, level + (now_s - then_s) * self._per_s)
            if len(self._buckets) >= self._keys_max:
                del self._buckets[next(iter(self._buckets))]
            self._buckets[key] = (level - 1 if level >= 1 else level, now_s)
        return 0.0 if level >= 1 else (1 - level) / self._per_s


def name_source(host: str) -> str:
    """The key of whoever sends from `host`: an IPv4 address, or the network of an IPv6 one."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, IPV6_SITE_BITS), strict=False))


class SignInLimits:
    """How often passwords may be tried from one address: for one account, and for all.

    Nobody is kept from their account by what others try from elsewhere.
    """

    def __init__(self) -> None:
        self._of_account = Throttle(burst=10, per_s=0.1)
        self._of_source = Throttle(burst=100, per_s=2)

    def take(self, source: str, email: str) -> float:
        """0.0 when one more may be tried, or the seconds until then."""
        key = name_source(source)
        return max(self._of_account.take(f"{key} {email.lower()[:256]}"), self._of_source.take(key))

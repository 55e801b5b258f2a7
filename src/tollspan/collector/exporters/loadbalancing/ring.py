"""Which backend a key belongs to, so that few keys move when backends come and go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from zlib import crc32

POSITIONS, POINTS = 36_000, 100
"""Places on the ring, and how many each endpoint has: otelcol's numbers, or routes would differ from its."""


class Ring:
    """A consistent hash ring of endpoints; a key belongs to the next point after its own position."""

    def __init__(self, endpoints: Iterable[str]) -> None:
        points: dict[int, str] = {}
        for endpoint in sorted(endpoints):
            for number in range(POINTS):
                points.setdefault(crc32(endpoint.encode() + bytes([number])) % POSITIONS, endpoint)
        self._positions = sorted(points)
        self._endpoints = [points[position] for position in self._positions]

    def endpoint(self, key: bytes) -> str:
        """The endpoint that `key` belongs to; there is at least one."""
        found = bisect_left(self._positions, crc32(key) % POSITIONS)
        return self._endpoints[found % len(self._endpoints)]

"""How many bytes of bodies a receiver holds while it unpacks them: in all, and for one tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tollspan.collector.http_body import Body
from tollspan.errors import RetryableError
from tollspan.otlp.http_exchange import HTTPProblem

BYTES_MAX = 256 << 20
SHARE_MAX = BYTES_MAX // 2
"""One tenant's part of it, so that the bodies of one do not keep out those of the others."""

RETRY_AFTER_S = 1

Take = Callable[[int], None]
"""Takes so many bytes from a budget, or raises."""


class BodyBudget:
    """Shared by all requests of one protocol of a receiver, on one event loop."""

    def __init__(self, bytes_max: int = BYTES_MAX, share_max: int = SHARE_MAX) -> None:
        self._bytes_max = bytes_max
        self._share_max = share_max
        self._held: Counter[str] = Counter()

    @contextmanager
    def holding(self, tenant: str) -> Iterator[Take]:
        """What is taken by the function is held until the block ends.

        The function raises RetryableError when all bytes held are too many, and HTTPProblem
        429 when those of one tenant are; callers without a tenant have no share of their own.
        """
        size = 0

        def take(more: int) -> None:
            nonlocal size
            self._check(tenant, more)
            self._held[tenant] += more
            size += more

        try:
            yield take
        finally:
            if size:
                self._held[tenant] -= size
                if not self._held[tenant]:
                    del self._held[tenant]

    def _check(self, tenant: str, more: int) -> None:
        if self._held.total() + more > self._bytes_max:
            raise RetryableError("too many request bodies are being read", RETRY_AFTER_S)
        if tenant and self._held[tenant] + more > self._share_max:
            problem = "too many request bodies of this tenant are being read"
            raise HTTPProblem(429, problem, {"Retry-After": str(RETRY_AFTER_S)})


class CountedBody:
    """A body of which each chunk is taken from the budget as it comes."""

    def __init__(self, body: Body, take: Take) -> None:
        self._body = body
        self._take = take

    def whole(self) -> bytes | None:
        """As Body.whole, not counted: the connection's buffer bounds what has come by itself."""
        return self._body.whole()

    async def next_chunk(self) -> bytes:
        """As Body.next_chunk."""
        chunk = await self._body.next_chunk()
        if chunk:
            self._take(len(chunk))
        return chunk

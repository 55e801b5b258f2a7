"""How many bytes of bodies a receiver holds while it unpacks them: in all, and for one tenant."""

from __future__ import annotations

from collections import Counter

from tollspan.collector.http_body import Body
from tollspan.errors import RetryableError
from tollspan.otlp.http_exchange import HTTPProblem

BYTES_MAX = 256 << 20
SHARE_MAX = BYTES_MAX // 2
"""One tenant's part of it, so that the bodies of one do not keep out those of the others."""

RETRY_AFTER_S = 1


class BodyBudget:
    """Shared by all requests of one receiver, on one event loop."""

    def __init__(self, bytes_max: int = BYTES_MAX, share_max: int = SHARE_MAX) -> None:
        self._bytes_max = bytes_max
        self._share_max = share_max
        self._held: Counter[str] = Counter()

    def counting(self, tenant: str, body: Body) -> CountedBody:
        """The same body, whose bytes are held until the block ends.

        Its next chunk raises RetryableError when all bytes held are too many, and
        HTTPProblem 429 when those of one tenant are; callers without a tenant have no share
        of their own.
        """
        return CountedBody(self, tenant, body)

    def take(self, tenant: str, more: int) -> None:
        """So many more bytes are held, unless that raises; see `counting`."""
        if self._held.total() + more > self._bytes_max:
            raise RetryableError("too many request bodies are being read", RETRY_AFTER_S)
        if tenant and self._held[tenant] + more > self._share_max:
            problem = "too many request bodies of this tenant are being read"
            raise HTTPProblem(429, problem, {"Retry-After": str(RETRY_AFTER_S)})
        self._held[tenant] += more

    def give_back(self, tenant: str, size: int) -> None:
        """So many bytes are held no longer."""
        self._held[tenant] -= size
        if not self._held[tenant]:
            del self._held[tenant]


class CountedBody:
    """See BodyBudget.counting."""

    def __init__(self, budget: BodyBudget, tenant: str, body: Body) -> None:
        self._budget = budget
        self._tenant = tenant
        self._body = body
        self._size = 0

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        if self._size:
            self._budget.give_back(self._tenant, self._size)

    def whole(self) -> bytes | None:
        """As Body.whole, not counted: the connection's buffer bounds what has come by itself."""
        return self._body.whole()

    async def next_chunk(self) -> bytes:
        """As Body.next_chunk; what comes is held."""
        chunk = await self._body.next_chunk()
        if chunk:
            self._budget.take(self._tenant, len(chunk))
            self._size += len(chunk)
        return chunk

"""Request bodies, read within bounds of size, time and rate."""

from __future__ import annotations

import asyncio
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from tollspan.errors import LimitError
from tollspan.otlp.http_exchange import HTTPProblem

GRACE_S = 10.0
BYTES_PER_S_MIN = 1024
"""A body may take GRACE_S, and a second more for every BYTES_PER_S_MIN bytes that have come."""


class Body(Protocol):
    """The body of a request, as it comes."""

    def whole(self) -> bytes | None:
        """All of it, if it has come already and nothing was taken from it."""
        ...

    async def next_chunk(self) -> bytes:
        """The bytes that have come, none once it has ended; ClientDisconnect when the client has gone."""
        ...


class ASGIBody:
    """The body of an ASGI request; nothing is asked of the client before the first chunk is."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    def whole(self) -> bytes | None:
        """ASGI does not tell before it is asked."""
        return None

    async def next_chunk(self) -> bytes:
        """As Body.next_chunk."""
        while self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._more = message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            if chunk:
                return chunk
        return b""


async def read_body(body: Body, content_length: int | None, *, bytes_max: int, timeout_s: float) -> bytes:
    """The whole body.

    LimitError when it is larger than `bytes_max`: from its Content-Length before anything
    is read, else as soon as so many bytes have come. HTTPProblem 408 when it is not
    complete after `timeout_s`, or comes too slowly before that.
    """
    if content_length is not None and content_length > bytes_max:
        raise LimitError("bytes of body", bytes_max, content_length)
    whole = body.whole()
    if whole is not None and len(whole) <= bytes_max:
        return whole  # as nearly always; nothing is left to put a clock on
    start_s = asyncio.get_running_loop().time()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout_at(start_s + min(GRACE_S, timeout_s)) as late:
            while chunk := await body.next_chunk():
                chunks.append(chunk)
                size += len(chunk)
                if size > bytes_max:
                    raise LimitError("bytes of body", bytes_max)
                if size == content_length:
                    break
                late.reschedule(start_s + min(timeout_s, GRACE_S + size / BYTES_PER_S_MIN))
    except TimeoutError as error:
        problem = f"the body came too slowly: {size} bytes in time"
        raise HTTPProblem(408, problem, {"Connection": "close"}) from error
    return b"".join(chunks)

"""`GET /api/v1/live`: spans while they arrive, as server-sent events.

Every event is called `spans` and carries `answers.LiveSpans`. A comment every 15 seconds
keeps proxies from closing a silent stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tollspan.gateway.query import live
from tollspan.gateway.query.live import LiveSpans
from tollspan.gateway.web import answers
from tollspan.gateway.web.access import CallersReach
from tollspan.gateway.web.parts import parts_of
from tollspan.oauth2.principal import Principal

STREAM_S_MAX = 600.0
"""A stream ends after this long, and before that with what proved its caller. Browsers open
it again by themselves, and their credentials are then checked anew."""

FULL_RETRY_S = 10


class LiveParameters(BaseModel, extra="forbid"):
    """Spans of one service or one unit only; empty means any."""

    service: str = ""
    unit: str = ""


async def watch(
    request: Request, reach: CallersReach, asked: Annotated[LiveParameters, Query()]
) -> AsyncIterator[AsyncIterator[LiveSpans]]:
    """What arrives for the caller, until the request ends; HTTPException 503 when too many watch already."""
    parts = parts_of(request)
    if parts.live_places.locked():
        busy = {"Retry-After": str(FULL_RETRY_S)}
        raise HTTPException(503, "too many live streams are open", headers=busy)
    async with parts.live_places:
        with parts.hub.subscribe(reach.tenant, reach.datasets) as subscription:
            yield live.watch(subscription, service=asked.service, unit=asked.unit)


async def follow(
    request: Request, arriving: Annotated[AsyncIterator[LiveSpans], Depends(watch)]
) -> AsyncIterator[ServerSentEvent]:
    """Follow the spans that arrive.

    Events are called `spans`; their data is `{"spans": […], "dropped": n}`. So many spans
    before these were skipped, because the reader was too slow.
    """
    stopping = asyncio.ensure_future(parts_of(request).stopping.wait())
    arrival = asyncio.ensure_future(anext(arriving))
    end_s = time.monotonic() + _lifetime_s(request.state.principal)
    try:
        while True:
            left_s = max(0.0, end_s - time.monotonic())
            await asyncio.wait({arrival, stopping}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done() or not arrival.done():
                return
            yield ServerSentEvent(event="spans", data=_answer(arrival.result()))
            arrival = asyncio.ensure_future(anext(arriving))
    finally:
        stopping.cancel()
        arrival.cancel()


def _lifetime_s(principal: Principal) -> float:
    return min(STREAM_S_MAX, principal.expires_s - time.time())


def _answer(arrived: LiveSpans) -> answers.LiveSpans:
    spans = [
        answers.LiveSpan(**asdict(span) | {"start_unix_nano": str(span.start_unix_nano)})
        for span in arrived.spans
    ]
    return answers.LiveSpans(spans=spans, dropped=arrived.dropped)

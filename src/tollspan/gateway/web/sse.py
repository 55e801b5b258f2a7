"""`GET /api/v1/live` and `/api/v1/live/logs`: telemetry while it arrives, as server-sent events.

Events are called `spans` and carry `answers.LiveSpans`, or `logs` and `answers.LiveLogs`. A
comment every 15 seconds keeps proxies from closing a silent stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tollspan.errors import AuthError, StoreError
from tollspan.gateway.live.hub import Subscription
from tollspan.gateway.query import live
from tollspan.gateway.query.live import LiveLogs, LiveSpans
from tollspan.gateway.web import answers
from tollspan.gateway.web.access import CallersReach, Reach, identify
from tollspan.gateway.web.json_value import to_json
from tollspan.gateway.web.parts import parts_of
from tollspan.oauth2.principal import Principal
from tollspan.otlp.signals import Signal

STREAM_S_MAX = 600.0
"""A stream ends after this long, and before that with what proved its caller. Browsers open
it again by themselves, and their credentials are then checked anew."""

CHECK_INTERVAL_S = 0.5
"""Nothing is shown whose caller was not checked this recently: a credential may be revoked meanwhile."""

TENANT_STREAMS_MAX = 50
"""So many streams of one tenant are open at once: the places are for all."""

FULL_RETRY_S = 10

Arrival = TypeVar("Arrival")


class LiveParameters(BaseModel, extra="forbid"):
    """Items of one service or one unit only; empty means any."""

    service: str = ""
    unit: str = ""


@asynccontextmanager
async def _subscribed(request: Request, reach: Reach, signal: Signal) -> AsyncIterator[Subscription]:
    """What arrives for the caller; HTTPException 503 when too many watch already."""
    parts = parts_of(request)
    if parts.live_places.locked() or parts.hub.watchers_of(reach.tenant) >= TENANT_STREAMS_MAX:
        busy = {"Retry-After": str(FULL_RETRY_S)}
        raise HTTPException(503, "too many live streams are open", headers=busy)
    async with parts.live_places:
        with parts.hub.subscribe(reach.tenant, reach.datasets, signal) as subscription:
            yield subscription


async def watch(
    request: Request, reach: CallersReach, asked: Annotated[LiveParameters, Query()]
) -> AsyncIterator[AsyncIterator[LiveSpans]]:
    """The caller's spans, until the request ends."""
    async with _subscribed(request, reach, Signal.TRACES) as subscription:
        yield live.watch(subscription, service=asked.service, unit=asked.unit)


async def watch_logs(
    request: Request, reach: CallersReach, asked: Annotated[LiveParameters, Query()]
) -> AsyncIterator[AsyncIterator[LiveLogs]]:
    """The caller's log records, until the request ends."""
    async with _subscribed(request, reach, Signal.LOGS) as subscription:
        yield live.watch_logs(subscription, service=asked.service, unit=asked.unit)


async def follow(
    request: Request, arriving: Annotated[AsyncIterator[LiveSpans], Depends(watch)]
) -> AsyncIterator[ServerSentEvent]:
    """Follow the spans that arrive.

    Events are called `spans`; their data is `{"spans": […], "dropped": n}`. So many spans
    before these were skipped, because the reader was too slow.
    """
    async with aclosing(_until_end(request, arriving)) as arrivals:
        async for arrived in arrivals:
            yield ServerSentEvent(event="spans", data=_spans_answer(arrived))


async def follow_logs(
    request: Request, arriving: Annotated[AsyncIterator[LiveLogs], Depends(watch_logs)]
) -> AsyncIterator[ServerSentEvent]:
    """Follow the log records that arrive.

    Events are called `logs`; their data is `{"records": […], "dropped": n}`, as for spans.
    """
    async with aclosing(_until_end(request, arriving)) as arrivals:
        async for arrived in arrivals:
            yield ServerSentEvent(event="logs", data=_logs_answer(arrived))


async def _until_end(request: Request, arriving: AsyncIterator[Arrival]) -> AsyncGenerator[Arrival, None]:
    """What arrives, as long as the stream may last and the gateway does not stop."""
    stopping = asyncio.ensure_future(parts_of(request).stopping.wait())
    arrival = asyncio.ensure_future(anext(arriving))
    checked_s = time.monotonic()
    end_s = checked_s + _lifetime_s(request.state.principal)
    try:
        while True:
            left_s = max(0.0, end_s - time.monotonic())
            await asyncio.wait({arrival, stopping}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done() or not arrival.done():
                return
            if time.monotonic() - checked_s >= CHECK_INTERVAL_S:
                if not await _is_let_in(request):
                    return
                checked_s = time.monotonic()
            yield arrival.result()
            arrival = asyncio.ensure_future(anext(arriving))
    finally:
        stopping.cancel()
        arrival.cancel()


async def _is_let_in(request: Request) -> bool:
    """Whether what proved the caller still does."""
    principal: Principal = request.state.principal
    try:
        return principal == await identify(request)
    except (AuthError, StoreError):
        return False


def _lifetime_s(principal: Principal) -> float:
    return min(STREAM_S_MAX, principal.expires_s - time.time())


def _spans_answer(arrived: LiveSpans) -> answers.LiveSpans:
    spans = [
        answers.LiveSpan(**asdict(span) | {"start_unix_nano": str(span.start_unix_nano)})
        for span in arrived.spans
    ]
    return answers.LiveSpans(spans=spans, dropped=arrived.dropped)


def _logs_answer(arrived: LiveLogs) -> answers.LiveLogs:
    records = [
        answers.LiveLogRecord(
            **asdict(record) | {"time_unix_nano": str(record.time_unix_nano), "body": to_json(record.body)}
        )
        for record in arrived.records
    ]
    return answers.LiveLogs(records=records, dropped=arrived.dropped)

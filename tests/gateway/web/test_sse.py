"""The live stream over a socket: what is published arrives, and nothing is left when the reader goes."""

import asyncio
import contextlib
import dataclasses
import json
import os
import time

import httpx
import pytest
from starlette.routing import Route

from helpers.logs import log_batch, log_record
from helpers.spans import NOW, batch, failed_span, span
from helpers.web import PRINCIPALS, READER
from tollspan.collector.http_server import HTTPServer
from tollspan.gateway.authserver import changes
from tollspan.gateway.web import sse
from tollspan.gateway.web.answers import LiveLogs, LiveSpans
from tollspan.gateway.web.app import build_app

PATH = "/api/v1/live"
LOGS_PATH = "/api/v1/live/logs"


@pytest.fixture
async def server(parts):
    """The application behind a listener, whose stop is the one that the application knows."""
    made = HTTPServer("127.0.0.1:0")
    object.__setattr__(parts, "stopping", made.stopping)
    app = build_app(parts)
    made.add_routes([Route(path, app) for path in (PATH, LOGS_PATH)])
    await made.start()
    yield made
    await made.stop(5)


@contextlib.asynccontextmanager
async def following(server, parts, headers=READER, path=PATH, **parameters):
    """The lines of a stream whose subscription is in place."""
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=10) as http,
        http.stream("GET", path, headers=headers, params=parameters) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield response.aiter_lines()


async def next_event(lines):
    """The name and the data of the next event."""
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: "):
            return name, json.loads(line.removeprefix("data: "))
    return "end", None


async def eventually(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


def watchers(parts):
    return len(parts.hub._subscriptions)


async def test_a_span_is_pushed_when_it_arrives(server, parts):
    trace_id, span_id, parent_id = os.urandom(16), os.urandom(8), os.urandom(8)
    sent = failed_span(
        "query",
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        attributes={"unomiq.unit": "acme-toys"},
    )
    async with following(server, parts) as lines:
        parts.hub.publish(batch(sent, tenant="rival"))
        parts.hub.publish(batch(sent))
        name, data = await next_event(lines)

    assert name == "spans"
    assert data == {
        "spans": [
            {
                "trace_id": trace_id.hex(),
                "span_id": span_id.hex(),
                "parent_span_id": parent_id.hex(),
                "name": "query",
                "service": "orders",
                "start_unix_nano": str(NOW),
                "duration_nano": 1000,
                "status": 2,
                "unit": "acme-toys",
            }
        ],
        "dropped": 0,
    }
    assert LiveSpans.model_validate(data, strict=True).model_dump() == data


async def test_a_log_record_is_pushed_to_those_who_watch_logs(server, parts):
    sent = log_record("declined", severity_number=17, trace_id=b"t" * 16, attributes={"tollspan.unit": "u"})
    async with following(server, parts, path=LOGS_PATH) as logs, following(server, parts) as spans:
        parts.hub.publish(log_batch(sent))
        parts.hub.publish(batch(span("a span")))
        name, data = await next_event(logs)
        assert [own["name"] for own in (await next_event(spans))[1]["spans"]] == ["a span"]

    assert name == "logs"
    assert LiveLogs.model_validate(data, strict=True).model_dump() == data
    [record] = data["records"]
    assert record == {
        "time_unix_nano": str(NOW),
        "service": "orders",
        "severity_number": 17,
        "severity_text": "",
        "body": "declined",
        "event_name": "",
        "trace_id": (b"t" * 16).hex(),
        "span_id": None,
        "unit": "u",
    }


async def test_a_stream_may_be_narrowed_to_a_service_or_a_unit(server, parts):
    units = [span(unit, attributes={"tollspan.unit": unit}) for unit in ("acme", "beta")]
    async with (
        following(server, parts, unit="beta") as of_unit,
        following(server, parts, service="billing") as of_service,
    ):
        parts.hub.publish(batch(*units))
        parts.hub.publish(batch(span("bill"), service="billing"))

        assert [s["name"] for s in (await next_event(of_unit))[1]["spans"]] == ["beta"]
        assert [s["name"] for s in (await next_event(of_service))[1]["spans"]] == ["bill"]


async def test_a_reader_who_leaves_leaves_nothing_behind(server, parts):
    places = parts.live_places._value
    async with following(server, parts):
        assert (watchers(parts), parts.live_places._value) == (1, places - 1)

    await eventually(lambda: watchers(parts) == 0)
    assert parts.live_places._value == places


async def test_a_reader_who_leaves_in_the_middle_of_the_flow_leaves_nothing_behind(server, parts):
    async with following(server, parts) as lines:
        parts.hub.publish(batch(span()))
        await next_event(lines)
        parts.hub.publish(batch(span()))

    await eventually(lambda: watchers(parts) == 0)


async def test_a_stop_ends_every_stream_at_once(server, parts):
    async with following(server, parts) as lines:
        stop = asyncio.create_task(server.stop(60))

        assert await next_event(lines) == ("end", None)
        await stop
    assert watchers(parts) == 0


async def test_a_stream_ends_with_the_credential_behind_it(server, parts, monkeypatch):
    expiring = dataclasses.replace(PRINCIPALS["reader"], expires_s=time.time() + 0.2)
    monkeypatch.setitem(PRINCIPALS, "reader", expiring)

    async with following(server, parts) as lines:
        assert await next_event(lines) == ("end", None)


async def test_a_stream_shows_nothing_more_to_a_caller_whose_credential_was_revoked(
    server, parts, monkeypatch
):
    monkeypatch.setattr(sse, "CHECK_INTERVAL_S", 0.0)
    async with following(server, parts) as lines:
        parts.hub.publish(batch(span("before")))
        assert (await next_event(lines))[0] == "spans"
        monkeypatch.delitem(PRINCIPALS, "reader")
        parts.hub.publish(batch(span("after")))

        assert await next_event(lines) == ("end", None)


async def test_a_stream_ends_when_its_browser_signs_out(server, parts, monkeypatch):
    monkeypatch.setattr(sse, "CHECK_INTERVAL_S", 0.0)
    cookie = parts.authenticator.cookie()
    async with following(server, parts, headers=cookie) as lines:
        parts.hub.publish(batch(span("before"), tenant="default"))
        assert (await next_event(lines))[0] == "spans"
        parts.identity.sessions.close(cookie["Cookie"].partition("=")[2])
        parts.hub.publish(batch(span("after"), tenant="default"))

        assert await next_event(lines) == ("end", None)


def test_a_stream_is_checked_at_least_once_a_second():
    assert sse.CHECK_INTERVAL_S + changes.WATCH_INTERVAL_S <= 1.0


async def test_more_streams_than_there_are_places_for_are_asked_to_come_later(server, parts):
    while not parts.live_places.locked():
        await parts.live_places.acquire()

    async with httpx.AsyncClient(base_url=server.url) as http:
        response = await http.get(PATH, headers=READER)

    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


async def test_one_tenant_does_not_take_the_places_of_all(server, parts, monkeypatch):
    monkeypatch.setattr(sse, "TENANT_STREAMS_MAX", 1)
    cookie = parts.authenticator.cookie()
    async with following(server, parts), httpx.AsyncClient(base_url=server.url) as http:
        assert (await http.get(PATH, headers=READER)).status_code == 503
        async with following(server, parts, headers=cookie):
            assert watchers(parts) == 2


async def test_a_silent_stream_is_kept_open_by_comments(server, parts, monkeypatch):
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.01)
    async with following(server, parts) as lines:
        async for line in lines:
            assert line.startswith(":")
            break


async def test_without_the_permission_nothing_is_opened(server, parts):
    async with httpx.AsyncClient(base_url=server.url) as http:
        response = await http.get(PATH)

    assert response.status_code == 401
    assert watchers(parts) == 0

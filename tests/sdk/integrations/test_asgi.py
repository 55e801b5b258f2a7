from __future__ import annotations

import anyio
import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.trace import SpanKind, StatusCode
from starlette.responses import StreamingResponse

from tollspan.sdk.integrations.asgi import RequestMiddleware
from tollspan.testing import Captured

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    app.add_middleware(RequestMiddleware)

    @app.get("/items/{number}")
    async def show(number: int) -> int:
        return number

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("broken")

    @app.get("/slow")
    async def slow() -> StreamingResponse:
        async def parts():
            for _ in range(3):
                await anyio.sleep(0.02)
                yield b"part"

        return StreamingResponse(parts())

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://shop")


async def test_a_request_is_one_span_and_one_log_record_of_it(client: httpx.AsyncClient, captel: Captured):
    await client.get("/items/7", headers={"traceparent": PARENT})

    (span,), (log,) = captel.spans, captel.logs
    assert (span.name, span.kind) == ("GET /items/{number}", SpanKind.SERVER)
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.attributes == {
        "http.request.method": "GET",
        "url.path": "/items/7",
        "http.route": "/items/{number}",
        "http.response.status_code": 200,
    }
    assert log.log_record.span_id == span.context.span_id
    assert log.log_record.body.startswith("GET /items/7 200 in ")
    assert log.log_record.severity_text == "INFO"


async def test_the_span_lasts_until_the_last_byte(client: httpx.AsyncClient, captel: Captured):
    await client.get("/slow")

    span = captel.span("GET /slow")
    assert span.end_time - span.start_time >= 3 * 0.02e9
    assert captel.logs[0].log_record.attributes["duration_ms"] >= 60


async def test_an_error_fails_the_span_and_is_logged_as_one(client: httpx.AsyncClient, captel: Captured):
    assert (await client.get("/broken")).status_code == 500

    span = captel.span("GET /broken")
    assert span.status.status_code is StatusCode.ERROR
    assert span.events[0].attributes["exception.type"] == "ValueError"
    assert captel.logs[0].log_record.severity_text == "ERROR"


async def test_a_refusal_is_no_error(client: httpx.AsyncClient, captel: Captured):
    await client.get("/items/nine")

    assert captel.spans[0].status.status_code is StatusCode.UNSET
    assert captel.spans[0].attributes["http.response.status_code"] == 422


async def test_other_protocols_pass(captel: Captured):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    await RequestMiddleware(app)({"type": "lifespan"}, None, None)

    assert (seen, captel.spans) == (["lifespan"], [])

import asyncio
import json
import re
from dataclasses import replace

import httpx
import pytest

from helpers.otlp_peer import Answer, partial, reset_connection, running_peer
from helpers.pipelines import QUICK, running_pipeline
from helpers.signals import trace_request
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.validate import validate
from tollspan.collector.registry import build_registry


@pytest.fixture
def peer():
    with running_peer() as peer:
        yield peer


def oauth2client(peer, **settings):
    common = {"client_id": "shipper", "client_secret": "hush", "token_url": f"{peer.url}/token"}
    return {"oauth2client": common | settings}


def sending(peer, **settings):
    return {"endpoint": peer.url, "retry_on_failure": QUICK, **settings}


async def send(pipeline, *names):
    """Post spans of these names, one request each; every one must be acknowledged."""
    async with httpx.AsyncClient(base_url=pipeline.url) as http:
        for name in names:
            request = trace_request(1)
            request.resource_spans[0].scope_spans[0].spans[0].name = name
            body = request.SerializeToString()
            answer = await http.post(
                "/v1/traces", content=body, headers={"Content-Type": "application/x-protobuf"}
            )
            assert answer.status_code == 200, answer.text


async def arrived(peer, *names):
    await asyncio.to_thread(peer.wait, lambda: set(names) <= set(peer.stored))
    assert peer.stored == dict.fromkeys(names, 1)


async def test_a_request_goes_out_as_it_came_in_compressed_and_named(peer):
    async with running_pipeline("otlp_http", sending(peer, headers={"X-Team": "shop"})) as pipeline:
        await send(pipeline, "checkout")
        await arrived(peer, "checkout")

    (export,) = peer.exports
    assert export.headers["content-type"] == "application/x-protobuf"
    assert export.headers["content-encoding"] == "gzip"
    assert export.headers["user-agent"].startswith("Tollspan-Collector/")
    assert export.headers["x-team"] == "shop"
    assert peer.paths == ["/v1/traces"]


async def test_the_older_name_and_a_signals_own_endpoint_work(peer):
    settings = {"traces_endpoint": f"{peer.url}/ingest/v1/traces", "compression": "none"}
    async with running_pipeline("otlphttp/mlflow", settings) as pipeline:
        await send(pipeline, "checkout")
        await arrived(peer, "checkout")

    assert peer.paths == ["/ingest/v1/traces"]
    assert "content-encoding" not in peer.exports[0].headers


async def test_a_signal_without_a_place_is_counted_as_lost(peer):
    settings = {"logs_endpoint": f"{peer.url}/v1/logs"}
    async with running_pipeline("otlp_http", settings) as pipeline:
        await send(pipeline, "checkout")
        await pipeline.counted("otelcol_exporter_send_failed_spans", 1)

    assert peer.exports == []


async def test_connections_are_kept(peer):
    async with running_pipeline("otlp_http", sending(peer, sending_queue={"num_consumers": 1})) as pipeline:
        await send(pipeline, "a", "b", "c")
        await arrived(peer, "a", "b", "c")

    assert len(peer.connections) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(429, headers={"Retry-After": "0"}),
        Answer(502),
        Answer(503),
        Answer(504),
        reset_connection,
        Answer(401),
    ],
    ids=["429", "502", "503", "504", "cut", "401"],
)
async def test_trouble_that_passes_costs_nothing(peer, trouble):
    peer.answers.append(trouble)
    async with running_pipeline("otlp_http", sending(peer)) as pipeline:
        await send(pipeline, "checkout")
        await arrived(peer, "checkout")

    assert len(peer.exports) == 2
    assert pipeline.count("otelcol_exporter_sent_spans") == 1
    assert pipeline.count("otelcol_exporter_send_failed_spans") == 0


async def test_a_hanging_destination_is_left_after_the_timeout(peer):
    peer.answers.append(peer.hang)
    async with running_pipeline("otlp_http", sending(peer, timeout="100ms")) as pipeline:
        await send(pipeline, "checkout")
        await arrived(peer, "checkout")

    assert len(peer.exports) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(400),
        Answer(403),
        Answer(500),
        Answer(302, headers={"Location": "https://login.example.com"}),
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
    ],
    ids=["400", "403", "500", "302", "page"],
)
async def test_what_is_refused_for_good_is_counted_and_not_sent_again(peer, refusal):
    peer.answers.append(refusal)
    async with running_pipeline("otlp_http", sending(peer)) as pipeline:
        await send(pipeline, "lost")
        await asyncio.to_thread(peer.wait, lambda: len(peer.exports) == 1)
        await send(pipeline, "next")
        await arrived(peer, "next")

    assert len(peer.exports) == 2
    assert pipeline.count("otelcol_exporter_send_failed_spans") == 1


async def test_items_that_the_destination_rejects_are_counted(peer):
    peer.answers.append(replace(partial(1, "too old"), stores=True))
    async with running_pipeline("otlp_http", sending(peer)) as pipeline:
        await send(pipeline, "old", "next")
        await asyncio.to_thread(peer.wait, lambda: len(peer.exports) == 2)

    assert pipeline.count("otelcol_exporter_sent_spans") == 1
    assert pipeline.count("otelcol_exporter_send_failed_spans") == 1


async def test_a_request_that_is_too_large_is_sent_in_pieces(peer):
    peer.spans_max = 2
    request = trace_request(7)
    async with running_pipeline("otlp_http", sending(peer)) as pipeline:
        async with httpx.AsyncClient(base_url=pipeline.url) as http:
            headers = {"Content-Type": "application/x-protobuf"}
            await http.post("/v1/traces", content=request.SerializeToString(), headers=headers)
        await asyncio.to_thread(peer.wait, lambda: peer.stored.total() == 7)

    assert pipeline.count("otelcol_exporter_sent_spans") == 7


async def test_json_goes_out_as_json(peer):
    bodies = []

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(re.search(r"content-length: (\d+)", head)[1])
        bodies.append((head, json.loads(await reader.readexactly(length))))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = {"endpoint": url, "encoding": "json", "compression": "none"}
    async with server, running_pipeline("otlp_http", settings) as pipeline:
        await send(pipeline, "checkout")
        await pipeline.counted("otelcol_exporter_sent_spans", 1)

    ((head, body),) = bodies
    assert "content-type: application/json" in head
    assert body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == "checkout"


async def test_every_request_carries_an_access_token(peer):
    peer.token_lifetime_s = 3600
    settings = sending(peer, auth={"authenticator": "oauth2client"})
    async with running_pipeline("otlp_http", settings, extensions=oauth2client(peer)) as pipeline:
        await send(pipeline, "a", "b")
        await arrived(peer, "a", "b")

    assert {export.headers["authorization"] for export in peer.exports} == {"Bearer access-token-1"}


async def test_a_revoked_token_is_replaced_and_the_request_sent_once_more(peer):
    peer.token_lifetime_s = 3600
    settings = sending(peer, auth={"authenticator": "oauth2client"})
    async with running_pipeline("otlp_http", settings, extensions=oauth2client(peer)) as pipeline:
        await send(pipeline, "a")
        await arrived(peer, "a")
        peer.tokens.clear()
        await send(pipeline, "b")
        await arrived(peer, "a", "b")

    assert [export.stored for export in peer.exports] == [True, False, True]
    assert pipeline.count("otelcol_exporter_send_failed_spans") == 0


@pytest.mark.parametrize(
    "garbage",
    [
        Answer(503),
        Answer(500, b"<html>", {"Content-Type": "text/html"}),
        Answer(200, b"{", {"Content-Type": "application/json"}),
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
    ],
    ids=["503", "500", "half", "page"],
)
async def test_a_token_endpoint_that_is_ill_at_the_start_costs_nothing(peer, garbage):
    peer.token_lifetime_s = 3600
    peer.token_answers.append(garbage)
    settings = sending(peer, auth={"authenticator": "oauth2client"})
    async with running_pipeline("otlp_http", settings, extensions=oauth2client(peer)) as pipeline:
        await send(pipeline, "checkout")
        await arrived(peer, "checkout")

    assert pipeline.count("otelcol_exporter_send_failed_spans") == 0


async def test_a_configuration_without_an_endpoint_is_refused():
    document = {
        "receivers": {"otlp": {"protocols": {"http": None}}},
        "exporters": {"otlp_http": {"endpoint": "collector:4318"}, "otlphttp": None},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http", "otlphttp"]}}},
    }

    with pytest.raises(ExceptionGroup) as caught:
        validate(document, build_registry(FACTORIES))

    texts = [str(error) for error in caught.value.exceptions]
    assert any("otlp_http::endpoint: must be a valid URL" in text for text in texts)
    assert any("otlphttp: at least one endpoint must be specified" in text for text in texts)

"""OTLP/HTTP as a client sees it, over real sockets; O-… are the numbers of our conformance list."""

import asyncio
import gzip
import itertools
import json
import zlib
from dataclasses import dataclass, field

import httpx
import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from helpers.collector import running_collector
from helpers.components import Recorder
from helpers.http import Chunks, RawConnection
from helpers.service import StandInHost
from helpers.signals import REQUESTS, RESPONSES, trace_request
from tollspan.collector import http_body
from tollspan.collector.component import Receipt
from tollspan.collector.events import ITEM_NAMES
from tollspan.collector.receivers.otlp import http_transport
from tollspan.collector.receivers.otlp.config import HTTPConfig
from tollspan.collector.receivers.otlp.http_transport import HTTPExchange
from tollspan.collector.receivers.otlp.intake import Intake
from tollspan.errors import (
    LimitError,
    PermanentError,
    RetryableError,
    StoreError,
    WireError,
)
from tollspan.otlp.signals import Signal

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
JSON_BODIES = {
    Signal.TRACES: {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {"spans": [{"traceId": "74" * 16, "spanId": s * 16, "name": "work"} for s in "12"]}
                ]
            }
        ]
    },
    Signal.METRICS: {
        "resourceMetrics": [
            {"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [{"asInt": "1"}] * 3}}]}]}
        ]
    },
    Signal.LOGS: {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}}]}]}]},
}

COMPRESSIONS = {"": bytes, "identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress}


def read_status(response):
    """The google.rpc.Status in an error response; fails when the body is none."""
    if response.headers["content-type"] == JSON:
        return json_format.Parse(response.content, Status())
    assert response.headers["content-type"] == PROTOBUF
    return Status.FromString(response.content)


@pytest.fixture
async def http_client():
    async with httpx.AsyncClient() as http_client:
        yield http_client


@pytest.fixture
async def collector():
    async with running_collector() as collector:
        yield collector


@pytest.fixture
async def guarded():
    async with running_collector(guarded=True) as collector:
        yield collector


async def post(
    http_client, collector, body, content_type=PROTOBUF, path="/v1/traces", method="POST", **headers
):
    headers = {"content-type": content_type} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return await http_client.request(method, collector.url + path, content=body, headers=headers)


# What is taken


@pytest.mark.parametrize(
    ("signal", "encoding", "compression", "prefix"),
    list(itertools.product(Signal, (PROTOBUF, JSON), COMPRESSIONS, ("", "/otlp"))),
)
async def test_every_signal_is_taken_in_every_form(
    signal, encoding, compression, prefix, collector, http_client
):
    """O-50 to O-53, O-55."""
    request, items = REQUESTS[signal]
    body = request.SerializeToString() if encoding == PROTOBUF else json.dumps(JSON_BODIES[signal]).encode()
    encoded = COMPRESSIONS[compression](body)
    headers = {"content_encoding": compression} if compression else {}

    response = await post(http_client, collector, encoded, encoding, prefix + signal.path, **headers)

    assert (response.status_code, response.headers["content-type"]) == (200, encoding)
    assert response.content == (b"" if encoding == PROTOBUF else b"{}")
    (batch,) = collector.batches
    assert (batch.signal, batch.items, batch.tenant, batch.dataset) == (signal, items, "", "")
    if encoding == PROTOBUF:
        assert batch.wire == body


@pytest.mark.parametrize("content_type", ["APPLICATION/X-Protobuf", "application/x-protobuf; charset=utf-8"])
async def test_the_media_type_is_read_without_case_and_parameters(content_type, collector, http_client):
    """O-51."""
    body = trace_request().SerializeToString()
    assert (await post(http_client, collector, body, content_type)).status_code == 200


async def test_a_gzip_of_several_members_is_one_body(collector, http_client):
    """O-53."""
    whole = trace_request(5).SerializeToString()
    body = gzip.compress(whole[:20]) + gzip.compress(whole[20:])
    assert (await post(http_client, collector, body, content_encoding="gzip")).status_code == 200
    assert collector.batches[0].wire == whole


async def test_a_chunked_body_is_taken(collector, http_client):
    """O-63."""
    whole = trace_request(5).SerializeToString()

    async def pieces():
        for byte in whole:
            yield bytes([byte])

    assert (await post(http_client, collector, pieces())).status_code == 200
    assert collector.batches[0].wire == whole


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (PROTOBUF, b""),
        (PROTOBUF, ExportTraceServiceRequest(resource_spans=[{}]).SerializeToString()),
        (JSON, b"{}"),
        (JSON, b'{"resourceSpans":[{"scopeSpans":[]}]}'),
    ],
)
async def test_an_empty_request_is_a_success_that_no_pipeline_sees(encoding, body, collector, http_client):
    """O-13."""
    assert (await post(http_client, collector, body, encoding)).status_code == 200
    assert collector.batches == []


async def test_paths_can_be_chosen(http_client):
    """O-50."""
    async with running_collector(traces_url_path="in/spans") as collector:
        body = trace_request().SerializeToString()
        statuses = [
            (await post(http_client, collector, body, path=path)).status_code
            for path in ("/in/spans", "/otlp/in/spans", "/v1/traces")
        ]
    assert statuses == [200, 200, 404]


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
async def test_items_that_the_pipeline_rejects_are_a_partial_success(signal, encoding, http_client):
    """O-56."""
    async with running_collector(answer=Receipt(rejected=1, reason="item 0: no id")) as collector:
        body = (
            REQUESTS[signal][0].SerializeToString()
            if encoding == PROTOBUF
            else json.dumps(JSON_BODIES[signal])
        )
        response = await post(http_client, collector, body, encoding, signal.path)
    assert response.status_code == 200
    message = RESPONSES[signal]()
    if encoding == PROTOBUF:
        message.ParseFromString(response.content)
    else:
        (count,) = (v for k, v in response.json()["partialSuccess"].items() if k.startswith("rejected"))
        assert count == "1"
        json_format.Parse(response.content, message)
    assert message.partial_success.error_message == "item 0: no id"
    assert message.partial_success.ListFields()[0][1] == 1


async def test_json_items_at_fault_are_rejected_alone(collector, http_client):
    """O-57, O-81: they count together with what the pipeline rejects."""
    collector.recorder.answer = Receipt(rejected=1, reason="from the store")
    good = {"traceId": "74" * 16, "spanId": "1" * 16, "name": "work"}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [good, good | {"kind": "SERVER"}]}]}]})
    partial = (await post(http_client, collector, body, JSON)).json()["partialSuccess"]
    assert partial["rejectedSpans"] == "2"
    assert "kind" in partial["errorMessage"]
    assert "from the store" in partial["errorMessage"]
    assert collector.batches[0].items == 1
    assert collector.count("otelcol_receiver_refused_spans") == 2


# What is refused


@dataclass(frozen=True)
class Case:
    """A request at fault, and what it is answered whatever its encoding."""

    status: int
    reason: str
    body: bytes | None = None
    compression: str = ""
    method: str = "POST"
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    path: str = "/v1/traces"
    answer_headers: tuple[str, ...] = ()


BROKEN = {PROTOBUF: b"\x0a\xff\xff", JSON: b'{"resourceSpans": 5}'}
BOMB = {PROTOBUF: b"\0" * (1 << 21), JSON: b" " * (1 << 21)}
LIMIT = 1 << 20

CASES = {
    "O-58 broken": Case(400, "malformed", body=b"BROKEN"),
    "O-53 broken gzip": Case(400, "malformed", b"no gzip", compression="gzip"),
    "O-53 truncated gzip": Case(400, "malformed", gzip.compress(b"x" * 99)[:-9], compression="gzip"),
    "O-53 garbage after gzip": Case(400, "malformed", gzip.compress(b"") + b"more", compression="gzip"),
    "O-53 unknown encoding": Case(415, "unsupported", compression="br", answer_headers=("accept-encoding",)),
    "O-53 stacked encodings": Case(415, "unsupported", compression="gzip, gzip"),
    "O-54 large body": Case(413, "too_large", b"x" * (LIMIT + 1)),
    "O-54 gzip bomb": Case(413, "too_large", b"BOMB", compression="gzip"),
    "O-54 deflate bomb": Case(413, "too_large", b"BOMB", compression="deflate"),
    "O-65 GET": Case(405, "unsupported", method="GET", answer_headers=("allow",)),
    "O-65 PUT": Case(405, "unsupported", method="PUT", answer_headers=("allow",)),
    "O-64 OPTIONS": Case(405, "unsupported", method="OPTIONS", headers={"origin": "http://evil"}),
    "O-57 no content type": Case(415, "unsupported", content_type="none", answer_headers=("accept-post",)),
    "O-57 text": Case(415, "unsupported", content_type="text/plain"),
    "O-57 grpc": Case(415, "unsupported", content_type="application/grpc"),
    "O-57 signal without pipeline": Case(404, "unsupported", path="/v1/logs"),
    "R-02 no credentials": Case(
        401, "unauthenticated", headers={"authorization": ""}, answer_headers=("www-authenticate",)
    ),
    "R-02 bad token": Case(
        401, "unauthenticated", headers={"authorization": "Bearer x"}, answer_headers=("www-authenticate",)
    ),
    "R-02 no permission": Case(
        403, "forbidden", headers={"authorization": "Bearer reader"}, answer_headers=("www-authenticate",)
    ),
    "other dataset": Case(
        403, "forbidden", headers={"authorization": "Bearer shop", "x-tollspan-dataset": "bank"}
    ),
    "bad dataset": Case(400, "malformed", headers={"x-tollspan-dataset": "a b"}),
}


@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
@pytest.mark.parametrize("name", CASES)
async def test_every_refusal_is_a_status_message_in_the_encoding_of_the_request(name, encoding, http_client):
    """O-57, O-64 and the row that the case names; the connection goes on afterwards (O-63)."""
    case = CASES[name]
    body = {b"BROKEN": BROKEN[encoding], b"BOMB": b"BOMB"}.get(case.body, case.body)
    if body == b"BOMB":
        body = COMPRESSIONS[case.compression](BOMB[encoding])
    content_type = {"": encoding, "none": ""}.get(case.content_type, case.content_type)
    headers = {"authorization": "Bearer writer", "content-type": content_type} | case.headers
    headers |= {"content-encoding": case.compression} if case.compression else {}
    headers = {header: value for header, value in headers.items() if value}
    signals = (Signal.TRACES, Signal.METRICS)
    async with running_collector(guarded=True, signals=signals, max_request_body_size=LIMIT) as collector:
        url = collector.url + case.path
        response = await http_client.request(case.method, url, content=body, headers=headers)
        good = {"authorization": "Bearer writer", "content-type": PROTOBUF}
        after = await http_client.post(collector.url + "/v1/traces", headers=good)

        assert (response.status_code, after.status_code) == (case.status, 200)
        expected = content_type if content_type in (PROTOBUF, JSON) else JSON
        assert response.headers["content-type"] == expected
        assert read_status(response).message
        assert [header for header in case.answer_headers if header not in response.headers] == []
        assert [header for header in response.headers if header.startswith("access-control")] == []
        assert collector.batches == []
        assert collector.count("otelcol_receiver_requests", outcome=case.reason) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"5",
        b"null",
        b'"x"',
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":' + b"9" * 5000 + b"}]}]}]}",
        b'{"resourceSpans":[{"schemaUrl":"\\ud800"}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":NaN}]}]}]}',
    ],
    ids=lambda body: body[:20],
)
async def test_json_that_is_not_otlp_is_a_400(body, collector, http_client):
    """O-89."""
    response = await post(http_client, collector, body, JSON)
    assert (response.status_code, read_status(response).code) == (400, 3)


@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("error", "status", "reason", "retry_after"),
    [
        (RetryableError("busy"), 503, "unavailable", "1"),
        (RetryableError("busy", after_s=6.2), 503, "unavailable", "7"),
        (StoreError("locked"), 503, "unavailable", "1"),
        (StoreError("gone", retryable=False), 500, "permanent", None),
        (PermanentError("never"), 400, "permanent", None),
        (WireError("bad"), 400, "malformed", None),
        (LimitError("spans", 5), 413, "too_large", None),
        (ZeroDivisionError("oops"), 503, "defect", "5"),
        (asyncio.CancelledError(), 503, "unavailable", "5"),
    ],
    ids=repr,
)
async def test_a_failing_pipeline_is_answered_so_that_nothing_is_lost(
    encoding, error, status, reason, retry_after, http_client
):
    """O-59, O-61."""
    async with running_collector(answer=error) as collector:
        body = (
            trace_request().SerializeToString()
            if encoding == PROTOBUF
            else json.dumps(JSON_BODIES[Signal.TRACES])
        )
        response = await post(http_client, collector, body, encoding)
        assert response.status_code == status
        assert response.headers.get("retry-after") == retry_after
        assert "oops" not in read_status(response).message
        assert collector.count("otelcol_receiver_refused_spans", reason=reason) == 2


async def test_an_authenticator_that_fails_is_a_503(guarded, http_client):
    guarded.callers.error = OSError("the identity store is away")
    response = await post(http_client, guarded, b"", authorization="Bearer writer")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


# Who sends, and where it goes


@pytest.mark.parametrize(
    ("caller", "headers", "dataset"),
    [
        ("writer", {}, "default"),
        ("writer", {"x_tollspan_dataset": "shop"}, "shop"),
        ("writer", {"x_unomiq_app_id": "app-1", "x_axiom_dataset": "other"}, "app-1"),
        ("writer", {"x_axiom_dataset": "other"}, "other"),
        ("shop", {}, "shop"),
        ("two", {"x_tollspan_dataset": "bank"}, "bank"),
    ],
)
async def test_tenant_and_dataset_come_from_the_credential(caller, headers, dataset, guarded, http_client):
    body = trace_request().SerializeToString()
    response = await post(http_client, guarded, body, authorization=f"Bearer {caller}", **headers)
    assert response.status_code == 200
    assert (guarded.batches[0].tenant, guarded.batches[0].dataset) == ("acme", dataset)


HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
ALLOWED = HEAD + b"Authorization: Bearer writer\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD, 401),
        (HEAD + b"Authorization: Bearer reader\r\n", 403),
        (ALLOWED + b"Authorization: Bearer writer\r\n", 401),
        (ALLOWED.replace(b"x-protobuf", b"xml"), 415),
        (ALLOWED.replace(b"POST", b"PATCH"), 405),
    ],
)
async def test_a_refusal_does_not_wait_for_the_body(head, status, guarded):
    """R-13."""
    async with RawConnection(guarded.url) as connection:
        await connection.send(head + b"Content-Length: 100000\r\n\r\n")
        assert (await connection.answer()).status == status


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(guarded):
    """O-54, T-25."""
    async with RawConnection(guarded.url) as connection:
        await connection.send(ALLOWED + b"Content-Length: 99999999999\r\n\r\n")
        assert (await connection.answer()).status == 413


@pytest.mark.parametrize(("head", "statuses"), [(ALLOWED, [100, 200]), (HEAD, [401])])
async def test_100_continue_is_said_only_to_those_who_may_write(head, statuses, guarded):
    """O-63."""
    body = trace_request().SerializeToString()
    async with RawConnection(guarded.url) as connection:
        await connection.send(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        answers = [await connection.answer()]
        if answers[0].status == 100:
            await connection.send(body)
            answers.append(await connection.answer())
    assert [answer.status for answer in answers] == statuses


async def test_an_endless_chunked_body_is_refused_at_the_limit(http_client):
    """O-54, T-25."""
    async with (
        running_collector(max_request_body_size="64KiB") as collector,
        RawConnection(collector.url) as connection,
    ):
        await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            await connection.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        assert (await connection.answer()).status == 413


async def test_a_trickled_body_is_a_408_and_others_are_served(http_client, monkeypatch):
    """T-27."""
    monkeypatch.setattr(http_body, "GRACE_S", 0.1)
    async with running_collector() as collector, RawConnection(collector.url) as connection:
        await connection.send(HEAD + b"Content-Length: 1000\r\n\r\nx")
        assert (await post(http_client, collector, b"")).status_code == 200
        answer = await connection.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert Status.FromString(answer.body).message
        assert await connection.closed()
        assert collector.count("otelcol_receiver_requests", outcome="too_slow") == 1


async def test_a_client_that_goes_away_in_its_body_is_counted(collector, http_client):
    async with RawConnection(collector.url) as connection:
        await connection.send(HEAD + b"Content-Length: 1000\r\n\r\nx")
    while not collector.count("otelcol_receiver_requests"):
        await post(http_client, collector, b"", path="/nowhere")
    assert collector.count("otelcol_receiver_requests", outcome="disconnected") == 1
    assert collector.batches == []


async def test_a_large_body_is_unpacked_aside(collector, http_client, monkeypatch):
    monkeypatch.setattr(http_transport, "INLINE_BYTES_MAX", 10)
    body = trace_request(50).SerializeToString()
    assert (
        await post(http_client, collector, gzip.compress(body), content_encoding="gzip")
    ).status_code == 200
    assert collector.batches[0].wire == body


async def test_a_request_that_outlives_the_drain_is_answered_to_be_sent_again():
    """O-61: not with the 500 that a server gives to a cancelled request."""
    body = trace_request().SerializeToString()
    async with running_collector(drain_s=0) as collector, RawConnection(collector.url) as connection:
        collector.recorder.gate.clear()
        await connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await collector.recorder.entered.wait()
        await collector.service.shutdown()
        answer = await connection.answer()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_a_request_in_flight_is_finished_by_the_drain():
    body = trace_request().SerializeToString()
    async with running_collector() as collector, RawConnection(collector.url) as connection:
        collector.recorder.gate.clear()
        await connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await collector.recorder.entered.wait()
        stopping = asyncio.create_task(collector.service.shutdown())
        collector.recorder.gate.set()
        assert (await connection.answer()).status == 200
        await stopping
    assert len(collector.batches) == 1


# Conservation

OUTCOMES = st.builds(Receipt, st.integers(0, 1)) | st.builds(
    lambda kind: kind("x"), st.sampled_from([RetryableError, PermanentError, WireError, ValueError])
)


@given(st.lists(st.tuples(OUTCOMES, st.sampled_from(Signal), st.booleans()), max_size=8))
def test_what_is_received_is_accepted_or_refused(exchanges):
    recorder, host = Recorder(), StandInHost()
    exchange = HTTPExchange(HTTPConfig(), Intake(dict.fromkeys(Signal, recorder), None, host, "http"))
    received = dict.fromkeys(Signal, 0)

    async def play():
        for outcome, signal, broken in exchanges:
            recorder.answer = outcome
            request, items = REQUESTS[signal]
            body = Chunks(b"\x0a\xff" if broken else request.SerializeToString())
            received[signal] += 0 if broken else items
            await exchange.answer(signal, "POST", {"content-type": PROTOBUF}, body)

    asyncio.run(play())
    for signal, name in ITEM_NAMES.items():
        accepted = host.counters.total(f"otelcol_receiver_accepted_{name}")
        refused = host.counters.total(f"otelcol_receiver_refused_{name}")
        assert accepted + refused == received[signal]
    assert host.counters.total("otelcol_receiver_requests") == len(exchanges)

"""How long after its acknowledgement a span is seen: in the live stream, and in a query.

One reader follows the stream while SENDERS post requests of one span with random pauses. The
time is from the last byte of the answer to the event that has the span, negative when the
event came first. A query is one by trace id, asked as soon as the answer is there; it must find
the trace the first time.
"""

from __future__ import annotations

import json
import random
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import urllib3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.gateway import RunningGateway, running_gateway

TITLE = "visible after the acknowledgement"
ITEM = "span"
UNIT, SCALE = "ms of wall time", 1e3
SPANS = 200
SENDERS = 8
PAUSE_S_MAX = 0.2
PERMISSIONS = "write:traces,read:traces"

T = TypeVar("T")
_http = urllib3.PoolManager(maxsize=SENDERS + 1)


def _live() -> list[float]:
    with running_gateway(PERMISSIONS) as gateway:
        stream = _http.request(
            "GET", f"{gateway.url}/api/v1/live", headers=gateway.authorization, preload_content=False
        )
        seen_s: dict[str, float] = {}
        reader = threading.Thread(target=_read_until_all_are_seen, args=(stream, seen_s))
        reader.start()
        acknowledged_s = dict(_senders(lambda: (_post_span(gateway), time.monotonic())))
        reader.join()
        stream.close()
    return [seen_s[trace_id] - moment_s for trace_id, moment_s in acknowledged_s.items()]


def _read_until_all_are_seen(stream: urllib3.BaseHTTPResponse, seen_s: dict[str, float]) -> None:
    text = b""
    while len(seen_s) < SPANS:
        text += stream.read1()
        now_s = time.monotonic()
        *lines, text = text.split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                spans = json.loads(line.removeprefix(b"data: "))["spans"]
                seen_s |= {span["trace_id"]: now_s for span in spans}


def _query() -> list[float]:
    with running_gateway(PERMISSIONS) as gateway:
        return _senders(lambda: _find(gateway, _post_span(gateway)))


def _find(gateway: RunningGateway, trace_id: str) -> float:
    asked_s = time.monotonic()
    answer = _http.request("GET", f"{gateway.url}/api/v1/traces/{trace_id}", headers=gateway.authorization)
    assert answer.status == 200, answer.data
    return time.monotonic() - asked_s


def _senders(send: Callable[[], T]) -> list[T]:
    """What SPANS calls of `send` return, made from SENDERS threads with random pauses."""

    def pause_and_send(_: int) -> T:
        time.sleep(random.uniform(0, PAUSE_S_MAX))
        return send()

    with ThreadPoolExecutor(SENDERS) as executor:
        return list(executor.map(pause_and_send, range(SPANS)))


def _post_span(gateway: RunningGateway) -> str:
    """The id of a new trace, which is acknowledged."""
    trace_id, now = random.randbytes(16), time.time_ns()
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=trace_id,
        span_id=random.randbytes(8),
        name="work",
        start_time_unix_nano=now - 1000,
        end_time_unix_nano=now,
    )
    headers = {**gateway.authorization, "Content-Type": "application/x-protobuf"}
    body = request.SerializeToString()
    answer = _http.request("POST", f"{gateway.url}/v1/traces", body=body, headers=headers)
    assert answer.status == 200, answer.data
    return trace_id.hex()


def _percentile(measure: Callable[[], list[float]], percent: int) -> Callable[[], float]:
    return lambda: statistics.quantiles(measure(), n=100)[percent - 1]


PEERS: dict[str, Callable[[], float]] = {
    "in the live stream, p99": _percentile(_live, 99),
    "in the live stream, p50": _percentile(_live, 50),
    "in a query by trace id, p99": _percentile(_query, 99),
    "in a query by trace id, p50": _percentile(_query, 50),
}

"""kill -9 of the gateway during ingest: every acknowledged item of every signal is there exactly once."""

import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from helpers.gateway import Gateway
from helpers.requests import OTLP, TraceRequest
from tollspan.otlp.signals import Signal

ROUNDS = 50
ITEMS = 20
PERMISSIONS = "write:traces,write:metrics,write:logs,read:traces,read:metrics,read:logs"
SENDERS = (*Signal, *Signal)
PAUSE_S = 0.05


def build_traces() -> tuple[str, bytes]:
    request = TraceRequest(ITEMS)
    return request.trace_id.hex(), request.wire


def build_logs() -> tuple[str, bytes]:
    trace_id, request = os.urandom(16), ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number in range(ITEMS):
        records.add(time_unix_nano=time.time_ns() + number, trace_id=trace_id)
    return trace_id.hex(), request.SerializeToString()


def build_metrics() -> tuple[str, bytes]:
    name, request = f"load.{os.urandom(16).hex()}", ExportMetricsServiceRequest()
    points = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name).gauge.data_points
    for number in range(ITEMS):
        points.add(time_unix_nano=time.time_ns() + number, as_int=number)
    return name, request.SerializeToString()


BUILD = {Signal.TRACES: build_traces, Signal.LOGS: build_logs, Signal.METRICS: build_metrics}


class Sender(threading.Thread):
    """Sends one request after another and, like an exporter, the same bytes again until acknowledged."""

    def __init__(self, signal: Signal, url: str, headers: dict[str, str], stop: threading.Event) -> None:
        super().__init__()
        self.signal = signal
        self.acknowledged: list[str] = []
        self.resent = 0
        self._url, self._headers, self._closing = url, headers | OTLP, stop

    def run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as http_client:
            while not self._closing.is_set():
                name, wire = BUILD[self.signal]()
                while not self._send(http_client, wire):
                    self.resent += 1
                    time.sleep(PAUSE_S)
                self.acknowledged.append(name)
                time.sleep(PAUSE_S)

    def _send(self, http_client: httpx.Client, wire: bytes) -> bool:
        try:
            answer = http_client.post(self.signal.path, content=wire, headers=self._headers)
        except httpx.TransportError:
            return False
        assert answer.status_code in {200, 503}, answer.text
        return answer.status_code == 200


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def sending(gateway: Gateway, headers: dict[str, str]):
    """Senders of every signal, until the block ends and the gateway has taken what they have begun."""
    stop = threading.Event()
    senders = [Sender(signal, gateway.url, headers, stop) for signal in SENDERS]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        stop.set()
        for sender in senders:
            sender.join(60)


@pytest.mark.timeout(900)
def test_every_acknowledged_item_survives_fifty_kills_exactly_once(tmp_path):
    dice = random.Random(20)
    with Gateway(tmp_path / "data") as gateway:
        headers = api_key(gateway)
        address = urlsplit(gateway.url).netloc
        with sending(gateway, headers) as senders:
            for _ in range(ROUNDS):
                before = [len(sender.acknowledged) for sender in senders]
                wait_for(lambda before=before: all(map(has_grown, senders, before)))
                time.sleep(dice.random() * 0.1)
                gateway.kill()
                gateway.start(address)

        assert sum(sender.resent for sender in senders) > 0
        assert read_faults(gateway, senders, headers) == []


def test_a_stop_under_load_loses_nothing_that_was_acknowledged(tmp_path):
    """SIGTERM: it drains, ends with 0, and whoever was not answered 200 sends again."""
    with Gateway(tmp_path / "data") as gateway:
        headers = api_key(gateway)
        address = urlsplit(gateway.url).netloc
        with sending(gateway, headers) as senders:
            for _ in range(2):
                before = [len(sender.acknowledged) for sender in senders]
                wait_for(lambda before=before: all(map(has_grown, senders, before)))
                assert gateway.stop() == 0
                gateway.start(address)

        assert read_faults(gateway, senders, headers) == []
        assert '"level": "error"' not in gateway.log


def has_grown(sender: Sender, before: int) -> bool:
    return len(sender.acknowledged) > before or not sender.is_alive()


def api_key(gateway: Gateway) -> dict[str, str]:
    return {"X-API-Key": gateway.create_credential("sender", PERMISSIONS, kind="api_key")["api_key"]}


def read_faults(gateway: Gateway, senders: list[Sender], headers: dict[str, str]) -> list[str]:
    """What is not there as often as it was sent: by way of each signal's list."""
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=60) as http_client:
        found = {
            Signal.TRACES: count_pages(http_client, "/api/v1/traces", 500, lambda trace: trace["spans"]),
            Signal.LOGS: count_pages(http_client, "/api/v1/logs", 1000, lambda record: 1),
            Signal.METRICS: {
                metric["name"]: metric["points"]
                for metric in http_client.get("/api/v1/metrics", params={"limit": 10_000}).json()["data"]
            },
        }
    return [
        f"{sender.signal.value} {name}: {found[sender.signal].get(name)}"
        for sender in senders
        for name in sender.acknowledged
        if found[sender.signal].get(name) != ITEMS
    ]


def count_pages(http_client: httpx.Client, path: str, limit: int, items: Callable) -> dict[str, int]:
    counts: dict[str, int] = {}
    cursor: str | None = ""
    while cursor is not None:
        parameters = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
        page = http_client.get(path, params=parameters).json()
        for entry in page["data"]:
            counts[entry["trace_id"]] = counts.get(entry["trace_id"], 0) + items(entry)
        cursor = page["next_cursor"]
    return counts

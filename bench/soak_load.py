"""What a gateway has to do in a soak: all signals and transports, tokens that run out, a watcher, questions.

Every task is a thread that does one thing again and again until it is told to stop.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import urllib3
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan.otlp.signals import Signal

ITEMS = 40
SERVICES = ("web", "orders", "payments", "mail")
TOKEN_LIFETIME_S = 30
QUESTIONS = ("/api/v1/traces", "/api/v1/services/red", "/api/v1/logs", "/api/v1/metrics", "/api/v1/status")
GRPC_METHODS = {
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}


def build_request(signal: Signal, dice: random.Random) -> bytes:
    """A request of ITEMS items of one service, of this moment."""
    now = time.time_ns()
    unit = f"customer-{dice.randrange(500):04}"
    request: ExportTraceServiceRequest | ExportMetricsServiceRequest | ExportLogsServiceRequest
    match signal:
        case Signal.TRACES:
            request = ExportTraceServiceRequest()
            entry = request.resource_spans.add()
            spans = entry.scope_spans.add().spans
            for number in range(ITEMS):
                span = spans.add(name=f"GET /orders/{number % 7}", kind=2, trace_id=dice.randbytes(16))
                span.span_id, span.end_time_unix_nano = dice.randbytes(8), now
                span.start_time_unix_nano = now - number * 10**6
                span.attributes.add(key="tollspan.unit").value.string_value = unit
                span.attributes.add(key="url.path").value.string_value = f"/orders/{dice.getrandbits(40)}"
        case Signal.METRICS:
            request = ExportMetricsServiceRequest()
            entry = request.resource_metrics.add()
            metric = entry.scope_metrics.add().metrics.add(name="queue.length")
            for number in range(ITEMS):
                point = metric.gauge.data_points.add(time_unix_nano=now, as_int=dice.randrange(1000))
                point.attributes.add(key="queue").value.string_value = f"queue-{number}"
        case Signal.LOGS:
            request = ExportLogsServiceRequest()
            entry = request.resource_logs.add()
            records = entry.scope_logs.add().log_records
            for number in range(ITEMS):
                record = records.add(time_unix_nano=now - number * 10**6, severity_number=9)
                record.body.string_value = f"order {dice.getrandbits(40)} was paid"
                record.attributes.add(key="tollspan.unit").value.string_value = unit
    entry.resource.attributes.add(key="service.name").value.string_value = dice.choice(SERVICES)
    return request.SerializeToString()


@dataclass
class Load:
    """A gateway under load; `acknowledged` items by signal, `counts` of everything else."""

    http: str
    grpc: str
    client_id: str
    client_secret: str
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=32, retries=False))
    acknowledged: Counter[Signal] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._token, self._token_until_s = "", 0.0
        self._threads: list[threading.Thread] = []

    def start(self, senders: int, interval_s: float) -> None:
        """For each signal so many send over HTTP and one over gRPC, each every `interval_s`."""
        for number, signal in itertools.product(range(senders), Signal):
            self._repeat(self._http_sender(signal, number), interval_s)
        for signal in Signal:
            self._repeat(self._grpc_sender(signal), interval_s)
        questions = itertools.cycle(QUESTIONS)
        self._repeat(lambda: self._ask(next(questions)), 1.0)
        self._repeat(self._fail_to_authenticate, 1.0)
        self._repeat(self._watch, 0.1)

    def stop(self) -> None:
        """Every thread has ended."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def authorization(self) -> str:
        """With an access token that holds for some seconds more."""
        with self._lock:
            if time.monotonic() > self._token_until_s:
                headers = urllib3.make_headers(basic_auth=f"{self.client_id}:{self.client_secret}")
                fields = {"grant_type": "client_credentials"}
                answer = self.pool.request_encode_body(
                    "POST", f"{self.http}/token", fields, headers, encode_multipart=False
                )
                self._token = answer.json()["access_token"]
                self._token_until_s = time.monotonic() + TOKEN_LIFETIME_S - 10
                self.counts["tokens"] += 1
            return f"Bearer {self._token}"

    def _repeat(self, act: Callable[[], None], interval_s: float) -> None:
        def run() -> None:
            while not self._stop.is_set():
                try:
                    act()
                except Exception as error:
                    self.faults.append(repr(error))
                self._stop.wait(interval_s)

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)

    def _http_sender(self, signal: Signal, seed: int) -> Callable[[], None]:
        dice = random.Random(f"{signal} {seed}")

        def send() -> None:
            wire = build_request(signal, dice)
            headers = {"Authorization": self.authorization(), "Content-Type": "application/x-protobuf"}
            started = time.perf_counter()
            answer = self.pool.request("POST", f"{self.http}{signal.path}", body=wire, headers=headers)
            self._acknowledge(signal, started, answer.status == 200)

        return send

    def _grpc_sender(self, signal: Signal) -> Callable[[], None]:
        dice = random.Random(f"{signal} over gRPC")
        call = grpc.insecure_channel(self.grpc.removeprefix("http://")).unary_unary(GRPC_METHODS[signal])

        def send() -> None:
            wire = build_request(signal, dice)
            metadata = (("authorization", self.authorization()),)
            started = time.perf_counter()
            call(wire, metadata=metadata, timeout=30)
            self._acknowledge(signal, started, sound=True)

        return send

    def _acknowledge(self, signal: Signal, started: float, sound: bool) -> None:
        with self._lock:
            self.latencies_s.append(time.perf_counter() - started)
            if sound:
                self.acknowledged[signal] += ITEMS
            else:
                self.faults.append(f"a request of {signal.value} was refused")

    def _ask(self, path: str) -> None:
        headers = {"Authorization": self.authorization()}
        answer = self.pool.request("GET", f"{self.http}{path}", headers=headers)
        assert answer.status == 200, (path, answer.status, answer.data[:200])
        self.counts["questions"] += 1

    def _fail_to_authenticate(self) -> None:
        headers = {"Authorization": "Bearer not-a-token", "Content-Type": "application/x-protobuf"}
        answer = self.pool.request("POST", f"{self.http}/v1/traces", body=b"\n\0", headers=headers)
        assert answer.status in {401, 429}, answer.status
        self.counts["failed authentications"] += 1

    def _watch(self) -> None:
        """Follow the live stream for a while; a gateway ends it when its token has run out."""
        headers = {"Authorization": self.authorization()}
        stream = self.pool.request("GET", f"{self.http}/api/v1/live", headers=headers, preload_content=False)
        try:
            for line in stream:
                self.counts["live events"] += line.startswith(b"data:")
                if self._stop.is_set():
                    return
        finally:
            stream.close()


def read_ledger(load: Load) -> dict[str, Any]:
    """What the gateway says became of everything, by signal."""
    headers = {"Authorization": load.authorization()}
    answer: dict[str, Any] = load.pool.request("GET", f"{load.http}/api/v1/status", headers=headers).json()
    return answer

"""A destination and identity provider on a real socket, which answers as a test tells it to."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from urllib3.util.wait import wait_for_read

PROTOBUF = {"Content-Type": "application/x-protobuf"}


@dataclass(frozen=True)
class Answer:
    """What the peer does with one export request; `stores` says whether it keeps the spans."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: PROTOBUF)
    stores: bool = False


TAKEN = Answer(stores=True)


def partial(rejected: int, message: str = "no thanks") -> Answer:
    success = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    return Answer(body=ExportTraceServiceResponse(partial_success=success).SerializeToString(), stores=True)


def reset_connection(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection instead of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Send a head that never ends, slowly, as long as anyone listens."""
    handler.close_connection = True
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not wait_for_read(handler.connection, 0.01):
            handler.wfile.write(b"x")
    except OSError:
        pass


def endless(bytes_sent: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer 200 with a body of that many bytes, as far as anyone reads it."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-protobuf")
        handler.send_header("Content-Length", str(bytes_sent))
        handler.end_headers()
        chunk = bytes(1 << 20)
        try:
            for _ in range(bytes_sent // len(chunk)):
                handler.wfile.write(chunk)
        except OSError:
            handler.close_connection = True

    return answer


def truncated(handler: BaseHTTPRequestHandler) -> None:
    """Promise a longer answer than comes, then break off."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/x-protobuf")
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"\n")
    handler.close_connection = True


@dataclass(frozen=True)
class Export:
    """One export request, decoded by the official library, and what became of it."""

    headers: dict[str, str]
    request: Any
    stored: bool

    @property
    def spans(self) -> list[Span]:
        return _spans(self.request)

    @property
    def log_records(self) -> list[LogRecord]:
        scopes = (scope for resource in self.request.resource_logs for scope in resource.scope_logs)
        return [record for scope in scopes for record in scope.log_records]

    @property
    def metrics(self) -> list[Metric]:
        scopes = (scope for resource in self.request.resource_metrics for scope in resource.scope_metrics)
        return [metric for scope in scopes for metric in scope.metrics]


REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


def _spans(request: Any) -> list[Span]:
    scopes = (scope for resource in request.resource_spans for scope in resource.scope_spans)
    return [span for scope in scopes for span in scope.spans]


class OTLPPeer:
    """`answers` are used up one per export request; then everything is taken, as far as `spans_max` allows
    and unless a span is called `refused_name`.

    With `token_lifetime_s` an access token from `/token` is needed, which lives that long.
    """

    def __init__(
        self, token_lifetime_s: float | None = None, tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self.answers: deque[Answer | Callable[[BaseHTTPRequestHandler], None]] = deque()
        self.always: Answer | Callable[[BaseHTTPRequestHandler], None] = TAKEN
        self.spans_max: int | None = None
        self.refused_name: str | None = None
        self.token_answers: deque[Answer] = deque()
        self.metadata_answers: deque[Answer] = deque()
        self.metadata: dict[str, object] | None = None
        self.token_lifetime_s = token_lifetime_s
        self.tokens: dict[str, float] = {}
        self.exports: list[Export] = []
        self.metric_exports: list[Export] = []
        self.log_exports: list[Export] = []
        self.token_requests: list[tuple[dict[str, str], str]] = []
        self.paths: list[str] = []
        self.connections: set[int] = set()
        self.arrived = threading.Condition()
        self.release = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self), bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.server_bind()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self.url = f"https://localhost:{self.port}"

    def start(self) -> None:
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the peer stops."""
        self.release.wait()
        handler.close_connection = True

    @property
    def stored(self) -> Counter[str]:
        """How often each span, by its name, was stored."""
        with self.arrived:
            return Counter(span.name for export in self.exports if export.stored for span in export.spans)

    @property
    def logged(self) -> Counter[str]:
        """How often each log record, by its body, was stored."""
        with self.arrived:
            stored = [export for export in self.log_exports if export.stored]
            return Counter(record.body.string_value for export in stored for record in export.log_records)

    @property
    def measured(self) -> dict[str, list[Metric]]:
        """Each metric that was stored, by its name and in order."""
        with self.arrived:
            metrics = [metric for export in self.metric_exports if export.stored for metric in export.metrics]
        return {name: [m for m in metrics if m.name == name] for name in {m.name for m in metrics}}

    def wait(self, condition: Callable[[], bool], timeout_s: float = 20) -> None:
        """Return when `condition`, which each request may change, holds."""
        with self.arrived:
            assert self.arrived.wait_for(condition, timeout_s)

    def knows(self, authorization: str | None) -> bool:
        kind, _, token = (authorization or "").partition(" ")
        return kind == "Bearer" and time.monotonic() < self.tokens.get(token, 0.0)


@contextmanager
def running_peer(
    token_lifetime_s: float | None = None, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[OTLPPeer]:
    peer = OTLPPeer(token_lifetime_s, tls, port)
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()


def _json(document: dict[str, object]) -> Answer:
    return Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


def _handler(peer: OTLPPeer) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a class with two routes
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            peer.paths.append(self.path)
            if peer.metadata_answers:
                self._answer(peer.metadata_answers.popleft())
            else:
                self._answer(Answer(404) if peer.metadata is None else _json(peer.metadata))

        def do_POST(self) -> None:
            peer.paths.append(self.path)
            peer.connections.add(self.client_address[1])
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path[self.path.find("/v1/") :] in REQUESTS:
                self._export(body)
            else:
                self._token(body)

        def _export(self, body: bytes) -> None:
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            with peer.arrived:
                answer = peer.answers.popleft() if peer.answers else peer.always
                if peer.token_lifetime_s is not None and not peer.knows(self.headers["Authorization"]):
                    answer = Answer(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
                path = self.path[self.path.find("/v1/") :]
                request = REQUESTS[path].FromString(body)
                spans = _spans(request) if path == "/v1/traces" else []
                if peer.spans_max is not None and len(spans) > peer.spans_max:
                    answer = Answer(413)
                if peer.refused_name in {span.name for span in spans}:
                    answer = Answer(400)
                stores = isinstance(answer, Answer) and answer.stores
                exports = {"/v1/metrics": peer.metric_exports, "/v1/logs": peer.log_exports}
                exports.get(path, peer.exports).append(Export(self._lower_headers(), request, stores))
                peer.arrived.notify_all()
            if isinstance(answer, Answer):
                self._answer(answer)
            else:
                answer(self)

        def _token(self, body: bytes) -> None:
            with peer.arrived:
                peer.token_requests.append((self._lower_headers(), body.decode()))
                token = f"access-token-{len(peer.token_requests)}"
                answer = peer.token_answers.popleft() if peer.token_answers else None
                lifetime_s = peer.token_lifetime_s or 3600.0
                if answer is None:
                    peer.tokens[token] = time.monotonic() + lifetime_s
                peer.arrived.notify_all()
            document = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime_s}
            self._answer(answer or _json(document))

        def _answer(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, text in answer.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def _lower_headers(self) -> dict[str, str]:
            return {name.lower(): text for name, text in self.headers.items()}

        def log_message(self, *args: object) -> None:
            pass

    return Handler

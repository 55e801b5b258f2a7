"""An OTLP/gRPC destination on a real socket, which answers as a test tells it to."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Refusal:
    """A status that is not OK; `retry_s` asks for a wait, as google.rpc.RetryInfo."""

    code: grpc.StatusCode
    message: str = "no"
    retry_s: float | None = None

    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        if self.retry_s is None:
            return ()
        detail = Any()
        detail.Pack(RetryInfo(retry_delay=Duration(nanos=int(self.retry_s * 1e9))))
        status = Status(code=self.code.value[0], message=self.message, details=[detail])
        return (("grpc-status-details-bin", status.SerializeToString()),)


class GRPCPeer:
    """`answers` are used up one per call; then everything is taken. `metadata` is of each call."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.answers: deque[Refusal | ExportTraceServiceResponse] = deque()
        self.accepts: Callable[[dict[str, str]], bool] = lambda _: True
        self.metadata: list[dict[str, str]] = []
        self.stored: Counter[str] = Counter()
        self._server = grpc.server(ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(
            self._export, ExportTraceServiceRequest.FromString, ExportTraceServiceResponse.SerializeToString
        )
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
        )
        if credentials is None:
            self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        else:
            self.url = f"https://localhost:{self._server.add_secure_port('localhost:0', credentials)}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()

    def _export(
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        self.metadata.append(dict(context.invocation_metadata()))
        answer = self.answers.popleft() if self.answers else ExportTraceServiceResponse()
        if not self.accepts(self.metadata[-1]):
            answer = Refusal(grpc.StatusCode.UNAUTHENTICATED)
        if isinstance(answer, Refusal):
            context.set_trailing_metadata(answer.trailers())
            context.abort(answer.code, answer.message)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.stored.update(span.name for span in scope.spans)
        return answer


@contextmanager
def running_grpc_peer(credentials: grpc.ServerCredentials | None = None) -> Iterator[GRPCPeer]:
    peer = GRPCPeer(credentials)
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()

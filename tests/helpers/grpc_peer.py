"""An OTLP/gRPC destination on a real socket, which answers as a test tells it to."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field

import grpc
import grpc.aio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan.otlp.grpc_exchange import SERVICES


@dataclass
class GRPCPeer:
    """`faults` (status code, message, trailers) are used up one per call; then everything is taken."""

    faults: deque = field(default_factory=deque)
    answer: bytes = b""
    calls: list = field(default_factory=list)
    names: list = field(default_factory=list)
    arrival: asyncio.Condition = field(default_factory=asyncio.Condition)
    tokens: set | None = None

    async def export(self, wire, context):
        metadata = dict(context.invocation_metadata())
        async with self.arrival:
            self.calls.append(metadata)
            self.arrival.notify_all()
        if self.tokens is not None and metadata.get("authorization") not in self.tokens:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
        if self.faults:
            code, message, trailers = self.faults.popleft()
            await context.abort(code, message, trailers)
        request = ExportTraceServiceRequest.FromString(wire)
        async with self.arrival:
            self.names += [s.name for r in request.resource_spans for c in r.scope_spans for s in c.spans]
            self.arrival.notify_all()
        return self.answer

    async def wait_until(self, holds):
        async with asyncio.timeout(20), self.arrival:
            await self.arrival.wait_for(holds)


@contextlib.asynccontextmanager
async def running_grpc_peer(credentials=None, message_bytes_max=4 << 20):
    """The peer, with `url` (`host:port`) set."""
    peer = GRPCPeer()
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", message_bytes_max)])
    for service in SERVICES.values():
        handlers = {"Export": grpc.unary_unary_rpc_method_handler(peer.export)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    peer.url = f"{'localhost' if credentials else '127.0.0.1'}:{port}"
    try:
        yield peer
    finally:
        await server.stop(None)

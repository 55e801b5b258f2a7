"""The component: puts the protocols on their listeners and hands on what comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tollspan.collector.component import Consumer, Factory, Host, Kind, Receipt
from tollspan.collector.events import ReceiverEvents, Refusal
from tollspan.collector.grpc_call import Call, Reply, build_refusal
from tollspan.collector.http_body import ASGIBody, read_body
from tollspan.collector.http_server import read_headers, send_response
from tollspan.collector.receivers.jaeger.config import GRPCConfig, JaegerConfig, ThriftHTTPConfig
from tollspan.collector.receivers.jaeger.model import Span
from tollspan.collector.receivers.jaeger.protobuf import read_post_spans
from tollspan.collector.receivers.jaeger.thrift import read_batch
from tollspan.collector.receivers.jaeger.translation import build_request
from tollspan.errors import LimitError, PermanentError, RetryableError, TollspanError, WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.content_coding import decompress
from tollspan.otlp.http_exchange import HTTPProblem, HTTPResponse
from tollspan.otlp.signals import Signal

SERVICE = "jaeger.api_v2.CollectorService"
PATH = "/api/traces"
READ_TIMEOUT_S = 60.0

_THRIFT_TYPES = frozenset({"application/x-thrift", "application/vnd.apache.thrift.binary"})


class JaegerReceiver:
    """Serves each configured protocol; the service starts and stops the listeners."""

    def __init__(self, config: JaegerConfig, consumers: Mapping[Signal, Consumer]) -> None:
        self._protocols = config.protocols
        self._consumer = consumers[Signal.TRACES]

    async def start(self, host: Host) -> None:
        """The path and the service are on the listeners of their endpoints."""
        if self._protocols.thrift_http is not None:
            self._start_thrift_http(self._protocols.thrift_http, host)
        if self._protocols.grpc is not None:
            self._start_grpc(self._protocols.grpc, host)

    async def shutdown(self) -> None:
        """Nothing is left to do: requests in flight ended with their listener."""

    def _start_thrift_http(self, config: ThriftHTTPConfig, host: Host) -> None:
        server = host.http_server(config.endpoint)
        server.require_tls(config.tls)
        intake = Intake(self._consumer, ReceiverEvents(host.counters, host.component_id, "http"))
        server.add_routes([Route(PATH, _ThriftEndpoint(config, intake))])

    def _start_grpc(self, config: GRPCConfig, host: Host) -> None:
        async def post_spans(call: Call) -> Reply:
            try:
                message = await call.read_message(READ_TIMEOUT_S)
            except TollspanError as error:
                return build_refusal(error)
            refusal = await intake.deliver(read_post_spans, message)
            return Reply() if refusal is None else build_refusal(refusal)

        server = host.grpc_server(config.endpoint)
        server.require_tls(config.tls)
        intake = Intake(self._consumer, ReceiverEvents(host.counters, host.component_id, "grpc"))
        server.add_service(SERVICE, {"PostSpans": post_spans}, message_bytes_max=config.message_mib_max << 20)


class Intake:
    """The way in that both protocols share."""

    def __init__(self, consumer: Consumer, events: ReceiverEvents) -> None:
        self._consumer = consumer
        self._events = events

    async def deliver(self, read: Callable[[bytes], list[Span]], body: bytes) -> TollspanError | None:
        """The pipeline has what `read` finds in `body`, or the error to answer with; either is counted."""
        items = 0
        try:
            spans = read(body)
            good = [span for span in spans if span.identified]
            items = len(spans)
            if spans and not good:
                raise WireError("the spans have no ids")
            receipt = Receipt()
            if good:
                receipt = await self._consumer.consume(Batch(Signal.TRACES, build_request(good), len(good)))
            rejected = receipt.rejected + len(spans) - len(good)
            self._events.accepted(Signal.TRACES, items, rejected, receipt.reason or "spans without ids")
        except (WireError, LimitError, PermanentError) as error:
            return self._refuse(Refusal.MALFORMED, error, items)
        except TollspanError as error:
            return self._refuse(Refusal.UNAVAILABLE, RetryableError(str(error)), items)
        except Exception as error:
            # Data must not be lost to our own mistakes: the client is asked to send it again.
            self._events.refused(Signal.TRACES, Refusal.DEFECT, str(error), items, defect=error)
            return RetryableError("internal error")
        return None

    def _refuse(self, reason: Refusal, error: TollspanError, items: int) -> TollspanError:
        self._events.refused(Signal.TRACES, reason, str(error), items)
        return error


class _ThriftEndpoint:
    """`/api/traces`: 202 when the batch was taken, as Jaeger's clients expect it."""

    def __init__(self, config: ThriftHTTPConfig, intake: Intake) -> None:
        self._config = config
        self._intake = intake

    async def __call__(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, text = await self._answer(asgi_scope["method"], read_headers(asgi_scope), receive)
        except HTTPProblem as problem:
            status, text = problem.status, problem.message
        except LimitError as error:
            status, text = 413, str(error)
        except WireError as error:
            status, text = 400, str(error)
        except ClientDisconnect:
            return
        await send_response(send, HTTPResponse(status, {"Content-Type": "text/plain"}, text.encode()))

    async def _answer(self, method: str, headers: Mapping[str, str], receive: Receive) -> tuple[int, str]:
        if method != "POST":
            return 405, "spans are sent by POST"
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _THRIFT_TYPES:
            return 400, f"Unsupported content type: {media_type[:100]!r}"
        compression = headers.get("content-encoding", "identity").strip().lower()
        if compression not in {"identity", "gzip", "deflate"}:
            return 415, "unsupported Content-Encoding"
        bytes_max = self._config.body_bytes_max
        body = await read_body(ASGIBody(receive), None, bytes_max=bytes_max, timeout_s=READ_TIMEOUT_S)
        error = await self._intake.deliver(read_batch, decompress(body, compression, bytes_max))
        if error is None:
            return 202, ""
        status = 503 if isinstance(error, RetryableError) else 400
        return status, f"Cannot submit Jaeger batch: {error}"


FACTORY = Factory(
    kind=Kind.RECEIVER,
    type="jaeger",
    config=JaegerConfig,
    build=JaegerReceiver,
    signals=frozenset({Signal.TRACES}),
)
